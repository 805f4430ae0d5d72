// The picture: what is in sight as SVG elements, changed by attribute.  It never moves
// unless the reader moves it.

import { Canvas } from "./canvas.js";
import { s, set } from "./dom.js";
import { EdgeView, Gate, markers } from "./edges.js";
import { Folded, Opened } from "./group.js";
import { Plate } from "./plate.js";
import { Pointer } from "./pointer.js";
import { BARS_BELOW, Viewport } from "./viewport.js";
import { kind } from "./words.js";

const ELEMENTS_MAX = 1500;

export class Picture {
  // handlers: select(name), inspect(name), fold(key), zoom(scale)
  constructor(host, model, handlers) {
    Object.assign(this, { host, model, handlers });
    this.edgeLayer = s("g", { class: "edges" });
    this.itemLayer = s("g", { class: "items" });
    this.world = s("g", {}, this.edgeLayer, this.itemLayer);
    this.svg = s("svg", { class: "canvas", "aria-hidden": true }, markers(), this.world);
    host.append(this.svg);
    this.canvas = new Canvas(host, model);
    this.canvas.show(false);
    this.views = new Map(); // number of an item -> its view
    this.edgeViews = new Map();
    this.itemOf = new Map(); // number of a node -> number of its item
    this.selected = null;
    this.viewport = new Viewport(host, this.world, () => this.moved(), () => this.settle());
    new Pointer(this);
  }

  // -- layout --------------------------------------------------------------------
  // `anchor` is the key of a group whose upper left corner stays where it is on the screen.
  setLayout(layout, anchor) {
    const before = anchor && this.layout && this.layout.items.find((item) => item.key === anchor && item.kind !== "gate");
    this.clear();
    this.layout = layout;
    this.itemOf.clear();
    this.touching = layout.items.map(() => []);
    layout.items.forEach((item, k) => {
      if (item.kind === "node" || item.kind === "map") this.itemOf.set(item.n, k);
      if (item.kind === "group") {
        item.members.forEach((n) => this.itemOf.set(n, k));
        this.model.addGroup(item.key, item.members);
      }
    });
    layout.edges.forEach((edge, k) => {
      this.touching[edge.from].push(k);
      this.touching[edge.to].push(k);
    });
    this.gates = layout.items.map((item, k) => [item, k]).filter(([item]) => item.kind === "gate");
    this.viewport.content(layout.width, layout.height);
    this.canvas.setLayout(layout);
    const after = before && layout.items.find((item) => item.key === anchor && item.kind !== "gate");
    if (after) {
      const { x, y, scale, sx } = this.viewport;
      this.viewport.go(x + (before.x - after.x) * sx, y + (before.y - after.y) * scale, scale, false);
    } else if (!before) {
      this.viewport.fit();
    }
    this.settle();
  }

  // After a whole snapshot: all is drawn anew, without moving.
  refresh() {
    if (!this.layout) return;
    this.clear();
    for (const item of this.layout.items) if (item.kind === "group") this.model.addGroup(item.key, item.members);
    this.settle();
  }

  clear() {
    this.itemLayer.replaceChildren();
    this.edgeLayer.replaceChildren();
    this.views.clear();
    this.edgeViews.clear();
  }

  moved() {
    const { x, y, scale, sx } = this.viewport;
    this.handlers.zoom(sx);
    if (this.bars) this.canvas.view(x, y, sx, scale, false);
  }

  // -- what is in sight ------------------------------------------------------------
  settle() {
    if (!this.layout) return;
    const { x, y, scale, sx } = this.viewport;
    this.bars = scale < BARS_BELOW;
    set(this.host, "data-level", scale >= 0.6 ? "full" : this.bars ? "bars" : "names");
    this.canvas.show(this.bars);
    if (this.bars) {
      this.clear();
      this.canvas.view(x, y, sx, scale, true);
      this.markSelection();
      this.markWay();
      return;
    }
    const sight = this.viewport.sight();
    const { items, edges } = this.layout;
    const small = items.length <= 400;
    const inSight = (item) =>
      small || (item.x + item.w >= sight.left && item.x <= sight.right && item.y + item.h >= sight.top && item.y <= sight.bottom);
    let count = 0;
    items.forEach((item, k) => {
      const seen = inSight(item) && count < ELEMENTS_MAX;
      count += Number(seen);
      if (seen) this.show(k);
      else this.hide(k);
    });
    edges.forEach((edge, k) => {
      const seen = this.views.has(edge.from) || this.views.has(edge.to);
      if (seen && !this.edgeViews.has(k)) {
        const view = new EdgeView(edge, this);
        this.edgeViews.set(k, view);
        this.edgeLayer.append(view.el);
      } else if (!seen && this.edgeViews.has(k)) {
        this.edgeViews.get(k).el.remove();
        this.edgeViews.delete(k);
      }
    });
    for (const view of this.views.values()) view.fit(scale);
    for (const view of this.edgeViews.values()) view.fit(scale);
    if (this.sought) this.dim(this.sought); // what has come into sight
    this.markSelection();
    this.markWay();
  }

  show(k) {
    if (this.views.has(k)) return;
    const item = this.layout.items[k];
    const make = item.kind === "node" ? Plate : item.kind === "gate" ? Gate : item.open ? Opened : Folded;
    const view = new make(item, this.model);
    this.views.set(k, view);
    this.itemLayer.append(view.el);
  }

  hide(k) {
    const view = this.views.get(k);
    if (!view) return;
    view.el.remove();
    this.views.delete(k);
  }

  // -- changes -----------------------------------------------------------------------
  update(changed) {
    if (!this.layout) return;
    if (this.bars) {
      this.canvas.touch("nodes", "marks");
      return;
    }
    const items = new Set();
    for (const n of changed) {
      const node = this.model.nodes.get(n);
      const k = this.itemOf.get(n) ?? this.itemOf.get(node.parent);
      if (k !== undefined) items.add(k);
    }
    const edges = new Set();
    for (const k of items) {
      const view = this.views.get(k);
      if (view) view.update(changed);
      for (const edge of this.touching[k]) edges.add(edge);
    }
    for (const [item, k] of this.gates) {
      if (!item.members.some((n) => changed.has(n))) continue;
      const view = this.views.get(k);
      if (view) view.update();
      for (const edge of this.touching[k]) edges.add(edge);
    }
    for (const edge of edges) {
      const view = this.edgeViews.get(edge);
      if (view) view.update();
    }
  }

  tick() {
    for (const view of this.views.values()) view.tick();
  }

  itemShown(item) {
    if (item.kind === "gate") {
      const { done, bad, all } = Gate.state(this.model, item);
      return bad ? "error" : done === all ? "finished" : "pending";
    }
    if (item.kind === "group") return this.model.first(this.model.groups.get(item.key));
    return kind(this.model.shown(this.model.nodes.get(item.n)));
  }

  edgeState(edge) {
    const source = this.itemShown(this.layout.items[edge.from]);
    const target = this.itemShown(this.layout.items[edge.to]);
    if (source === "finished") return "carried";
    if (source === "skipped") return "skipped";
    if (source === "error" || source === "blocked" || (source === "cancelled" && target === "cancelled")) return "blocked";
    return "waiting";
  }

  // -- selection -----------------------------------------------------------------------
  select(name) {
    this.selected = name;
    this.markSelection();
  }

  markSelection() {
    for (const el of this.svg.querySelectorAll(".selected")) el.classList.remove("selected");
    const k = this.selected ? this.itemFor(this.selected) : undefined;
    this.canvas.selectedItem = k;
    if (this.bars) this.canvas.touch("marks");
    const node = this.model.node(this.selected);
    this.views.forEach((view, at) => view.crowd?.select(at === k ? node.n : null));
    const view = k === undefined ? null : this.views.get(k);
    if (!view) return;
    const cell = node && view.byNumber ? view.byNumber.get(node.n) : null;
    if (!view.crowd || node.n === view.item.n) (cell || view.el).classList.add("selected");
    for (const edge of this.touching[k]) this.edgeViews.get(edge)?.path.classList.add("selected");
  }

  // What is on the longest way, and the edges between.
  markWay() {
    const way = new Set([...(this.model.critical || [])].map((n) => this.itemFor(this.model.nodes.get(n).name)));
    for (const [k, view] of this.views) view.el.classList.toggle("on-way", way.has(k));
    this.edgeViews.forEach((view) => view.path.classList.toggle("on-way", way.has(view.edge.from) && way.has(view.edge.to)));
    this.canvas.way = way;
    if (this.bars) this.canvas.touch("marks");
  }

  itemFor(name) {
    const node = this.model.node(name);
    if (!node) return undefined;
    return this.itemOf.get(node.n) ?? this.itemOf.get(node.parent);
  }

  // The box of what is selected, for zooming.
  anchor() {
    const k = this.selected ? this.itemFor(this.selected) : undefined;
    return k === undefined ? null : this.layout.items[k];
  }

  zoomBy(factor) {
    this.viewport.zoomBy(factor, this.anchor());
  }

  zoomTo(scale) {
    this.viewport.zoomTo(scale, this.anchor());
  }

  reveal(name, cover = 0, margin = undefined) {
    const k = this.itemFor(name);
    if (k === undefined) return;
    const item = this.layout.items[k];
    const node = this.model.node(name);
    const members = item.open ? (item.kind === "map" ? this.model.elements.get(item.n) : item.members) : null;
    if (members && node.n !== item.n) {
      const at = members.indexOf(node.n);
      const { size, gap, columns, x, y } = item.cells;
      const left = item.x + x + (at % columns) * (size + gap);
      this.viewport.reveal(left, item.y + y + Math.floor(at / columns) * (size + gap), size, size, cover, margin);
      return;
    }
    this.viewport.reveal(item.x, item.y, item.w, item.h, cover, margin);
  }

  // While a search goes on: a group is a hit where one of its nodes is.
  dim(test) {
    this.sought = this.canvas.sought = test;
    if (this.bars) this.canvas.touch("nodes");
    this.host.classList.toggle("searching", Boolean(test));
    const hit = (element, names) => element.classList.toggle("hit", Boolean(test) && names.some(test));
    for (const { el, item, crowd } of this.views.values()) {
      crowd?.dim(test);
      const members = item.members || this.model.elements.get(item.n) || [];
      hit(el, [item.key, ...members.map((n) => this.model.nodes.get(n).name)]);
    }
    for (const cell of this.host.querySelectorAll(".cell[data-node]")) hit(cell, [cell.dataset.node]);
  }
}
