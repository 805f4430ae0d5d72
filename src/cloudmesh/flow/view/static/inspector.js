// The inspector answers, on its first screen: what, where, why, what now.

import { get, runPath } from "./api.js";
import { h, replace, set, text } from "./dom.js";
import { caption, facts, waits } from "./facts.js";
import { Log } from "./log.js";
import { SHAPES, rowMark, updateRowMark } from "./marks.js";
import { place, tracebackView } from "./traceback.js";
import { shortValue, valueTree } from "./value.js";
import { clock, duration, kind, number } from "./words.js";

const NAMES_MAX = 30;

export class Inspector {
  // handlers: close(), select(name), retryFrom(name), errorAt(name) -> "1 of 3"
  constructor(model, handlers) {
    Object.assign(this, { model, handlers });
    this.mark = rowMark("pending");
    set(this.mark, "width", 20);
    set(this.mark, "height", 20);
    this.name = h("h2", { class: "inspector-name" });
    this.label = h("span", { class: "inspector-label" });
    this.close_ = h("button", { class: "button plain close", type: "button", "aria-label": "Close", onclick: () => handlers.close() }, "✕");
    this.body = h("div", { class: "inspector-body" });
    this.el = h("aside", { class: "inspector", id: "inspector", tabindex: -1, "aria-label": "Inspector", hidden: true },
      h("div", { class: "grip", "aria-hidden": true }),
      h("header", { class: "inspector-head" }, this.mark, this.name, this.label, this.close_), this.body);
  }

  show(name) {
    this.loads = (this.loads || 0) + 1; // what was asked for before is not shown any more
    clearTimeout(this.timer);
    if (this.log) this.log.close();
    this.log = null;
    this.shownName = name;
    this.el.hidden = !name;
    if (!name) return;
    const node = this.model.node(name);
    if (!node) {
      text(this.name, name);
      replace(this.body, h("p", { class: "part" }, `No node is called "${name}".`));
      return;
    }
    this.head(node);
    this.document = null;
    this.attempts = [];
    this.draw(node);
    this.load(name);
  }

  head(node) {
    const shown = this.model.shown(node);
    set(this.el, "data-shown", shown);
    updateRowMark(this.mark, shown, this.model.progress(node));
    text(this.name, node.name);
    text(this.label, caption(this.model, node));
  }

  async load(name) {
    const run = this.model.run.run;
    const mine = this.loads = this.loads + 1;
    try {
      const [document, found] = await Promise.all([
        get(runPath(run, "nodes", name)),
        get(runPath(run, "nodes", name, "attempts")),
      ]);
      if (this.loads !== mine) return; // a later answer is on its way, or there already
      this.document = document;
      this.attempts = found.attempts;
      this.draw(this.model.node(name));
      this.received(document, mine);
    } catch (error) {
      if (this.loads === mine) this.body.append(h("p", { class: "part quiet" }, error.message));
    }
  }

  update(changed) {
    const node = this.shownName && this.model.node(this.shownName);
    if (!node || !changed.has(node.n)) return;
    this.head(node);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.load(this.shownName), 120);
  }

  tick() {
    const node = this.shownName && this.model.node(this.shownName);
    if (node && node.status === "running" && this.took) text(this.took, this.tookText(node));
  }

  // -- parts -----------------------------------------------------------------------
  draw(node) {
    const document = this.document;
    const same = document && document.attempt === node.attempt ? document : null;
    const parts = [this.errorPart(node, same), this.factsPart(node, same), this.valuePart(node, same)];
    if (!this.log && (node.attempt || this.model.isMap(node.n))) {
      if (!this.model.isMap(node.n)) this.log = new Log(this.model.run.run, node.name, () => this.isLive());
    }
    // The log stays where it is: taken out and put back it would be scrolled to its beginning.
    const log = this.log ? this.log.el : null;
    for (const part of [...this.body.children]) if (part !== log) part.remove();
    if (log && log.parentElement !== this.body) this.body.append(log);
    this.body.prepend(...parts.flat(Infinity).filter(Boolean));
    if (this.log) this.log.placed();
  }

  isLive() {
    const node = this.shownName && this.model.node(this.shownName);
    return Boolean(node) && node.status === "running" && !this.model.lost;
  }

  errorPart(node, document) {
    if (!node.error || node.status === "running" || node.status === "finished") return null;
    const error = document && document.error;
    const where = error ? place(error.traceback) : null;
    const sentence = error ? `${error.type}: ${String(error.message).split("\n")[0]}` : node.error;
    const copy = () => navigator.clipboard?.writeText(error ? error.traceback || sentence : sentence);
    const position = this.handlers.errorAt(node.name);
    return [
      h("section", { class: "part error-part" },
        h("p", { class: "sentence" }, sentence),
        where ? h("p", { class: "quiet" }, "in ", h("code", {}, where.file), `, line ${where.line}`) : null,
        h("div", { class: "buttons" },
          this.model.ended && !this.model.past
            ? h("button", { class: "button primary", type: "button", onclick: () => this.handlers.retryFrom(node.name) }, "Retry from here")
            : null,
          h("button", { class: "button", type: "button", onclick: copy }, "Copy error"),
          h("span", { class: "spring" }),
          position ? h("span", { class: "position" }, position, h("kbd", {}, "E")) : null)),
      error && error.traceback
        ? h("section", { class: "part" }, h("h3", {}, "Traceback ", h("span", { class: "faint" }, "your lines only")), tracebackView(error.traceback, error.type))
        : null,
    ];
  }

  factsPart(node, document) {
    const list = h("dl", { class: "facts" });
    const row = (name, ...content) => {
      const shown = content.flat().filter((part) => part !== null && part !== "" && part !== undefined);
      if (shown.length) list.append(h("dt", {}, name), h("dd", {}, shown));
    };
    const [word, fact] = facts(this.model, node);
    row("Status", h("span", { class: "status-word" }, word), fact && fact !== duration(this.model.took(node)) ? ` · ${fact}` : "");
    this.took = h("span", {}, this.tookText(node));
    if (node.started) row("Took", this.took);
    row("Attempts", this.attemptsView());
    row("Reason", node.reason && node.reason !== word ? node.reason : "");
    const first = this.attempts[0]?.started || (node.attempt === 1 && node.started);
    row("Where", document && document.where ? document.where : node.where || "", h("span", { class: "quiet" }, waits(node, node.ready, first).map((words) => ` · ${words}`)));
    if (node.started) row("Started", clock(node.started, true));
    row("Says", node.text || "");
    this.receivedRow = h("dd", {});
    this.receivedName = h("dt", { hidden: true }, "Received");
    list.append(this.receivedName, this.receivedRow);
    this.receivedRow.hidden = true;
    const own = node.parent === undefined ? node.n : node.parent;
    row("Needs", this.links(this.model.needs(own)));
    const bad = node.status === "error";
    row(bad ? "Blocks" : "Next", this.links(bad ? this.model.allAfter(own) : this.model.followers(own)));
    if (node.color || node.shape || node.label) row("Look", this.look(node));
    return h("section", { class: "part" }, list);
  }

  look(node) {
    const known = !node.shape || SHAPES[node.shape];
    return [[node.color, node.shape, node.label && `"${node.label}"`].filter(Boolean).join(", "),
      known ? "" : h("span", { class: "quiet" }, " (no such shape: a circle)")];
  }

  tookText(node) {
    const seconds = this.model.took(node);
    const most = (this.model.graph.nodes[node.parent ?? node.n]?.retries || 0) + 1;
    const attempt = node.attempt > 1 || most > 1 ? `, attempt ${node.attempt} of ${Math.max(most, node.attempt)}` : "";
    return seconds === null ? "" : `${node.status === "running" ? "for " : ""}${duration(seconds)}${attempt}`;
  }

  attemptsView() {
    if (this.attempts.length < 2) return [];
    const marks = this.attempts.slice(-8).map((a) =>
      h("span", { class: "attempt", title: a.error || a.outcome || "runs", "data-shown": a.outcome || "running" },
        rowMark(a.outcome || "running"), ` ${a.attempt} `));
    const errors = new Set(this.attempts.filter((a) => a.outcome === "error").map((a) => a.error));
    const all = this.attempts.every((a) => a.outcome === "error");
    return [...marks, all && errors.size === 1 ? h("span", { class: "quiet" }, "same error each time") : ""];
  }

  links(numbers) {
    const shown = numbers.slice(0, NAMES_MAX).flatMap((n, k) => {
      const { name } = this.model.nodes.get(n);
      const go = (event) => {
        event.preventDefault();
        this.handlers.select(name);
      };
      return [k ? ", " : "", h("a", { href: `?node=${encodeURIComponent(name)}`, onclick: go }, name)];
    });
    return numbers.length > NAMES_MAX ? [...shown, ` and ${number(numbers.length - NAMES_MAX)} more`] : shown;
  }

  valuePart(node, document) {
    if (!document || document.result === null || document.result === undefined || node.status !== "finished") return null;
    const path = runPath(this.model.run.run, "nodes", node.name, "result");
    const download = h("a", { class: "button", href: path, download: "" }, "Download");
    const { result } = document;
    const inner = result && typeof result === "object" && result.value && result.value.$type ? result.value : result;
    const part = h("section", { class: "part" }, h("h3", {}, "Value"));
    if (inner && inner.$ref) {
      part.append(h("p", { class: "quiet" }, `${inner.type || "JSON"}, ${number(Math.round(inner.size / 1024))} KB. `, download));
    } else if (inner && inner.$type) {
      if (inner.$type === "bytes") part.append(h("img", { class: "picture-value", src: path, alt: "", onerror: (event) => event.target.remove() }));
      part.append(h("p", { class: "quiet" }, `${inner.$type}. Not shown: it is not JSON. `, download));
      if (inner.text) part.append(h("pre", { class: "value-text" }, String(inner.text).slice(0, 2000)));
    } else {
      part.append(valueTree(result), Array.isArray(result) || (result && typeof result === "object") ? h("p", {}, download) : null || "");
    }
    return part;
  }

  // What a node was given: the values of what it names, and the run's parameters.
  async received(document, mine) {
    const names = Object.keys((document.task && document.task.parameter) || {});
    const node = this.model.node(document.name);
    const given = this.model.run.parameters || {};
    const lines = [];
    for (const name of names.slice(0, 12)) {
      const source = this.model.node(name);
      if (source && this.model.graph.nodes[node.parent]?.map === name) {
        const texts = this.model.captions.get(node.parent);
        const index = node.n - this.model.nodes.get(node.parent).first;
        if (texts && texts[index]) lines.push(`${name} = ${shortValue(texts[index])}`);
      } else if (source) {
        const found = await get(runPath(this.model.run.run, "nodes", name)).catch(() => null);
        if (found && found.status === "finished") lines.push(`${name} = ${shortValue(valueOf(found.result))}`);
      } else if (name in given) {
        lines.push(`${name} = ${shortValue(given[name])}`);
      }
    }
    if (this.loads !== mine || !lines.length) return;
    replace(this.receivedRow, lines.map((line) => h("code", { class: "received" }, line)));
    this.receivedRow.hidden = this.receivedName.hidden = false;
  }
}

// A report's value; anything else is the value itself.
function valueOf(result) {
  const keys = result && typeof result === "object" && !Array.isArray(result) ? Object.keys(result) : [];
  const report = keys.includes("value") && keys.length > 1 && keys.every((k) => ["status", "color", "shape", "label", "value"].includes(k));
  return report ? result.value : result;
}

export const isBad = (shown) => ["error", "lost", "interrupted"].includes(kind(shown));
