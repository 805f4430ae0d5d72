// Marks: ring, icon and word of a status, from one set of symbols (marks.svg).
// The page, the canvas and the exported SVG draw the same paths.

import { s, set } from "./dom.js";
import { kind } from "./words.js";

export const SHAPES = {
  circle: "circle", ellipse: "circle", square: "square", box: "square", rect: "square",
  rectangle: "square", diamond: "diamond", hexagon: "hexagon", triangle: "triangle",
};

// Bring the symbols into the document, once.
export async function loadMarks() {
  const response = await fetch(new URL("marks.svg", import.meta.url));
  const parsed = new DOMParser().parseFromString(await response.text(), "image/svg+xml");
  const sprite = document.importNode(parsed.documentElement, true);
  for (const [name, value] of [["width", 0], ["height", 0], ["aria-hidden", true], ["class", "visually-hidden"]]) {
    sprite.setAttribute(name, value);
  }
  document.body.prepend(sprite);
}

// A colour that the browser knows; anything else is no colour at all.
export function validColor(color) {
  return typeof color === "string" && color.length < 60 && CSS.supports("color", color) ? color : null;
}

const shades = new Map();

// Black or white, whichever is stronger on a colour.
export function onColor(color) {
  if (!shades.has(color)) {
    const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b] = context.getImageData(0, 0, 1, 1).data;
    const linear = [r, g, b].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    const light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    shades.set(color, (light + 0.05) / 0.05 > 1.05 / (light + 0.05) ? "#000" : "#fff");
  }
  return shades.get(color);
}

// The small mark of a row: ring and icon in 16 px.
export function rowMark(shown, progress) {
  const svg = s("svg", { class: "mark", width: 16, height: 16, viewBox: "-8 -8 16 16", "aria-hidden": true });
  svg.append(s("use", { x: -8, y: -8, width: 16, height: 16 }));
  svg.append(s("circle", { class: "arc", r: 6.5, "stroke-width": 2, pathLength: 100 }));
  updateRowMark(svg, shown, progress);
  return svg;
}

export function updateRowMark(svg, shown, progress) {
  const word = kind(shown);
  set(svg.firstChild, "href", `#row-${word}`);
  updateArc(svg.lastChild, word, progress);
}

function updateArc(arc, word, progress) {
  if (word !== "running") {
    set(arc, "visibility", "hidden");
    return;
  }
  set(arc, "visibility", null);
  const known = typeof progress === "number";
  set(arc, "stroke-dasharray", known ? `${Math.min(100, Math.max(0, progress))} 100` : "25 75");
  set(arc, "class", known ? "arc" : "arc turns");
}

// The mark of a plate: ring of 16, the user's core of 11 inside it, the icon on top.
export function plateMark() {
  const group = s("g", { class: "plate-mark" });
  group.append(
    s("use", { class: "ring", x: -20, y: -20, width: 40, height: 40 }),
    s("circle", { class: "arc", r: 16, "stroke-width": 3, pathLength: 100, visibility: "hidden" }),
    s("use", { class: "core", x: -12.5, y: -12.5, width: 25, height: 25, visibility: "hidden" }),
    s("use", { class: "icon", x: -10, y: -10, width: 20, height: 20 }),
  );
  return group;
}

const ASIDE = new Set(["error", "blocked", "interrupted", "lost"]);

export function updatePlateMark(group, shown, progress, color, shape) {
  const word = kind(shown);
  const [ring, arc, core, icon] = group.children;
  set(ring, "href", `#ring-${word}`);
  set(icon, "href", `#icon-${word}`);
  updateArc(arc, word, progress);
  const own = validColor(color);
  const inside = own && !ASIDE.has(word);
  set(core, "visibility", inside ? null : "hidden");
  if (inside) {
    set(core, "href", `#shape-${SHAPES[shape] || "circle"}`);
    set(core, "fill", own);
    set(icon, "color", onColor(own));
  } else {
    set(icon, "color", null);
  }
  return own && ASIDE.has(word) ? { color: own, shape: SHAPES[shape] || "circle" } : null;
}
