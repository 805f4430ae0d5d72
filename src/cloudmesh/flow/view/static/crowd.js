// The cells of an open group that has more of them than can be elements: one path a status.

import { s, set } from "./dom.js";
import { kind } from "./words.js";

export const CELLS_MAX = 1500;

export class Crowd {
  // members() -> the numbers of the nodes, in order
  constructor(item, model, members) {
    Object.assign(this, { item, model, members });
    this.paths = new Map();
    this.ring = s("rect", { class: "crowd-ring", visibility: "hidden" });
    this.el = s("g", { class: "crowd" }, this.ring);
    this.el.nameAt = (x, y) => this.nameAt(x, y);
    this.update();
  }

  place(k) {
    const { size, gap, columns, x, y } = this.item.cells;
    return [x + (k % columns) * (size + gap), y + Math.floor(k / columns) * (size + gap)];
  }

  update() {
    const { size } = this.item.cells;
    const parts = new Map();
    this.members().forEach((n, k) => {
      const node = this.model.nodes.get(n);
      const shown = node ? kind(this.model.shown(node)) : "pending";
      const key = this.sought && node && !this.sought(node.name) ? `${shown} dim` : shown;
      const [x, y] = this.place(k);
      if (!parts.has(key)) parts.set(key, []);
      parts.get(key).push(`M${x + 0.5} ${y + 0.5}h${size - 1}v${size - 1}h${1 - size}z`);
    });
    for (const [key, path] of this.paths) if (!parts.has(key)) set(path, "d", "");
    for (const [key, some] of parts) set(this.path(key), "d", some.join(""));
  }

  path(key) {
    if (!this.paths.has(key)) {
      const [shown, dim] = key.split(" ");
      const path = s("path", { "data-shown": shown, class: dim ? "dim" : null });
      this.paths.set(key, path);
      this.el.insertBefore(path, this.ring);
    }
    return this.paths.get(key);
  }

  select(n) {
    const k = n === null ? -1 : this.members().indexOf(n);
    set(this.ring, "visibility", k < 0 ? "hidden" : null);
    if (k < 0) return;
    const [x, y] = this.place(k);
    const { size } = this.item.cells;
    for (const [name, value] of [["x", x - 2], ["y", y - 2], ["width", size + 4], ["height", size + 4]]) set(this.ring, name, value);
  }

  dim(test) {
    this.sought = test;
    this.update();
  }

  // The node at a point of the picture; undefined between two cells.
  nameAt(px, py) {
    const { size, gap, columns, x, y } = this.item.cells;
    const [left, top] = [px - this.item.x - x, py - this.item.y - y];
    const step = size + gap;
    const column = Math.floor(left / step);
    if (left < 0 || top < 0 || column >= columns || left % step > size || top % step > size) return undefined;
    const n = this.members()[Math.floor(top / step) * columns + column];
    return this.model.nodes.get(n)?.name;
  }
}
