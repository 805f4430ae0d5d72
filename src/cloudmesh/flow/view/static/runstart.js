// The way into a run's page: its snapshot and its layout are asked for at once.

import { get, runPath } from "./api.js";
import { showKeys } from "./dialogs.js";
import { h, replace } from "./dom.js";
import { header } from "./header.js";
import { settings } from "./keys.js";
import { RunPage } from "./run.js";
import { PHONE } from "./tabs.js";

export async function startRun(app, id) {
  const address = new URLSearchParams(location.search);
  const waiting = setTimeout(() => replace(app, h("p", { class: "loading" }, "Loading the run…")), 300);
  try {
    // The layout is asked for at the same time: what is open on load is mostly in the address.
    const direction = matchMedia(PHONE).matches ? "down" : "right";
    const ahead = address.get("open") ? null : { key: `${direction} `, layout: get(`${runPath(id, "layout")}?direction=${direction}`) };
    if (ahead) ahead.layout.catch(() => null);
    const snapshot = await get(`${runPath(id, "state")}${address.get("at") ? `?at=${encodeURIComponent(address.get("at"))}` : ""}`);
    clearTimeout(waiting);
    const page = new RunPage(app, id, snapshot, address);
    page.ahead = ahead;
    await page.begin();
  } catch (error) {
    clearTimeout(waiting);
    replace(app, header([["Flows", "/"], [id, null]], null, () => showKeys(settings)),
      h("p", { class: "loading" }, error.status === 404 ? `There is no run ${id}.` : error.message));
  }
}
