// The whole picture in a corner, while only a part of it is in sight: where one is, and where
// else something is wrong.  It is for the pointer; keys and the table lead everywhere without it.

import { h } from "./dom.js";

const WIDE = 168;
const HIGH = [40, 112];
const EVERY = 500; // ms between two drawings
const LEAST = 1.5; // px of an item, 3 of an error
const LATER = ["running", "lost", "interrupted", "error"]; // drawn over the others

export class Minimap {
  constructor(picture, host) {
    this.picture = picture;
    this.canvas = h("canvas");
    this.frame = h("i", { class: "minimap-frame" });
    this.el = h("div", {
      class: "minimap", "aria-hidden": true, hidden: true,
      onpointerdown: (event) => this.down(event), onpointermove: (event) => event.buttons && this.go(event),
    }, this.canvas, this.frame);
    host.append(this.el);
    document.addEventListener("theme", () => this.soon());
  }

  // The parts of the picture that are in sight, from 0 to 1 along each side.
  sight() {
    const { x, y, sx, scale, width, height } = this.picture.viewport;
    const { w, h: high } = this.picture.viewport.size();
    const along = (at, size, whole) => [Math.max(0, -at / whole), Math.min(1, (size - at) / whole)];
    return [along(x, w, width * sx), along(y, high, height * scale)];
  }

  // After every move of the picture.
  move() {
    const { layout } = this.picture;
    if (!layout) return;
    const [[left, right], [top, bottom]] = this.sight();
    const whole = left < 0.03 && right > 0.97 && top < 0.03 && bottom > 0.97;
    this.el.hidden = whole;
    if (whole) return;
    if (layout !== this.drawn) this.draw();
    Object.assign(this.frame.style, {
      left: `${left * WIDE}px`, width: `${Math.max(4, (right - left) * WIDE)}px`,
      top: `${top * this.high}px`, height: `${Math.max(4, (bottom - top) * this.high)}px`,
    });
  }

  soon() {
    if (this.el.hidden || this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.draw();
    }, EVERY);
  }

  draw() {
    const { picture } = this;
    const { layout } = picture;
    this.drawn = layout;
    this.high = Math.min(HIGH[1], Math.max(HIGH[0], (WIDE * layout.height) / layout.width));
    const ratio = devicePixelRatio || 1;
    this.canvas.width = WIDE * ratio;
    this.canvas.height = this.high * ratio;
    Object.assign(this.canvas.style, { width: `${WIDE}px`, height: `${this.high}px` });
    const context = this.canvas.getContext("2d");
    context.scale(ratio, ratio);
    const [kx, ky] = [WIDE / layout.width, this.high / layout.height];
    const later = LATER.map(() => []);
    picture.canvas.colors = picture.canvas.readColors();
    const paint = (item, word) => {
      const least = word === "error" ? 3 : LEAST;
      context.fillStyle = picture.canvas.colorOf(word);
      context.fillRect(item.x * kx, item.y * ky, Math.max(least, item.w * kx), Math.max(least, item.h * ky));
    };
    for (const item of layout.items) {
      if (item.kind === "gate") continue;
      const word = picture.itemShown(item);
      const at = LATER.indexOf(word);
      if (at < 0) paint(item, word);
      else later[at].push(item);
    }
    later.forEach((items, k) => items.forEach((item) => paint(item, LATER[k])));
  }

  down(event) {
    this.el.setPointerCapture(event.pointerId);
    this.go(event);
  }

  // What is under the pointer comes to the middle.
  go(event) {
    const box = this.canvas.getBoundingClientRect();
    const { viewport } = this.picture;
    const { w, h: high } = viewport.size();
    const part = (at, from, size) => Math.min(1, Math.max(0, (at - from) / size));
    const x = w / 2 - part(event.clientX, box.left, box.width) * viewport.width * viewport.sx;
    const y = high / 2 - part(event.clientY, box.top, box.height) * viewport.height * viewport.scale;
    viewport.go(x, y, viewport.scale, false);
    event.stopPropagation();
  }
}
