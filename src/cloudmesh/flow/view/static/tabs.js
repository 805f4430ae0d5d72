// The phone: one column, tabs at the bottom, the first error in a band, the inspector as a sheet.

import { h, replace, s, set } from "./dom.js";
import { elementName } from "./facts.js";

export const PHONE = "(max-width: 719px)";

const ICONS = {
  run: "M5 12L14 6M5 12L14 18M3 12a2 2 0 1 0 4 0a2 2 0 1 0-4 0M13 5.5a2 2 0 1 0 4 0a2 2 0 1 0-4 0M13 18.500a2 2 0 1 0 4 0a2 2 0 1 0-4 0",
  nodes: "M4 6H18M4 12H18M4 18H18",
  gantt: "M3 6H10M8 12H15M13 18H19",
  log: "M4 5H18V19H4ZM7 9H15M7 13H12",
};
const LABELS = { run: "Run", nodes: "Nodes", gantt: "Gantt", log: "Log" };
const CLOSE = 90; // px of dragging down that close the sheet

export class Tabs {
  constructor(page) {
    this.page = page;
    this.buttons = Object.keys(LABELS).map((word) =>
      h("button", { type: "button", "data-tab": word, "aria-pressed": "false", onclick: () => this.choose(word) },
        s("svg", { width: 22, height: 24, viewBox: "0 0 22 24", "aria-hidden": true }, s("path", { d: ICONS[word] })), LABELS[word]));
    this.el = h("nav", { class: "tabs", "aria-label": "Parts of the page" }, this.buttons);
    this.band = h("section", { class: "error-band", hidden: true, "aria-label": "First error" });
    matchMedia(PHONE).addEventListener("change", () => this.turned());
    this.choose("run");
    this.sheet(page.inspector.el);
  }

  choose(word) {
    this.tab = word;
    document.documentElement.dataset.tab = word;
    for (const button of this.buttons) set(button, "aria-pressed", String(button.dataset.tab === word));
    const { page } = this;
    if (!page.picture) return;
    const phone = matchMedia(PHONE).matches;
    if (phone) page.strip.show(word === "gantt");
    if (phone && word === "log") page.select(page.selected || this.interesting(), false);
    page.picture.settle();
    page.table.draw();
    page.timeline.draw();
  }

  // The node whose log is most likely wanted: the first error, else what runs.
  interesting() {
    const { model } = this.page;
    const [first] = this.page.errors.names();
    if (first) return first;
    const running = [...model.nodes.values()].find((node) => node.status === "running" && !model.isMap(node.n));
    return (running || model.graph.nodes[0])?.name ?? null;
  }

  update() {
    const { model } = this.page;
    const [first] = this.page.errors.names();
    this.band.hidden = !first;
    if (!first) return;
    const node = model.node(first);
    const inMap = node.parent !== undefined;
    const name = inMap ? `${model.nodes.get(node.parent).name}[${elementName(model, node).replace(/^(\d+) ?/, "$1] ").trim()}` : first;
    const words = `${name} failed`; // what an element is called may be known later
    if (words === this.words) return;
    this.words = words;
    replace(this.band,
      h("p", {}, h("b", {}, words), h("span", {}, node.error || "")),
      h("button", { class: "button", type: "button", onclick: () => this.page.select(first, true) }, "Show"));
  }

  // The picture runs downwards on a phone: another layout.
  async turned() {
    await this.page.loadLayout().catch(() => null);
    this.page.picture.viewport.fit();
  }

  // The sheet follows the finger, and closes when it is drawn down.
  sheet(inspector) {
    const head = inspector.querySelector(".inspector-head");
    const grip = inspector.querySelector(".grip");
    let from = null;
    const down = (event) => {
      if (matchMedia(PHONE).matches && !event.target.closest("button")) from = event.clientY;
    };
    const move = (event) => {
      if (from !== null) inspector.style.transform = `translateY(${Math.max(0, event.clientY - from)}px)`;
    };
    const up = (event) => {
      if (from !== null && event.clientY - from > CLOSE) this.page.select(null);
      from = null;
      inspector.style.transform = "";
    };
    for (const part of [head, grip]) {
      part.addEventListener("pointerdown", down);
      part.addEventListener("pointermove", move);
      part.addEventListener("pointerup", up);
      part.addEventListener("pointercancel", up);
    }
  }
}
