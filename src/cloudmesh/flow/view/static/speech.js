// What the page says while nobody looks: the title, the icon of the tab, and to a screen reader.

import { announce } from "./announce.js";
import { set } from "./dom.js";
import { spokenName } from "./facts.js";
import { number, plural } from "./words.js";

const ICONS = { running: "-running", finished: "-finished", lost: "-cut", interrupted: "-cut" };

export function showTitle(model) {
  const name = model.graph.workflow;
  const bad = model.counts.error;
  const mark = { finished: "✓ ", error: "✕ " }[model.word] || "";
  document.title = bad ? `✕ ${plural(bad, "error")} · ${name}` : `${mark}${name}`;
  set(document.getElementById("favicon"), "href", new URL(`favicon${bad ? "-error" : ICONS[model.word] || ""}.svg`, import.meta.url));
}

export class Speech {
  constructor(model) {
    this.model = model;
    this.spoken = new Set(model.errors);
  }

  // ", 1 error: parse 96, lib2to3"
  badWords() {
    const { model } = this;
    const bad = model.errors.map((name) => model.node(name)).filter((node) => node && model.shown(node) === "error");
    if (!bad.length) return "";
    return `, ${plural(bad.length, "error")}${bad.length > 1 ? ", the last" : ""}: ${spokenName(model, bad.at(-1))}`;
  }

  // Errors are said at once, more than three of them as a number; else how far the run is.
  changed(changed) {
    const { model } = this;
    const fresh = [];
    for (const n of changed) {
      const node = model.nodes.get(n);
      if (!node || node.shown !== "error" || model.isMap(n) || this.spoken.has(node.name)) continue;
      this.spoken.add(node.name);
      fresh.push(node);
    }
    if (fresh.length > 3) announce(`${fresh.length} more errors`, true);
    else if (fresh.length) announce(fresh.map((node) => `error: ${spokenName(model, node)}`).join("; "), true);
    else if (!model.ended) announce(`${number(model.counts.finished)} of ${number(model.total())} finished${this.badWords()}`);
  }
}
