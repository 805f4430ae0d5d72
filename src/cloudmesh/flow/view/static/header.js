// The head of every page: where we are, search, keys.

import { h, s } from "./dom.js";

export function header(crumbs, search, onKeys) {
  const logo = s("svg", { class: "logo", width: 20, height: 20, "aria-hidden": true }, s("use", { href: "#logo", width: 20, height: 20 }));
  const trail = crumbs.flatMap(([label, href], k) => [
    k ? h("span", { class: "slash", "aria-hidden": true }, "/") : null,
    href ? h("a", { href }, label) : h("b", {}, label),
  ]);
  return h("header", { class: "head" },
    h("a", { class: "home", href: "/", "aria-label": "Flows and runs" }, logo, h("b", {}, "flow")),
    h("nav", { class: "crumbs", "aria-label": "Place" }, trail),
    h("span", { class: "spring" }),
    search,
    h("button", { class: "button plain keys-button", type: "button", onclick: onKeys }, "Keys", h("kbd", {}, "?")));
}
