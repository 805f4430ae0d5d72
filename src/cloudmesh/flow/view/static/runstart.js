// The way into a run's page: its snapshot and its layout are asked for at once.

import { get, runPath } from "./api.js";
import { showKeys } from "./dialogs.js";
import { h, replace } from "./dom.js";
import { header } from "./header.js";
import { settings } from "./keys.js";
import { RunPage } from "./run.js";
import { PHONE } from "./tabs.js";
import { plural } from "./words.js";

const SOON = 300; // ms after which it is said that something is being loaded
const ROWS = 10;

// The page's own outlines, and how much is to come; nothing turns.
function skeleton(app, id) {
  const words = h("p", { class: "loading-words" }, "Loading the run…");
  const bones = (className, count) => Array.from({ length: count }, () => h("div", { class: className }, h("i"), h("i")));
  replace(app, header([["Flows", "/"], [`run ${id}`, null]], null, () => showKeys(settings)),
    h("section", { class: "summary skeleton", role: "status" }, h("i"), words),
    h("main", { class: "body skeleton" }, h("section", { class: "table", "aria-hidden": true }, bones("bone-row", ROWS)), h("section", { class: "stage" })));
  get(runPath(id)).then((run) => {
    const all = Object.values(run.counts || {}).reduce((sum, count) => sum + count, 0);
    if (all) words.textContent = `Loading ${plural(all, "node")}…`;
  }).catch(() => null);
}

export async function startRun(app, id, keysReady) {
  const address = new URLSearchParams(location.search);
  const waiting = setTimeout(() => skeleton(app, id), SOON);
  try {
    // The layout is asked for at the same time: what is open on load is mostly in the address.
    const direction = matchMedia(PHONE).matches ? "down" : "right";
    const ahead = address.get("open") ? null : { key: `${direction} `, layout: get(`${runPath(id, "layout")}?direction=${direction}&brief=true`) };
    if (ahead) ahead.layout.catch(() => null);
    const at = /^[1-9][0-9]{0,14}$/.exec(address.get("at") || ""); // anything else is no SEQ
    const snapshot = await get(`${runPath(id, "state")}?brief=true${at ? `&at=${at[0]}` : ""}`);
    clearTimeout(waiting);
    const page = new RunPage(app, id, snapshot, address);
    page.ahead = ahead;
    await page.begin(keysReady);
  } catch (error) {
    clearTimeout(waiting);
    replace(app, header([["Flows", "/"], [id, null]], null, () => showKeys(settings)),
      h("p", { class: "loading" }, error.status === 404 ? `There is no run ${id}.` : error.message));
    keysReady({ "?": () => showKeys(settings) });
  }
}
