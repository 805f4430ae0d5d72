// The page of one run: one model, one selection, and everything that shows them.

import { announce } from "./announce.js";
import { Attempts } from "./attempts.js";
import { get, runPath } from "./api.js";
import { askCancel, askResume, askRetry, askRun, showKeys } from "./dialogs.js";
import { h, replace, set } from "./dom.js";
import { elementName } from "./facts.js";
import { Gantt, Strip } from "./gantt.js";
import { header } from "./header.js";
import { Inspector } from "./inspector.js";
import { listenKeys, settings } from "./keys.js";
import { Model } from "./model.js";
import { Notice } from "./notice.js";
import { Picture } from "./picture.js";
import { Search } from "./search.js";
import { Stream } from "./stream.js";
import { Summary } from "./summary.js";
import { Table } from "./table.js";
import { Timeline } from "./timeline.js";
import { walker } from "./walk.js";
import { plural } from "./words.js";

const OPEN_MAX = 240; // elements of a map that is open on load
const OPEN_NODES = 60; // … where there are at most so many other nodes

export async function startRun(app, id) {
  const address = new URLSearchParams(location.search);
  const waiting = setTimeout(() => replace(app, h("p", { class: "loading" }, "Loading the run…")), 300);
  try {
    const snapshot = await get(`${runPath(id, "state")}${address.get("at") ? `?at=${encodeURIComponent(address.get("at"))}` : ""}`);
    clearTimeout(waiting);
    const page = new RunPage(app, id, snapshot, address);
    await page.begin();
  } catch (error) {
    clearTimeout(waiting);
    replace(app, header([["Flows", "/"], [id, null]], null, () => showKeys(settings)),
      h("p", { class: "loading" }, error.status === 404 ? `There is no run ${id}.` : error.message));
  }
}

class RunPage {
  constructor(app, id, snapshot, address) {
    this.app = app;
    this.id = id;
    this.address = address;
    this.model = new Model(snapshot);
    this.selected = null;
    this.open = new Set((address.get("open") || "").split(",").filter(Boolean));
    this.build();
  }

  build() {
    const { model } = this;
    const act = this.actions();
    this.search = new Search({ go: (name) => this.select(name, true), dim: (test) => this.dim(test) }, "Search nodes");
    this.search.model = model;
    this.summary = new Summary(model, { nextError: (back) => this.nextError(back), ...act });
    this.notice = new Notice(model, { ...act, live: () => this.goLive(), retryNow: () => this.stream.retry() });
    this.table = new Table(model, { select: (name) => this.select(name), inspect: (name) => this.select(name, true) });
    this.inspector = new Inspector(model, {
      close: () => this.select(null), select: (name) => this.select(name), retryFrom: (name) => askRetry(this.id, name, openRun),
      errorAt: (name) => this.errorAt(name),
    });
    this.host = h("div", {
      class: "picture", role: "application", tabindex: 0,
      "aria-label": "Picture of the run; the table holds the same",
    });
    this.zoomLabel = h("button", { class: "zoom-label", type: "button", title: "100 %", onclick: () => this.picture.zoomTo(1) }, "100 %");
    this.attempts = new Attempts(model);
    const select = (name) => this.select(name);
    this.gantt = new Gantt(model, this.attempts, this.table, { select });
    this.strip = new Strip(model, this.attempts, { select });
    this.timeline = new Timeline(model, { goTo: (seq) => this.goTo(seq), live: () => this.goLive() });
    this.pictureBox = h("div", { class: "picture-box" }, this.host, this.tools(), this.strip.el);
    this.stage = h("section", { class: "stage" }, this.pictureBox, this.gantt.el, this.views());
    const crumbs = [["Flows", "/"], [model.graph.workflow, `/?flow=${encodeURIComponent(model.graph.workflow)}`], [`run ${this.id}`, null]];
    this.body = h("main", { class: "body" }, this.table.el, this.stage, this.inspector.el);
    replace(this.app,
      h("a", { class: "skip", href: "#table" }, "Skip to the table"), h("a", { class: "skip", href: "#inspector" }, "Skip to the inspector"),
      header(crumbs, this.search.el, () => showKeys(settings)), this.summary.el, this.notice.el, this.body, this.timeline.el);
    this.picture = new Picture(this.host, model, {
      select: (name) => this.select(name), fold: (key) => this.fold(key),
      zoom: (scale) => { this.zoomLabel.textContent = `${Math.round(scale * 100)} %`; },
    });
  }

  actions() {
    return {
      cancel: () => askCancel(this.id),
      resume: () => askResume(this.id, () => this.reload()),
      retry: () => askRetry(this.id, null, openRun),
      again: () => askRun(this.model.graph.workflow, this.model.run.parameters, openRun),
    };
  }

  tools() {
    const tool = (label, name, action, key) =>
      h("button", { type: "button", "aria-label": name, title: name, onclick: action }, label, key ? h("kbd", {}, key) : null);
    const view = () => this.picture.viewport;
    return h("div", { class: "tools zoom", role: "group", "aria-label": "Zoom" },
      tool("−", "Zoom out", () => this.picture.zoomBy(0.8)), this.zoomLabel,
      tool("+", "Zoom in", () => this.picture.zoomBy(1.25)), tool("Fit", "Fit", () => view().fit(true), "F"));
  }

  views() {
    const button = (word, label, key) => h("button", { type: "button", "data-view": word, "aria-pressed": "false", onclick: () => this.show(word) }, label, h("kbd", {}, key));
    return h("div", { class: "tools views", role: "group", "aria-label": "View" }, button("picture", "Picture", "P"), button("gantt", "Gantt", "G"));
  }

  // The picture, or the gantt in its place.
  show(word) {
    this.view = word;
    this.pictureBox.hidden = word === "gantt";
    this.gantt.show(word === "gantt");
    for (const button of this.stage.querySelectorAll("[data-view]")) set(button, "aria-pressed", String(button.dataset.view === word));
    if (word === "gantt" && this.table.view.order === "need") this.table.turnOrder();
    history.replaceState(null, "", this.link(this.selected));
  }

  showStrip(on) {
    this.strip.show(on);
    localStorage.setItem("flow.strip", on ? "on" : "off");
  }

  async begin() {
    const { model } = this;
    if (!this.address.has("open")) this.openAtFirst();
    model.listen((changed, structure) => this.update(changed, structure));
    const node = this.address.get("node");
    if (node) {
      this.body.classList.add("inspecting");
      this.inspector.show(node);
    }
    const wide = matchMedia("(min-width: 1280px) and (min-height: 640px)").matches;
    this.strip.show(wide && localStorage.getItem("flow.strip") !== "off");
    await this.loadLayout();
    this.show(this.address.get("view") === "gantt" ? "gantt" : "picture");
    this.attempts.load().then(() => this.drawTimes());
    model.flush();
    this.keys();
    setInterval(() => this.tick(), 1000);
    addEventListener("popstate", () => this.select(new URLSearchParams(location.search).get("node"), false, false));
    addEventListener("resize", () => this.picture.settle());
    this.loadCaptions();
    if (node) this.select(node, true, false);
    this.follow();
  }

  openAtFirst() {
    const { model } = this;
    const others = model.graph.nodes.length - model.maps.size;
    for (const [n, elements] of model.elements) {
      if (elements.length && elements.length <= OPEN_MAX && others <= OPEN_NODES) this.open.add(model.nodes.get(n).name);
    }
  }

  // -- the stream ------------------------------------------------------------------
  follow() {
    if (this.stream) this.stream.close();
    this.stream = new Stream(runPath(this.id, "events"), () => this.model.seq, {
      message: (data) => this.message(data),
      engine: (lost) => this.model.setLost(lost),
      reload: (behind) => this.reload(behind),
      end: () => this.ended(),
      offline: (state) => this.offline(state),
    });
  }

  message(data) {
    if (this.model.past) {
      this.model.live = Math.max(this.model.live, data.seq);
      this.notice.update();
      return;
    }
    this.model.apply(data);
  }

  offline(state) {
    this.notice.offline = state;
    this.model.still = Boolean(state);
    document.documentElement.toggleAttribute("data-still", Boolean(state));
    this.notice.update();
  }

  async ended() {
    announce(`The run has ended: ${this.model.status}.`, true);
    this.model.run = await get(runPath(this.id)).catch(() => this.model.run);
    this.summary.update();
    if (this.model.status === "interrupted") this.watchResume();
  }

  // An interrupted run may be resumed elsewhere.
  watchResume() {
    const timer = setInterval(async () => {
      if (document.hidden) return;
      const run = await get(runPath(this.id)).catch(() => null);
      if (run && run.status !== "interrupted") {
        clearInterval(timer);
        this.reload();
      }
    }, 3000);
  }

  async reload(behind = 0) {
    this.notice.behind = behind;
    this.notice.update();
    try {
      const snapshot = await get(runPath(this.id, "state"));
      this.notice.behind = 0;
      this.take(snapshot);
      this.attempts.byNode.clear();
      this.attempts.load().then(() => this.drawTimes());
      await this.loadLayout(null, true);
      this.follow();
    } catch {
      setTimeout(() => this.reload(behind), 2000);
    }
  }

  drawTimes() {
    this.gantt.soon();
    this.strip.soon();
  }

  // The state at a SEQ.  While one is being fetched only the last one wanted is remembered.
  async goTo(seq) {
    const { model } = this;
    const wanted = Math.min(Math.max(1, seq), model.live);
    if (wanted === model.live) {
      if (model.past) await this.goLive();
      return;
    }
    this.wanted = wanted;
    if (this.going) return;
    this.going = true;
    while (this.wanted !== null) {
      const at = this.wanted;
      this.wanted = null;
      const snapshot = await get(`${runPath(this.id, "state")}?at=${at}`).catch(() => null);
      if (snapshot) this.take(snapshot);
    }
    this.going = false;
    history.replaceState(null, "", this.link(this.selected));
  }

  // Show a whole snapshot without moving the picture.
  take(snapshot) {
    this.model.load(snapshot);
    document.documentElement.toggleAttribute("data-past", this.model.past);
    this.picture.refresh();
    this.picture.select(this.selected);
    if (this.selected) this.inspector.show(this.selected);
    this.timeline.update();
  }

  async goLive() {
    history.replaceState(null, "", this.link(this.selected));
    await this.reload();
  }

  // -- layout ------------------------------------------------------------------------
  async loadLayout(anchor, keep = false) {
    const open = [...this.open].join(",");
    const direction = matchMedia("(max-width: 719px)").matches ? "down" : "right";
    const layout = await get(`${runPath(this.id, "layout")}?direction=${direction}&open=${encodeURIComponent(open)}`);
    const before = keep && this.picture.layout ? { ...this.picture.viewport } : null;
    this.picture.setLayout(layout, anchor);
    if (before) this.picture.viewport.go(before.x, before.y, before.scale, false);
    this.picture.select(this.selected);
  }

  async fold(key) {
    if (this.open.has(key)) this.open.delete(key);
    else this.open.add(key);
    await this.loadLayout(key);
    history.replaceState(null, "", this.link(this.selected));
  }

  async loadCaptions() {
    const { model } = this;
    for (const n of model.elements.keys()) {
      if (model.captions.has(n)) continue;
      model.captions.set(n, []);
      const name = model.nodes.get(n).name;
      const texts = await get(`${runPath(this.id, "captions")}?node=${encodeURIComponent(name)}`).catch(() => []);
      model.captions.set(n, texts);
      this.table.rebuild();
    }
  }

  // -- changes -----------------------------------------------------------------------
  update(changed, structure) {
    this.summary.update();
    this.notice.update();
    this.table.update(changed, structure);
    this.picture.update(changed);
    this.inspector.update(changed);
    this.attempts.update(changed);
    this.timeline.update();
    this.drawTimes();
    if (structure) this.loadCaptions();
    this.title();
    this.speak(changed);
  }

  tick() {
    if (document.hidden) return;
    this.notice.update();
    if (this.model.ended) return;
    this.summary.tick();
    this.table.tick();
    this.picture.tick();
    this.inspector.tick();
    this.timeline.tick();
    this.drawTimes();
  }

  title() {
    const { model } = this;
    const name = model.graph.workflow;
    const bad = model.counts.error;
    const mark = { finished: "✓ ", error: "✕ " }[model.word] || "";
    document.title = bad ? `✕ ${plural(bad, "error")} · ${name}` : `${mark}${name}`;
    const icon = bad ? "-error" : { running: "-running", finished: "-finished", lost: "-cut", interrupted: "-cut" }[model.word] || "";
    set(document.getElementById("favicon"), "href", `/static/favicon${icon}.svg`);
  }

  speak(changed) {
    const { model } = this;
    const bad = [...changed].map((n) => model.nodes.get(n)).filter((node) => node.shown === "error" && !model.isMap(node.n));
    const fresh = bad.filter((node) => !this.spokenErrors?.has(node.name));
    this.spokenErrors = new Set([...(this.spokenErrors || []), ...bad.map((node) => node.name)]);
    if (fresh.length > 3) announce(`${fresh.length} more errors`, true);
    else if (fresh.length) announce(fresh.map((node) => `error: ${node.name}, ${elementName(model, node)}`).join("; "), true);
    else if (!model.ended) announce(`${model.counts.finished} of ${model.total()} finished, ${plural(model.counts.error, "error")}`);
  }

  // -- selection ---------------------------------------------------------------------
  select(name, reveal = false, record = true) {
    this.selected = name;
    this.table.select(name);
    this.picture.select(name);
    this.inspector.show(name);
    this.gantt.soon();
    this.body.classList.toggle("inspecting", Boolean(name));
    if (name && (reveal || this.cover())) this.picture.reveal(name, this.cover());
    if (record) history.replaceState(null, "", this.link(name));
  }

  // How much of the picture the inspector lies over.
  cover() {
    return matchMedia("(min-width: 720px) and (max-width: 1279px)").matches && this.selected ? 376 : 0;
  }

  link(name) {
    const address = new URLSearchParams();
    if (name) address.set("node", name);
    if (this.model.past) address.set("at", String(this.model.seq));
    if (this.view === "gantt") address.set("view", "gantt");
    if (this.open.size) address.set("open", [...this.open].join(","));
    const text = address.toString();
    return location.pathname + (text ? `?${text}` : "");
  }

  dim(test) {
    this.host.classList.toggle("searching", Boolean(test));
    for (const element of this.host.querySelectorAll("[data-node]")) {
      element.classList.toggle("hit", Boolean(test) && test(element.getAttribute("data-node")));
    }
  }

  // -- errors ------------------------------------------------------------------------
  errors() {
    return this.model.errors.filter((name) => this.model.node(name)?.status === "error");
  }

  errorAt(name) {
    const errors = this.errors();
    const at = errors.indexOf(name);
    return at < 0 ? "" : `${at + 1} of ${errors.length}`;
  }

  nextError(back = false) {
    const errors = this.errors();
    if (!errors.length) return;
    const at = errors.indexOf(this.selected);
    const next = at < 0 ? (back ? errors.length - 1 : 0) : (at + (back ? -1 : 1) + errors.length) % errors.length;
    this.select(errors[next], true);
  }

  keys() {
    const walk = walker(this);
    const view = () => this.picture.viewport;
    listenKeys({
      e: (event) => this.nextError(event.shiftKey),
      "/": () => this.search.focus(),
      Escape: () => this.select(null),
      Enter: () => this.selected && this.inspector.el.focus(),
      " ": (event) => (event.shiftKey ? walk.foldAll() : walk.fold()),
      ArrowRight: () => walk.right(), ArrowLeft: () => walk.left(), ArrowUp: () => walk.column(-1), ArrowDown: () => walk.column(1),
      "+": () => this.picture.zoomBy(1.25), "=": () => this.picture.zoomBy(1.25), "-": () => this.picture.zoomBy(0.8),
      0: () => this.picture.zoomTo(1), f: () => view().fit(true),
      t: () => { this.table.widen(); this.body.classList.toggle("wide-table"); },
      i: () => this.inspector.el.focus(),
      l: () => this.model.past && this.goLive(),
      p: () => this.show("picture"), g: () => this.show("gantt"), d: () => this.showStrip(!this.strip.open),
      "[": () => this.goTo(this.model.seq - 1), "]": () => this.goTo(this.model.seq + 1),
      "{": () => this.goTo(this.model.seq - 10), "}": () => this.goTo(this.model.seq + 10),
      c: () => { navigator.clipboard?.writeText(location.origin + this.link(this.selected)); },
      "?": () => showKeys(settings),
    });
  }
}

function openRun(run) {
  location.href = `/runs/${encodeURIComponent(run)}`;
}
