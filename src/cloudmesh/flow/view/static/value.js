// A value as a tree of text: two levels open, long ones cut.

import { h } from "./dom.js";
import { number } from "./words.js";

const MOST = 100; // entries of one list or dict
const LONG = 400; // characters of one text

export function valueTree(value, depth = 0) {
  if (Array.isArray(value)) return branch(`[${number(value.length)}]`, value.map((item, k) => [k, item]), depth);
  if (value !== null && typeof value === "object") {
    return branch(`{${number(Object.keys(value).length)}}`, Object.entries(value), depth);
  }
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return h("span", { class: `value value-${value === null ? "null" : typeof value}` },
    text.length > LONG ? `${text.slice(0, LONG)}… (${number(text.length)} characters)` : text);
}

function branch(label, entries, depth) {
  if (!entries.length) return h("span", { class: "value" }, label[0] === "[" ? "[]" : "{}");
  const list = h("ul", { class: "value-list" });
  const fill = () => {
    if (list.childElementCount) return;
    for (const [key, item] of entries.slice(0, MOST)) {
      list.append(h("li", {}, h("span", { class: "value-key" }, `${key}: `), valueTree(item, depth + 1)));
    }
    if (entries.length > MOST) list.append(h("li", { class: "faint" }, `and ${number(entries.length - MOST)} more`));
  };
  const open = depth < 2 && entries.length <= MOST;
  const details = h("details", { class: "value", open, ontoggle: fill }, h("summary", { class: "faint" }, label), list);
  if (open) fill();
  return details;
}

// A value on one line, cut at 80.
export function shortValue(value) {
  const text = JSON.stringify(value) ?? "null";
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
