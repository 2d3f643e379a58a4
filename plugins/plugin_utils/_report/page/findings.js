// Copyright (c) 2026, The switchyard.cni developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Filtering the findings by severity, check and node.
const articles = [...document.querySelectorAll("#findings .finding")];
const filter = { severities: new Set(["error", "warning", "info"]), id: "", node: "" };

/** Findings that the page's text leaves out, for a filter that names their nodes. */
function unlistedItems(place, wanted) {
  const rows = (raw.unlisted[place] || []).filter((row) => row[4].some((number) => wanted.has(number))).slice(0, 50);
  return rows.map(([subject, expected, actual, hint, numbers]) => element("li", { class: "on-demand" },
    element("p", {}, numbers.slice(0, 10).map((number) => nodes[number].name).join(", "), ": ", element("span", { class: "subject" }, subject)),
    element("dl", {}, element("dt", {}, "expected"), element("dd", {}, expected), element("dt", {}, "found"), element("dd", {}, actual)),
    hint ? element("p", { class: "hint" }, hint) : null));
}

/** Numbers of the nodes whose name holds the text; null without a text. */
function wantedNodes(text) {
  if (!text) return null;
  const exact = nodeNumbers.get(text);
  if (exact !== undefined) return new Set([exact]);
  const lower = text.toLowerCase();
  return new Set(nodes.filter((node) => node.name.toLowerCase().includes(lower)).map((node) => node.number));
}

function showArticle(article, wanted) {
  for (const item of article.querySelectorAll(".on-demand")) item.remove();
  const matches = filter.severities.has(article.dataset.severity) && (!filter.id || filter.id === article.dataset.id);
  let shown = 0;
  for (const item of article.querySelectorAll(".variants li")) {
    const numbers = item.dataset.nodes ? item.dataset.nodes.split(" ").map(Number) : [];
    item.hidden = wanted !== null && !numbers.some((number) => wanted.has(number));
    if (!item.hidden) shown += 1;
  }
  if (matches && wanted !== null) {
    const items = unlistedItems(article.dataset.place, wanted);
    article.querySelector(".variants").append(...items);
    shown += items.length;
    for (const details of article.querySelectorAll("details")) details.open = true;
  }
  article.hidden = !matches || shown === 0;
  return article.hidden ? 0 : 1;
}

function applyFilter() {
  const wanted = wantedNodes(filter.node);
  let shown = 0;
  for (const article of articles) shown += showArticle(article, wanted);
  const output = document.querySelector("#filters output");
  output.value = shown === articles.length ? "" : `${shown} of ${articles.length} kinds of findings are shown`;
}

function severityButton(severity) {
  const number = articles.filter((article) => article.dataset.severity === severity).length;
  const toggle = (event) => {
    const pressed = event.currentTarget.getAttribute("aria-pressed") !== "true";
    event.currentTarget.setAttribute("aria-pressed", String(pressed));
    filter.severities[pressed ? "add" : "delete"](severity);
    applyFilter();
  };
  return element("button", { type: "button", "aria-pressed": "true", "data-severity": severity, disabled: number === 0, click: toggle }, sign(severity), severity);
}

function setFilter(key, value) {
  filter[key] = value;
  document.querySelector(`#filters [name=${key}]`).value = value;
  applyFilter();
}

function prepareFindings() {
  if (!articles.length) return;
  const ids = [...new Set(articles.map((article) => article.dataset.id))].sort();
  document.getElementById("filters").append(
    ...["error", "warning", "info"].map(severityButton),
    element("select", { name: "id", "aria-label": "Only this check", change: (event) => setFilter("id", event.target.value) },
      element("option", { value: "" }, "every check"), ...ids.map((id) => element("option", { value: id }, id))),
    element("input", { name: "node", type: "search", placeholder: "node", "aria-label": "Only nodes whose name holds this", input: (event) => setFilter("node", event.target.value.trim()) }),
    element("output", { "aria-live": "polite" }));
}
