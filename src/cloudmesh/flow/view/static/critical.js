// The longest way: what the run as a whole had to wait for, from its last node back.

import { h } from "./dom.js";
import { duration, plural } from "./words.js";

const NAMED = 6; // nodes that are named; of more the longest

// The numbers of the nodes on it, in the order of time.
export function criticalPath(model) {
  const end = (node) => (node.status === "running" ? Infinity : node.ended || 0);
  const later = (a, b) => end(b) - end(a) || a.started - b.started;
  const ran = [...model.nodes.values()].filter((node) => node.started && !model.isMap(node.n));
  let node = ran.sort(later)[0];
  const way = [];
  while (node) {
    way.unshift(node.n);
    node = before(model, node).filter((one) => one.started && one.ended).sort(later)[0];
  }
  return way;
}

// What had to end before a node: of a map its elements.
function before(model, node) {
  const needs = model.needs(node.parent === undefined ? node.n : node.parent);
  return needs.flatMap((n) => model.elements.get(n) || [n]).map((n) => model.nodes.get(n));
}

export class Critical {
  constructor(page) {
    this.page = page;
  }

  toggle() {
    this.on = !this.on;
    this.update();
  }

  // Found anew while the run goes on.
  update() {
    const { page } = this;
    const { model } = page;
    const way = this.on ? criticalPath(model) : [];
    const key = way.join(" ");
    if (key !== this.key) {
      this.key = key;
      model.critical = new Set(way);
      page.picture.markWay();
      page.drawTimes();
    }
    page.notice.way = way.length ? this.words(way) : null;
    page.notice.update();
  }

  words(way) {
    const { model } = this.page;
    const took = (n) => model.took(model.nodes.get(n)) || 0;
    const all = way.reduce((sum, n) => sum + took(n), 0);
    const named = new Set([...way].sort((a, b) => took(b) - took(a)).slice(0, NAMED));
    const name = (n) => `${model.nodes.get(n).name} ${duration(took(n))}`;
    const parts = way.map((n) => (named.has(n) ? name(n) : "…")).filter((word, k, words) => word !== "…" || words[k - 1] !== "…");
    return {
      title: `The longest way: ${plural(way.length, "node")}, ${duration(all)} of ${duration(model.moment() - model.begun)}.`,
      more: parts.join(" → "),
      buttons: [h("button", { class: "button", type: "button", onclick: () => this.toggle() }, "Close", h("kbd", {}, "X"))],
    };
  }
}
