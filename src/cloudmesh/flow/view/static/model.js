// One run as the page knows it: the state of each node at one SEQ, and counts that are kept.
// Whoever draws listens; it is told once a frame which nodes look different.

import { everyNode } from "./brief.js";
import { ORDER, RANK, kind } from "./words.js";

const zero = () => Object.fromEntries(ORDER.map((word) => [word, 0]));

export class Model {
  constructor(snapshot) {
    this.listeners = new Set();
    this.waiting = new Set(); // numbers of nodes that changed since the last frame
    this.frame = 0;
    this.load(snapshot);
  }

  // Take a whole snapshot: at the start, after a gap, and when the reader goes into the past.
  load(snapshot) {
    this.run = snapshot.run;
    this.seq = snapshot.seq;
    this.live = Math.max(snapshot.live, this.live || 0);
    this.status = snapshot.status;
    this.begun = snapshot.begun;
    this.over = snapshot.over;
    this.last = snapshot.last;
    this.lost = snapshot.run.engine === "lost";
    this.past = snapshot.seq < snapshot.live;
    if (this.past) this.lost = false;
    this.drift = snapshot.now - Date.now() / 1000;
    this.base = snapshot.base;
    this.graph = snapshot.graph;
    this.nodes = new Map();
    this.byName = new Map();
    this.counts = zero();
    this.retried = 0; // nodes that were tried more than once, and how many attempts that cost
    this.repeated = 0;
    this.inGroup = new Map(); // number of a node -> key of its group
    this.groups = new Map(); // key of a group -> its counts
    this.elements = new Map(); // number of a map -> numbers of its elements
    this.maps = new Set(snapshot.graph.nodes.filter((n) => "map" in n).map((n) => n.n));
    this.errors = snapshot.errors.map(([, name]) => name);
    this.captions = this.captions || new Map();
    for (const node of everyNode(snapshot)) this.put(node);
    this.structure = true;
    this.tell();
  }

  // The server's clock; it stands while the run does.
  now() {
    return Date.now() / 1000 + this.drift;
  }

  // The moment that is shown: now, or the last sign of a run that has ended or is lost.
  moment() {
    if (this.past || this.lost || this.still) return this.last;
    return this.over || this.now();
  }

  get ended() {
    return this.status !== "running";
  }

  // The word of the whole run.
  get word() {
    if (this.status === "running") return this.lost ? "lost" : "running";
    return this.status;
  }

  // -- nodes -----------------------------------------------------------------
  put(node) {
    const old = this.nodes.get(node.n);
    if (old) this.count(old, -1);
    else this.meet(node);
    this.nodes.set(node.n, node);
    this.count(node, 1);
    this.waiting.add(node.n);
    if (node.parent !== undefined) this.waiting.add(node.parent);
  }

  meet(node) {
    this.byName.set(node.name, node.n);
    if (node.parent === undefined) return;
    const parent = this.nodes.get(node.parent);
    if (!this.elements.has(node.parent)) {
      this.elements.set(node.parent, []);
      this.structure = true;
    }
    this.elements.get(node.parent).push(node.n);
    this.inGroup.set(node.n, parent.name);
    if (!this.groups.has(parent.name)) this.groups.set(parent.name, zero());
  }

  count(node, by) {
    if (this.maps.has(node.n)) return; // its elements are what runs
    const word = kind(this.shown(node));
    this.counts[word] += by;
    if (this.isRetried(node)) {
      this.retried += by;
      this.repeated += by * (node.attempt - 1);
    }
    const group = this.inGroup.get(node.n);
    if (group !== undefined) this.groups.get(group)[word] += by;
  }

  isRetried(node) {
    return node.attempt > 1 && (node.reason || "").startsWith("retry");
  }

  // A fan-out that the layout has folded counts like a map.
  addGroup(key, members) {
    if (this.groups.has(key)) return;
    const counts = zero();
    for (const n of members) {
      this.inGroup.set(n, key);
      counts[kind(this.shown(this.nodes.get(n)))] += 1;
    }
    this.groups.set(key, counts);
  }

  node(name) {
    return this.nodes.get(this.byName.get(name));
  }

  isMap(n) {
    return this.maps.has(n);
  }

  // Whether it is a map whose list is not there yet.
  isUnknown(n) {
    return this.maps.has(n) && !this.elements.has(n) && this.nodes.get(n).count === undefined;
  }

  // The word of a node: what the server said, but for a run whose engine is gone.
  shown(node) {
    if (this.maps.has(node.n) && this.elements.has(node.n)) {
      const first = this.first(this.groups.get(node.name));
      if (first) return first;
    }
    return this.lost && node.status === "running" && this.status === "running" ? "lost" : node.shown;
  }

  first(counts) {
    return counts ? ORDER.find((word) => counts[word]) : undefined;
  }

  total() {
    return ORDER.reduce((sum, word) => sum + this.counts[word], 0);
  }

  // How far a map is: the percent of its elements that have ended.
  progress(node) {
    const counts = this.maps.has(node.n) ? this.groups.get(node.name) : null;
    if (!counts) return node.progress;
    const all = ORDER.reduce((sum, word) => sum + counts[word], 0);
    return all ? (100 * (counts.finished + counts.skipped + counts.error)) / all : undefined;
  }

  // The time that a node has taken, or takes so far.
  took(node) {
    if (!node.started) return null;
    if (node.status === "running") return Math.max(0, this.moment() - node.started);
    return node.ended ? node.ended - node.started : null;
  }

  // -- who needs whom ------------------------------------------------------------
  needs(n) {
    const out = new Set();
    const stack = [...(this.graph.nodes[n] ? this.graph.nodes[n].needs : [])].reverse();
    const size = this.graph.nodes.length;
    while (stack.length) {
      const vertex = stack.pop();
      if (vertex < size) out.add(vertex);
      else stack.push(...[...this.graph.junctions[vertex - size]].reverse());
    }
    return [...out];
  }

  followers(n) {
    if (!this.followersOf) this.turnAround();
    const out = new Set();
    const stack = [n];
    while (stack.length) {
      for (const vertex of this.followersOf.get(stack.pop()) || []) {
        if (vertex < this.graph.nodes.length) out.add(vertex);
        else stack.push(vertex);
      }
    }
    return [...out];
  }

  // Everything that waits for a node, directly or not.
  allAfter(n) {
    const found = new Set();
    const stack = [n];
    while (stack.length) {
      for (const m of this.followers(stack.pop())) {
        if (found.has(m)) continue;
        found.add(m);
        stack.push(m);
      }
    }
    return [...found].sort((a, b) => a - b);
  }

  turnAround() {
    this.followersOf = new Map();
    const add = (from, to) => {
      if (!this.followersOf.has(from)) this.followersOf.set(from, []);
      this.followersOf.get(from).push(to);
    };
    this.graph.nodes.forEach((node) => node.needs.forEach((m) => add(m, node.n)));
    this.graph.junctions.forEach((needs, k) => needs.forEach((m) => add(m, this.graph.nodes.length + k)));
  }

  // -- changes -------------------------------------------------------------------
  apply(message) {
    if (message.seq <= this.seq) return;
    if (this.lost) this.setLost(false); // somebody has written: an engine lives
    this.seq = message.seq;
    this.live = Math.max(this.live, message.seq);
    this.last = message.at;
    this.setRun(message.status, message.at);
    for (const node of message.nodes) {
      const before = this.nodes.get(node.n);
      if (node.shown === "error" && !this.maps.has(node.n) && !(before && before.shown === "error")) {
        this.errors.push(node.name);
      }
      this.put(node);
    }
    this.tell();
  }

  setRun(status, at) {
    this.run.status = status;
    this.status = status;
    this.over = status === "running" ? null : at;
  }

  // The engine is gone, or is back: what was running is lost, or runs.
  setLost(lost) {
    if (lost === this.lost) return;
    const running = [...this.nodes.values()].filter((node) => node.status === "running");
    running.forEach((node) => this.count(node, -1));
    this.lost = lost;
    running.forEach((node) => this.count(node, 1));
    running.forEach((node) => this.waiting.add(node.n));
    this.tell();
  }

  listen(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tell() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => this.flush());
  }

  flush() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    const changed = this.waiting;
    const structure = this.structure;
    this.waiting = new Set();
    this.structure = false;
    for (const listener of this.listeners) listener(changed, structure);
    document.documentElement.dataset.seq = String(this.seq);
  }

  // Rows and walks: by need, then as the flow has it.
  compare(a, b) {
    return RANK[kind(this.shown(a))] - RANK[kind(this.shown(b))] || a.n - b.n;
  }
}
