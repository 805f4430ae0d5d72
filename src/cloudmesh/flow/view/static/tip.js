// The name in full, 300 ms after the pointer has come to rest on a node, and nothing else.

import { h } from "./dom.js";

const SOON = 300;
const ABOVE = 14; // px between the pointer and the words
const EDGE = 8;

export class Tip {
  // nameAt(event) -> the words for what is under the pointer, or null
  constructor(host, nameAt) {
    this.host = host;
    this.el = h("div", { class: "tip", "aria-hidden": true, hidden: true }); // the table says it to those who do not see
    host.append(this.el);
    host.addEventListener("pointermove", (event) => this.move(event, nameAt));
    for (const away of ["pointerleave", "pointerdown", "wheel"]) host.addEventListener(away, () => this.hide(), { passive: true });
  }

  move(event, nameAt) {
    const words = event.buttons || event.pointerType === "touch" ? null : nameAt(event);
    if (words === this.words) return;
    this.hide();
    this.words = words;
    if (words) this.timer = setTimeout(() => this.show(event.clientX, event.clientY), SOON);
  }

  show(x, y) {
    const box = this.host.getBoundingClientRect();
    this.el.textContent = this.words;
    this.el.hidden = false;
    const { offsetWidth: w, offsetHeight: high } = this.el;
    const above = y - box.top - high - ABOVE;
    this.el.style.left = `${Math.max(EDGE, Math.min(x - box.left - w / 2, box.width - w - EDGE))}px`;
    this.el.style.top = `${above < EDGE ? y - box.top + 2 * ABOVE : above}px`;
  }

  hide() {
    clearTimeout(this.timer);
    this.words = null;
    this.el.hidden = true;
  }
}
