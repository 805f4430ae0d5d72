// The band under the summary: what has become of the run or of the connection, and what to do.

import { announce } from "./announce.js";
import { h, replace, set } from "./dom.js";
import { rowMark } from "./marks.js";
import { clock, number, rough } from "./words.js";

export class Notice {
  // handlers: resume(), again(), live(), retryNow()
  constructor(model, handlers) {
    Object.assign(this, { model, handlers });
    this.offline = null;
    this.el = h("section", { class: "notice-band", "aria-label": "Notice", hidden: true });
  }

  update() {
    const found = this.found();
    const key = found ? found.key : "";
    this.el.hidden = !found;
    if (found?.kind !== this.told) {
      this.told = found?.kind; // once: what counts down is not said again every second
      if (found) announce(`${found.title} ${found.more}`, true);
    }
    if (key === this.key) return;
    this.key = key;
    if (!found) return;
    set(this.el, "data-shown", found.shown);
    set(this.el, "data-notice", found.kind);
    replace(this.el, rowMark(found.shown), h("p", {}, h("b", {}, found.title), ` ${found.more}`), h("span", { class: "spring" }), found.buttons);
  }

  found() {
    if (this.behind) return this.plain("behind", "pending", `${number(this.behind)} events behind.`, "Loading the run as it is now.", []);
    if (this.offline) return this.offlineNotice();
    if (this.model.past) return this.pastNotice();
    return this.wayNotice() || this.runNotice() || this.foldedNotice();
  }

  // The longest way, while the reader wants to see it.
  wayNotice() {
    return this.way && this.plain("way", "finished", this.way.title, this.way.more, this.way.buttons);
  }

  // Of a large run, until a group is opened or the line is closed.
  foldedNotice() {
    if (!this.folded) return null;
    const { nodes, groups } = this.folded;
    const close = h("button", { class: "button plain", type: "button", "aria-label": "Close", onclick: () => { this.folded = null; this.update(); } }, "✕");
    return this.plain("folded", "pending", `${number(nodes)} nodes, folded into ${number(groups)} ${groups === 1 ? "group" : "groups"}.`, "Space opens one.", [close]);
  }

  plain(kindOf, shown, title, more, buttons) {
    return { key: `${kindOf} ${title} ${more}`, kind: kindOf, shown, title, more, buttons };
  }

  offlineNotice() {
    const { since, retryAt } = this.offline;
    const left = Math.max(0, Math.ceil(retryAt - Date.now() / 1000));
    return this.plain("offline", "lost", `Not connected since ${clock(since)}.`,
      `This is the run at SEQ ${this.model.seq}. ${left ? `Trying again in ${left} s.` : "Trying again."}`,
      [h("button", { class: "button", type: "button", onclick: this.handlers.retryNow }, "Try now")]);
  }

  pastNotice() {
    const { model } = this;
    return this.plain("past", "running", `SEQ ${model.seq}, ${clock(model.last)}.`,
      `Live is ${number(model.live - model.seq)} ahead. Go back to live to cancel or resume.`,
      [h("button", { class: "button", type: "button", onclick: this.handlers.live }, "Back to live", h("kbd", {}, "L"))]);
  }

  runNotice() {
    const { model } = this;
    const kept = model.counts.finished + model.counts.skipped;
    const all = model.total();
    const run = model.run.run;
    if (model.word === "lost") {
      return this.plain("lost", "lost", `The engine of this run is gone: no sign for ${rough(model.now() - model.last)}.`,
        `${number(kept)} of ${number(all)} results are kept.`, this.resumeButtons(run));
    }
    if (model.word === "interrupted") {
      const again = [...model.nodes.values()].filter((node) => node.shown === "interrupted").length;
      return this.plain("interrupted", "interrupted", `Interrupted at ${clock(model.over)}.`,
        `${number(kept)} of ${number(all)} results are kept; ${number(again)} ${again === 1 ? "node" : "nodes"} will run again.`, this.resumeButtons(run));
    }
    if (model.word === "cancelled") {
      return this.plain("cancelled", "cancelled", `Cancelled after ${rough(model.over - model.begun)}.`,
        `${number(kept)} results are kept. A cancelled run stays as it is.`, []);
    }
    return null;
  }

  resumeButtons(run) {
    const command = `cms flow resume ${run}`;
    const copy = h("button", { class: "button", type: "button", onclick: () => navigator.clipboard?.writeText(command) }, "Copy");
    return [h("code", { class: "command" }, command), copy,
      h("button", { class: "button primary", type: "button", onclick: this.handlers.resume }, "Resume…")];
  }
}
