// What the gantt and its strip draw of one row: attempts, waits, the density of a map.

import { s } from "./dom.js";
import { waits } from "./facts.js";
import { duration, kind, number, rough } from "./words.js";

const BAR = 18;
const WAITED = 0.5; // seconds of waiting for a place that are worth showing

// A scale of time: `x(seconds)` in px, and rounded steps.
export class Axis {
  constructor(model, width, left = 0, right = 24) {
    this.left = left;
    this.from = model.begun;
    const now = model.moment() - model.begun;
    if (model.ended) this.length = Math.max(0.1, now * 1.06);
    else {
      // Grows by a fifth when "now" reaches 90 %: an axis must not rescale under the pointer.
      this.length = 10;
      while (now > 0.9 * this.length) this.length *= 1.2;
    }
    this.width = Math.max(60, width - left - right);
    this.to = this.from + this.length;
  }

  x(time) {
    return this.left + ((time - this.from) / this.length) * this.width;
  }

  ticks() {
    const most = Math.max(2, Math.floor(this.width / 110));
    const steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 18000, 43200, 86400];
    const step = steps.find((value) => this.length / value <= most) || 86400 * Math.ceil(this.length / 86400 / most);
    const ticks = [];
    for (let at = 0; at <= this.length; at += step) ticks.push([this.x(this.from + at), tickText(at, step)]);
    return ticks;
  }
}

function tickText(seconds, step) {
  if (step >= 3600) return `${Math.round(seconds / 3600)} h`;
  if (step >= 60) return `${Math.round(seconds / 60)} min`;
  const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
  return `${seconds.toFixed(digits)} s`;
}

const label = (x, y, words, className = "gantt-text") => s("text", { x, y, class: className }, words);

// The bars of a node in a row whose middle is `y`.
export function drawNode(group, model, attempts, axis, node, y) {
  const { ready, bars } = attempts.of(node.n);
  const shown = model.shown(node);
  if (!bars.length) {
    const waits = shown === "pending" && ready && model.word === "running" ? model.moment() - ready : 0;
    if (waits > WAITED) {
      drawWait(group, axis, ready, model.moment(), y, `waits for a slot, ${duration(waits)}`);
      return;
    }
    const words = kind(shown) === "pending" ? "pending" : shown === "blocked" ? node.reason || "blocked" : shown;
    group.append(label(Math.max(axis.left, axis.x(model.moment())) + 12, y + 4, words));
    return;
  }
  const [before] = waits({ ...node, waited: 0 }, ready, bars[0].started);
  if (before) drawWait(group, axis, ready, bars[0].started, y, before);
  let last = null;
  bars.forEach((bar, k) => {
    if (last) {
      const gap = axis.x(bar.started) - axis.x(last);
      group.append(s("line", { class: "gantt-retry", x1: axis.x(last) + 2, x2: axis.x(bar.started) - 2, y1: y, y2: y }));
      if (gap > 36) group.append(s("text", { x: axis.x(last) + gap / 2, y: y - 5, class: "gantt-text middle" }, duration(bar.started - last)));
    }
    const isLast = k === bars.length - 1;
    const began = isLast && node.waited > WAITED ? bar.started + node.waited : bar.started;
    if (began > bar.started) drawWait(group, axis, bar.started, began, y, waits(node).at(-1));
    drawBar(group, model, axis, { ...bar, started: began }, shown, y, isLast);
    if (model.critical?.has(node.n)) group.lastChild.classList.add("on-way");
    last = bar.ended;
  });
  const words = inBar(axis, node, bars);
  if (words) group.append(label(axis.x(bars[bars.length - 1].started) + 8, y + 4, words, "gantt-in-bar"));
  else group.append(label(endOf(axis, model, bars) + 8, y + 4, afterWords(model, node, bars, shown)));
}

function endOf(axis, model, bars) {
  const last = bars[bars.length - 1];
  return Math.max(axis.x(last.ended || model.moment()), axis.x(last.started) + (last.outcome === "error" ? 16 : 3));
}

// "9.2 s on lab-02", where it ran elsewhere and there is room in the bar.
function inBar(axis, node, bars) {
  const last = bars[bars.length - 1];
  const where = last.where || node.where;
  if (node.status !== "finished" || bars.length > 1 || !where || where === "local" || !last.ended) return "";
  const words = `${duration(last.ended - last.started)} on ${where}`;
  return axis.x(last.ended) - axis.x(last.started) > words.length * 6.4 + 16 ? words : "";
}

function afterWords(model, node, bars, shown) {
  const took = model.took(node);
  if (shown === "lost") return "lost here";
  if (node.status === "running") return typeof node.progress === "number" ? `${Math.round(node.progress)} %` : duration(took);
  const most = (model.graph.nodes[node.parent ?? node.n]?.retries || 0) + 1;
  if (bars.length > 1 && node.status === "finished") return `finished at attempt ${bars.length}${most >= bars.length ? ` of ${most}` : ""}`;
  return node.status === "error" && node.error ? node.error.slice(0, 60) : duration(took);
}

function drawBar(group, model, axis, bar, shown, y, isLast) {
  const x = axis.x(bar.started);
  const end = bar.ended || model.moment();
  const bad = bar.outcome === "error";
  const width = Math.max(bad ? 16 : 3, axis.x(end) - x);
  const word = bar.ended ? (bad ? "error" : bar.outcome === "finished" ? "finished" : "interrupted") : shown === "lost" && isLast ? "lost" : "running";
  group.append(s("rect", { class: `gantt-bar segment-${word}`, "data-shown": word, x, y: y - BAR / 2, width, height: BAR, rx: word === "running" ? 0 : 3 }));
  if (bad) group.append(s("use", { href: "#cell-error", x: x + width - 16, y: y - 8, width: 16, height: 16 }));
}

function drawWait(group, axis, from, to, y, words) {
  const x = axis.x(from);
  const width = axis.x(to) - x;
  group.append(s("rect", { class: "gantt-wait", x: x + 0.5, y: y - BAR / 2 + 0.5, width: Math.max(2, width - 1), height: BAR - 1, rx: 3 }));
  const said = [words, words.split(/,? for /)[0]].find((some) => width > some.length * 6 + 12);
  if (said) group.append(label(x + 8, y + 4, said));
}

// A folded map: how many ran at each moment.
export function drawDensity(group, model, attempts, axis, node, y, height) {
  const members = model.elements.get(node.n) || [];
  if (!node.started) {
    group.append(label(Math.max(axis.left, axis.x(model.moment())) + 12, y + 4, model.shown(node)));
    return;
  }
  const end = node.ended || model.moment();
  const count = Math.max(1, Math.min(600, Math.round((axis.x(end) - axis.x(node.started)) / 2)));
  const { ended, going, most, work } = attempts.density(members, node.started, end, count);
  const step = (axis.x(end) - axis.x(node.started)) / count;
  const base = y + height / 2;
  const path = (bottom, top) => {
    let d = "";
    for (let k = 0; k < count; k += 1) {
      const low = base - Math.min(1, bottom(k) / most) * height;
      const high = base - Math.min(1, top(k) / most) * height;
      if (high < low) d += `M${(axis.x(node.started) + k * step).toFixed(1)} ${low.toFixed(1)}V${high.toFixed(1)}h${step.toFixed(2)}V${low.toFixed(1)}Z`;
    }
    return d;
  };
  const word = model.word === "lost" ? "lost" : "running";
  if (model.critical?.has(node.n)) group.append(s("rect", { class: "density-way", x: axis.x(node.started), y: base - height - 1, width: axis.x(end) - axis.x(node.started), height: height + 2, rx: 3 }));
  group.append(
    s("path", { class: "segment-crowd", d: path(() => 0, (k) => ended[k]) }),
    s("path", { class: "density-now", "data-shown": word, d: path((k) => ended[k], (k) => ended[k] + going[k]) }),
    s("line", { class: "gantt-limit", x1: axis.x(node.started), x2: axis.x(end), y1: base - height, y2: base - height }));
  const counts = model.groups.get(node.name);
  const done = counts ? counts.finished + counts.skipped : 0;
  const words = node.status === "running"
    ? densityWords(model, node, done, members.length, word)
    : `${number(members.length)} in ${duration(node.ended - node.started)}, ${rough(work)} of work`;
  group.append(label(axis.x(end) + 8, y + 4, words));
}

function densityWords(model, node, done, all, word) {
  if (word === "lost") return `lost here, ${number(done)} of ${number(all)} kept`;
  // A guess is made from a tenth on, and only of what is live.
  const left = (model.took(node) / done) * (all - done);
  const guess = done >= all / 10 && done < all && !model.past && !model.still ? `, about ${rough(left)} more` : "";
  return `${number(done)} of ${number(all)}${guess}`;
}

// Lines of the axis and the moment that is now.
export function drawAxis(group, model, axis, top, bottom) {
  const x = axis.x(model.moment());
  for (const [at, words] of axis.ticks()) {
    group.append(s("line", { class: "gantt-line", x1: at, x2: at, y1: top, y2: bottom }));
    if (model.ended || Math.abs(at - x) > 34) group.append(s("text", { class: "gantt-text middle", x: at, y: top - 7 }, words));
  }
  if (model.ended) return;
  const words = model.word === "lost" ? "last" : model.past ? "then" : "now";
  group.append(
    s("line", { class: "gantt-now", x1: x, x2: x, y1: top - 4, y2: bottom }),
    s("rect", { class: "gantt-flag", x: x - 17, y: top - 20, width: 34, height: 16, rx: 8 }),
    s("text", { class: "gantt-flag-text middle", x, y: top - 8 }, words));
}
