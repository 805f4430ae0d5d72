// Dialogs.  The safe button has the focus; nothing here has a one-key shortcut.

import { get, post, runPath } from "./api.js";
import { h, replace } from "./dom.js";
import { choose, chosen } from "./theme.js";
import { number, plural } from "./words.js";

export function openDialog(title, content, buttons) {
  const dialog = h("dialog", { class: "dialog", "aria-label": title });
  const close = () => {
    dialog.close();
    dialog.remove();
  };
  const trouble = h("p", { class: "trouble", role: "alert", hidden: true });
  const made = buttons.map(([label, action, kindOf]) =>
    h("button", {
      class: `button ${kindOf || ""}`,
      type: "button",
      onclick: async (event) => {
        if (!action) {
          close();
          return;
        }
        event.target.disabled = true;
        try {
          await action();
          close();
        } catch (error) {
          trouble.hidden = false;
          trouble.textContent = error.message;
          event.target.disabled = false;
        }
      },
    }, label));
  dialog.append(h("h2", {}, title), h("div", { class: "dialog-body" }, content), trouble, h("div", { class: "buttons end" }, made));
  dialog.addEventListener("cancel", close);
  dialog.addEventListener("click", (event) => event.target === dialog && close());
  document.body.append(dialog);
  dialog.showModal();
  made[0].focus();
  return { dialog, close };
}

// A question needs an answer of the server first.  Two quick clicks ask once, and where there is
// no answer the reader is told why.
let asking = false;

function asked(ask) {
  return async (...given) => {
    if (asking || document.querySelector("dialog[open]")) return;
    asking = true;
    try {
      await ask(...given);
    } catch (error) {
      openDialog("This cannot be done now", h("p", {}, error.status ? error.message : "The server does not answer."), [["Close", null]]);
    } finally {
      asking = false;
    }
  };
}

const nodesWord = (count) => plural(count, "node");

function names(list, count) {
  const shown = list.slice(0, 8).join(", ");
  return count > 8 ? `${shown} and ${number(count - 8)} more` : shown;
}

const changed = (files) =>
  files.length ? h("p", { class: "notice" }, `${files.join(", ")} ${files.length === 1 ? "has" : "have"} changed since.`) : null;

const preview = (run, action, node) =>
  get(`${runPath(run, "preview")}?action=${action}${node ? `&node=${encodeURIComponent(node)}` : ""}`);

export const askCancel = asked(async (run) => {
  const found = await preview(run, "cancel");
  openDialog(`Cancel run ${run}?`, h("p", {},
    `${plural(found.running, "running node")} ${found.running === 1 ? "is" : "are"} ended and ${found.running === 1 ? "becomes" : "become"} error (Cancelled). ` +
    `${number(found.pending)} stay pending. ${plural(found.kept, "result")} ${found.kept === 1 ? "is" : "are"} kept. It cannot be resumed.`),
  [["Keep running", null], ["Cancel the run", () => post(runPath(run, "cancel")), "danger"]]);
});

export const askResume = asked(async (run, done) => {
  const found = await preview(run, "resume");
  openDialog(`Resume run ${run}?`, [
    h("p", {}, `${plural(found.kept, "result")} ${found.kept === 1 ? "is" : "are"} kept. ${nodesWord(found.count)} will run again, ${number(found.pending + found.running - found.count)} have not run yet.`),
    found.count ? h("p", { class: "quiet" }, names(found.again, found.count)) : null,
    changed(found.changed),
  ].filter(Boolean), [["Not now", null], ["Resume", async () => {
    await post(runPath(run, "resume"));
    done();
  }, "primary"]]);
});

export const askRetry = asked(async (run, node, go) => {
  const found = await preview(run, "retry", node);
  openDialog(node ? `Retry from ${node}?` : `Retry run ${run}?`, [
    h("p", {}, `${nodesWord(found.count)} will run: ${names(found.again, found.count)}. ${plural(found.kept, "result")} ${found.kept === 1 ? "is" : "are"} kept.`),
    changed(found.changed),
  ].filter(Boolean), [["Not now", null], [`Retry ${nodesWord(found.count)}`, async () => {
    go((await post(runPath(run, "retry"), node ? { from: node } : {})).run);
  }, "primary"]]);
});

export async function askRun(flow, parameters, go) {
  const field = h("textarea", { class: "parameters mono", rows: 5, spellcheck: "false", "aria-label": "Parameters as JSON" });
  field.value = JSON.stringify(parameters || {}, null, 2);
  openDialog(`Run ${flow}?`, [h("p", {}, "All of its nodes run. Parameters, as JSON:"), field],
    [["Not now", null], ["Run", async () => {
      let given;
      try {
        given = JSON.parse(field.value || "{}");
      } catch (error) {
        throw new Error(`The parameters are no JSON: ${error.message}`);
      }
      go((await post(`/api/flows/${encodeURIComponent(flow)}/runs`, { parameters: given })).run);
    }, "primary"]]);
}

const KEYS = [
  ["E  Shift+E", "next, previous error"], ["/", "search nodes"], ["→ ←", "what comes next, what it needs"],
  ["↑ ↓", "in the column"], ["Enter", "inspect"], ["Esc", "close, then deselect"],
  ["Space", "fold or open a group"], ["Shift+Space", "all groups"], ["+ − 0 F", "zoom, 100 %, fit"],
  ["P  G", "picture, gantt"], ["T", "widen the table"], ["D", "gantt strip"], ["I", "inspector"],
  ["[ ]", "one event back, on; with Shift ten"], ["L", "live"], ["C", "copy the link"], ["X", "the longest way: what the run waited for"], ["S", "save the picture"], ["?", "keys"],
];

export function showKeys(settings) {
  const themes = ["system", "light", "dark"].map((word) =>
    h("button", { class: "chip", type: "button", "aria-pressed": String(chosen() === word), onclick: (event) => {
      choose(word);
      for (const other of event.target.parentElement.children) other.setAttribute("aria-pressed", String(other === event.target));
    } }, word[0].toUpperCase() + word.slice(1)));
  const single = h("input", { type: "checkbox", id: "single-keys", onchange: (event) => settings.setSingle(event.target.checked) });
  single.checked = settings.single();
  const list = h("dl", { class: "key-list" });
  for (const [key, what] of KEYS) list.append(h("dt", {}, h("kbd", {}, key)), h("dd", {}, what));
  openDialog("Keys", [
    list,
    h("p", { class: "setting" }, single, h("label", { for: "single-keys" }, " Single letters work as keys")),
    h("p", { class: "setting" }, "Colours ", themes),
  ], [["Close", null]]);
}

export const clearDialogs = () => document.querySelectorAll("dialog").forEach((dialog) => replace(dialog) || dialog.remove());
