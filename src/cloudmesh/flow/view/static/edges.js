// Edges and gates: three states by stroke, head and weight.

import { s, set, text, widthOf } from "./dom.js";
import { kind } from "./words.js";

// The heads of edges, as markers.
export function markers() {
  const marker = (id, refX, children) =>
    s("marker", {
      id, viewBox: "-12 -8 14 16", refX, refY: 0, markerWidth: 14, markerHeight: 16,
      markerUnits: "userSpaceOnUse", orient: "auto",
    }, children);
  return s("defs", {},
    marker("head-waiting", 0, s("path", { class: "head-open", d: "M-8 -4.5L0 0L-8 4.5" })),
    marker("head-skipped", 0, s("path", { class: "head-open", d: "M-8 -4.5L0 0L-8 4.5" })),
    marker("head-carried", 0, s("path", { class: "head-full", d: "M-10 -4.5L0 0L-10 4.5Z" })),
    marker("head-blocked", 1, s("path", { class: "head-bar", d: "M0 -6V6" })));
}

export class EdgeView {
  constructor(edge, picture) {
    this.edge = edge;
    this.picture = picture;
    this.path = s("path", { class: "edge", d: edge.path, "data-edge": edge.edge });
    this.el = s("g", {}, this.path);
    if (edge.label) {
      const at = { x: edge.x, y: edge.y - (edge.curved ? -4 : 7), class: edge.curved ? "edge-label on-curve" : "edge-label" };
      this.el.append((this.label = s("text", at)));
      text(this.label, edge.label);
    }
    const [from, to] = [edge.from, edge.to].map((k) => picture.layout.items[k]);
    this.room = picture.layout.direction === "down" ? 0 : to.x - from.x - from.w;
    this.toGate = picture.layout.items[edge.to].kind === "gate";
    this.update();
  }

  update() {
    const state = this.picture.edgeState(this.edge);
    if (state === this.state) return;
    this.state = state;
    set(this.path, "data-state", state);
    set(this.path, "marker-end", this.toGate ? null : `url(#head-${state})`);
  }

  fit(scale) {
    if (!this.label) return;
    const size = Math.max(11, 11 / scale); // never below 11 on screen: what has no room is left out
    const narrow = widthOf(this.edge.label, size) > this.room - 12;
    set(this.label, "visibility", scale < 0.6 || narrow ? "hidden" : null);
    set(this.label, "font-size", size.toFixed(1));
  }
}

// A barrier of many: fills from below as its inputs finish; one failed input puts its mark on it.
export class Gate {
  constructor(item, model) {
    this.item = item;
    this.model = model;
    this.wide = item.w > item.h;
    const { w, h } = item;
    this.level = s("rect", { class: "gate-level", rx: 3 });
    this.count = s("text", { class: "gate-count", x: w / 2, y: this.wide ? h + 16 : h + 16 });
    this.mark = s("use", { x: w / 2 - 10, y: h / 2 - 10, width: 20, height: 20, href: "#row-error", class: "gate-mark", "data-shown": "error" });
    this.el = s(
      "g",
      { class: "gate", transform: `translate(${item.x} ${item.y})` },
      s("rect", { class: "gate-bar", width: w, height: h, rx: 3 }),
      this.level,
      this.mark,
      this.count,
    );
    this.scale = 1;
    this.update();
  }

  static state(model, item) {
    let done = 0;
    let bad = 0;
    let skipped = 0;
    for (const n of item.members) {
      const shown = kind(model.shown(model.nodes.get(n)));
      if (shown === "finished") done += 1;
      else if (shown === "skipped") skipped += 1;
      else if (shown === "error") bad += 1;
    }
    return { done: done + skipped, bad, all: item.members.length };
  }

  update() {
    const { done, bad, all } = Gate.state(this.model, this.item);
    const { w, h } = this.item;
    const part = all ? done / all : 0;
    if (this.wide) {
      set(this.level, "width", (w * part).toFixed(1));
      set(this.level, "height", h);
    } else {
      set(this.level, "width", w);
      set(this.level, "height", (h * part).toFixed(1));
      set(this.level, "y", (h * (1 - part)).toFixed(1));
    }
    set(this.mark, "visibility", bad ? null : "hidden");
    set(this.el, "data-gate", bad ? "blocked" : done === all ? "open" : "waiting");
    text(this.count, bad ? `blocked: ${bad} of ${all} failed` : `${done} of ${all}`);
  }

  fit(scale) {
    set(this.count, "font-size", Math.max(11, 11 / scale).toFixed(1));
  }

  tick() {}
}
