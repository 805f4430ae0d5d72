// Search among the nodes: arrows and Enter walk the hits, everything else is dimmed.

import { h, replace, set } from "./dom.js";
import { caption } from "./facts.js";
import { rowMark } from "./marks.js";

const HITS = 12;

export class Search {
  // handlers: go(name), dim(predicate or null)
  constructor(handlers, label) {
    this.handlers = handlers;
    this.at = 0;
    this.hits = [];
    this.input = h("input", {
      type: "search", class: "search-input", placeholder: label, "aria-label": label, autocomplete: "off", spellcheck: "false",
      oninput: () => this.find(), onkeydown: (event) => this.key(event), onblur: () => setTimeout(() => this.leave(), 150),
    });
    this.list = h("ul", { class: "search-hits", role: "listbox", hidden: true });
    this.el = h("div", { class: "search", role: "search" }, this.input, h("kbd", { "aria-hidden": true }, "/"), this.list);
  }

  focus() {
    this.input.focus();
    this.input.select();
    if (this.input.value.trim()) this.find(); // what is left from before is looked for again
  }

  find() {
    const { model } = this;
    const words = this.input.value.trim().toLowerCase();
    this.at = 0;
    if (!words || !model) {
      this.leave();
      return;
    }
    const of = (node) => `${node.name} ${caption(model, node)}`.toLowerCase();
    this.hits = [];
    for (const node of model.nodes.values()) if (of(node).includes(words)) this.hits.push(node);
    this.hits.sort((a, b) => Number(!a.name.toLowerCase().startsWith(words)) - Number(!b.name.toLowerCase().startsWith(words)) || a.n - b.n);
    const found = new Set(this.hits.map((node) => node.name));
    this.handlers.dim((name) => found.has(name));
    this.draw(this.input.value.trim());
  }

  draw(words) {
    this.list.hidden = false;
    if (!this.hits.length) {
      replace(this.list, h("li", { class: "quiet" }, `No node is called "${words}". Esc clears the search.`));
      return;
    }
    replace(this.list, this.hits.slice(0, HITS).map((node, k) => {
      const shown = this.model.shown(node);
      return h("li", { role: "option", "aria-selected": String(k === this.at), "data-shown": shown, onpointerdown: () => this.handlers.go(node.name) },
        rowMark(shown, node.progress), h("b", {}, node.name), h("span", { class: "quiet" }, ` ${caption(this.model, node)}`));
    }), this.hits.length > HITS ? h("li", { class: "faint" }, `and ${this.hits.length - HITS} more`) : null);
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.hits.length) {
      const most = Math.min(HITS, this.hits.length);
      this.at = (this.at + step + most) % most;
      [...this.list.children].forEach((item, k) => set(item, "aria-selected", String(k === this.at)));
    } else if (event.key === "Enter" && this.hits[this.at]) {
      this.handlers.go(this.hits[this.at].name);
      this.input.blur();
    } else if (event.key === "Escape") {
      this.input.value = "";
      this.leave();
      this.input.blur();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  leave() {
    if (this.input.value.trim() && document.activeElement === this.input) return;
    this.list.hidden = true;
    this.handlers.dim(null);
  }
}
