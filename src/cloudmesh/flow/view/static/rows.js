// The rows of the table: nodes by need or in order, maps with their elements, and what comes
// in crowds as one row ("146 finished").

import { ORDER, RANK, kind } from "./words.js";

const CROWD = { finished: 6, pending: 6, skipped: 6, cancelled: 6, blocked: 12, waiting: 12 };
const FEW = 100; // top-level nodes up to which each has its own row
const ONE_BY_ONE = 40;
const RETRIED = 200;
const IN_MAP = ["error", "lost", "interrupted", "waiting", "running", "blocked", "pending", "cancelled", "finished", "skipped"];

// view: { order: "need" | "flow", filter: word or null, open: Map of key -> boolean }
export function buildRows(model, view) {
  if (view.filter) return filtered(model, view.filter);
  const nodes = model.graph.nodes.map((_, n) => model.nodes.get(n));
  if (view.order === "flow") return nodes.flatMap((node) => withElements(model, view, node));
  nodes.sort((a, b) => model.compare(a, b));
  if (nodes.length <= FEW) return nodes.flatMap((node) => withElements(model, view, node));
  const rows = [];
  for (const word of ORDER) {
    const some = nodes.filter((node) => kind(model.shown(node)) === word);
    if (some.length) rows.push(...crowd(model, view, some, word, "", 1, word === "error" ? 200 : 12));
  }
  return rows;
}

function filtered(model, word) {
  const rows = [];
  for (const node of model.nodes.values()) {
    const has = word === "retried" ? model.isRetried(node) : kind(model.shown(node)) === word;
    if (!model.isMap(node.n) && has) rows.push({ key: node.name, node, level: 1 });
  }
  return rows;
}

function withElements(model, view, node) {
  const elements = model.elements.get(node.n);
  if (!elements || !elements.length) return [{ key: node.name, node, level: 1 }];
  const open = view.open.get(node.name) ?? true;
  const rows = [{ key: node.name, node, level: 1, open, parent: true }];
  if (!open) return rows;
  const all = elements.map((n) => model.nodes.get(n));
  // Beneath the density of a map come first those that were tried more than once.
  const again = view.order === "flow" ? all.filter((member) => model.isRetried(member)).slice(0, RETRIED) : [];
  rows.push(...again.map((member) => ({ key: member.name, node: member, level: 2 })));
  const first = new Set(again);
  const members = again.length ? all.filter((member) => !first.has(member)) : all;
  for (const word of IN_MAP) {
    const some = members.filter((member) => kind(model.shown(member)) === word);
    if (some.length) rows.push(...crowd(model, view, some, word, node.name, 2, ONE_BY_ONE));
  }
  return rows;
}

// Some nodes of one status: each with a row, or the first of them, or one row for all.
function crowd(model, view, some, word, group, level, most) {
  const rows = (list, at) => list.flatMap((node) =>
    at === 1 ? withElements(model, view, node) : [{ key: node.name, node, level: at }]);
  const key = `${group} ${word}`;
  const open = view.open.get(key) || false;
  const head = (count, more) => ({ key, level, word, count, more, open, crowd: true });
  if (some.length > (CROWD[word] ?? Infinity)) {
    return open ? [head(some.length, false), ...rows(some, level + 1)] : [head(some.length, false)];
  }
  if (some.length <= most) return rows(some, level);
  const rest = some.slice(most);
  return [...rows(some.slice(0, most), level), head(rest.length, true), ...(open ? rows(rest, level + 1) : [])];
}

export const rankOf = (model, node) => RANK[kind(model.shown(node))];
