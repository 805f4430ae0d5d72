// The attempts of every node: loaded once, then kept up from the stream.

import { get, runPath } from "./api.js";

const ASK_AFTER = 300;
const FEW = 12; // nodes up to which each is asked for by itself

export class Attempts {
  constructor(model) {
    this.model = model;
    this.byNode = new Map(); // number -> { ready, bars: [{started, ended, outcome, error, where}] }
    this.loaded = null;
    this.asked = new Set();
    this.onFetched = () => {};
  }

  load() {
    const since = this.since = new Set(); // what changes while the answer is on its way
    this.loaded = get(runPath(this.model.run.run, "attempts")).catch(() => []).then((rows) => {
      for (const [n, ready, bars] of rows) {
        this.byNode.set(n, {
          ready,
          bars: bars.map(([started, ended, outcome, error, where]) => ({ started, ended, outcome, error, where })),
        });
      }
      if (this.since === since) this.since = null;
      this.update(since);
    });
    return this.loaded;
  }

  // A node's state says what its last attempt is.
  update(changed) {
    if (!this.loaded || this.model.past) return;
    for (const n of changed) {
      this.since?.add(n);
      const node = this.model.nodes.get(n);
      if (!node || !node.attempt || !node.started || this.model.isMap(n)) continue;
      const entry = this.byNode.get(n) || { ready: node.ready, bars: [] };
      this.byNode.set(n, entry);
      // An attempt that came and went within a frame was never seen: its times are asked for.
      const last = entry.bars[entry.bars.length - 1];
      if (node.attempt > entry.bars.length + 1 || (node.attempt > entry.bars.length && last && !last.ended)) this.ask(n);
      while (entry.bars.length < node.attempt) entry.bars.push({ started: node.started });
      const bar = entry.bars[node.attempt - 1];
      bar.started = node.started;
      bar.where = node.where;
      bar.ended = node.status === "running" ? undefined : node.ended || bar.ended;
      if (node.status !== "running") {
        bar.outcome = node.status === "finished" ? "finished" : node.error ? "error" : "interrupted";
        bar.error = node.error;
      }
    }
  }

  ask(n) {
    this.asked.add(n);
    this.timer = this.timer || setTimeout(() => this.fetch(), ASK_AFTER);
  }

  async fetch() {
    const numbers = [...this.asked];
    this.asked.clear();
    this.timer = 0;
    if (numbers.length > FEW) {
      await this.load();
    } else {
      for (const n of numbers) {
        const { name } = this.model.nodes.get(n);
        const found = await get(runPath(this.model.run.run, "nodes", name, "attempts")).catch(() => null);
        if (found) this.byNode.set(n, { ready: found.ready, bars: found.attempts });
      }
    }
    this.onFetched();
  }

  // In the past an attempt that has begun later is not there yet, and one that ends later still runs.
  of(n) {
    const entry = this.byNode.get(n) || { bars: [] };
    if (!this.model.past) return entry;
    const then = this.model.moment();
    const bars = entry.bars.filter((bar) => bar.started <= then);
    return { ready: entry.ready, bars: bars.map((bar) => (bar.ended > then ? { started: bar.started, where: bar.where } : bar)) };
  }

  // The most that ran at the same time.
  most(members, now) {
    const moments = [];
    for (const n of members) {
      for (const bar of this.of(n).bars) moments.push([bar.started, 1], [bar.ended || now, -1]);
    }
    moments.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    let most = 1;
    let running = 0;
    for (const [, by] of moments) most = Math.max(most, (running += by));
    return most;
  }

  // How many elements of a map ran at each of `count` moments: [done, running], and the most at once.
  density(members, from, to, count) {
    const ended = new Float64Array(count + 1);
    const going = new Float64Array(count + 1);
    const at = (time) => Math.max(0, Math.min(count, Math.floor(((time - from) / (to - from)) * count)));
    const now = this.model.moment();
    let work = 0;
    for (const n of members) {
      for (const bar of this.of(n).bars) {
        work += (bar.ended || now) - bar.started;
        const into = bar.ended ? ended : going;
        const first = at(bar.started);
        into[first] += 1;
        into[Math.max(first + 1, at(bar.ended || now))] -= 1;
      }
    }
    for (let k = 1; k <= count; k += 1) {
      ended[k] += ended[k - 1];
      going[k] += going[k - 1];
    }
    return { ended, going, work, most: this.most(members, now) };
  }
}
