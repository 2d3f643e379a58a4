// Copyright (c) 2026, The switchyard.cni developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Choosing nodes and links in the picture, by mouse and by keyboard.
const picture = document.getElementById("topology");
const isRing = picture.classList.contains("ring");
const figures = [];
for (const figure of picture.querySelectorAll(".node")) figures[Number(figure.dataset.n)] = figure;

const boxes = [];
for (const [number, figure] of figures.entries()) {
  const shape = figure.querySelector("rect");
  const move = figure.transform.baseVal.numberOfItems ? figure.transform.baseVal.getItem(0).matrix : { e: 0, f: 0 };
  const [width, height] = [shape.width.baseVal.value, shape.height.baseVal.value];
  boxes[number] = { x: move.e + shape.x.baseVal.value + width / 2, y: move.f + shape.y.baseVal.value + height / 2, width, height };
}

const svgElement = (name, attributes) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};

const overlay = svgElement("g", { id: "chosen-links" });
picture.append(overlay);

function prepareFigures() {
  figures.forEach((figure, number) => {
    figure.setAttribute("role", "button");
    figure.setAttribute("tabindex", number === 0 ? "0" : "-1");
    figure.setAttribute("aria-label", figure.querySelector("title").textContent);
  });
}

/** The nearest node in the direction of an arrow key. */
function nextInDirection(number, key) {
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  const here = boxes[number];
  let best = number;
  let least = Infinity;
  boxes.forEach((there, other) => {
    const along = (there.x - here.x) * dx + (there.y - here.y) * dy;
    const aside = Math.abs((there.x - here.x) * dy) + Math.abs((there.y - here.y) * dx);
    if (along > 1 && along + 3 * aside < least) [least, best] = [along + 3 * aside, other];
  });
  return best;
}

function moveFocus(from, to) {
  figures[from].setAttribute("tabindex", "-1");
  figures[to].setAttribute("tabindex", "0");
  figures[to].focus();
}

/** Where the line from a box's centre to a point outside leaves the box; _svg.py draws its links the same way. */
function border(box, [x, y]) {
  const [dx, dy] = [x - box.x, y - box.y];
  const scale = Math.min(1, dx ? box.width / 2 / Math.abs(dx) : 1, dy ? box.height / 2 / Math.abs(dy) : 1);
  return `${box.x + dx * scale} ${box.y + dy * scale}`;
}

const LINES = { tunnel: "tunnel", node: "direct", local: "local" };

/** In a grid, links of the chosen node to the nodes it was probed with are drawn; on a ring they are there already. */
function drawLinks(number) {
  overlay.replaceChildren();
  for (const figure of picture.querySelectorAll(".node.peer")) figure.classList.remove("peer");
  if (isRing || number === null) return;
  const seen = new Map();
  for (const path of pathsOf.get(number) || []) {
    const other = path.source.node === number ? path.target.node : path.source.node;
    if (other < 0 || other === number) continue;
    const kind = isBroken(path) ? "broken" : LINES[wayOf(path)];
    if (!seen.has(other) || kind === "broken") seen.set(other, kind);
  }
  for (const [other, kind] of seen) {
    const [a, b] = [boxes[number], boxes[other]];
    const control = [(a.x + b.x) / 2 + (a.y - b.y) * 0.12, (a.y + b.y) / 2 + (b.x - a.x) * 0.12];
    const d = `M${border(a, control)}Q${control.join(" ")} ${border(b, control)}`;
    const link = svgElement("g", { class: `link ${kind} of-chosen`, "data-a": number, "data-b": other });
    link.append(svgElement("path", { class: "tube", d }), svgElement("path", { class: "line", d }));
    overlay.append(link);
    figures[other].classList.add("peer");
  }
}

function markChosen(number, pair) {
  for (const figure of picture.querySelectorAll(".node.chosen")) figure.classList.remove("chosen");
  picture.classList.toggle("choosing", number !== null);
  if (number !== null) figures[number].classList.add("chosen");
  for (const link of picture.querySelectorAll(".link")) {
    const ends = [Number(link.dataset.a), Number(link.dataset.b)];
    link.classList.toggle("of-chosen", ends.includes(number));
    link.classList.toggle("pair", pair !== null && ends.includes(pair[0]) && ends.includes(pair[1]) && pair[0] !== pair[1]);
  }
}

function nodeFacts(node) {
  const isAsked = node.state === "verified";
  const device = (each) => [each.device, each.address, each.mtu ? `MTU ${each.mtu}` : ""].filter(Boolean).join(" ");
  const facts = [
    ["State", node.reason ? `${node.state}: ${node.reason}` : node.state],
    ["NIC", device(node.nic)],
    ["Layer 2", node.l2],
    ["Pod subnets", node.podCidrs.join(" ")],
    ["Bridge", node.bridge ? device(node.bridge) : ""],
    ...node.tunnels.map((tunnel) => [`Tunnel (${tunnel.kind || "unknown kind"})`, device(tunnel) + (tunnel.port ? ` port ${tunnel.port}` : "")]),
    ["Runs", isAsked ? node.network : ""],
    ["Routes to peers", isAsked && node.actual !== null ? `${node.actual} of ${node.expected}` : ""],
    ["Pods", isAsked && node.pods !== null ? String(node.pods) : ""],
  ];
  return facts.filter(([key, value]) => value);
}

/** The panel below the picture. */
function showDetails(number, actions) {
  const panel = document.getElementById("node-details");
  panel.hidden = number === null;
  if (number === null) return;
  const node = nodes[number];
  const found = node.counts.reduce((sum, count) => sum + count, 0);
  const mine = pathsOf.get(number) || [];
  const broken = mine.filter(isBroken).length;
  panel.replaceChildren(
    element("h3", {}, node.name),
    element("dl", {}, ...nodeFacts(node).concat([["Probed paths", mine.length ? `${mine.length}, ${broken} broken` : "none"]])
      .map(([key, value]) => element("div", {}, element("dt", {}, key), element("dd", {}, value)))),
    element("div", { class: "buttons" },
      element("button", { type: "button", click: () => actions.from(number) }, "Packets from here"),
      element("button", { type: "button", click: () => actions.to(number) }, "Packets to here"),
      found ? element("button", { type: "button", click: () => actions.findings(node.name) }, `Its findings (${found})`) : null,
      element("button", { type: "button", click: actions.close }, "Close")));
}

function preparePicture(onNode, onPair) {
  prepareFigures();
  picture.addEventListener("click", (event) => {
    const figure = event.target.closest(".node");
    const link = event.target.closest(".link");
    if (figure) onNode(Number(figure.dataset.n));
    else if (link) onPair(Number(link.dataset.a), Number(link.dataset.b));
  });
  picture.addEventListener("keydown", (event) => {
    const figure = event.target.closest(".node");
    if (!figure) return;
    const number = Number(figure.dataset.n);
    if (event.key === "Enter" || event.key === " ") onNode(number);
    else if (event.key.startsWith("Arrow")) moveFocus(number, nextInDirection(number, event.key));
    else return;
    event.preventDefault();
  });
}
