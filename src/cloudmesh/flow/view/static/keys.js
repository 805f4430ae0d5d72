// Keys of the page, off in text fields.  Single letters can be switched off under `?`.

const KEY = "flow.single-keys";

export const settings = {
  single: () => localStorage.getItem(KEY) !== "off",
  setSingle: (on) => localStorage.setItem(KEY, on ? "on" : "off"),
};

const typing = (target) => target.closest("input, textarea, select, [contenteditable]");

// actions: name of a key -> function(event).  A key that is pressed while the page still loads
// is kept, and does its work when the function that is returned is called.
export function listenKeys(actions) {
  let early = [];
  const listener = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const letter = event.key.length === 1 && /[a-z]/i.test(event.key);
    if (letter && !settings.single()) return;
    const onButton = event.target.closest("button, a, summary, input");
    if (onButton && (event.key === "Enter" || event.key === " ")) return;
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const action = actions[event.key] || actions[name];
    if (!action) return;
    if (early) early.push(() => action(event));
    if (early || action(event) !== false) event.preventDefault();
  };
  document.addEventListener("keydown", listener);
  return () => {
    const kept = early;
    early = null;
    for (const act of kept) act();
  };
}
