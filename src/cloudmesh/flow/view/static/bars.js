// The bar of counts: what needs somebody first, 2 apart, none under 4 wide.

import { s, set } from "./dom.js";
import { BAR_ORDER } from "./words.js";

// [[word, x, width], …] of a bar.
export function segments(given, width, least = 4, gap = 2) {
  // What waits is still to come: a segment of its own would be a speck between two hollow ones.
  const counts = given.waiting ? { ...given, pending: (given.pending || 0) + given.waiting, waiting: 0 } : given;
  const words = BAR_ORDER.filter((word) => counts[word]);
  const total = words.reduce((sum, word) => sum + counts[word], 0);
  if (!total) return [];
  const room = width - gap * (words.length - 1);
  const widths = words.map((word) => Math.max(least, (room * counts[word]) / total));
  let over = widths.reduce((a, b) => a + b, 0) - room;
  // What the small ones took too much is given back by the large ones.
  for (const k of [...widths.keys()].sort((a, b) => widths[b] - widths[a])) {
    const give = Math.min(over, Math.max(0, widths[k] - least));
    widths[k] -= give;
    over -= give;
    if (over <= 0.01) break;
  }
  let x = 0;
  return words.map((word, k) => {
    const segment = [word, x, widths[k]];
    x += widths[k] + gap;
    return segment;
  });
}

// Draw a bar into a group; its rectangles are kept and changed by attribute.
export function drawBar(group, counts, width, height) {
  const found = segments(counts, width);
  while (group.children.length > found.length) group.lastChild.remove();
  found.forEach(([word, x, w], k) => {
    const rect = group.children[k] || group.appendChild(s("rect", { rx: 2 }));
    const hollow = word === "pending";
    const inset = hollow ? 0.5 : 0;
    set(rect, "class", `segment segment-${word}`);
    set(rect, "data-shown", word);
    set(rect, "x", (x + inset).toFixed(1));
    set(rect, "y", inset);
    set(rect, "width", Math.max(1, w - 2 * inset).toFixed(1));
    set(rect, "height", height - 2 * inset);
  });
}

export function barSvg(counts, width, height, className = "bar") {
  const svg = s("svg", { class: className, width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": true });
  drawBar(svg, counts, width, height);
  return svg;
}
