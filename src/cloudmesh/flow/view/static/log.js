// The log of a node, growing.  It follows its end only while it is scrolled there.

import { getText, runPath } from "./api.js";
import { h } from "./dom.js";
import { plural } from "./words.js";

const LINES = 200;
const EVERY = 1000;

export class Log {
  constructor(run, node, isLive) {
    this.path = runPath(run, "nodes", node, "log");
    this.node = node;
    this.isLive = isLive;
    this.offset = 0;
    this.lines = [];
    this.rest = "";
    this.fresh = 0;
    this.count = h("span", { class: "faint" });
    this.pre = h("pre", { class: "log", role: "region", tabindex: 0, "aria-label": `Log of ${node}`, onscroll: () => this.scrolled() });
    this.more = h("button", { class: "button log-more", type: "button", hidden: true, onclick: () => this.toEnd() });
    this.el = h("section", { class: "part" }, h("h3", {}, "Log ", this.count), this.pre, this.more);
    this.read();
  }

  async read() {
    if (this.closed) return;
    try {
      const { text, offset } = await getText(`${this.path}?after=${this.offset}`);
      if (this.closed) return;
      const first = this.offset === 0;
      this.offset = offset;
      if (text || first) this.add(text);
    } catch {
      // the connection says so elsewhere; the log goes on when it is back
    }
    if (!this.closed && this.isLive()) this.timer = setTimeout(() => this.read(), EVERY);
  }

  add(text) {
    const parts = (this.rest + text).split("\n");
    this.rest = parts.pop();
    this.lines.push(...parts);
    const shown = this.rest ? [...this.lines, this.rest] : this.lines;
    const atEnd = this.pre.scrollTop + this.pre.clientHeight >= this.pre.scrollHeight - 4;
    this.pre.textContent = shown.slice(-LINES).join("\n");
    this.pre.hidden = !shown.length;
    const cut = shown.length > LINES ? `the last ${LINES} of ` : "";
    this.count.textContent = shown.length ? cut + plural(shown.length, "line") : `${this.node} has printed nothing.`;
    if (atEnd) this.toEnd();
    else {
      this.fresh += parts.length;
      this.more.hidden = !this.fresh;
      this.more.textContent = `↓ ${plural(this.fresh, "new line")}`;
    }
  }

  // In the page by now: what came before is scrolled to its end.
  placed() {
    if (!this.fresh && !this.inSight) this.toEnd();
    this.inSight = true;
  }

  scrolled() {
    if (this.pre.scrollTop + this.pre.clientHeight >= this.pre.scrollHeight - 4) this.seen();
  }

  toEnd() {
    this.pre.scrollTop = this.pre.scrollHeight;
    this.seen();
  }

  seen() {
    this.fresh = 0;
    this.more.hidden = true;
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
  }
}
