// Keys of the page, off in text fields.  Single letters can be switched off under `?`.

const KEY = "flow.single-keys";

export const settings = {
  single: () => localStorage.getItem(KEY) !== "off",
  setSingle: (on) => localStorage.setItem(KEY, on ? "on" : "off"),
};

const typing = (target) => target.closest("input, textarea, select, [contenteditable]");

// A key that is pressed while the page still loads is kept, and does its work when the function
// that is returned is called with the actions: name of a key -> function(event).
export function listenKeys() {
  let early = [];
  let actions = {};
  const actionOf = ({ key }) => actions[key] || actions[key.length === 1 ? key.toLowerCase() : key];
  const listener = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const letter = event.key.length === 1 && /[a-z]/i.test(event.key);
    if (letter && !settings.single()) return;
    const onButton = event.target.closest("button, a, summary, input");
    if (onButton && (event.key === "Enter" || event.key === " ")) return;
    if (early) {
      early.push(event);
      if (event.key.length === 1) event.preventDefault();
      return;
    }
    const action = actionOf(event);
    if (action && action(event) !== false) event.preventDefault();
  };
  document.addEventListener("keydown", listener);
  return (known) => {
    const kept = early;
    actions = known;
    early = null;
    for (const event of kept) actionOf(event)?.(event);
  };
}
