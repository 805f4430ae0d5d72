// Groups: which are open, and what their elements are called.

import { get, runPath } from "./api.js";
import { h, replace } from "./dom.js";
import { PHONE } from "./tabs.js";

const OPEN_MAX = 240; // elements of a map that is open on load
const OPEN_NODES = 60; // … where there are at most so many other nodes
const TOLD_ABOVE = 2000; // nodes above which it is said that they are folded

export class Groups {
  constructor(page) {
    this.page = page;
  }

  openAtFirst() {
    const { model } = this.page;
    if (matchMedia(PHONE).matches) return;
    const others = model.graph.nodes.length - model.maps.size;
    for (const [n, elements] of model.elements) {
      if (elements.length && elements.length <= OPEN_MAX && others <= OPEN_NODES) this.page.open.add(model.nodes.get(n).name);
    }
  }

  // One button folds all groups, or opens them.
  showFolds(layout) {
    const groups = layout.items.filter((item) => item.kind === "map" || item.kind === "group");
    this.page.folds.hidden = !groups.length;
    const open = groups.some((item) => item.open);
    this.tellFolded(groups, open);
    replace(this.page.foldButton, open ? "Fold groups" : "Open groups", h("kbd", {}, "Shift Space"));
  }

  tellFolded(groups, open) {
    const { model, notice } = this.page;
    const nodes = model.total();
    notice.folded = !open && groups.length && nodes > TOLD_ABOVE ? { nodes, groups: groups.length } : null;
    notice.update();
  }

  async fold(key) {
    const { open } = this.page;
    const turn = () => (open.has(key) ? open.delete(key) : open.add(key));
    turn();
    try {
      await this.page.loadLayout(key);
    } catch {
      turn(); // no answer: it stays as it is shown
    }
    history.replaceState(null, "", this.page.link(this.page.selected));
  }

  async loadCaptions() {
    const { model } = this.page;
    for (const n of model.elements.keys()) {
      if (model.captions.has(n)) continue;
      model.captions.set(n, []);
      const name = model.nodes.get(n).name;
      const path = `${runPath(this.page.id, "captions")}?node=${encodeURIComponent(name)}`;
      let texts = await get(path).catch(() => []);
      if (!texts.length) {
        // The list is recorded a moment before its document can be read.
        await new Promise((later) => setTimeout(later, 1000));
        texts = await get(path).catch(() => []);
      }
      model.captions.set(n, texts);
      this.page.table.rebuild();
      this.page.tabs.update();
      this.page.picture.update(new Set([n])); // a group names an element in its line
    }
  }
}
