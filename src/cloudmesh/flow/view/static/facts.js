// What is said of a node: one word of status and one fact; the counts of a group.

import { BAR_ORDER, clock, countWord, duration, kind, number, plural, rough } from "./words.js";

// [word, fact]: "running", "40 %".
export function facts(model, node) {
  const shown = model.shown(node);
  const took = model.took(node);
  const on = model.graph.nodes[node.parent === undefined ? node.n : node.parent]?.on;
  switch (kind(shown)) {
    case "running":
      return ["running", typeof node.progress === "number" ? `${Math.round(node.progress)} %` : duration(took)];
    case "waiting":
      return [waiting(model, node, shown), ""];
    case "finished":
      return ["finished", duration(took)];
    case "error":
      return ["error", took === null ? "" : duration(took)];
    case "blocked":
      return [(node.reason || "blocked").replace(/^(blocked by [^:]+).*$/, "$1"), ""];
    case "skipped":
      return [node.reason && node.reason.startsWith("skipped") ? node.reason : "skipped", ""];
    case "lost":
      return ["lost", rough(model.now() - model.last)];
    case "pending":
      return ["pending", on ? `on ${on}` : ""];
    default:
      return [shown, ""];
  }
}

function waiting(model, node, shown) {
  if (shown !== "waiting to retry" || !node.retry_at) return shown;
  const left = node.retry_at - model.now();
  return left > 0.5 && !model.still && !model.lost ? `retry in ${Math.ceil(left)} s` : "waiting to retry";
}

// The first statuses of a group with their counts: [["8 running", "running"], …].
export function groupWords(counts, most = 2) {
  const words = BAR_ORDER.filter((word) => counts[word]);
  // What waits to retry is named in the reserved line, where there is no room for all.
  if (words.length > most && counts.waiting) words.splice(words.indexOf("waiting"), 1);
  return words.slice(0, most)
    .map((word) => [countWord(word, counts[word]), word]);
}

// The one reserved line of a group, as [words, kind of error, status, its name within the words]:
// the first error, else what waits to retry, else how many at once.
export function groupLine(model, item, counts) {
  const members = model.elements.get(item.n) || item.members || [];
  const first = (test) => {
    for (const n of members) {
      const node = model.nodes.get(n);
      if (test(node)) return node;
    }
    return null;
  };
  if (counts.error) {
    const node = first((one) => model.shown(one) === "error");
    return node ? [elementName(model, node), (node.error || "").split(":")[0], "error"] : ["", "", ""];
  }
  if (counts.lost) {
    const one = counts.lost === 1;
    return [`${number(counts.lost)} ${one ? "was" : "were"} running when the engine went; ${one ? "it runs" : "they run"} again`, "", "lost"];
  }
  const retry = counts.waiting ? first((one) => one.shown === "waiting to retry") : null;
  if (retry) return [retryLine(model, retry, counts.waiting), "", "", fullName(model, retry)];
  if (counts.running) return [`${number(counts.running)} at once${slotLine(model, members, counts)}`, "", ""];
  if (model.isUnknown(item.n)) return [`as many as ${model.graph.nodes[item.n].map} returns`, "", ""];
  if (counts.skipped === members.length && members.length) return [(model.nodes.get(members[0]).reason || "").replace(/^skipped: /, ""), "", ""];
  const again = model.ended ? members.reduce((sum, n) => sum + (model.nodes.get(n).attempt > 1 ? 1 : 0), 0) : 0;
  return [again ? `${number(again)} took more than one attempt` : "", "", ""];
}

// "1 waits to retry: parse[34] concurrent, attempt 2 of 3 in 4 s"
function retryLine(model, node, count) {
  const more = count > 1 ? `${number(count)} wait to retry, first` : "1 waits to retry:";
  const most = (model.graph.nodes[node.parent ?? node.n]?.retries || 0) + 1;
  const left = node.retry_at ? Math.ceil(node.retry_at - model.now()) : 0;
  const when = left > 0 && !model.still && !model.past && !model.lost ? ` in ${left} s` : "";
  return `${more} ${fullName(model, node)}, attempt ${node.attempt + 1}${most > node.attempt ? ` of ${most}` : ""}${when}`;
}

const fullName = (model, node) => `${node.name} ${caption(model, node)}`.trim();

const WAITED = 0.5; // seconds of waiting for a place that are worth saying

// "waited 7.9 s for a machine": from when a node could have started until it did, and, where it
// runs elsewhere, from then until it began there.
export function waits(node, ready, started) {
  const place = node.where && node.where !== "local" ? "a machine" : "a slot";
  const words = (seconds, what) => (seconds > WAITED ? [`waited ${duration(seconds)} for ${what}`] : []);
  const before = ready && started ? words(started - ready, node.waited ? "a slot" : place) : [];
  return [...before, ...words(node.waited || 0, "a machine")];
}

// ", 46 wait for a slot": elements that need nothing more but a place of the engine's own.
function slotLine(model, members, counts) {
  const last = model.nodes.get(members[members.length - 1]);
  if (!counts.pending || !last || !last.ready || model.ended) return "";
  return `, ${number(counts.pending)} ${counts.pending === 1 ? "waits" : "wait"} for a slot`;
}

// "96 lib2to3": the number of an element and what it received.
export function elementName(model, node) {
  if (node.parent === undefined) return node.name;
  const index = node.n - model.nodes.get(node.parent).first;
  const caption = caption_(model, node, index);
  return caption ? `${index} ${caption}` : `${index}`;
}

export function caption_(model, node, index) {
  if (node.label && node.label !== node.name) return node.label;
  const texts = model.captions.get(node.parent);
  return texts ? texts[index] || "" : "";
}

export function caption(model, node) {
  if (node.parent === undefined) return node.label && node.label !== node.name ? node.label : "";
  return caption_(model, node, node.n - model.nodes.get(node.parent).first);
}

// "parse 96, lib2to3": a name for the ear.
export function spokenName(model, node) {
  const name = node.name.replace("[", " ").replace("]", "");
  return [name, caption(model, node)].filter(Boolean).join(", ");
}

// What a screen reader speaks of a node: "parse 96, lib2to3, error, SyntaxError, blocks 3".
export function spoken(model, node) {
  const [word, fact] = facts(model, node);
  const said = [spokenName(model, node), word];
  if (word === "error") {
    const after = model.allAfter(node.parent ?? node.n).filter((n) => model.shown(model.nodes.get(n)) === "blocked");
    said.push((node.error || "").split(":")[0], after.length ? `blocks ${number(after.length)}` : "");
  } else {
    said.push(fact);
  }
  return said.filter(Boolean).join(", ");
}

// … and of a map or a folded group: "parse, 201 nodes, 1 error, 8 running, 146 finished".
export function spokenGroup(model, item) {
  const known = item.members || model.elements.get(item.n);
  const size = known ? plural(known.length, "node") : "of unknown length";
  const counts = model.groups.get(item.key) || {};
  return [item.label, size, ...groupWords(counts, 3).map(([words]) => words)].join(", ");
}

export const startedAt = (node) => (node.started ? clock(node.started) : "");
