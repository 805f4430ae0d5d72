// Pan and zoom.  One transform while they last; what depends on the scale follows 80 ms after.

import { reduced } from "./dom.js";

const MOST = 2;
const WIDE = 0.23; // along x, of a picture that is much higher than wide
export const BARS_BELOW = 0.3;
const SETTLE = 80;

export class Viewport {
  constructor(host, world, onMove, onSettle) {
    Object.assign(this, { host, world, onMove, onSettle });
    this.x = 0;
    this.y = 0;
    this.scale = 1;
    this.width = 0;
    this.height = 0;
    host.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    host.addEventListener("pointerdown", (event) => this.down(event));
    host.addEventListener("pointermove", (event) => this.drag(event));
    host.addEventListener("pointerup", (event) => this.up(event));
    host.addEventListener("pointercancel", (event) => this.up(event));
    this.pointers = new Map();
  }

  content(width, height) {
    this.width = width;
    this.height = height;
    this.measure();
  }

  // A tall picture of bars is drawn wider than it is high: at the fit as wide as it is useful,
  // and the nearer to plates, the nearer to its own proportions.
  measure() {
    const { w, h } = this.size();
    const fit = () => {
      const { top, right, bottom, left } = this.inset;
      const across = (w - left - right) / this.width;
      const down = (h - top - bottom) / this.height;
      return { across, down, low: Math.max(0.002, Math.min(1, across, down) || 1) };
    };
    this.low = 1;
    this.low = fit().low;
    const { across, down, low } = fit(); // bars need more room around them than plates
    this.low = low;
    this.wide = null;
    if (this.low < BARS_BELOW && down < across) this.wide = Math.min(across, Math.max(this.low, WIDE));
  }

  // The scale along x; `scale` is the one along y.
  get sx() {
    if (!this.wide || this.scale >= BARS_BELOW) return this.scale;
    const t = Math.max(0, Math.log(this.scale / this.low) / Math.log(BARS_BELOW / this.low));
    return this.wide * (BARS_BELOW / this.wide) ** t;
  }

  // Beside the layout's own margin.  On a phone there are no tools over the picture.
  get inset() {
    if (this.host.clientWidth < 480) return { top: 0, right: 0, bottom: 0, left: 0 };
    const bars = this.low < BARS_BELOW; // names of stages above, counts of gates below
    return bars ? { top: 92, right: 24, bottom: 28, left: 24 } : { top: 40, right: 0, bottom: 0, left: 0 };
  }

  size() {
    return { w: this.host.clientWidth, h: this.host.clientHeight };
  }

  fitScale() {
    this.measure();
    return this.low;
  }

  fit(animate = false) {
    const { w, h } = this.size();
    const { top, right, bottom, left } = this.inset;
    const scale = this.fitScale();
    const sx = this.wide || scale;
    const x = left + (w - left - right - this.width * sx) / 2;
    const y = top + (h - top - bottom - this.height * scale) / 2;
    this.go(x, Math.max(y, scale < 1 ? 0 : y), scale, animate);
  }

  // Zoom so that a point of the screen stays where it is.
  zoomAt(px, py, scale) {
    cancelAnimationFrame(this.animation); // the reader's hand is later than where we were going
    const next = Math.min(MOST, Math.max(this.fitScale(), scale));
    const before = this.sx;
    this.y = py - ((py - this.y) * next) / this.scale;
    this.scale = next;
    this.x = px - ((px - this.x) * this.sx) / before;
    this.moved();
  }

  // By keys and buttons: at the middle, or at a box that is to stay in sight.
  zoomBy(factor, box = null) {
    const { w, h } = this.size();
    if (!box) {
      this.zoomAt(w / 2, h / 2, this.scale * factor);
      return;
    }
    const x = this.x + (box.x + box.w / 2) * this.sx;
    const y = this.y + (box.y + box.h / 2) * this.scale;
    this.zoomAt(x, y, this.scale * factor);
    this.reveal(box.x, box.y, box.w, box.h);
  }

  zoomTo(scale, box = null) {
    this.zoomBy(scale / this.scale, box);
  }

  // Bring a box into sight; only if it is outside the middle, without a margin of 10 % each way.
  reveal(x, y, w, h, cover = 0, margin = 0.1) {
    const size = this.size();
    const width = size.w - cover;
    const { sx } = this;
    const left = this.x + x * sx;
    const top = this.y + y * this.scale;
    const right = left + w * sx;
    const bottom = top + h * this.scale;
    const outsideX = left < width * margin || right > width * (1 - margin);
    const outsideY = top < size.h * margin || bottom > size.h * (1 - margin);
    const fits = w * sx < width * 0.8 && h * this.scale < size.h * 0.8;
    if ((!outsideX && !outsideY) || (!fits && right > width * 0.2 && left < width * 0.8 && bottom > 0 && top < size.h)) return;
    const nx = width / 2 - (x + w / 2) * sx;
    const ny = size.h / 2 - (y + h / 2) * this.scale;
    this.go(outsideX ? nx : this.x, outsideY ? ny : this.y, this.scale, true);
  }

  go(x, y, scale, animate) {
    cancelAnimationFrame(this.animation);
    if (!animate || reduced()) {
      Object.assign(this, { x, y, scale });
      this.moved();
      return;
    }
    const from = { x: this.x, y: this.y, scale: this.scale };
    const begun = performance.now();
    const step = (at) => {
      const t = Math.min(1, (at - begun) / 240);
      const e = 1 - (1 - t) ** 3;
      this.x = from.x + (x - from.x) * e;
      this.y = from.y + (y - from.y) * e;
      this.scale = from.scale + (scale - from.scale) * e;
      this.moved();
      if (t < 1) this.animation = requestAnimationFrame(step);
    };
    this.animation = requestAnimationFrame(step);
  }

  moved() {
    this.world.setAttribute("transform", `translate(${this.x} ${this.y}) scale(${this.sx} ${this.scale})`);
    this.onMove();
    clearTimeout(this.timer);
    this.timer = setTimeout(this.onSettle, SETTLE);
  }

  wheel(event) {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) {
      const box = this.host.getBoundingClientRect();
      const factor = Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0022) * 2);
      this.zoomAt(event.clientX - box.left, event.clientY - box.top, this.scale * factor);
      return;
    }
    cancelAnimationFrame(this.animation);
    const unit = event.deltaMode ? 24 : 1;
    this.x -= (event.shiftKey ? event.deltaY : event.deltaX) * unit;
    this.y -= (event.shiftKey ? 0 : event.deltaY) * unit;
    this.moved();
  }

  // -- pointers: one drags, two pinch --------------------------------------------
  down(event) {
    if (event.button) return;
    cancelAnimationFrame(this.animation);
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.travelled = 0;
  }

  drag(event) {
    const last = this.pointers.get(event.pointerId);
    if (!last) return;
    if (this.pointers.size === 2) {
      this.pinch(event, last);
      return;
    }
    const dx = event.clientX - last.x;
    const dy = event.clientY - last.y;
    this.travelled += Math.abs(dx) + Math.abs(dy);
    if (this.travelled > 4) {
      if (!this.host.hasPointerCapture(event.pointerId)) this.host.setPointerCapture(event.pointerId);
      this.host.classList.add("dragging");
      this.x += dx;
      this.y += dy;
      this.moved();
    }
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  }

  pinch(event, last) {
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)[1];
    const before = Math.hypot(last.x - other.x, last.y - other.y);
    const after = Math.hypot(event.clientX - other.x, event.clientY - other.y);
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.travelled += 10;
    if (before < 1) return;
    const box = this.host.getBoundingClientRect();
    const px = (event.clientX + other.x) / 2 - box.left;
    const py = (event.clientY + other.y) / 2 - box.top;
    this.zoomAt(px, py, (this.scale * after) / before);
  }

  up(event) {
    this.pointers.delete(event.pointerId);
    this.host.classList.remove("dragging");
  }

  // A drag ends with a click that is none.
  get dragged() {
    return this.travelled > 4;
  }

  // What is in sight, in the picture's own coordinates, and half a screen around it.
  sight(around = 0.5) {
    const { w, h } = this.size();
    const { sx, scale } = this;
    return {
      left: (-this.x - w * around) / sx,
      top: (-this.y - h * around) / scale,
      right: (-this.x + w * (1 + around)) / sx,
      bottom: (-this.y + h * (1 + around)) / scale,
    };
  }
}
