// Tools of the canvas: marks as paths, from the one set of symbols; and what is under the pointer.

// A mark of marks.svg, drawn with a colour, and `on` for what lies on it.
export function drawSymbol(context, id, x, y, scale, color, on) {
  context.save();
  context.translate(x, y);
  context.scale(scale, scale);
  const paint = (value) => (!value || value === "none" ? null : value === "currentColor" ? color : on);
  for (const part of document.getElementById(id).children) {
    const path = part.tagName === "circle" ? circle(part) : new Path2D(part.getAttribute("d"));
    const fill = paint(part.getAttribute("fill"));
    const stroke = paint(part.getAttribute("stroke"));
    context.lineCap = part.getAttribute("stroke-linecap") || "butt";
    context.lineJoin = part.getAttribute("stroke-linejoin") || "miter";
    context.globalAlpha = Number(part.getAttribute("opacity") || 1);
    context.setLineDash(dashes(part));
    context.lineDashOffset = Number(part.getAttribute("stroke-dashoffset") || 0) * unit(part);
    if (fill) {
      context.fillStyle = fill;
      context.fill(path);
    }
    if (stroke) {
      context.strokeStyle = stroke;
      context.lineWidth = Number(part.getAttribute("stroke-width") || 1);
      context.stroke(path);
    }
  }
  context.restore();
}

// Dashes are given in parts of the whole way round.
const unit = (element) =>
  element.hasAttribute("pathLength") ? (2 * Math.PI * Number(element.getAttribute("r"))) / Number(element.getAttribute("pathLength")) : 1;

const dashes = (element) =>
  (element.getAttribute("stroke-dasharray") || "").split(" ").filter(Boolean).map((part) => Number(part) * unit(element));

function circle(element) {
  const path = new Path2D();
  path.arc(0, Number(element.getAttribute("cy") || 0), Number(element.getAttribute("r")), 0, 2 * Math.PI);
  return path;
}

const tiles = new Map();

// A hatched fill of a colour.
export function hatch(context, color) {
  if (!tiles.has(color)) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 4;
    const paint = tile.getContext("2d");
    paint.strokeStyle = color;
    paint.lineWidth = 1.4;
    paint.beginPath();
    for (const shift of [-4, 0, 4]) {
      paint.moveTo(shift - 1, 5);
      paint.lineTo(shift + 5, -1);
    }
    paint.stroke();
    tiles.set(color, tile);
  }
  return context.createPattern(tiles.get(color), "repeat");
}

const CELL = 512; // px of the picture; 64 on the screen at 12 %

// Items by where they are, so that a look-up under the pointer costs nothing.
export class Grid {
  constructor(items) {
    this.cells = new Map();
    items.forEach((item, k) => {
      const [left, right] = [item.x - 40, item.x + item.w + 40].map((x) => Math.floor(x / CELL));
      const [top, bottom] = [item.y - 40, item.y + item.h + 40].map((y) => Math.floor(y / CELL));
      for (let x = left; x <= right; x += 1) for (let y = top; y <= bottom; y += 1) this.cell(x, y).push(k);
    });
  }

  cell(x, y) {
    const key = `${x} ${y}`;
    if (!this.cells.has(key)) this.cells.set(key, []);
    return this.cells.get(key);
  }

  near(x, y) {
    return this.cells.get(`${Math.floor(x / CELL)} ${Math.floor(y / CELL)}`) || [];
  }
}
