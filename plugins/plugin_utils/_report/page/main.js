// Copyright (c) 2026, The switchyard.cni developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// What is chosen: a node, and a pair with one of its paths. It is kept in the address, so that a view can be shared.
const LISTED_IN_SELECT = 400;
const SERVICES = "(services)"; // No node can have such a name.
const hasServices = paths.some((path) => path.target.node < 0);
const chosen = { node: null, from: null, to: null, path: 0 };

const nameOf = (number) => (number < 0 ? SERVICES : nodes[number].name);
const numberOf = (name) => (name === SERVICES && hasServices ? -1 : nodeNumbers.get(name));

/** A field for choosing a node: a list, or with very many nodes a field to type in. */
function nodeField(label, key) {
  const change = (event) => {
    const number = numberOf(event.target.value);
    if (number !== undefined) choosePair(key === "from" ? number : chosen.from, key === "to" ? number : chosen.to);
  };
  const attributes = { name: key, change };
  const names = nodes.map((node) => node.name).concat(key === "to" && hasServices ? [SERVICES] : []);
  const field = nodes.length <= LISTED_IN_SELECT
    ? element("select", attributes, ...names.map((name) => element("option", { value: name }, name)))
    : element("input", { ...attributes, list: `${key}-names`, focus: () => fillNames(`${key}-names`, names), autocomplete: "off" });
  return element("label", {}, label, field, element("datalist", { id: `${key}-names` }));
}

function fillNames(id, names) {
  const list = document.getElementById(id);
  if (!list.children.length) list.append(...names.map((value) => element("option", { value })));
}

function chooseNode(number) {
  chosen.node = chosen.node === number ? null : number;
  show();
}

function choosePair(from, to, path = 0) {
  Object.assign(chosen, { from, to, path });
  show();
}

/** A link stands for both directions: the broken one is shown. */
function chooseLink(one, other) {
  const isForward = probed(one, other).some(isBroken) || !probed(other, one).some(isBroken);
  choosePair(...(isForward ? [one, other] : [other, one]));
}

function showInPicture() {
  figures[chosen.node].scrollIntoView({ block: "center" });
}

function showWay() {
  const candidates = probed(chosen.from, chosen.to);
  const path = candidates[chosen.path] || (chosen.to < 0 ? null : unprobed(chosen.from, chosen.to));
  const buttons = candidates.map((candidate, at) => element("button",
    { type: "button", "aria-pressed": String(at === chosen.path), click: () => choosePair(chosen.from, chosen.to, at) },
    `${isBroken(candidate) ? "✕" : "✓"} ${endText(candidate.source)} → ${endText(candidate.target)}`));
  const content = [buttons.length > 1 ? element("div", { class: "probes" }, ...buttons) : null, path ? wayElement(path) : element("p", {}, "No service was probed from this node.")];
  document.getElementById("way-content").replaceChildren(...content.filter(Boolean));
  for (const key of ["from", "to"]) document.querySelector(`#way-choice [name=${key}]`).value = nameOf(chosen[key]);
}

function show() {
  const pair = chosen.from === null ? null : [chosen.from, chosen.to];
  drawLinks(chosen.node);
  markChosen(chosen.node, pair);
  showDetails(chosen.node, {
    from: (number) => choosePair(number, chosen.to),
    to: (number) => choosePair(chosen.from, number),
    findings: (name) => setFilter("node", name),
    close: () => chooseNode(chosen.node),
  });
  if (pair) showWay();
  const names = ["node", "from", "to"].filter((key) => chosen[key] !== null).map((key) => [key, nameOf(chosen[key])]);
  history.replaceState(null, "", `#${new URLSearchParams(names)}`);
}

/** What the address names, or else a path worth looking at: a broken one, one through a tunnel, any. */
function firstChoice() {
  const named = new URLSearchParams(location.hash.slice(1));
  const number = (key) => numberOf(named.get(key));
  if (number("node") >= 0) chosen.node = number("node");
  if (number("from") >= 0 && number("to") !== undefined) return [number("from"), number("to")];
  const between = paths.filter((path) => path.target.node >= 0 && path.source.node >= 0);
  const first = between.find(isBroken) || between.find((path) => path.way === "tunnel") || between.find((path) => path.way === "node") || between[0];
  if (first) return [first.source.node, first.target.node];
  return nodes.length ? [0, nodes.length > 1 ? 1 : 0] : [null, null];
}

function start() {
  document.documentElement.classList.replace("no-script", "has-script");
  prepareFindings();
  preparePicture(chooseNode, chooseLink);
  document.getElementById("way").hidden = nodes.length === 0;
  document.getElementById("way-choice").append(
    nodeField("From", "from"), nodeField("To", "to"),
    element("button", { type: "button", click: () => chosen.to >= 0 && choosePair(chosen.to, chosen.from) }, "Turn round"));
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".node-link");
    if (!link) return;
    event.preventDefault();
    chosen.node = Number(link.dataset.n);
    show();
    showInPicture();
  });
  [chosen.from, chosen.to] = firstChoice();
  show();
  if (chosen.node !== null) showInPicture();
}

start();
