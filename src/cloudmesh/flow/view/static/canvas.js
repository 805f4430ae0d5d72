// The picture below 30 %: bars instead of plates, hairlines, names of stages, and errors
// that do not shrink.  Three canvases, each drawn anew only when it is dirty.

import { segments } from "./bars.js";
import { h } from "./dom.js";
import { Gate } from "./edges.js";
import { paintMarks, say } from "./canvasmarks.js";
import { Grid, hatch } from "./canvastools.js";
import { kind } from "./words.js";

const DIM = 0.25;
const LANE = 12; // px of a lane where nodes have no bars of their own

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

  // While the reader pans, the edges are only moved; they are drawn anew when the hand rests.
  view(x, y, sx, sy, rests) {
    const pans = !rests && sx === this.sx && sy === this.sy && this.edgesAt;
    Object.assign(this, { x, y, sx, sy });
    const [edges] = this.layers;
    edges.style.transform = pans ? `translate(${x - this.edgesAt.x}px, ${y - this.edgesAt.y}px)` : "";
    if (pans) this.touch("nodes", "marks");
    else this.touch();
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
    this.edgesAt = { x: this.x, y: this.y };
    if (this.crowded) return; // structure is then read from gates and columns
    if (!this.path) {
      this.path = new Path2D();
      for (const edge of this.layout.edges) this.path.addPath(new Path2D(edge.path));
    }
    const path = new Path2D();
    path.addPath(this.path, new DOMMatrix([this.sx, 0, 0, this.sy, this.x, this.y]));
    context.strokeStyle = this.colors["line-2"];
    context.globalAlpha = 0.7;
    context.lineWidth = 0.6;
    context.stroke(path);
    context.globalAlpha = 1;
  }

  place(item) {
    return [this.x + item.x * this.sx, this.y + item.y * this.sy, item.w * this.sx, item.h * this.sy];
  }

  // Where a bar would be under 2 high.
  get crowded() {
    return 56 * this.sy < 2;
  }

  drawNodes(context, width, height) {
    const waiting = [];
    const dimmed = []; // while a search goes on, what is no hit
    const lanes = new Map();
    for (const item of this.layout.items) {
      const [x, y, w, h_] = this.place(item);
      if (x > width || y > height || x + w < 0 || y + h_ < 0) continue;
      if (item.kind === "gate") this.drawGate(context, item, x, y, w, h_);
      else if (item.kind === "node" && this.crowded) this.count(lanes, item, x, y, w);
      else if (item.kind === "node") (this.sought && !this.sought(item.key) ? dimmed : waiting).push([kind(this.model.shown(this.model.nodes.get(item.n))), x, y, w, h_]);
      else this.drawGroup(context, item, x, y, w, h_);
    }
    context.globalAlpha = DIM;
    this.drawBars(context, dimmed);
    context.globalAlpha = 1;
    this.drawBars(context, waiting);
    for (const { x, y, w, counts } of lanes.values()) this.drawCounts(context, counts, x, y, w, LANE - 4);
  }

  // Too many for bars of their own: one count bar for a stage and lane.
  count(lanes, item, x, y, w) {
    const lane = Math.floor((y - this.y) / LANE);
    const key = `${item.level} ${lane}`;
    if (!lanes.has(key)) lanes.set(key, { x, y: this.y + lane * LANE + 2, w, counts: {} });
    const { counts } = lanes.get(key);
    const word = kind(this.model.shown(this.model.nodes.get(item.n)));
    counts[word] = (counts[word] || 0) + 1;
  }

  drawCounts(context, counts, x, y, w, high) {
    for (const [word, left, width] of segments(counts, w, 3, 1)) {
      if (word === "pending") {
        context.strokeStyle = this.colors.pending;
        context.strokeRect(x + left + 0.5, y + 0.5, Math.max(1, width - 1), high - 1);
      } else {
        context.fillStyle = word === "blocked" ? hatch(context, this.colorOf(word)) : this.colorOf(word);
        context.fillRect(x + left, y, width, high);
      }
    }
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
    if (done < all && !wide) say(context, bad ? `${bad} of ${all} failed` : `${done} of ${all}`, x + w / 2, y + h_ + 14, bad ? this.colors.error : this.colors["text-2"]);
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
    this.drawCounts(context, counts, x + 3, top, w - 6, high);
  }

  drawMarks(context, width) {
    paintMarks(this, context, width);
  }

  // -- pointer -----------------------------------------------------------------------
  // The item under a point of the screen: looked up in a grid, so that a hover costs nothing.
  at(px, py) {
    const x = (px - this.x) / this.sx;
    const y = (py - this.y) / this.sy;
    const reach = 4 / this.sx;
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
