// A traceback as the reader needs it: file and line grey, carets red, the error last.

import { h } from "./dom.js";

const FRAME = /^\s*File "([^"]*)", line (\d+), in (.*)$/;

export const fileName = (path) => path.split(/[\\/]/).slice(-1)[0];

// The last place that a traceback names: { file, line } or null.
export function place(traceback) {
  for (const line of (traceback || "").split("\n").reverse()) {
    const match = FRAME.exec(line);
    if (match) return { file: fileName(match[1]), line: match[2] };
  }
  return null;
}

export function tracebackView(traceback, type) {
  const pre = h("pre", { class: "traceback" });
  for (const line of traceback.replace(/\s+$/, "").split("\n")) {
    if (/^Traceback \(most recent call last\)/.test(line)) continue;
    const frame = FRAME.exec(line);
    const source = frame ? null : /^\s*File "([^"]*)", line (\d+)$/.exec(line); // of a SyntaxError
    if (source) pre.append(h("span", { class: "frame", title: source[1] }, `${source[1].split(/[\\/]/).slice(-3).join("/")}:${source[2]}`));
    else if (frame) pre.append(h("span", { class: "frame", title: frame[1] }, `${fileName(frame[1])}:${frame[2]}  in ${frame[3]}`));
    else if (/^[\s~^]+$/.test(line) && line.includes("^")) pre.append(h("span", { class: "carets" }, line));
    else if (type && line.startsWith(type)) pre.append(h("span", { class: "last" }, h("b", {}, type), line.slice(type.length)));
    else pre.append(h("span", {}, line));
    pre.append("\n");
  }
  return pre;
}
