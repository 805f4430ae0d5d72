// Walking the picture with the arrow keys, and folding what is selected.

import { announce } from "./announce.js";
import { spoken, spokenGroup } from "./facts.js";

export function walker(page) {
  const { model, picture } = page;
  const item = () => {
    const k = page.selected === null ? undefined : picture.itemFor(page.selected);
    return k === undefined ? null : k;
  };
  const name = (k) => picture.layout.items[k].key;

  // Through a gate to what is behind it.
  const beyond = (k, forward) => {
    for (const edge of picture.touching[k]) {
      const { from, to } = picture.layout.edges[edge];
      const next = forward ? (from === k ? to : null) : to === k ? from : null;
      if (next === null) continue;
      return picture.layout.items[next].kind === "gate" ? beyond(next, forward) : next;
    }
    return null;
  };

  // Arrows move, and speak.
  const select = (chosen, words = null) => {
    page.select(chosen, true);
    announce(words || spoken(model, model.node(chosen)), true);
  };

  const go = (k) => {
    if (!picture.layout.items[k]) return; // also null, and where there are none
    const group = picture.layout.items[k];
    select(name(k), group.kind === "node" ? null : spokenGroup(model, group));
  };

  const step = (forward) => {
    const at = item();
    if (at === null) go(0);
    else go(beyond(at, forward));
  };

  // Elements of an open group are walked cell by cell.
  const cells = (by) => {
    const at = item();
    const node = page.selected && model.node(page.selected);
    const group = at !== null && picture.layout.items[at];
    if (!group || !group.open || !node || node.parent === undefined) return false;
    const members = model.elements.get(node.parent);
    const next = members[members.indexOf(node.n) + by];
    if (next !== undefined) select(model.nodes.get(next).name);
    return true;
  };

  return {
    right: () => cells(1) || step(true),
    left: () => cells(-1) || step(false),
    column(by) {
      const at = item();
      if (at === null) {
        go(0);
        return;
      }
      const group = picture.layout.items[at];
      if (group.open && group.cells && cells(by * group.cells.columns)) return;
      const down = picture.layout.direction === "down";
      const across = (k) => picture.layout.items[k][down ? "x" : "y"];
      const column = picture.layout.items
        .map((other, k) => [other, k])
        .filter(([other]) => other.level === group.level && other.kind !== "gate")
        .map(([, k]) => k)
        .sort((a, b) => across(a) - across(b));
      go(column[column.indexOf(at) + by]);
    },
    fold() {
      const at = item();
      if (at !== null && picture.layout.items[at].kind !== "node") page.groups.fold(name(at));
    },
    async foldAll() {
      const groups = picture.layout.items.filter((other) => other.kind === "map" || other.kind === "group");
      const open = groups.some((group) => group.open);
      const before = [...page.open];
      page.open.clear();
      if (!open) groups.forEach((group) => page.open.add(group.key));
      await page.loadLayout().catch(() => {
        page.open.clear(); // no answer: they stay as they are shown
        before.forEach((key) => page.open.add(key));
      });
    },
  };
}
