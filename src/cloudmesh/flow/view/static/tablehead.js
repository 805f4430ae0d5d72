// The names of the columns, where the table is wide enough to need them.

import { h } from "./dom.js";

export const wideHead = () =>
  h("div", { class: "wide-head", "aria-hidden": true },
    ["Node", "Status", "Took", "Attempt", "Started", "Where", "Needs"].map((word) => h("span", { class: `head-${word.toLowerCase()}` }, word)));
