// Copyright (c) 2026, The switchyard.cni developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// The embedded rows as objects; the page's Python side is _data.py.
const raw = JSON.parse(document.getElementById("data").textContent);

const nodes = raw.nodes.map((row, number) => {
  const [name, state, reason, address, l2, [dev, mtu], podCidrs, bridge, tunnels, pods, network, [actual, expected], counts] = row;
  return {
    number, name, state, reason, address, l2, podCidrs, pods, network, actual, expected, counts,
    nic: { device: dev, address, mtu },
    bridge: bridge && { device: bridge[0], address: bridge[1], mtu: bridge[2] },
    tunnels: tunnels.map(([device, kind, mtu, address, port]) => ({ device, kind, mtu, address, port })),
  };
});

const nodeNumbers = new Map(nodes.map((node) => [node.name, node.number]));

const paths = raw.paths.map(([kind, source, target, way, expected, reachable, rtt, mtu, hops, error]) => ({
  kind: raw.kinds[kind],
  source: { node: source[0], name: raw.words[source[1]], address: raw.words[source[2]] },
  target: { node: target[0], name: raw.words[target[1]], address: raw.words[target[2]], port: target[3] },
  way: raw.classes[way],
  expected: raw.classes[expected],
  reachable: Boolean(reachable),
  rtt, mtu,
  hops: hops.map((hop) => raw.words[hop]),
  error: raw.words[error],
}));

const WAY_NAMES = { tunnel: "tunnel", node: "direct", local: "same node", any: "not told" };

const isBroken = (path) => !path.reachable || (path.way !== "none" && path.expected !== "any" && path.expected !== path.way);

// Node -> the paths that start or end there.
const pathsOf = new Map();
for (const path of paths) {
  for (const number of new Set([path.source.node, path.target.node])) {
    if (!pathsOf.has(number)) pathsOf.set(number, []);
    pathsOf.get(number).push(path);
  }
}

/** The probed paths from one node to another; broken ones first. */
function probed(source, target) {
  const found = (pathsOf.get(source) || []).filter((path) => path.source.node === source && path.target.node === target);
  return found.sort((one, other) => isBroken(other) - isBroken(one));
}

const areNeighbours = (one, other) => nodes[one].l2 !== "" && nodes[one].l2 === nodes[other].l2;

/** An element with attributes and children; texts can never become markup. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

const SIGNS = { error: "✕", warning: "!", info: "i", ok: "✓" };
const sign = (kind) => element("span", { class: `sign ${kind}`, "aria-hidden": "true" }, SIGNS[kind]);
