// Flows and runs: what needs you, what runs, and the rest.

import { get, runPath } from "./api.js";
import { barSvg } from "./bars.js";
import { askResume, askRun, showKeys } from "./dialogs.js";
import { h, replace, s, set, text } from "./dom.js";
import { header } from "./header.js";
import { settings } from "./keys.js";
import { rowMark } from "./marks.js";
import { PHONE } from "./tabs.js";
import { day, duration, number, parseUtc, plural, rough, zone } from "./words.js";

const EVERY = 2000;
const PAGE = 100;
const FIRSTS = 8;
const NEAR = 60; // ms of pointing at a row
const DONE_KEY = "flow.done";

const shownOf = (run) => (run.engine === "lost" && run.status === "running" ? "lost" : run.status);
const WORDS = { lost: "engine lost" };
const NEEDS = new Set(["lost", "error", "interrupted"]);

export async function startList(app, keysReady) {
  const page = new ListPage(app, keysReady);
  await page.load();
  page.timer = setInterval(() => !document.hidden && page.load(), EVERY);
  document.addEventListener("visibilitychange", () => !document.hidden && page.load());
}

class ListPage {
  constructor(app, keysReady) {
    document.title = "flow";
    this.filter = "all";
    this.flow = new URLSearchParams(location.search).get("flow");
    this.words = "";
    this.runs = [];
    this.more = false;
    this.older = [];
    this.rows = new Map();
    this.firsts = new Map(); // run -> its first error
    this.search = h("input", { type: "search", class: "search-input", placeholder: "Search flows and runs", "aria-label": "Search flows and runs",
      oninput: (event) => { this.words = event.target.value.trim().toLowerCase(); this.draw(); } });
    this.flowList = h("ul", { class: "flow-list" });
    this.flowCount = h("h2", {});
    this.cards = h("div", { class: "cards" });
    this.chips = h("div", { class: "chips", role: "group", "aria-label": "Show only" });
    this.table = h("div", { class: "run-list", role: "list", "aria-label": "Runs", onpointerover: (event) => this.near(event), onfocusin: (event) => this.near(event) });
    this.ahead = new Set(); // runs that the server has been told to lay out
    this.moreButton = h("button", { class: "button older", type: "button", hidden: true, onclick: () => this.loadOlder() }, "Older runs");
    this.trouble = h("p", { class: "notice-band", role: "status", hidden: true });
    replace(app, header([["Flows", null]], h("div", { class: "search" }, this.search, h("kbd", {}, "/")), () => showKeys(settings)),
      this.trouble,
      h("main", { class: "home-body" }, h("h1", { class: "visually-hidden" }, "Flows and runs"),
        h("section", { class: "flows", "aria-label": "Flows" }, h("div", { class: "table-head" }, this.flowCount, h("span", { class: "quiet" }, "Last run first")), this.flowList,
          h("p", { class: "hint quiet" }, "A flow appears here when it is first run or added:", h("br"), h("code", {}, "cms flow add FILE"))),
        h("section", { class: "runs", "aria-label": "Runs" }, this.cards, h("div", { class: "runs-head" }, h("h2", {}, "Runs"), this.chips), this.table, this.moreButton)));
    keysReady({ "/": () => this.search.focus(), "?": () => showKeys(settings), Escape: () => { this.search.value = this.words = ""; this.draw(); } });
  }

  async load() {
    try {
      const of = this.flow ? `workflow=${encodeURIComponent(this.flow)}` : "";
      const [flows, runs, counts] = await Promise.all([get("/api/flows"), get(`/api/runs?limit=${PAGE}&${of}`), get(`/api/counts?${of}`)]);
      this.counts = counts;
      this.flows = flows;
      const known = new Set(runs.map((run) => run.run));
      this.runs = [...runs, ...this.older.filter((run) => !known.has(run.run))];
      this.more = this.older.length ? this.more : runs.length === PAGE;
      this.now = Date.now() / 1000;
      this.trouble.hidden = true;
      this.draw();
      this.learnErrors();
    } catch (error) {
      this.trouble.hidden = false;
      text(this.trouble, error.status ? error.message : "Not connected. This is what was there a moment ago. Trying again.");
    }
  }

  // Which node failed first: asked once for each run in error that is near the top.
  async learnErrors() {
    const wanted = this.runs.filter((run) => run.status === "error" && !this.firsts.has(run.run)).slice(0, FIRSTS);
    for (const run of wanted) {
      this.firsts.set(run.run, null);
      const found = await get(`/api/runs/${run.run}/errors?limit=1`).catch(() => null);
      if (found && found.errors.length) this.firsts.set(run.run, { ...found.errors[0], count: found.count, blocked: found.blocked });
    }
    if (wanted.length) this.draw();
  }

  async loadOlder() {
    const last = this.runs[this.runs.length - 1];
    const older = await get(`/api/runs?limit=${PAGE}&before=${encodeURIComponent(last.run)}${this.flow ? `&workflow=${encodeURIComponent(this.flow)}` : ""}`);
    this.older = [...this.runs.slice(-PAGE), ...older];
    this.runs = [...this.runs, ...older];
    this.more = older.length === PAGE;
    this.draw();
  }

  // Who points at a row is about to open it: the server lays that run out meanwhile.
  near(event) {
    const { run } = event.target.closest("a.run-row")?.dataset || {};
    clearTimeout(this.nearing);
    if (!run || this.ahead.has(run)) return;
    this.nearing = setTimeout(() => {
      this.ahead.add(run);
      fetch(`${runPath(run, "layout")}?direction=${matchMedia(PHONE).matches ? "down" : "right"}&brief=true`).then((answer) => answer.body.cancel(), () => null);
    }, NEAR);
  }

  // -- what is shown ---------------------------------------------------------------
  match(run) {
    const shown = shownOf(run);
    if (this.flow && run.workflow !== this.flow) return false;
    if (this.words && !`${run.workflow} ${run.run} ${JSON.stringify(run.parameters || {})}`.toLowerCase().includes(this.words)) return false;
    return { all: true, running: shown === "running", needs: this.needsYou(run), errors: shown === "error", finished: shown === "finished" }[this.filter];
  }

  needsYou(run) {
    return NEEDS.has(shownOf(run)) && !done().has(run.run);
  }

  draw() {
    this.drawFlows();
    this.drawCards();
    this.drawChips();
    const shown = this.runs.filter((run) => this.match(run));
    this.drawRuns(shown);
    this.moreButton.hidden = !this.more;
  }

  drawFlows() {
    const flows = this.flows.filter((flow) => !this.words || flow.name.toLowerCase().includes(this.words));
    flows.sort((a, b) => (b.last[0]?.started || "").localeCompare(a.last[0]?.started || "") || a.name.localeCompare(b.name));
    text(this.flowCount, plural(flows.length, "flow"));
    if (!this.flows.length) {
      replace(this.flowList, h("li", { class: "empty quiet" }, "No flows yet. Run one: ", h("code", {}, "cms flow run FILE --view")));
      return;
    }
    replace(this.flowList, flows.map((flow) => {
      const size = `${plural(flow.nodes, "node")}${flow.mapped ? `, ${flow.mapped} mapped` : ""}`;
      const chosen = this.flow === flow.name;
      const run = h("button", { class: "button run-flow", type: "button", onclick: (event) => { event.preventDefault(); askRun(flow.name, {}, openRun); } }, "Run…");
      return h("li", {}, h("a", { class: `flow-row${chosen ? " chosen" : ""}`, href: chosen ? "/" : `/?flow=${encodeURIComponent(flow.name)}`, title: flow.flow },
        h("span", { class: "flow-name" }, h("b", {}, flow.name), h("span", { class: "quiet" }, flow.last.length ? size : `${size}. It has not run yet.`)), outcomes(flow.last), run));
    }));
  }

  drawCards() {
    const needs = this.runs.filter((run) => this.needsYou(run));
    replace(this.cards, needs.slice(0, 3).map((run) => card(run, this)),
      needs.length > 3 ? h("button", { class: "button plain more-cards", type: "button", onclick: () => { this.filter = "needs"; this.draw(); } }, `and ${number(needs.length - 3)} more`) : null);
  }

  drawChips() {
    // Counts are the store's, not those of the runs that are loaded.
    const { all, running = 0, error = 0, finished = 0, needs } = this.counts;
    const settled = done();
    const chips = [
      ["all", "All", all], ["running", "Running", running], ["needs", "Needs you", needs.filter((run) => !settled.has(run)).length],
      ["errors", "Errors", error], ["finished", "Finished", finished],
    ];
    replace(this.chips, chips.map(([key, label, n]) =>
      h("button", { class: "chip", type: "button", "aria-pressed": String(this.filter === key), onclick: () => { this.filter = key; this.draw(); } }, `${label} ${number(n)}`)));
  }

  drawRuns(shown) {
    const head = h("div", { class: "run-row run-head", "aria-hidden": true },
      ["Status", "Flow", "Run", "Nodes", "", "Parameters", "Took", "Started"].map((word) => h("span", {}, word)));
    if (!shown.length) {
      const flow = this.flow || "";
      replace(this.table, head, h("p", { class: "empty quiet" }, this.runs.length ? "No run is like that." : flow ? `${flow} has not run yet.` : "No runs yet.", " ", h("code", {}, `cms flow run ${flow || "FILE"}`)));
      return;
    }
    // Rows are kept by run and rewritten only where something is new: the focus stays.
    const wanted = shown.map((run) => {
      const key = JSON.stringify([run, this.firsts.get(run.run), shownOf(run) === "running" || shownOf(run) === "lost" ? Math.floor(this.now) : day(parseUtc(run.started) || 0, this.now)]);
      const known = this.rows.get(run.run);
      if (known && known.key === key) return known.el;
      const el = known ? known.el : h("div", { role: "listitem" }, h("a", { class: "run-row", href: `/runs/${run.run}` }));
      this.writeRun(el.firstChild, run);
      this.rows.set(run.run, { key, el });
      return el;
    });
    if (this.table.childElementCount === wanted.length + 1 && wanted.every((el, k) => this.table.children[k + 1] === el)) return;
    replace(this.table, head, wanted);
  }

  writeRun(el, run) {
    const shown = shownOf(run);
    const begun = parseUtc(run.started);
    const over = parseUtc(run.ended);
    set(el, "data-shown", shown);
    set(el, "data-run", run.run);
    set(el, "data-status", run.status);
    const cell = (className, ...content) => h("span", { class: className }, content);
    const took = shown === "running" ? `for ${duration(this.now - begun)}` : over ? duration(over - begun) : "";
    replace(el,
      cell("run-status", rowMark(shown, undefined), h("span", { class: "status-word" }, WORDS[shown] || shown)),
      cell("run-flow", h("b", {}, run.workflow)), cell("run-id mono", run.run),
      cell("run-count", barSvg(countsOf(run, shown), 150, 6)), cell("run-words quiet", runWords(run, this.firsts.get(run.run))),
      cell("run-params quiet", parametersText(run.parameters)), cell("run-took", took),
      cell("run-started", h("time", { title: begun ? zone(begun) : "" }, begun ? (this.now - begun < 60 ? "now" : day(begun, this.now)) : "")));
  }
}

// Stored counts are by status; a run's own state says what the rest is.
function countsOf(run, shown) {
  const { pending = 0, running = 0, finished = 0, error = 0 } = run.counts || {};
  const rest = { error: "blocked", cancelled: "cancelled" }[shown] || "pending";
  const counts = { error, finished, [shown === "lost" ? "lost" : "running"]: running };
  counts[rest] = (counts[rest] || 0) + pending;
  return counts;
}

function runWords(run, first) {
  const { pending = 0, running = 0, finished = 0, error = 0 } = run.counts || {};
  const all = pending + running + finished + error;
  if (run.status === "cancelled") return `cancelled, ${number(finished)} kept`;
  if (error) return plural(error, "error") + (first && error === 1 ? `, ${first.node}` : "");
  return finished === all ? number(all) : `${number(finished)} of ${number(all)}`;
}

const parametersText = (parameters) =>
  Object.entries(parameters || {}).map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`).join(", ");

function outcomes(last) {
  const svg = s("svg", { class: "outcomes", width: 96, height: 18, viewBox: "0 0 96 18", "aria-hidden": true });
  [...last].reverse().forEach((run, k, all) => {
    const shown = shownOf(run);
    const high = { error: 18, finished: 10, cancelled: 8 }[shown] || 14;
    svg.append(s("rect", { class: `segment segment-${shown === "finished" ? "crowd" : shown}`, "data-shown": shown, x: 96 - (all.length - k) * 8, y: 18 - high, width: 6, height: high, rx: 1.5 }));
  });
  return svg;
}

function card(run, page) {
  const shown = shownOf(run);
  const { finished = 0, error = 0, pending = 0, running = 0 } = run.counts || {};
  const all = finished + error + pending + running;
  const first = page.firsts.get(run.run);
  const titles = { lost: `${run.workflow} has lost its engine`, error: `${run.workflow}: ${first && first.count === 1 ? `${first.node} failed` : plural(error, "error")}`, interrupted: `${run.workflow} was interrupted` };
  const kindOf = first ? `${first.error.split(":")[0]}, ${plural(first.blocked, "node")} blocked` : "";
  const words = kindOf && shown === "error" ? kindOf : shown === "error" ? `${number(finished)} of ${number(all)} done, ${rough(page.now - (parseUtc(run.ended) || page.now))} ago` : `${number(finished)} of ${number(all)} done, kept`;
  const go = shown === "error"
    ? h("a", { class: "button", href: `/runs/${run.run}` }, "Open")
    : h("button", { class: "button", type: "button", onclick: () => askResume(run.run, () => openRun(run.run)) }, "Resume…");
  const finish = h("button", { class: "button plain done", type: "button", title: "Done with it", "aria-label": `Done with ${run.run}`, onclick: () => { markDone(run.run); page.draw(); } }, "✕");
  return h("article", { class: "card", "data-shown": shown }, rowMark(shown),
    h("a", { class: "card-words", href: `/runs/${run.run}` }, h("b", {}, titles[shown]), h("span", { class: "quiet" }, words)), go, finish);
}

const done = () => new Set(JSON.parse(localStorage.getItem(DONE_KEY) || "[]"));

function markDone(run) {
  localStorage.setItem(DONE_KEY, JSON.stringify([...done(), run].slice(-500)));
}

function openRun(run) {
  location.href = `/runs/${encodeURIComponent(run)}`;
}
