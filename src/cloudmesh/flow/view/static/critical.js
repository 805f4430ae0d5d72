// The longest way: what the run as a whole had to wait for, from its last node back.

import { h } from "./dom.js";
import { duration, number, plural } from "./words.js";

const NAMED = 6; // nodes that are named; of more the longest

// The numbers of the nodes on it, in the order of time.  A map is one: its elements wait for
// each other's slots, so that its last one alone would not say what took so long.
export function criticalPath(model) {
  const end = (node) => (node.status === "running" ? Infinity : node.ended || 0);
  const later = (a, b) => end(b) - end(a) || a.started - b.started;
  const ran = model.graph.nodes.map(({ n }) => model.nodes.get(n)).filter((node) => node.started);
  let node = ran.sort(later)[0];
  const way = [];
  while (node) {
    way.unshift(node.n);
    node = model.needs(node.n).map((n) => model.nodes.get(n)).filter((one) => one.started && one.ended).sort(later)[0];
  }
  return way;
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
    const times = (n) => (model.elements.has(n) ? ` × ${number(model.elements.get(n).length)}` : "");
    const name = (n) => `${model.nodes.get(n).name}${times(n)} ${duration(took(n))}`;
    const parts = way.map((n) => (named.has(n) ? name(n) : "…")).filter((word, k, words) => word !== "…" || words[k - 1] !== "…");
    return {
      title: `The longest way: ${plural(way.length, "node")}, ${duration(all)} of ${duration(model.moment() - model.begun)}.`,
      more: parts.join(" → "),
      buttons: [h("button", { class: "button", type: "button", onclick: () => this.toggle() }, "Close", h("kbd", {}, "X"))],
    };
  }
}
