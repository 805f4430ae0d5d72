// Words, times and the order of needs: what the page says, in one place.

// A group shows the first of these that it contains.
export const ORDER = [
  "error", "lost", "interrupted", "running", "waiting",
  "blocked", "pending", "cancelled", "finished", "skipped",
];
export const RANK = Object.fromEntries(ORDER.map((word, k) => [word, k]));

// "waiting to retry" and "waiting for lab" are one kind.
export const kind = (shown) => (shown.startsWith("waiting") ? "waiting" : shown);

// A bar begins with what needs somebody and ends with what is still to come.
export const BAR_ORDER = [
  "error", "lost", "interrupted", "running", "finished", "skipped",
  "cancelled", "blocked", "waiting", "pending",
];

export function duration(seconds) {
  if (typeof seconds !== "number" || !(seconds >= 0)) return "";
  if (seconds < 1) return `${seconds.toFixed(2)} s`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

// For sentences: "6 min", "2 h".
export function rough(seconds) {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

const two = (number) => String(number).padStart(2, "0");

export function clock(seconds, withMillis = false) {
  const at = new Date(seconds * 1000);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return withMillis ? `${time}.${String(at.getMilliseconds()).padStart(3, "0")}` : time;
}

// Today 03:12, else Mon 22:05, else 12 May.
export function day(seconds, now) {
  const at = new Date(seconds * 1000);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
  if (at.toDateString() === new Date(now * 1000).toDateString()) return time;
  if (now - seconds < 6 * 86400) return `${at.toLocaleDateString("en", { weekday: "short" })} ${time}`;
  return at.toLocaleDateString("en", { day: "numeric", month: "short" });
}

export const zone = (seconds) => `${new Date(seconds * 1000).toISOString().replace("T", " ").slice(0, 23)} UTC\n${new Date(seconds * 1000).toLocaleString()}`;

export const number = (value) => value.toLocaleString("en");

export const plural = (count, word) => `${number(count)} ${word}${count === 1 ? "" : "s"}`;

// UTC text of the documents as seconds.
export const parseUtc = (text) => (text ? Date.parse(`${text.replace(" ", "T").slice(0, 23)}Z`) / 1000 : null);

// Names differ at their ends: cut in the middle.
export function cut(name, most) {
  if (name.length <= most) return name;
  if (most < 4) return name.slice(0, Math.max(1, most));
  const tail = Math.ceil((most - 1) / 2);
  return `${name.slice(0, most - 1 - tail)}…${name.slice(name.length - tail)}`;
}

export const countWord = (word, count) =>
  word === "error" ? `${number(count)} ${count === 1 ? "error" : "errors"}` : `${number(count)} ${word}`;
