// Copyright (c) 2026, The switchyard.cni developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// The stations of a packet on its way. The rules are tables; sources: RFC 7348 (VXLAN), RFC 2003 (IPIP), wireguard(4),
// flannel's pkg/backend/udp (flanneld carries the packets through a TUN device), Calico's documentation of its veths.
const OUT = { tunnel: ["source.gate", "source.tunnel", "source.nic"], node: ["source.gate", "source.nic"], local: ["source.gate"] };
const IN = {
  tunnel: ["target.nic", "target.tunnel", "target.gate", "target.pod"],
  node: ["target.nic", "target.gate", "target.pod"],
  local: ["target.pod"],
};

const START = { pod: ["source.pod"], node: ["source.host"], service: ["source.pod", "source.service"] };

// side.variant[/way[/kind of tunnel]] -> what happens there; the most exact key wins.
const TEXTS = {
  "source.pod": "A process in the pod sends the packet to {to}; the pod's default route leads to {next}.",
  "source.host": "A process on the node sends the packet to {to}; the node has {subnet} behind {next}.",
  "source.service": "kube-proxy's rules replace the service's address by the address of one of its pods.",
  "source.bridge/tunnel": "The node's routing table has {subnet} behind {next}.",
  "source.bridge/node": "The node's routing table has {subnet} via {outer}, out of {next}.",
  "source.bridge/local": "Both pods are ports of this bridge: it passes the frame on without a route.",
  "source.bridge": "The node takes the packet from its bridge.",
  "source.veth/tunnel": "The host's end of the pod's veth pair; the routing table has {subnet} behind {next}.",
  "source.veth/node": "The host's end of the pod's veth pair; the routing table has {subnet} via {outer}, out of {next}.",
  "source.veth/local": "The host's end of the pod's veth pair; the routing table has the other pod on its own veth.",
  "source.veth": "The host's end of the pod's veth pair.",
  "source.vxlan": "Neighbour and forwarding tables name the peer's device and its node, {outer}: the frame goes into a VXLAN packet, UDP port {port}.",
  "source.ipip": "An outer IPv4 header for {outer} is put before the packet (IP protocol 4).",
  "source.wireguard": "The packet is encrypted for the peer whose allowed IPs hold {to}, and goes to {outer}, UDP port {port}.",
  "source.tun": "flanneld itself reads the packet from this device and sends it to flanneld on {peer}, UDP port {port}.",
  "source.link": "The packet is wrapped for {outer}.",
  "source.nic": "The NIC sends it to {outer}{hop}.",
  "target.nic/tunnel": "The peer's NIC receives the outer packet; the kernel unwraps it for {next}.",
  "target.nic/tunnel/tun": "The peer's NIC receives the UDP packet; the kernel hands it to flanneld.",
  "target.nic/tunnel/wireguard": "The peer's NIC receives the UDP packet; the kernel decrypts it for {next}.",
  "target.nic": "The peer's NIC receives the packet as the pod sent it; the routing table has {subnet} on {next}.",
  "target.tun": "flanneld writes the packet to this device; the routing table has {subnet} on {next}.",
  "target.tunnel": "The packet comes out as the pod sent it; the routing table has {subnet} on {next}.",
  "target.bridge": "The bridge knows the pod's MAC address and passes the frame to its port.",
  "target.veth": "A host route leads to the host's end of the pod's veth pair.",
  "target.pod": "The pod receives the packet.",
};

const fill = (text, facts) => text.replace(/\{(\w+)\}/g, (match, key) => facts[key]);

/** The way between two nodes when no probe tells: the one that other pairs have. */
function usualWay(source, target) {
  if (source === target) return "local";
  return raw.usual[areNeighbours(source, target) ? "near" : "far"];
}

/** A path between two nodes that nobody probed, from a pod to a pod. */
function unprobed(source, target) {
  const somePod = (number) => ({ node: number, name: "", address: nodes[number].podCidrs[0] || "a pod" });
  return { kind: "pod", source: somePod(source), target: somePod(target), way: usualWay(source, target), hops: [], probed: false };
}

/** The way that the packets took; where no answer tells it, the one they should take. */
function wayOf(path) {
  if (path.target.node < 0) return "outside";
  if (path.way !== "none") return path.way;
  return path.expected === "any" ? usualWay(path.source.node, path.target.node) : path.expected;
}

function places(path, way) {
  if (way === "outside") return ["source.pod", "source.gate", "source.service"];
  const out = path.kind === "node" ? OUT[way].filter((place) => place !== "source.gate") : OUT[way];
  const arrive = path.kind === "node" && way === "local" ? ["target.gate", "target.pod"] : IN[way];
  return [...START[path.kind], ...out, ...arrive];
}

/** Device, address and MTU (bytes) of a station. */
function stationFacts(path, side, role) {
  const point = path[side];
  const node = nodes[point.node];
  if (role === "pod") return { variant: "pod", device: "eth0", address: point.address };
  if (role === "host") return { variant: "host", device: "the node itself", address: point.address };
  if (role === "service") return { variant: "service", device: path.target.name || "service", address: path.target.address };
  if (role === "nic") return { variant: "nic", ...node.nic, device: node.nic.device || "NIC" };
  if (role === "gate") return node.bridge ? { variant: "bridge", ...node.bridge } : { variant: "veth", device: "veth cali*", address: "" };
  const isSix = (address) => address.includes(":");
  const tunnel = node.tunnels.find((each) => isSix(each.address) === isSix(path.target.address)) || node.tunnels[0];
  if (!tunnel) return { variant: "link", device: "tunnel device", address: "" };
  return { variant: `source.${tunnel.kind}` in TEXTS ? tunnel.kind : "link", ...tunnel };
}

function stationText(station, way, tunnelKind, facts) {
  const keys = [`${station.side}.${station.variant}`, ...(station.role === "tunnel" ? [`${station.side}.tunnel`] : [])];
  const exact = keys.flatMap((key) => [`${key}/${way}/${tunnelKind}`, `${key}/${way}`, key]);
  return fill(TEXTS[exact.find((key) => key in TEXTS)] || "", facts);
}

/** The stations in the order a packet passes them. */
function stationsOf(path) {
  const way = wayOf(path);
  const stations = places(path, way).map((place) => {
    const [side, role] = place.split(".");
    return { side, role, node: path[side].node, ...stationFacts(path, side, role) };
  });
  const target = nodes[path.target.node];
  const tunnel = stations.find((station) => station.role === "tunnel");
  const near = target && areNeighbours(path.source.node, path.target.node);
  stations.forEach((station, at) => {
    const following = stations[at + 1];
    station.text = stationText(station, way, tunnel ? tunnel.variant : "", {
      to: path.target.address,
      next: following ? following.device : "",
      subnet: (target && target.podCidrs[0]) || "the peer's pod subnet",
      outer: (target && target.address) || "the peer",
      peer: target ? target.name : "",
      port: station.port || "unknown",
      hop: near ? ", its neighbour on the same layer 2" : ", through a router",
    });
  });
  markAnswers(path, stations);
  return stations;
}

/** Where the answers to TTL 1, 2, ... came from; behind the last answer a lost packet is silent. */
function markAnswers(path, stations) {
  let last = -1;
  stations.forEach((station, at) => {
    station.ttl = station.address ? path.hops.indexOf(station.address) + 1 : 0;
    if (station.ttl) last = at;
  });
  stations.forEach((station, at) => {
    station.silent = path.reachable === false && at > last;
  });
}

function stationElement(station, at, stations, row) {
  const across = station.side === "source" && stations[at + 1] && stations[at + 1].side === "target";
  const landing = station.side === "target" && stations[at - 1].side === "source";
  const classes = ["station", station.side, station.role, `row-${row}`];
  if (across) classes.push("across");
  if (landing) classes.push("landing");
  if (at + 1 === stations.length) classes.push("last");
  if (station.silent) classes.push("silent");
  const answer = station.ttl ? `answered to TTL ${station.ttl}` : station.silent ? "no answer from here on" : "";
  const isFirstSilent = station.silent && !(at > 0 && stations[at - 1].silent);
  return element("li", { class: classes.join(" ") },
    element("div", { class: "head" },
      element("span", { class: "step" }, at + 1 < stations.length ? String(at + 1) : station.silent ? "✕" : "✓"),
      element("span", { class: "device" }, station.role === "pod" ? `pod ${station.device}` : station.device),
      element("span", { class: "address" }, station.address),
      station.mtu ? element("span", { class: "mtu" }, `MTU ${station.mtu}`) : null),
    element("p", {}, station.text),
    answer && (station.ttl || isFirstSilent) ? element("span", { class: "answer" }, answer) : null);
}

const endText = (point) => {
  const port = point.port ? `:${point.port}` : "";
  const name = point.name || (nodes[point.node] ? nodes[point.node].name : "");
  return name ? `${name} (${point.address}${port})` : point.address + port;
};

/** What the probe says, in one sentence. */
function outcome(path) {
  if (path.probed === false) return ["info", `Not probed: this is the way of other pairs like this one (${WAY_NAMES[path.way]}).`];
  if (!path.reachable) return ["error", `Lost: ${path.error || "no answer"}. This is the way it should take.`];
  const facts = path.way === "none" ? [] : [WAY_NAMES[path.way]];
  if (path.way === "none" && path.target.node >= 0) facts.push("the hops do not tell its way");
  if (path.rtt !== null) facts.push(`${path.rtt.toFixed(2)} ms`);
  if (path.mtu !== null) facts.push(`packets of ${path.mtu} bytes pass`);
  if (isBroken(path)) return ["error", `Answers, but goes ${WAY_NAMES[path.way]} where ${WAY_NAMES[path.expected]} is expected.`];
  return ["ok", facts.length ? `Answers: ${facts.join(", ")}.` : "Answers."];
}

function hopsElement(path, stations) {
  if (!path.hops.length) return null;
  const parts = path.hops.flatMap((hop, at) => {
    const station = stations.find((each) => hop && each.address === hop);
    const name = hop ? (station ? ` ${station.device}${nodes[station.node] ? ` of ${nodes[station.node].name}` : ""}` : " a router") : "";
    return [at ? " → " : "", element("code", {}, hop || "no answer"), name];
  });
  return element("p", { class: "hops small soft" }, "Measured hops: ", ...parts);
}

function sideTitle(path, side) {
  const node = nodes[path[side].node];
  return element("li", { class: `side ${side}`, role: "presentation" }, node ? node.name : "",
    element("span", { class: "soft" }, node && path[side].name !== node.name ? ` ${path[side].name}` : ""));
}

/** The whole picture of one path. */
function wayElement(path) {
  const stations = stationsOf(path);
  const counts = { source: 0, target: 0 };
  for (const station of stations) counts[station.side] += 1;
  const rows = Math.max(counts.source, counts.target);
  const list = element("ol", { class: path.reachable === false ? "stations broken" : "stations" }, sideTitle(path, "source"));
  stations.forEach((station, at) => {
    const row = station.side === "source" ? 2 + rows - counts.source + at : 1 + rows - (at - counts.source);
    if (station.side === "target" && at === counts.source) list.append(sideTitle(path, "target"));
    list.append(stationElement(station, at, stations, row));
  });
  const [kind, text] = outcome(path);
  const sentence = element("p", { class: `outcome ${kind}` }, sign(kind), element("span", {}, text));
  return element("div", {}, sentence, list, hopsElement(path, stations));
}
