// The summary line: the run's state in words, its bar, its counts, and what can be done.

import { barSvg, drawBar } from "./bars.js";
import { h, replace, s, set, text } from "./dom.js";
import { rowMark, updateRowMark } from "./marks.js";
import { BAR_ORDER, clock, duration, number, rough, zone } from "./words.js";

const TITLES = {
  running: "Running", finished: "Finished", error: "Error", interrupted: "Interrupted",
  cancelled: "Cancelled", lost: "Engine lost",
};
export class Summary {
  // handlers: nextError(back), cancel(), resume(), retry(), again()
  constructor(model, handlers) {
    Object.assign(this, { model, handlers });
    this.mark = s("svg", { class: "mark run-mark", width: 22, height: 22, viewBox: "-8 -8 16 16", "aria-hidden": true });
    const small = rowMark("pending");
    while (small.firstChild) this.mark.append(small.firstChild);
    this.title = h("h1", { class: "run-title" });
    this.times = h("span", { class: "run-times quiet" });
    this.bar = h("span", { class: "run-bar" });
    this.legend = h("ul", { class: "legend", "aria-label": "Nodes by status" });
    this.errors = h("button", { class: "button errors", type: "button", onclick: (e) => handlers.nextError(e.shiftKey) });
    this.actions = h("span", { class: "actions" });
    this.el = h("section", { class: "summary", "aria-label": "Summary" },
      this.mark, this.title, this.times, this.bar, this.legend,
      h("span", { class: "spring" }), this.errors, this.actions);
    this.update();
  }

  update() {
    const { model } = this;
    const word = model.word;
    set(this.el, "data-shown", word);
    set(this.el, "data-run-status", model.status);
    const counts = model.counts;
    const total = model.total();
    const done = counts.finished + counts.skipped + counts.error;
    updateRowMark(this.mark, word, word === "running" && total ? (100 * done) / total : undefined);
    text(this.title, TITLES[word] || word);
    this.tick();
    this.drawCounts(counts);
    this.drawLegend(counts);
    const bad = model.errors.filter((name) => model.node(name)?.status === "error").length;
    set(this.errors, "class", bad ? "button errors alarm" : "button errors");
    this.errors.disabled = !bad;
    if (bad || this.calm() !== this.said) replace(this.errors, bad ? `${number(bad)} error${bad === 1 ? "" : "s"}` : this.calm(), bad ? h("kbd", {}, "E") : null);
    this.said = bad ? null : this.calm();
    if (!bad) this.errors.classList.toggle("plain", this.said !== "No errors");
    this.drawActions(word, counts);
  }

  // What stands where errors would be.
  calm() {
    const { ended, repeated } = this.model;
    if (!ended || !repeated) return "No errors";
    return `${number(repeated)} ${repeated === 1 ? "attempt failed and was" : "attempts failed and were"} retried`;
  }

  drawCounts(counts) {
    const width = this.bar.clientWidth || 260;
    if (width !== this.barWidth) {
      this.barWidth = width;
      replace(this.bar, barSvg(counts, width, 8, "bar"));
    } else {
      drawBar(this.bar.firstChild, counts, width, 8);
    }
  }

  drawLegend(counts) {
    const words = BAR_ORDER.filter((word) => counts[word]);
    const key = words.join(" ");
    if (key !== this.legendKey) {
      this.legendKey = key;
      this.legendParts = words.map((word) => ({ word, count: h("b"), said: h("span", { class: "legend-word" }) }));
      replace(this.legend, this.legendParts.map(({ word, count, said }) =>
        h("li", { "data-shown": word, title: word }, rowMark(word, word === "running" ? 60 : undefined), count, said)));
    }
    for (const { word, count, said } of this.legendParts) {
      text(count, number(counts[word]));
      text(said, ` ${word === "waiting" ? this.waitingWord() : word}`);
    }
  }

  waitingWord() {
    const words = new Set();
    for (const node of this.model.nodes.values()) {
      if (node.shown.startsWith("waiting")) words.add(node.shown);
      if (words.size > 1) return "waiting";
    }
    return [...words][0] || "waiting";
  }

  tick() {
    const { model } = this;
    const word = model.word;
    const took = Math.max(0, model.moment() - model.begun);
    const now = model.now();
    const sentences = {
      running: () => `for ${duration(took)}, started ${clock(model.begun)}`,
      lost: () => `last sign ${clock(model.last)}, after ${duration(took)}`,
      interrupted: () => `at ${clock(model.over)}, after ${duration(took)}`,
      cancelled: () => `after ${duration(took)}`,
    };
    const ended = () => `${rough(now - model.over)} ago, took ${duration(took)}`;
    text(this.times, (sentences[word] || ended)());
    set(this.times, "title", zone(model.begun));
  }

  drawActions(word, counts) {
    const { handlers, model } = this;
    const key = `${word} ${model.past ? "past" : ""} ${counts.error} ${counts.blocked}`;
    if (key === this.actionsKey) return;
    this.actionsKey = key;
    const button = (label, action, kindOf = "") =>
      h("button", { class: `button ${kindOf}`, type: "button", disabled: Boolean(model.past), onclick: action }, label);
    const again = counts.error + counts.blocked;
    const found = {
      running: () => [button("Cancel run…", handlers.cancel)],
      lost: () => [],
      interrupted: () => [button("Resume…", handlers.resume, "primary")],
      error: () => [button(`Retry ${again === 1 ? "1 node" : `${number(again)} nodes`}…`, handlers.retry)],
    };
    replace(this.actions, ...(found[word] || (() => [button("Run again…", handlers.again)]))());
  }
}
