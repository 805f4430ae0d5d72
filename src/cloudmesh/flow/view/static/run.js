// The page of one run: one model, one selection, and everything that shows them.

import { get, runPath } from "./api.js";
import { announce } from "./announce.js";
import { named } from "./brief.js";
import { set } from "./dom.js";
import { ErrorWalk } from "./errors.js";
import { Groups } from "./groups.js";
import { Model } from "./model.js";
import { Moments } from "./moments.js";
import { buildRun, runKeys } from "./runparts.js";
import { Speech, showTitle } from "./speech.js";
import { Stream } from "./stream.js";
import { PHONE } from "./tabs.js";

const TURNING_MAX = 60; // nodes whose arcs turn at the same time
const STRIP_NODES = 200; // above which a strip of the first few says nothing

export class RunPage {
  constructor(app, id, snapshot, address) {
    this.app = app;
    this.id = id;
    this.address = address;
    this.model = new Model(snapshot);
    this.selected = null;
    this.speech = new Speech(this.model);
    this.errors = new ErrorWalk(this);
    this.groups = new Groups(this);
    this.moments = new Moments(this);
    this.open = new Set((address.get("open") || "").split(",").filter(Boolean));
    buildRun(this);
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

  // `keysReady` is told what the keys do once there is a picture for them to act on.
  async begin(keysReady) {
    const { model } = this;
    if (!this.address.has("open")) this.groups.openAtFirst();
    model.listen((changed, structure) => this.update(changed, structure));
    const node = this.selected = this.address.get("node") || null; // it stays in the address
    if (node) {
      this.body.classList.toggle("inspecting", this.address.get("view") !== "gantt");
      this.inspector.show(node);
    }
    const wide = matchMedia("(min-width: 1280px) and (min-height: 640px)").matches;
    const wanted = localStorage.getItem("flow.strip") || (this.model.graph.nodes.length > STRIP_NODES ? "off" : "on");
    this.strip.show(wide && wanted !== "off");
    this.notice.update(); // before the picture is fitted to what is left
    this.tabs.update();
    const keys = runKeys(this);
    await this.loadLayout();
    requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("picture")));
    this.show(this.view || (this.address.get("view") === "gantt" ? "gantt" : "picture")); // a button may have been pressed by now
    this.attempts.load().then(() => this.drawTimes());
    model.flush();
    if (node && this.selected === node) this.select(node, true, false);
    keysReady(keys);
    setInterval(() => this.tick(), 1000);
    addEventListener("popstate", () => this.addressed());
    addEventListener("resize", () => this.picture.settle());
    this.groups.loadCaptions();
    this.follow();
  }

  // -- the stream ------------------------------------------------------------------
  follow() {
    if (this.stream) this.stream.close();
    this.stream = new Stream(runPath(this.id, "events"), () => this.model.live, {
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
    if (!this.toldEnd) announce(`The run has ended: ${this.model.status}.`, true); // once, not at each return of the tab
    this.toldEnd = true;
    this.model.run = await get(runPath(this.id)).catch(() => this.model.run);
    this.summary.update();
    if (this.model.status === "interrupted") this.watchResume();
  }

  // An interrupted run may be resumed elsewhere.
  watchResume() {
    if (this.watch) return;
    this.watch = setInterval(async () => {
      if (document.hidden) return;
      const run = await get(runPath(this.id)).catch(() => null);
      if (this.watch && run && run.status !== "interrupted") {
        clearInterval(this.watch);
        this.watch = 0;
        this.toldEnd = false;
        this.reload();
      }
    }, 3000);
  }

  // The run as it is now; who is in the past stays there, unless it is `live` that is wanted.
  async reload(behind = 0, live = false) {
    const { model } = this;
    const turn = this.moments.begin();
    this.notice.behind = behind;
    this.notice.update();
    try {
      const at = model.past && !live ? `&at=${model.seq}` : "";
      const snapshot = await get(`${runPath(this.id, "state")}?brief=true${at}`);
      this.notice.behind = 0;
      if (this.moments.turn === turn) {
        model.live = 0; // also where the journal has less than was seen
        this.take(snapshot);
      }
      this.attempts.byNode.clear();
      this.attempts.load().then(() => this.drawTimes());
      await this.loadLayout(null, true);
      this.follow();
    } catch {
      setTimeout(() => this.reload(behind, live && this.moments.turn === turn), 2000);
    }
  }

  // What shows times is drawn anew at most four times a second.
  drawTimes() {
    this.gantt.soon(250);
    this.strip.soon(250);
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

  // -- layout ------------------------------------------------------------------------
  async loadLayout(anchor, keep = false) {
    const open = [...this.open].join(",");
    const direction = matchMedia(PHONE).matches ? "down" : "right";
    const asked = this.ahead && this.ahead.key === `${direction} ${open}` ? this.ahead.layout : get(`${runPath(this.id, "layout")}?direction=${direction}&brief=true&open=${encodeURIComponent(open)}`);
    this.ahead = null;
    this.asked = asked;
    const layout = await asked;
    if (this.asked !== asked) return; // what is wanted by now is on its way
    const before = keep && this.picture.layout ? { ...this.picture.viewport } : null;
    this.picture.setLayout(named(layout, this.model.graph), anchor);
    this.groups.showFolds(layout);
    if (before) this.picture.viewport.go(before.x, before.y, before.scale, false);
    this.picture.select(this.selected);
    this.minimap.move();
  }

  // -- changes -----------------------------------------------------------------------
  update(changed, structure) {
    const { model } = this;
    this.summary.update();
    this.notice.update();
    this.table.update(changed, structure);
    this.picture.update(changed);
    this.minimap.soon();
    this.host.classList.toggle("many-run", model.counts.running > TURNING_MAX);
    this.inspector.update(changed);
    this.attempts.update(changed);
    if (this.critical.on && model.ended) this.critical.update();
    this.timeline.update();
    this.tabs.update();
    this.drawTimes();
    if (structure) this.groups.loadCaptions();
    showTitle(model);
    this.speech.changed(changed);
  }

  tick() {
    if (document.hidden) return;
    this.notice.update();
    if (this.model.ended) return;
    if (this.critical.on) this.critical.update();
    this.summary.tick();
    this.table.tick();
    this.picture.tick();
    this.inspector.tick();
    this.timeline.tick();
    this.drawTimes();
  }

  // -- selection ---------------------------------------------------------------------
  select(name, reveal = false, record = true) {
    this.selected = name;
    this.table.select(name);
    this.picture.select(name);
    this.inspector.show(name);
    this.gantt.soon();
    // In the gantt a selection opens a card of its attempts; Enter opens the inspector.
    if (!name || this.view !== "gantt") this.body.classList.toggle("inspecting", Boolean(name));
    // What a reader has chosen himself moves only where it would be out of sight.
    if (name) this.picture.reveal(name, this.cover(), reveal || this.cover() ? undefined : 0);
    if (record) history[record === "push" ? "pushState" : "replaceState"](null, "", this.link(name));
  }

  // Into the inspector, and back to where the reader came from; then it closes.
  enter() {
    if (!this.selected) return;
    this.body.classList.add("inspecting");
    this.cameFrom = document.activeElement;
    this.inspector.el.focus();
  }

  leave() {
    if (this.cameFrom && this.inspector.el.contains(document.activeElement)) {
      this.cameFrom.focus();
      this.cameFrom = null;
    } else {
      this.select(null);
    }
  }

  // Back and forward lead to what their address says: the node, the groups, the view, the moment.
  addressed() {
    const address = new URLSearchParams(location.search);
    const at = Number(address.get("at") || 0);
    const view = address.get("view") === "gantt" ? "gantt" : "picture";
    const open = (address.get("open") || "").split(",").filter(Boolean);
    this.selected = address.get("node") || null;
    if (open.join() !== [...this.open].join()) {
      this.open.clear();
      open.forEach((key) => this.open.add(key));
      this.loadLayout(null, true).catch(() => null);
    }
    if (view !== this.view) this.show(view);
    this.select(this.selected, false, false);
    if (at && at !== this.model.seq) this.moments.goTo(at);
    else if (!at) this.moments.goLive();
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

}
