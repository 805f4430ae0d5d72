// The gantt: its rows are the table's rows, with the same scroll, so no name is written twice.
// And the strip below the picture: the flow's own nodes, with names, in order.

import { h, replace, s, set } from "./dom.js";
import { caption } from "./facts.js";
import { rowMark } from "./marks.js";
import { Axis, drawAxis, drawDensity, drawNode } from "./ganttbars.js";
import { cut, duration, number } from "./words.js";

export class Gantt {
  // table: whose rows these are; handlers: select(name)
  constructor(model, attempts, table, handlers) {
    Object.assign(this, { model, attempts, table, handlers });
    this.svg = s("svg", { class: "gantt-svg", "aria-hidden": true });
    this.card = h("div", { class: "gantt-card", hidden: true });
    this.legend = h("div", { class: "gantt-legend quiet" });
    this.el = h("div", { class: "gantt", hidden: true, onwheel: (event) => this.wheel(event), onclick: (event) => this.click(event) }, this.legend, this.svg, this.card);
    table.grid.addEventListener("scroll", () => this.soon());
    new ResizeObserver(() => this.soon()).observe(this.el);
    const entries = [["segment-finished", "ran", "finished"], ["segment-error", "attempt failed", "error"], ["gantt-wait", "waited for a machine or a slot", ""], ["gantt-retry", "waited to retry", ""]];
    replace(this.legend, entries.map(([className, words, shown]) => h("span", {}, s("svg", { width: 22, height: 12 },
      className === "segment-error" ? s("g", { "data-shown": "error" }, s("rect", { class: "gantt-bar segment-error", x: 0.5, y: 1, width: 21, height: 10, rx: 2 }), s("use", { href: "#cell-error", x: 6, y: 1, width: 10, height: 10 }))
        : className === "gantt-retry" ? s("line", { class: className, x1: 0, x2: 22, y1: 6, y2: 6 }) : s("rect", { class: `gantt-bar ${className}`, "data-shown": shown || null, x: 0.5, y: 1, width: 21, height: 10, rx: 2 })), words)));
  }

  show(on) {
    this.el.hidden = !on;
    if (on) this.soon();
  }

  soon(pause = 0) {
    if (this.el.hidden || this.timer) return;
    const wait = Math.max(0, pause - (performance.now() - (this.drawnAt || 0)));
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.drawnAt = performance.now();
      this.draw();
    }, wait);
  }

  draw() {
    const { table, model } = this;
    const height = table.rowHeight;
    const top = table.grid.getBoundingClientRect().top - this.el.getBoundingClientRect().top;
    const width = this.el.clientWidth;
    const axis = new Axis(model, width, 24, 110);
    const scroll = table.grid.scrollTop;
    const rows = s("g", {});
    const first = Math.max(0, Math.floor(scroll / height) - 1);
    const last = Math.min(table.rows.length, Math.ceil((scroll + table.grid.clientHeight) / height) + 1);
    const under = s("g", {});
    drawAxis(under, model, axis, top, this.el.clientHeight);
    for (let k = first; k < last; k += 1) {
      const row = table.rows[k];
      const y = top + k * height - scroll + height / 2;
      if (row.node && row.node.name === table.selected) under.prepend(s("rect", { class: "gantt-selected", x: 0, y: y - height / 2, width, height }));
      under.append(s("line", { class: "gantt-row", x1: 0, x2: width, y1: y + height / 2, y2: y + height / 2 }));
      if (!row.node) continue;
      const node = model.nodes.get(row.node.n);
      if (!node) continue;
      if (model.isMap(node.n)) drawDensity(rows, model, this.attempts, axis, node, y, height - 8);
      else drawNode(rows, model, this.attempts, axis, node, y);
    }
    const clip = s("clipPath", { id: "gantt-clip" }, s("rect", { x: 0, y: top, width, height: Math.max(0, this.el.clientHeight - top) }));
    rows.setAttribute("clip-path", "url(#gantt-clip)");
    replace(this.svg, clip, under, rows);
    this.drawCard();
  }

  drawCard() {
    const { model, table } = this;
    const node = table.selected && model.node(table.selected);
    const bars = node ? this.attempts.of(node.n).bars : [];
    this.card.hidden = !bars.length;
    if (!bars.length) return;
    const last = bars[bars.length - 1];
    const line = (bar, k) => {
      const why = bar.ended ? bar.error || bar.outcome : "runs";
      const shown = bar.ended ? bar.outcome : "running";
      return [h("span", {}, String(k + 1)), h("span", {}, duration((bar.ended || model.moment()) - bar.started)),
        h("span", { class: "strong", "data-shown": shown }, h("span", { class: "status-word" }, cut(why || "", 48)))];
    };
    replace(this.card,
      h("p", { class: "gantt-card-head", "data-shown": model.shown(node) }, rowMark(model.shown(node), node.progress), h("b", {}, node.name),
        h("span", { class: "quiet" }, caption(model, node)), h("span", { class: "spring" }),
        h("span", { class: "quiet" }, `${duration((last.ended || model.moment()) - bars[0].started)} in all`)),
      h("div", { class: "gantt-card-rows" }, ["Attempt", "Took", "Ended because"].map((word) => h("span", { class: "quiet" }, word)), bars.slice(-8).map((bar, k) => line(bar, bars.length - Math.min(8, bars.length) + k))));
  }

  wheel(event) {
    this.table.grid.scrollTop += event.deltaY;
    event.preventDefault();
  }

  click(event) {
    if (event.target.closest(".gantt-card")) return;
    const { table } = this;
    const y = event.clientY - table.grid.getBoundingClientRect().top + table.grid.scrollTop;
    const row = table.rows[Math.floor(y / table.rowHeight)];
    if (row && row.node) this.handlers.select(row.node.name, false);
  }
}

const ROW = 32;
const TOP = 28; // five rows fit without scrolling
const ROWS_MAX = 200;

export class Strip {
  constructor(model, attempts, handlers) {
    Object.assign(this, { model, attempts, handlers });
    this.svg = s("svg", { class: "strip-svg", "aria-hidden": true });
    this.el = h("div", { class: "strip", role: "region", "aria-label": "Gantt of the flow's own nodes", onclick: (event) => this.click(event) }, this.svg);
    new ResizeObserver(() => this.soon()).observe(this.el);
  }

  get open() {
    return !this.el.hidden;
  }

  show(on) {
    this.el.hidden = !on;
    this.soon();
  }

  soon(pause = 0) {
    if (this.el.hidden || this.timer) return;
    const wait = Math.max(0, pause - (performance.now() - (this.drawnAt || 0)));
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.drawnAt = performance.now();
      this.draw();
    }, wait);
  }

  draw() {
    const { model } = this;
    const width = this.el.clientWidth;
    const nodes = model.graph.nodes.slice(0, ROWS_MAX);
    const height = Math.max(this.el.clientHeight - 2, TOP + nodes.length * ROW + 4);
    const narrow = width < 600;
    const axis = new Axis(model, width, narrow ? 124 : 204, narrow ? 90 : 150);
    this.svg.setAttribute("height", height);
    // What scrolls is to be reached by keys.
    set(this.el, "tabindex", height > this.el.clientHeight ? 0 : null);
    const under = s("g", {});
    drawAxis(under, model, axis, TOP - 4, height);
    const rows = s("g", {});
    nodes.forEach((fixed, k) => {
      const node = model.nodes.get(fixed.n);
      const y = TOP + k * ROW + ROW / 2 - 2;
      const elements = model.elements.get(fixed.n);
      rows.append(s("text", { class: "strip-name", x: 16, y: y + 4, "data-go": fixed.name }, s("tspan", { class: "strong" }, cut(fixed.name, narrow ? 10 : elements ? 14 : 20)),
        s("tspan", { class: "gantt-text" }, elements ? ` × ${number(elements.length)}${this.atOnce(fixed, elements, narrow)}` : fixed.on ? ` on ${fixed.on}` : "")));
      if ("map" in fixed && elements) drawDensity(rows, model, this.attempts, axis, node, y, 20);
      else drawNode(rows, model, this.attempts, axis, node, y);
    });
    replace(this.svg, under, rows);
  }

  atOnce(fixed, elements, narrow) {
    const node = this.model.nodes.get(fixed.n);
    if (narrow || !node.started || fixed.name.length > 12) return "";
    return `, ${number(this.attempts.most(elements, this.model.moment()))} at once`;
  }

  click(event) {
    const name = event.target.closest("[data-go]");
    if (name) this.handlers.select(name.getAttribute("data-go"));
  }
}
