// The names of the columns, where the table is wide enough to need them.

import { h, set, text } from "./dom.js";
import { number, plural } from "./words.js";

export const wideHead = () =>
  h("div", { class: "wide-head", "aria-hidden": true },
    ["Node", "Status", "Took", "Attempt", "Started", "Where", "Needs"].map((word) => h("span", { class: `head-${word.toLowerCase()}` }, word)));

// "2 nodes + 1 map": elements are what runs, and of a map whose list is not there yet nobody
// knows how many.
export function writeCount(element, model) {
  const unknown = [...model.maps].filter((n) => model.isUnknown(n)).map((n) => model.graph.nodes[n]);
  text(element, `${plural(model.total(), "node")}${unknown.length ? ` + ${plural(unknown.length, "map")}` : ""}`);
  set(element, "title", unknown.map((map) => `${map.name}: as many as ${map.map} returns`).join("\n") || null);
}

// What stands behind the name of a map: how many it has, or that nobody knows yet.
export function timesOf(model, node) {
  if (!model.isMap(node.n)) return "";
  return model.isUnknown(node.n) ? " × ?" : ` × ${number(model.elements.get(node.n)?.length ?? node.count)}`;
}
