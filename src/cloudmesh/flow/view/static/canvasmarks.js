// On the canvas: names of stages, errors that do not shrink, and what is selected.

import { drawSymbol } from "./canvastools.js";
import { cut, kind, number } from "./words.js";

const NAMED = 12; // errors that have their name beside them
const NEAR = 22; // px within which errors are one mark
const MARK = 17;

export function say(context, words, x, y, color, align = "center", weight = "") {
  context.font = `${weight} 11.5px ${getComputedStyle(document.body).fontFamily}`;
  context.textAlign = align;
  context.fillStyle = color;
  context.fillText(words, x, y);
}

export function paintMarks(canvas, context, width) {
  drawStages(canvas, context, width);
  const marks = [];
  canvas.layout.items.forEach((item) => {
    if (item.kind === "gate") return;
    const bad = item.kind === "node"
      ? Number(kind(canvas.model.shown(canvas.model.nodes.get(item.n))) === "error")
      : (canvas.model.groups.get(item.key) || {}).error || 0;
    if (!bad) return;
    const [x, y, w, h_] = canvas.place(item);
    join(marks, { x: x + w / 2, y: y + h_ / 2, count: bad, name: item.label || item.key });
  });
  marks.forEach((mark, k) => drawMark(canvas, context, mark, marks.length <= NAMED || k < NAMED));
  drawSelected(canvas, context);
}

function join(marks, mark) {
  const near = marks.length > NAMED ? marks.find((m) => Math.abs(m.x - mark.x) < NEAR && Math.abs(m.y - mark.y) < NEAR) : null;
  if (near) near.count += mark.count;
  else marks.push(mark);
}

function drawMark(canvas, context, mark, named) {
  const { colors } = canvas;
  const radius = MARK / 2;
  const words = mark.count > 1 ? number(mark.count) : named ? cut(mark.name, 18) : "";
  if (words) {
    context.font = `500 11.5px ${getComputedStyle(document.body).fontFamily}`;
    const wide = context.measureText(words).width + 12;
    const box = new Path2D();
    box.roundRect(mark.x + radius + 4, mark.y - 10, wide, 20, 4);
    context.fillStyle = colors.surface;
    context.strokeStyle = colors.error;
    context.lineWidth = 1;
    context.fill(box);
    context.stroke(box);
    say(context, words, mark.x + radius + 10, mark.y + 4, colors.error, "left", "500");
  }
  context.beginPath();
  context.arc(mark.x, mark.y, radius + 1.5, 0, 2 * Math.PI);
  context.fillStyle = colors.surface;
  context.fill();
  drawSymbol(context, "row-error", mark.x, mark.y, MARK / 14.5, colors.error, colors.on);
}

function drawStages(canvas, context, width) {
  const top = Math.max(30, Math.min(canvas.y + canvas.layout.items.reduce((low, item) => Math.min(low, item.y), Infinity) * canvas.sy - 22, 400));
  if (canvas.layout.direction === "down") return;
  nameSingles(canvas, context, width);
  const taken = [];
  // Where there is no room for all names, those of many nodes come first.
  for (const stage of canvas.layout.stages.filter((one) => one.count > 1).sort((a, b) => b.count - a.count)) {
    const middle = canvas.x + ((stage.from + stage.to) / 2) * canvas.sx;
    context.font = `600 11.5px ${getComputedStyle(document.body).fontFamily}`;
    const words = cut(stage.name, 16);
    const half = context.measureText(words).width / 2;
    const covered = taken.some(([from, to]) => middle - half < to + 8 && middle + half > from - 8);
    if (covered || middle < -50 || middle > width + 50) continue;
    taken.push([middle - half, middle + half]);
    say(context, words, middle, top, canvas.colors.text, "center", "600");
    say(context, number(stage.count), middle, top + 14, canvas.colors["text-2"]);
  }
}

// A node that is alone in its column has its name above it, where nothing else stands.
function nameSingles(canvas, context, width) {
  const { layout } = canvas;
  if (canvas.singlesOf !== layout) {
    const levels = new Set(layout.stages.filter((stage) => stage.count === 1).map((stage) => stage.level));
    canvas.singles = layout.items.filter((item) => item.kind === "node" && levels.has(item.level));
    canvas.singlesOf = layout;
  }
  for (const item of canvas.singles) {
    const [x, y, w] = canvas.place(item);
    if (x > -w && x < width + w) say(context, cut(item.label || item.key, 10), x + w / 2, y - 5, canvas.colors["text-2"]);
  }
}

function drawSelected(canvas, context) {
  for (const k of canvas.way || []) drawFrame(canvas, context, canvas.layout.items[k], canvas.colors.text);
  drawFrame(canvas, context, canvas.layout.items[canvas.selectedItem], canvas.colors.accent);
}

function drawFrame(canvas, context, item, color) {
  if (!item) return;
  const [x, y, w, h_] = canvas.place(item);
  const path = new Path2D();
  path.roundRect(x - 4, y - 4, w + 8, Math.max(h_, 8) + 8, 6);
  context.strokeStyle = color;
  context.lineWidth = 2;
  context.stroke(path);
}
