// Elements without markup in strings: everything is set as text or as an attribute,
// so nothing that a node is called, or says of itself, can become part of the page.

const SVG = "http://www.w3.org/2000/svg";

// What is only there or not there has no value, but for ARIA: aria-hidden="" hides nothing.
const textOf = (name, value) => (value === true ? (name.startsWith("aria-") ? "true" : "") : String(value));

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, textOf(name, value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child);
  }
  return element;
}

export const h = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children);

export const s = (tag, attributes, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

// Write only what differs: the browser then has nothing to do.
export function set(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const text = textOf(name, value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

export function replace(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
}

// How wide words are in the page's font, in px.
const pen = document.createElement("canvas").getContext("2d");
const KNOWN_MAX = 5000;
const known = new Map();

export function widthOf(words, size, weight = 400) {
  const key = `${weight} ${words}`;
  if (!known.has(key)) {
    if (known.size > KNOWN_MAX) known.clear();
    pen.font = `${weight} 100px ${getComputedStyle(document.body).fontFamily}`;
    known.set(key, pen.measureText(words).width / 100);
  }
  return known.get(key) * size;
}

// How many characters of some words there is room for.
export function charactersIn(room, words, size, weight) {
  const wide = widthOf(words, size, weight);
  return wide <= room ? words.length : Math.floor((words.length * room) / wide);
}

export const reduced = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
