// A node as a plate: mark, name, and one word with one fact.

import { charactersIn, s, set, text, widthOf } from "./dom.js";
import { facts } from "./facts.js";
import { plateMark, updatePlateMark } from "./marks.js";
import { cut, kind } from "./words.js";

const TEXT_LEFT = 54;
const ALARMS = 3; // in a second: more would be a storm
let alarms = [];

function mayAlarm() {
  const now = performance.now();
  alarms = [...alarms.filter((at) => now - at < 1000), now];
  return alarms.length <= ALARMS;
}

export class Plate {
  constructor(item, model) {
    this.item = item;
    this.model = model;
    this.mark = plateMark();
    this.mark.setAttribute("transform", "translate(30 28)");
    this.body = s("rect", { class: "body", width: item.w, height: item.h, rx: 8 });
    this.name = s("text", { class: "name", x: TEXT_LEFT, y: 24 });
    this.word = s("tspan", { class: "status-word" });
    this.fact = s("tspan", { class: "fact" });
    this.chip = s("use", { class: "user-chip", x: item.w - 17, y: 7, width: 10, height: 10, visibility: "hidden" });
    this.el = s(
      "g",
      { class: "plate", transform: `translate(${item.x} ${item.y})`, "data-node": item.key },
      s("rect", { class: "halo", x: -4, y: -4, width: item.w + 8, height: item.h + 8, rx: 11 }),
      this.body,
      this.mark,
      this.name,
      (this.second = s("text", { class: "second", x: TEXT_LEFT, y: 41 }, this.word, this.fact)),
      this.chip,
    );
    this.scale = 1;
    this.update();
  }

  get node() {
    return this.model.nodes.get(this.item.n);
  }

  update() {
    const node = this.node;
    const shown = this.model.shown(node);
    if (this.shown !== undefined && this.shown !== shown) this.flash(shown);
    this.shown = shown;
    set(this.el, "data-status", node.status);
    set(this.el, "data-shown", shown);
    const aside = updatePlateMark(this.mark, shown, node.progress, node.color, node.shape);
    set(this.chip, "visibility", aside ? null : "hidden");
    if (aside) {
      set(this.chip, "href", `#shape-${aside.shape}`);
      set(this.chip, "fill", aside.color);
    }
    this.write();
  }

  // Once, and only where it changes: 160 ms of fade, an error one ring outward.
  flash(shown) {
    this.el.classList.remove("changed");
    this.el.classList.toggle("alarmed", shown === "error" && mayAlarm());
  }

  tick() {
    if (this.shown === "running" || kind(this.shown) === "waiting" || this.shown === "lost") this.write();
  }

  // Text is never below 11 on screen: it is cut sooner instead.
  fit(scale) {
    if (scale === this.scale) return;
    this.scale = scale;
    this.write();
  }

  write() {
    const scale = Math.min(1, this.scale);
    const names = scale < 0.6;
    const size = Math.max(13, 11 / scale);
    const small = Math.max(11.5, 11 / scale);
    const room = this.item.w - TEXT_LEFT - 10;
    const node = this.node;
    set(this.name, "font-size", size === 13 ? null : size.toFixed(1));
    set(this.name, "y", names ? 28 + size * 0.36 : 24);
    const label = node.label || this.item.label || node.name;
    text(this.name, cut(label, charactersIn(room, label, size, 600)));
    set(this.second, "visibility", names ? "hidden" : null);
    set(this.second, "y", (24 + Math.max(17, 1.15 * small)).toFixed(1));
    set(this.second, "font-size", small === 11.5 ? null : small.toFixed(1));
    const [word, fact] = facts(this.model, node);
    const most = charactersIn(room, word, small);
    text(this.word, word.length > most ? `${word.slice(0, most - 1)}…` : word);
    text(this.fact, fact && widthOf(`${word} · ${fact}`, small) <= room ? ` · ${fact}` : "");
  }
}
