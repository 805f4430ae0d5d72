// The table: the same run as the picture, complete, for reading, walking and screen readers.
// Rows are virtual; the order follows at most every 2 s, and never under the reader's hand.

import { h, replace, set, text } from "./dom.js";
import { caption, facts, waits } from "./facts.js";
import { rowMark, updateRowMark } from "./marks.js";
import { buildRows } from "./rows.js";
import { timesOf, wideHead, writeCount } from "./tablehead.js";
import { clock, countWord, duration, kind, number } from "./words.js";

const HOLD = 2000;

export class Table {
  // handlers: select(name), inspect(name)
  constructor(model, handlers) {
    Object.assign(this, { model, handlers });
    this.view = { order: "need", filter: null, open: new Map() };
    this.shownRows = new Map();
    this.rows = [];
    this.selected = null;
    this.focusKey = null;
    this.sortedAt = 0;
    this.build();
    this.rebuild();
  }

  get rowHeight() {
    return matchMedia("(pointer: coarse), (max-width: 719px)").matches ? 48 : 32;
  }

  build() {
    this.count = h("h2", {});
    this.sort = h("button", { class: "button plain sort", type: "button", onclick: () => this.turnOrder() });
    this.chips = h("div", { class: "chips", role: "group", "aria-label": "Show only" });
    this.moved = h("button", { class: "moved", type: "button", hidden: true, onclick: () => this.rebuild() });
    this.space = h("div", { class: "row-space" });
    this.grid = h("div", {
      class: "grid", role: "treegrid", id: "table", tabindex: 0, "aria-label": "Nodes of the run",
      onscroll: () => this.draw(), onkeydown: (event) => this.key(event), onclick: (event) => this.click(event),
    }, this.space);
    this.el = h("section", { class: "table", "aria-label": "Table" },
      h("div", { class: "table-head" }, this.count, this.sort), this.chips, this.moved, wideHead(), this.grid);
    new ResizeObserver(() => this.draw()).observe(this.grid);
  }

  turnOrder() {
    this.view.order = this.view.order === "need" ? "flow" : "need";
    this.rebuild();
  }

  // -- which rows ------------------------------------------------------------------
  rebuild() {
    this.rows = buildRows(this.model, this.view);
    this.rowOf = new Map(this.rows.map((row, k) => [row.key, k]));
    this.sortedAt = performance.now();
    this.stale = false;
    this.moved.hidden = true;
    set(this.grid, "aria-rowcount", this.rows.length);
    this.space.style.height = `${this.rows.length * this.rowHeight}px`;
    this.drawHead();
    this.draw();
  }

  inHand() {
    return this.grid.matches(":hover") || (this.grid.contains(document.activeElement) && document.activeElement !== this.grid);
  }

  update(changed, structure) {
    this.drawHead();
    if (structure || this.rows.length < 2) {
      this.rebuild();
      return;
    }
    this.stale = true;
    const wait = HOLD - (performance.now() - this.sortedAt);
    if (wait <= 0) this.settle();
    else if (!this.timer) this.timer = setTimeout(() => this.settle(), wait);
    for (const [key, element] of this.shownRows) {
      const row = this.rows[this.rowOf.get(key)];
      if (row && (row.crowd || changed.has(row.node.n))) this.write(element, row);
    }
  }

  settle() {
    clearTimeout(this.timer);
    this.timer = 0;
    if (!this.stale) return;
    if (!this.inHand()) {
      this.rebuild();
      return;
    }
    const fresh = buildRows(this.model, this.view);
    const count = fresh.filter((row, k) => this.rows[k]?.key !== row.key).length;
    this.moved.hidden = !count;
    if (count) replace(this.moved, `${number(count)} rows moved. `, h("b", {}, "Update"));
  }

  drawHead() {
    const { counts } = this.model;
    writeCount(this.count, this.model);
    text(this.sort, `${this.view.order === "need" ? "Needs you first" : "In order"} ▾`);
    const words = ["error", ...["lost", "running", "interrupted", "blocked", "waiting"].filter((word) => counts[word]).slice(0, 1)];
    const label = { error: "Errors", lost: "Lost", running: "Running", interrupted: "Interrupted", blocked: "Blocked", waiting: "Waiting" };
    const again = this.view.order === "flow" ? this.model.retried : 0;
    const key = `${this.view.filter} ${words.map((w) => `${w} ${counts[w]}`)} ${again}`;
    if (key === this.chipKey) return;
    this.chipKey = key;
    const chip = (word, name) =>
      h("button", {
        class: "chip", type: "button", "aria-pressed": String(this.view.filter === word),
        onclick: () => { this.view.filter = word; this.rebuild(); },
      }, name);
    replace(this.chips, chip(null, "All"), words.map((word) => chip(word, `${label[word]} ${number(counts[word])}`)),
      again ? chip("retried", `Retried ${number(again)}`) : null);
  }

  // -- drawing ----------------------------------------------------------------------
  draw() {
    const height = this.rowHeight;
    const first = Math.max(0, Math.floor(this.grid.scrollTop / height) - 6);
    const last = Math.min(this.rows.length, Math.ceil((this.grid.scrollTop + (this.grid.clientHeight || 600)) / height) + 6);
    const wanted = new Set();
    for (let k = first; k < last; k += 1) {
      const row = this.rows[k];
      wanted.add(row.key);
      let element = this.shownRows.get(row.key);
      if (!element) {
        element = this.make(row);
        this.shownRows.set(row.key, element);
        this.space.append(element);
      }
      element.style.top = `${k * height}px`;
      set(element, "aria-rowindex", k + 1);
      this.write(element, row);
    }
    for (const [key, element] of this.shownRows) {
      if (!wanted.has(key)) {
        element.remove();
        this.shownRows.delete(key);
      }
    }
  }

  make(row) {
    const cell = (className) => h("span", { class: className, role: "gridcell" });
    const twisty = h("span", { class: "twisty", "aria-hidden": true });
    const name = h("span", { class: "cell-name", role: "rowheader" }, h("b", {}), h("span", { class: "cell-caption" }));
    return h("div", { class: "row", role: "row", tabindex: -1, "data-key": row.key },
      twisty, rowMark("pending"), name, cell("cell-word status-word"), cell("cell-took"),
      cell("cell-attempt wide"), cell("cell-started wide"), cell("cell-where wide"), cell("cell-needs wide"));
  }

  write(element, row) {
    const [twisty, mark, name, word, took] = element.children;
    const opens = row.parent || row.crowd;
    set(element, "aria-level", row.level);
    set(element, "aria-expanded", opens ? String(row.open) : null);
    text(twisty, opens ? (row.open ? "▾" : "▸") : "");
    if (row.crowd) {
      set(element, "data-shown", row.word);
      set(element, "class", `row crowd level-${row.level}`);
      updateRowMark(mark, row.word, 60);
      text(name.firstChild, "");
      text(name.lastChild, row.more ? `${number(row.count)} more ${row.word}` : countWord(row.word, row.count));
      return;
    }
    this.writeNode(element, row, mark, name, word, took);
  }

  writeNode(element, row, mark, name, word, took) {
    const { model } = this;
    const node = row.node = model.nodes.get(row.node.n);
    const shown = model.shown(node);
    set(element, "data-node", node.name);
    set(element, "data-status", node.status);
    set(element, "data-shown", shown);
    set(element, "aria-selected", String(this.selected === node.name));
    set(element, "class", `row level-${row.level}${this.selected === node.name ? " selected" : ""}`);
    updateRowMark(mark, shown, model.progress(node));
    const inMap = node.parent !== undefined && row.level > 1;
    text(name.firstChild, inMap ? String(node.n - model.nodes.get(node.parent).first) : node.name);
    const elements = model.elements.get(node.n);
    text(name.lastChild, timesOf(model, node) || ` ${caption(model, node)}`);
    set(name, "title", `${node.name} ${caption(model, node)}`.trim());
    const [said, fact] = elements ? this.mapWords(node, shown) : facts(model, node);
    const tries = this.view.order === "flow" && shown === "finished" && node.attempt > 1;
    text(word, tries ? `${node.attempt} tries` : shown === "running" && typeof node.progress === "number" ? fact : said);
    text(took, kind(shown) === "waiting" ? "" : duration(model.took(node)));
    if (this.isWide) this.writeWide(element, node);
  }

  mapWords(node, shown) {
    const counts = this.model.groups.get(node.name);
    if (counts.error) return [countWord("error", counts.error), ""];
    if (shown === "finished") return ["finished", ""];
    const all = this.model.elements.get(node.n).length;
    return [`${number(counts.finished + counts.skipped)} of ${number(all)}`, ""];
  }

  get isWide() {
    return this.el.classList.contains("is-wide");
  }

  writeWide(element, node) {
    const [attempt, started, where, needs] = [...element.children].slice(5);
    text(attempt, node.attempt ? String(node.attempt) : "");
    text(started, node.started ? clock(node.started) : "");
    const waited = waits(node, node.ready, node.attempt === 1 && node.started);
    text(where, [node.where || (node.attempt ? "local" : ""), ...waited.map((words) => words.replace(/ for .*/, ""))].filter(Boolean).join(" · "));
    set(where, "title", waited.join(", ") || null);
    const names = this.model.needs(node.parent === undefined ? node.n : node.parent).map((n) => this.model.nodes.get(n).name);
    replace(needs, names.slice(0, 6).flatMap((name, k) => [k ? ", " : "", h("a", { href: `?node=${encodeURIComponent(name)}`, "data-go": name }, name)]),
      names.length > 6 ? ` and ${names.length - 6} more` : "");
  }

  tick() {
    for (const [key, element] of this.shownRows) {
      const row = this.rows[this.rowOf.get(key)];
      if (row && row.node && ["running", "waiting"].includes(kind(this.model.shown(row.node)))) this.write(element, row);
    }
  }

  widen() {
    this.el.classList.toggle("is-wide");
    this.draw();
  }

  // -- selection and keys ------------------------------------------------------------
  select(name, scroll = true) {
    this.selected = name;
    if (name && scroll) {
      if (!this.rowOf.has(name)) this.openFor(name);
      const k = this.rowOf.get(name);
      if (k !== undefined) this.scrollTo(k);
    }
    this.draw();
  }

  openFor(name) {
    const node = this.model.node(name);
    if (!node) return;
    const word = kind(this.model.shown(node));
    this.view.filter = null;
    if (node.parent !== undefined) {
      const parent = this.model.nodes.get(node.parent).name;
      this.view.open.set(parent, true);
      this.view.open.set(`${parent} ${word}`, true);
    } else {
      this.view.open.set(` ${word}`, true);
    }
    this.rebuild();
  }

  scrollTo(k) {
    const height = this.rowHeight;
    const { scrollTop, clientHeight } = this.grid;
    if (k * height < scrollTop) this.grid.scrollTop = k * height;
    else if ((k + 1) * height > scrollTop + clientHeight) this.grid.scrollTop = (k + 1) * height - clientHeight;
  }

  click(event) {
    const go = event.target.closest("[data-go]");
    if (go) event.preventDefault();
    if (go) return void this.handlers.select(go.getAttribute("data-go"));
    const element = event.target.closest(".row");
    const row = element && this.rows[this.rowOf.get(element.dataset.key)];
    if (!row) return;
    if (row.crowd || event.target.closest(".twisty")) this.toggle(row);
    else this.handlers.select(row.node.name);
  }

  toggle(row) {
    if (!row.parent && !row.crowd) return;
    this.view.open.set(row.key, !row.open);
    this.rebuild();
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -1e9, End: 1e9 }[event.key];
    const at = this.rowOf.get(this.focusKey) ?? this.rowOf.get(this.selected) ?? -1;
    const row = this.rows[at];
    if (step) this.focus(Math.min(this.rows.length - 1, Math.max(0, at + step)));
    else if (event.key === "ArrowRight" && row && row.open === false) this.toggle(row);
    else if (event.key === "ArrowLeft" && row && row.open) this.toggle(row);
    else if (event.key === "Enter" && row) row.crowd ? this.toggle(row) : this.handlers.inspect(row.node.name);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  focus(k) {
    const row = this.rows[k];
    if (!row) return;
    this.focusKey = row.key;
    this.scrollTo(k);
    this.draw();
    this.shownRows.get(row.key)?.focus({ preventScroll: true });
    if (row.node) this.handlers.select(row.node.name, false);
  }
}
