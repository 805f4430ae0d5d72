// The picture below 30 %: bars instead of plates, hairlines, names of stages, and errors
// that do not shrink.  Three canvases, each drawn anew only when it is dirty.

import { segments } from "./bars.js";
import { h } from "./dom.js";
import { Gate } from "./edges.js";
import { Grid, drawSymbol, hatch } from "./canvastools.js";
import { cut, kind, number } from "./words.js";

const NAMED = 12; // errors that have their name beside them
const NEAR = 22; // px within which errors are one mark
const MARK = 17;

export class Canvas {
  constructor(host, model) {
    this.host = host;
    this.model = model;
    this.layers = ["edges", "nodes", "marks"].map((name) => h("canvas", { class: `layer layer-${name}`, "aria-hidden": true }));
    host.append(...this.layers);
    this.dirty = { edges: true, nodes: true, marks: true };
    document.addEventListener("theme", () => this.touch());
  }

  setLayout(layout) {
    this.layout = layout;
    this.path = null;
    this.touch();
  }

  touch(...names) {
    for (const name of names.length ? names : ["edges", "nodes", "marks"]) this.dirty[name] = true;
    this.colors = null;
    if (this.on) this.soon();
  }

  show(on) {
    if (on === this.on) return;
    this.on = on;
    for (const layer of this.layers) layer.hidden = !on;
    if (on) this.touch();
  }

  soon() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.on) this.draw();
    });
  }

  view(x, y, scale) {
    Object.assign(this, { x, y, scale });
    this.touch();
  }

  // -- drawing -------------------------------------------------------------------
  draw() {
    const width = this.host.clientWidth;
    const height = this.host.clientHeight;
    const ratio = devicePixelRatio || 1;
    this.colors = this.colors || this.readColors();
    const paint = { edges: this.drawEdges, nodes: this.drawNodes, marks: this.drawMarks };
    ["edges", "nodes", "marks"].forEach((name, k) => {
      if (!this.dirty[name]) return;
      this.dirty[name] = false;
      const layer = this.layers[k];
      if (layer.width !== Math.round(width * ratio) || layer.height !== Math.round(height * ratio)) {
        layer.width = Math.round(width * ratio);
        layer.height = Math.round(height * ratio);
      }
      const context = layer.getContext("2d");
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, width, height);
      paint[name].call(this, context, width, height);
    });
  }

  readColors() {
    const style = getComputedStyle(document.documentElement);
    const names = ["bg", "surface", "line", "line-2", "text", "text-2", "pending", "blocked", "running", "finished", "finished-2", "error", "error-tint", "cut", "on", "accent"];
    return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }

  colorOf(word) {
    const { colors } = this;
    return { finished: colors["finished-2"], running: colors.running, error: colors.error, blocked: colors.blocked,
      lost: colors.cut, interrupted: colors.cut }[word] || colors.pending;
  }

  drawEdges(context) {
    if (!this.path) {
      this.path = new Path2D();
      for (const edge of this.layout.edges) this.path.addPath(new Path2D(edge.path));
    }
    context.translate(this.x, this.y);
    context.scale(this.scale, this.scale);
    context.strokeStyle = this.colors["line-2"];
    context.globalAlpha = 0.7;
    context.lineWidth = 0.6 / this.scale;
    context.stroke(this.path);
    context.globalAlpha = 1;
  }

  place(item) {
    return [this.x + item.x * this.scale, this.y + item.y * this.scale, item.w * this.scale, item.h * this.scale];
  }

  drawNodes(context, width, height) {
    const waiting = [];
    for (const item of this.layout.items) {
      const [x, y, w, h_] = this.place(item);
      if (x > width || y > height || x + w < 0 || y + h_ < 0) continue;
      if (item.kind === "gate") this.drawGate(context, item, x, y, w, h_);
      else if (item.kind === "node") waiting.push([kind(this.model.shown(this.model.nodes.get(item.n))), x, y, w, h_]);
      else this.drawGroup(context, item, x, y, w, h_);
    }
    this.drawBars(context, waiting);
  }

  // Bars of one status are one path: ten thousand of them are ten fills.
  drawBars(context, bars) {
    const byWord = new Map();
    for (const bar of bars) {
      if (!byWord.has(bar[0])) byWord.set(bar[0], []);
      byWord.get(bar[0]).push(bar);
    }
    for (const [word, some] of byWord) {
      const path = new Path2D();
      const hollow = ["pending", "waiting", "cancelled", "skipped"].includes(word);
      const grow = word === "running" ? 1 : 0;
      for (const [, x, y, w, h_] of some) {
        const high = Math.max(1.5, Math.min(h_ * 0.72, 9));
        const top = y + (h_ - high) / 2;
        const inset = hollow ? 0.5 : -grow * 0.5;
        path.roundRect(x + inset, top + inset, Math.max(1, w - 2 * inset), Math.max(1, high - 2 * inset), Math.min(2, high / 2));
      }
      context.lineWidth = 1;
      context.setLineDash(word === "skipped" ? [2, 2] : []);
      if (hollow) {
        context.strokeStyle = this.colorOf(word);
        context.fillStyle = this.colors.surface;
        context.fill(path);
        context.stroke(path);
      } else {
        context.fillStyle = word === "blocked" || word === "lost" ? hatch(context, this.colorOf(word)) : this.colorOf(word);
        context.fill(path);
      }
    }
    context.setLineDash([]);
  }

  drawGate(context, item, x, y, w, h_) {
    const { done, bad, all } = Gate.state(this.model, item);
    const wide = item.w > item.h;
    const thick = 4;
    const box = wide ? [x, y - thick / 2, w, thick] : [x + w / 2 - thick / 2, y, thick, h_];
    context.fillStyle = this.colors.surface;
    context.strokeStyle = this.colors["line-2"];
    context.lineWidth = 1;
    const path = new Path2D();
    path.roundRect(...box, 2);
    context.fill(path);
    context.stroke(path);
    const part = all ? done / all : 0;
    context.fillStyle = this.colors["finished-2"];
    if (wide) context.fillRect(box[0], box[1], box[2] * part, box[3]);
    else context.fillRect(box[0], box[1] + box[3] * (1 - part), box[2], box[3] * part);
    if (done < all && !wide) this.say(context, bad ? `${bad} of ${all} failed` : `${done} of ${all}`, x + w / 2, y + h_ + 14, bad ? this.colors.error : this.colors["text-2"]);
  }

  drawGroup(context, item, x, y, w, h_) {
    const counts = this.model.groups.get(item.key) || {};
    const high = Math.max(2, Math.min(12, h_ * 0.3));
    const top = y + (h_ - high) / 2;
    context.strokeStyle = this.colors["line-2"];
    context.fillStyle = this.colors.surface;
    const frame = new Path2D();
    frame.roundRect(x, y, w, h_, 3);
    context.fill(frame);
    context.stroke(frame);
    for (const [word, left, width] of segments(counts, w - 6, 3, 1)) {
      context.fillStyle = this.colorOf(word);
      if (word === "pending" || word === "waiting") {
        context.strokeStyle = this.colors.pending;
        context.strokeRect(x + 3 + left + 0.5, top + 0.5, Math.max(1, width - 1), high - 1);
      } else {
        context.fillRect(x + 3 + left, top, width, high);
      }
    }
  }

  say(context, words, x, y, color, align = "center", weight = "") {
    context.font = `${weight} 11.5px ${getComputedStyle(document.body).fontFamily}`;
    context.textAlign = align;
    context.fillStyle = color;
    context.fillText(words, x, y);
  }

  // -- marks and names -------------------------------------------------------------
  drawMarks(context, width) {
    this.drawStages(context, width);
    const marks = [];
    this.layout.items.forEach((item) => {
      if (item.kind === "gate") return;
      const bad = item.kind === "node"
        ? Number(kind(this.model.shown(this.model.nodes.get(item.n))) === "error")
        : (this.model.groups.get(item.key) || {}).error || 0;
      if (!bad) return;
      const [x, y, w, h_] = this.place(item);
      this.join(marks, { x: x + w / 2, y: y + h_ / 2, count: bad, name: item.label || item.key });
    });
    marks.forEach((mark, k) => this.drawMark(context, mark, marks.length <= NAMED || k < NAMED));
    this.drawSelected(context);
  }

  join(marks, mark) {
    const near = marks.length > NAMED ? marks.find((m) => Math.abs(m.x - mark.x) < NEAR && Math.abs(m.y - mark.y) < NEAR) : null;
    if (near) near.count += mark.count;
    else marks.push(mark);
  }

  drawMark(context, mark, named) {
    const { colors } = this;
    const radius = MARK / 2;
    const words = mark.count > 1 ? number(mark.count) : named ? cut(mark.name, 18) : "";
    if (words) {
      context.font = `500 11.5px ${getComputedStyle(document.body).fontFamily}`;
      const wide = context.measureText(words).width + 12;
      const box = new Path2D();
      box.roundRect(mark.x + radius + 4, mark.y - 10, wide, 20, 4);
      context.fillStyle = colors.surface;
      context.strokeStyle = colors.error;
      context.lineWidth = 1;
      context.fill(box);
      context.stroke(box);
      this.say(context, words, mark.x + radius + 10, mark.y + 4, colors.error, "left", "500");
    }
    context.beginPath();
    context.arc(mark.x, mark.y, radius + 1.5, 0, 2 * Math.PI);
    context.fillStyle = colors.surface;
    context.fill();
    drawSymbol(context, "row-error", mark.x, mark.y, MARK / 14.5, colors.error, colors.on);
  }

  drawStages(context, width) {
    const top = Math.max(30, Math.min(this.y + this.layout.items.reduce((low, item) => Math.min(low, item.y), Infinity) * this.scale - 22, 400));
    if (this.layout.direction === "down") return;
    let free = -Infinity;
    for (const stage of this.layout.stages) {
      const middle = this.x + ((stage.from + stage.to) / 2) * this.scale;
      context.font = `600 11.5px ${getComputedStyle(document.body).fontFamily}`;
      const words = cut(stage.name, 16);
      const half = context.measureText(words).width / 2;
      if (middle - half < free + 8 || middle < -50 || middle > width + 50) continue;
      free = middle + half;
      this.say(context, words, middle, top, this.colors.text, "center", "600");
      if (stage.count > 1) this.say(context, number(stage.count), middle, top + 14, this.colors["text-2"]);
    }
  }

  drawSelected(context) {
    if (this.selectedItem === null || this.selectedItem === undefined) return;
    const item = this.layout.items[this.selectedItem];
    if (!item) return;
    const [x, y, w, h_] = this.place(item);
    const path = new Path2D();
    path.roundRect(x - 4, y - 4, w + 8, Math.max(h_, 8) + 8, 6);
    context.strokeStyle = this.colors.accent;
    context.lineWidth = 2;
    context.stroke(path);
  }

  // -- pointer -----------------------------------------------------------------------
  // The item under a point of the screen: looked up in a grid, so that a hover costs nothing.
  at(px, py) {
    const x = (px - this.x) / this.scale;
    const y = (py - this.y) / this.scale;
    const reach = 4 / this.scale;
    let best = null;
    if (this.gridOf !== this.layout) {
      this.gridOf = this.layout;
      this.grid = new Grid(this.layout.items);
    }
    for (const k of this.grid.near(x, y)) {
      const item = this.layout.items[k];
      const inside = x >= item.x - reach && x <= item.x + item.w + reach && y >= item.y - reach && y <= item.y + item.h + reach;
      if (inside && item.kind !== "gate") best = k;
    }
    return best;
  }
}
