// The time line: events a moment, errors, and a handle at the SEQ shown.  Dragging goes into the past.

import { get, runPath } from "./api.js";
import { h, replace, s, text } from "./dom.js";
import { clock } from "./words.js";

const BINS = 150;
const EVERY = 2500;

export class Timeline {
  // handlers: goTo(seq), step(by), live()
  constructor(model, handlers) {
    Object.assign(this, { model, handlers });
    this.button = h("button", { class: "button live", type: "button", onclick: () => handlers.live() });
    this.from = h("span", { class: "quiet" });
    this.to = h("span", { class: "quiet" });
    this.seq = h("span", { class: "mono quiet" });
    this.svg = s("svg", { class: "timeline-svg", preserveAspectRatio: "none", "aria-hidden": true });
    this.track = h("div", {
      class: "timeline-track", role: "slider", tabindex: 0, "aria-label": "SEQ shown", "aria-valuemin": 1,
      onpointerdown: (event) => this.down(event), onpointermove: (event) => this.move(event),
      onpointerup: (event) => this.up(event), onkeydown: (event) => this.key(event),
    }, this.svg);
    this.el = h("section", { class: "timeline", "aria-label": "Time line" }, this.button, this.from, this.track, this.to, this.seq);
    this.loadedAt = 0;
    new ResizeObserver(() => this.draw()).observe(this.track);
    this.load();
  }

  async load() {
    this.loadedAt = performance.now();
    this.loadedSeq = this.model.live;
    const asked = this.asked = get(`${runPath(this.model.run.run, "timeline")}?bins=${BINS}`).catch(() => this.data);
    const data = await asked;
    if (this.asked !== asked) return; // answers may overtake each other
    this.data = data;
    this.draw();
  }

  update() {
    const stale = this.model.live > (this.loadedSeq || 0);
    if (stale && (this.model.ended || performance.now() - this.loadedAt > EVERY)) this.load();
    else this.drawHandle();
  }

  tick() {
    if (this.model.live > (this.loadedSeq || 0) && performance.now() - this.loadedAt > EVERY) this.load();
  }

  // -- drawing -------------------------------------------------------------------
  draw() {
    const { data } = this;
    if (!data) return;
    const width = this.track.clientWidth;
    const most = Math.max(...data.counts, 1);
    const step = width / BINS;
    const bars = data.counts.map((count, k) => {
      const high = count ? 3 + 15 * Math.sqrt(count / most) : 1.5;
      return s("rect", { class: count ? "timeline-bar" : "timeline-none", x: k * step + 0.5, y: 30 - high, width: Math.max(1, step - 2), height: high, rx: 1 });
    });
    const errors = data.errors.slice(0, 60).map((error) => s("use", { href: "#icon-error", class: "timeline-error", x: this.xOf(error.seq, error.at) - 6, y: 1, width: 12, height: 12 }));
    this.handle = s("g", { class: "timeline-handle" }, s("line", { y1: 4, y2: 34 }), s("circle", { cy: 32, r: 4 }));
    replace(this.svg, s("line", { class: "timeline-base", x1: 0, x2: width, y1: 31.5, y2: 31.5 }), bars, errors, this.handle);
    this.drawHandle();
  }

  xOf(seq, at) {
    const { begin, end } = this.data;
    const width = this.track.clientWidth;
    return Math.max(0, Math.min(width, ((at - begin) / Math.max(0.001, end - begin)) * width));
  }

  drawHandle() {
    const { model } = this;
    const word = model.word;
    const names = { running: "Live", lost: "Last sign" };
    const key = `${model.past} ${word}`;
    if (key !== this.buttonKey) replace(this.button, model.past || word !== "running" ? null : h("i", { class: "dot" }), model.past ? "Back to live" : names[word] || "At the end", h("kbd", {}, "L"));
    this.buttonKey = key;
    text(this.from, clock(model.begun));
    text(this.to, clock(model.last));
    text(this.seq, `SEQ ${model.seq}`);
    this.track.setAttribute("aria-valuenow", model.seq);
    this.track.setAttribute("aria-valuemax", model.live);
    if (this.handle && this.data) {
      const x = model.past ? this.xOf(model.seq, model.last) : this.track.clientWidth;
      this.handle.setAttribute("transform", `translate(${x} 0)`);
    }
  }

  // -- pointer and keys ------------------------------------------------------------
  seqAt(event) {
    const box = this.track.getBoundingClientRect();
    const part = (event.clientX - box.left) / box.width;
    if (part >= 0.995) return this.model.live;
    const k = Math.max(0, Math.min(BINS - 1, Math.floor(part * BINS)));
    return Math.max(1, this.data.seqs[k]);
  }

  down(event) {
    if (!this.data) return;
    this.track.setPointerCapture(event.pointerId);
    this.dragging = true;
    this.handlers.goTo(this.seqAt(event));
  }

  move(event) {
    if (this.dragging) this.handlers.goTo(this.seqAt(event));
  }

  up() {
    this.dragging = false;
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10, Home: -1e12, End: 1e12 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    this.handlers.step(step);
  }
}
