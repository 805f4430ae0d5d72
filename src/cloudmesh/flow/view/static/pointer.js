// What the pointer does in the picture: it selects, folds, fits, and asks for the whole name.

import { caption } from "./facts.js";
import { Tip } from "./tip.js";

// A group is no node: it is named by its first one, and has a status of its own.
const DRAWN = "[data-node], [data-group]";

function nameOf(target) {
  const { node, group } = target.closest(DRAWN)?.dataset || {};
  return node ?? group;
}

export class Pointer {
  constructor(picture) {
    this.picture = picture;
    const { host } = picture;
    host.addEventListener("click", (event) => this.click(event));
    host.addEventListener("dblclick", (event) => this.doubleClick(event));
    new Tip(host, (event) => this.wordsAt(event));
  }

  // The name of what is under it, drawn as an element or as a bar; null where nothing is.
  nameAt(event) {
    const { picture } = this;
    const name = this.inCrowd(event) ?? nameOf(event.target);
    if (name !== undefined || !picture.bars) return name ?? null;
    const box = picture.host.getBoundingClientRect();
    const k = picture.canvas.at(event.clientX - box.left, event.clientY - box.top);
    return k === null ? null : picture.layout.items[k].key;
  }

  // Cells that are no elements are found by where they stand.
  inCrowd(event) {
    const crowd = event.target.closest(".crowd");
    if (!crowd) return undefined;
    const { x, y, scale } = this.picture.viewport;
    const box = this.picture.host.getBoundingClientRect();
    return crowd.nameAt((event.clientX - box.left - x) / scale, (event.clientY - box.top - y) / scale);
  }

  click(event) {
    const { viewport, handlers } = this.picture;
    if (viewport.dragged) return;
    const fold = event.target.closest("[data-fold]");
    if (fold) handlers.fold(fold.getAttribute("data-fold"));
    else handlers.select(this.nameAt(event));
  }

  doubleClick(event) {
    const element = event.target.closest(DRAWN);
    if (this.nameAt(event) === null) this.picture.viewport.fit(true);
    else if (element && element.classList.contains("group")) this.picture.handlers.fold(nameOf(element));
  }

  // The whole name, and its label or what it received.
  wordsAt(event) {
    const { model } = this.picture;
    const name = this.nameAt(event);
    const node = name && model.node(name);
    return node ? `${name} ${caption(model, node)}`.trim() : name;
  }
}
