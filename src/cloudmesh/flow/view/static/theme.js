// Light or dark: as the system says, unless the reader has chosen.

const KEY = "flow.theme";
const system = matchMedia("(prefers-color-scheme: dark)");

export const chosen = () => localStorage.getItem(KEY) || "system";

export function applyTheme() {
  const word = chosen();
  const dark = word === "dark" || (word === "system" && system.matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  document.dispatchEvent(new CustomEvent("theme"));
}

export function choose(word) {
  localStorage.setItem(KEY, word);
  applyTheme();
}

system.addEventListener("change", applyTheme);
