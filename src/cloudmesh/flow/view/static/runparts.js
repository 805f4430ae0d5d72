// The parts of a run's page: they are made here, and told what to do when something is chosen.

import { Attempts } from "./attempts.js";
import { Critical } from "./critical.js";
import { askCancel, askResume, askRetry, askRun, showKeys } from "./dialogs.js";
import { h, replace } from "./dom.js";
import { Gantt, Strip } from "./gantt.js";
import { header } from "./header.js";
import { Inspector } from "./inspector.js";
import { settings } from "./keys.js";
import { Minimap } from "./minimap.js";
import { Notice } from "./notice.js";
import { Picture } from "./picture.js";
import { resizable } from "./resize.js";
import { askSave } from "./save.js";
import { Search } from "./search.js";
import { Summary } from "./summary.js";
import { Table } from "./table.js";
import { Tabs } from "./tabs.js";
import { Timeline } from "./timeline.js";
import { walker } from "./walk.js";

export function buildRun(page) {
  const { model } = page;
  const act = actions(page);
  page.search = new Search({ go: (name) => page.select(name, true), dim: (test) => page.picture.dim(test) }, "Search nodes");
  page.search.model = model;
  page.summary = new Summary(model, { nextError: (back) => page.errors.next(back), ...act });
  page.notice = new Notice(model, { ...act, live: () => page.moments.goLive(), retryNow: () => page.stream.retry() });
  page.table = new Table(model, { select: (name) => page.select(name), inspect: (name) => page.select(name, true) });
  page.inspector = new Inspector(model, {
    close: () => page.select(null), select: (name) => page.select(name, true, "push"), retryFrom: (name) => askRetry(page.id, name, openRun),
    errorAt: (name) => page.errors.position(name),
  });
  page.host = h("div", {
    class: "picture", role: "application", tabindex: 0,
    "aria-label": "Picture of the run; the table holds the same",
  });
  page.zoomLabel = h("button", { class: "zoom-label", type: "button", title: "100 %", onclick: () => page.picture.zoomTo(1) }, "100 %");
  page.attempts = new Attempts(model);
  page.attempts.onFetched = () => page.drawTimes();
  const select = (name) => page.select(name);
  page.gantt = new Gantt(model, page.attempts, page.table, { select });
  page.strip = new Strip(model, page.attempts, { select });
  page.timeline = new Timeline(model, { goTo: (seq) => page.moments.goTo(seq), step: (by) => page.moments.step(by), live: () => page.moments.goLive() });
  page.foldButton = h("button", { type: "button", onclick: () => page.walk.foldAll() });
  page.folds = h("div", { class: "tools folds", hidden: true }, page.foldButton);
  page.pictureBox = h("div", { class: "picture-box" }, page.host, page.folds, tools(page), page.strip.el);
  page.stage = h("section", { class: "stage" }, page.pictureBox, page.gantt.el, views(page));
  const crumbs = [["Flows", "/"], [model.graph.workflow, `/?flow=${encodeURIComponent(model.graph.workflow)}`], [`run ${page.id}`, null]];
  page.body = h("main", { class: "body" }, page.table.el, page.stage, page.timeline.el, page.inspector.el); // in the order of the focus
  page.tabs = new Tabs(page);
  page.critical = new Critical(page);
  replace(page.app,
    h("a", { class: "skip", href: "#table" }, "Skip to the table"), h("a", { class: "skip", href: "#inspector" }, "Skip to the inspector"),
    header(crumbs, page.search.el, () => showKeys(settings)), page.summary.el, page.notice.el, page.tabs.band, page.body, page.tabs.el);
  resizable(page.body, page.table.el, "table", "right");
  resizable(page.body, page.inspector.el, "inspector", "left");
  page.picture = new Picture(page.host, model, {
    select: (name) => page.select(name), fold: (key) => page.groups.fold(key),
    zoom: (scale) => {
      page.zoomLabel.textContent = `${Math.round(scale * 100)} %`;
      page.minimap?.move();
    },
  });
  page.minimap = new Minimap(page.picture, page.pictureBox);
}

function actions(page) {
  return {
    cancel: () => askCancel(page.id),
    resume: () => askResume(page.id, () => page.reload()),
    retry: () => askRetry(page.id, null, openRun),
    again: () => askRun(page.model.graph.workflow, page.model.run.parameters, openRun),
  };
}

function tools(page) {
  const tool = (label, name, action, key) =>
    h("button", { type: "button", "aria-label": name, title: name, onclick: action }, label, key ? h("kbd", {}, key) : null);
  const view = () => page.picture.viewport;
  return h("div", { class: "tools zoom", role: "group", "aria-label": "Zoom" },
    tool("−", "Zoom out", () => page.picture.zoomBy(0.8)), page.zoomLabel,
    tool("+", "Zoom in", () => page.picture.zoomBy(1.25)), tool("Fit", "Fit", () => view().fit(true), "F"), tool("Save", "Save the picture", () => askSave(page), "S"));
}

function views(page) {
  const button = (word, label, key) => h("button", { type: "button", "data-view": word, "aria-pressed": "false", onclick: () => page.show(word) }, label, h("kbd", {}, key));
  return h("div", { class: "tools views", role: "group", "aria-label": "View" }, button("picture", "Picture", "P"), button("gantt", "Gantt", "G"));
}

export function runKeys(page) {
  const walk = page.walk = walker(page);
  const view = () => page.picture.viewport;
  return {
    e: (event) => page.errors.next(event.shiftKey),
    "/": () => page.search.focus(),
    Escape: () => page.leave(),
    Enter: () => page.enter(),
    " ": (event) => (event.shiftKey ? walk.foldAll() : walk.fold()),
    ArrowRight: () => walk.right(), ArrowLeft: () => walk.left(), ArrowUp: () => walk.column(-1), ArrowDown: () => walk.column(1),
    "+": () => page.picture.zoomBy(1.25), "=": () => page.picture.zoomBy(1.25), "-": () => page.picture.zoomBy(0.8),
    0: () => page.picture.zoomTo(1), f: () => view().fit(true),
    t: () => { page.table.widen(); page.body.classList.toggle("wide-table"); },
    i: () => page.enter(),
    l: () => page.moments.goLive(),
    p: () => page.show("picture"), g: () => page.show("gantt"), d: () => page.showStrip(!page.strip.open),
    "[": () => page.moments.step(-1), "]": () => page.moments.step(1),
    "{": () => page.moments.step(-10), "}": () => page.moments.step(10),
    c: () => { navigator.clipboard?.writeText(location.origin + page.link(page.selected)); },
    s: () => askSave(page), x: () => page.critical.toggle(),
    "?": () => showKeys(settings),
  };
}

function openRun(run) {
  location.href = `/runs/${encodeURIComponent(run)}`;
}
