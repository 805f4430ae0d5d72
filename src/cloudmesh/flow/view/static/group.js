// A group, folded: name and count, two words, the bar, one reserved line.  Or open: its cells.

import { drawBar } from "./bars.js";
import { CELLS_MAX, Crowd } from "./crowd.js";
import { replace, s, set, text, widthOf } from "./dom.js";
import { groupLine, groupWords } from "./facts.js";
import { plateMark, updatePlateMark } from "./marks.js";
import { cut, duration, kind, number } from "./words.js";

class Group {
  constructor(item, model) {
    this.item = item;
    this.model = model;
    this.mark = plateMark();
    this.name = s("tspan", { class: "name" });
    this.times = s("tspan", { class: "times" });
    this.words = s("text", { class: "second" });
    this.el = s("g", { class: "group", transform: `translate(${item.x} ${item.y})`, [item.kind === "map" ? "data-node" : "data-group"]: item.key });
    this.halo = s("rect", { class: "halo", x: -4, y: -4, width: item.w + 8, height: item.h + 8, rx: 13 });
    this.body = s("rect", { class: "body", width: item.w, height: item.h, rx: 10 });
    this.scale = 1;
  }

  counts() {
    return this.model.groups.get(this.item.key) || { pending: 0 };
  }

  node() {
    return this.item.kind === "map" ? this.model.nodes.get(this.item.n) : null;
  }

  state() {
    const node = this.node();
    if (node) return { shown: this.model.shown(node), status: node.status, progress: this.model.progress(node) };
    const counts = this.counts();
    const shown = this.model.first(counts) || "pending";
    const status = { error: "error", finished: "finished", skipped: "finished" }[shown]
      || (shown === "running" || shown === "lost" ? "running" : "pending");
    const all = this.item.members.length;
    return { shown, status, progress: (100 * (counts.finished + counts.skipped + counts.error)) / all };
  }

  head() {
    const { shown, status, progress } = this.state();
    const node = this.node();
    this.shown = shown;
    set(this.el, "data-status", status);
    set(this.el, "data-shown", shown);
    updatePlateMark(this.mark, shown, progress, node && node.color, node && node.shape);
    const label = (node && node.label) || this.item.label;
    const count = this.item.kind === "map" ? this.model.elements.get(this.item.n)?.length ?? node.count : this.item.count;
    text(this.name, cut(label, 16));
    text(this.times, ` × ${count === undefined || count === null ? "?" : number(count)}`);
  }

  writeWords(most) {
    const words = groupWords(this.counts(), most);
    const node = this.node();
    const took = words.length === 1 && words[0][1] === "finished" && node && this.model.took(node);
    const parts = took ? [["finished", "finished"], [duration(took), ""]] : words.length ? words : [[this.shown === "skipped" ? "skipped" : node ? node.shown : "pending", this.shown]];
    const wide = () => widthOf(parts.map(([word]) => word).join(" · "), Math.max(11.5, 11 / Math.min(1, this.scale)));
    while (!this.item.open && parts.length > 1 && wide() > this.item.w - 66) parts.pop();
    while (this.words.children.length > parts.length) this.words.lastChild.remove();
    parts.forEach(([word, status], k) => {
      const span = this.words.children[k] || this.words.appendChild(s("tspan"));
      set(span, "class", k === 0 && ["error", "running", "lost", "interrupted"].includes(status) ? "first-word" : "");
      text(span, k ? ` · ${word}` : word);
    });
  }

  // A line that counts down goes on counting.
  tick() {
    if (this.line && this.counts().waiting && !this.model.ended) this.writeLine();
  }

  // Text is never below 11 on screen; below 60 % only the name is left.
  fit(scale) {
    if (scale === this.scale) return;
    this.scale = scale;
    if (!this.item.open) this.writeWords(2);
    const size = Math.max(13, 11 / scale);
    for (const span of [this.name, this.times]) set(span, "font-size", size === 13 ? null : size.toFixed(1));
    set(this.words, "visibility", scale < 0.8 && this.item.open ? "hidden" : scale < 0.6 ? "hidden" : null);
    const small = Math.max(11.5, 11 / scale);
    for (const element of [this.words, this.line]) {
      if (element) set(element, "font-size", small === 11.5 ? null : small.toFixed(1));
    }
    if (this.line) set(this.line, "visibility", scale < 0.6 || this.low ? "hidden" : null);
  }
}

export class Folded extends Group {
  constructor(item, model) {
    super(item, model);
    this.low = item.h < 100; // the phone's: without the reserved line
    this.mark.setAttribute("transform", `translate(32 ${this.low ? 28 : 32})`);
    this.bar = s("g", { class: "count-bar", transform: `translate(16 ${this.low ? 54 : 58})` });
    this.line = s("text", { class: "line", x: 16, y: 96 });
    this.line.append(s("tspan", { class: "line-name" }), s("tspan", { class: "line-kind" }));
    const head = s("text", { x: 58, y: this.low ? 25 : 28 }, this.name, this.times);
    set(this.words, "x", 58);
    set(this.words, "y", this.low ? 42 : 45);
    this.el.append(
      this.halo,
      s("rect", { class: "behind", x: 6, y: 6, width: item.w, height: item.h, rx: 10 }),
      this.body,
      this.mark,
      head,
      this.words,
      this.bar,
      this.line,
      s("path", { class: "chevron", d: `M${item.w - 20} 16l5 5l-5 5`, "data-fold": item.key }),
      s("rect", { class: "fold-area", x: item.w - 32, y: 4, width: 28, height: 32, "data-fold": item.key }),
    );
    this.update();
  }

  update() {
    this.head();
    const counts = this.counts();
    const some = Object.values(counts).some(Boolean);
    drawBar(this.bar, some ? counts : { [this.shown]: 1 }, this.item.w - 32, 10);
    this.writeWords(2);
    if (this.low) set(this.line, "visibility", "hidden");
    this.writeLine();
  }

  writeLine() {
    const [name, type, status] = groupLine(this.model, this.item, this.counts());
    text(this.line.firstChild, name.length > 32 ? `${name.slice(0, 31)}…` : name);
    text(this.line.lastChild, type ? `: ${type}` : "");
    set(this.line, "class", status === "error" ? "line line-error" : "line");
  }
}

export class Opened extends Group {
  constructor(item, model) {
    super(item, model);
    this.el.setAttribute("class", "group open");
    this.mark.setAttribute("transform", "translate(28 24) scale(.78)");
    set(this.words, "x", item.w - 16);
    set(this.words, "y", 28);
    set(this.words, "text-anchor", "end");
    this.crowd = item.count > CELLS_MAX ? new Crowd(item, model, () => this.members()) : null;
    this.cells = this.crowd ? this.crowd.el : s("g", { class: "cells" });
    this.line = s("text", { class: "line", x: 16, y: item.h - 14 });
    this.el.append(
      this.halo,
      this.body,
      s("rect", { class: "fold-area", x: 0, y: 0, width: item.w, height: 42, "data-fold": item.key }),
      this.mark,
      s("text", { x: 50, y: 29 }, this.name, this.times),
      this.words,
      this.cells,
      this.line,
    );
    this.byNumber = new Map();
    this.update();
  }

  // In the past the elements may not be known yet: their places are there all the same.
  members() {
    if (this.item.kind !== "map") return this.item.members;
    return this.model.elements.get(this.item.n) || Array.from({ length: this.item.count }, (_, k) => -1 - k);
  }

  update(changed) {
    this.head();
    this.writeWords(3);
    this.writeLine();
    if (this.crowd) {
      this.crowd.update();
      return;
    }
    this.members().forEach((n, k) => {
      if (!this.byNumber.has(n)) this.byNumber.set(n, this.cell(n, k));
      else if (!changed || changed.has(n)) this.updateCell(n);
    });
  }

  writeLine() {
    const [words, type, , name] = groupLine(this.model, this.item, this.counts());
    const said = type ? `${words}: ${type}` : words;
    if (said === this.said) return;
    this.said = said;
    set(this.line, "class", type ? "line line-error" : "line");
    const at = name ? said.indexOf(name) : -1;
    if (at < 0) text(this.line, said);
    else replace(this.line, said.slice(0, at), s("tspan", { class: "strong" }, name), said.slice(at + name.length));
  }

  cell(n, k) {
    const { size, gap, columns, x, y } = this.item.cells;
    const left = x + (k % columns) * (size + gap);
    const top = y + Math.floor(k / columns) * (size + gap);
    const el = s("g", { class: "cell", transform: `translate(${left} ${top})`, "data-node": this.model.nodes.get(n)?.name });
    el.append(
      s("rect", { class: "halo", x: -3, y: -3, width: size + 6, height: size + 6, rx: 5 }),
      s("rect", { class: "box", x: 0.5, y: 0.5, width: size - 1, height: size - 1, rx: size > 10 ? 3 : 1.5 }),
      s("rect", { class: "level", x: 2, width: size - 4, rx: 1 }),
    );
    if (size > 10) el.append(s("use", { x: 0, y: 0, width: size, height: size }));
    this.cells.append(el);
    this.byNumber.set(n, el);
    this.updateCell(n);
    return el;
  }

  updateCell(n) {
    const el = this.byNumber.get(n);
    const node = this.model.nodes.get(n) || { status: "pending", shown: "pending" };
    const shown = this.model.shown(node);
    const { size } = this.item.cells;
    set(el, "data-status", node.status);
    set(el, "data-shown", shown);
    const [, box, level, icon] = el.children;
    const grow = shown === "error" && size > 10 ? 1.5 : 0; // an error cell is 3 larger
    set(box, "x", 0.5 - grow);
    set(box, "y", 0.5 - grow);
    set(box, "width", size - 1 + 2 * grow);
    set(box, "height", size - 1 + 2 * grow);
    const filled = shown === "running" ? Math.max(2, ((size - 4) * (node.progress ?? 15)) / 100) : 0;
    set(level, "height", filled.toFixed(1));
    set(level, "y", (size - 2 - filled).toFixed(1));
    if (icon) set(icon, "href", `#cell-${kind(shown)}`);
  }
}
