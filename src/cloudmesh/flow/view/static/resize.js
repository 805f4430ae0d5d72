// The table and the inspector are as wide as the reader draws them; a double click gives the width back.

import { h } from "./dom.js";

const LIMITS = { table: [200, 900], inspector: [280, 900] };

// `side` is which edge of the panel is drawn: "right" of the table, "left" of the inspector.
export function resizable(body, panel, name, side) {
  const variable = `--${name}-width`;
  const key = `flow.${name}`;
  const set = (px) => {
    if (px === null) body.style.removeProperty(variable);
    else body.style.setProperty(variable, `${px}px`);
  };
  const known = Number(localStorage.getItem(key));
  if (known) set(known);
  let from = null;
  const handle = h("div", {
    class: `resize resize-${side}`, role: "separator", "aria-orientation": "vertical", "aria-label": `Width of the ${name}`,
    onpointerdown: (event) => {
      from = { x: event.clientX, width: panel.getBoundingClientRect().width };
      handle.setPointerCapture(event.pointerId);
      event.preventDefault();
    },
    onpointermove: (event) => {
      if (!from) return;
      const by = (event.clientX - from.x) * (side === "right" ? 1 : -1);
      const [least, most] = LIMITS[name];
      from.now = Math.min(most, Math.max(least, Math.round(from.width + by)));
      set(from.now);
    },
    onpointerup: () => {
      if (from && from.now) localStorage.setItem(key, String(from.now));
      from = null;
    },
    ondblclick: () => {
      localStorage.removeItem(key);
      set(null);
    },
  });
  panel.append(handle);
}
