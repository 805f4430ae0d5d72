// One stream of a run for all tabs of this browser that show it: a browser allows six
// connections a host.  A lock, which the browser gives on when its holder closes, says who has
// the connection; it passes on what comes, and the others listen.
//
// Nobody trusts blindly.  SEQs have no gaps: who misses one asks for it.  Who hears nothing for
// a while opens a connection of its own.  So each tab ends up as right as if it were alone.

import { Connection } from "./connection.js";

const BEAT = 2000; // ms between two signs of life
const SILENCE = 7000; // ms without one, after which nobody is waited for
const FIRST = 2000; // … before there has been one
const PATIENCE = 500; // ms until what was asked for is asked for again
const KEPT = 1_000_000; // characters of messages that are kept for who asks

export const canShare = () => Boolean(globalThis.BroadcastChannel && navigator.locks);

export class Shared {
  // `known` is the SEQ that this tab has got to; tell as in Connection
  constructor(path, known, tell) {
    Object.assign(this, { path, known, tell });
    this.me = Math.random();
    this.kept = []; // [seq, text] of all that came after `keptAfter`
    this.keptAfter = known;
    this.size = 0;
    this.state = { lost: null, offline: null };
    const name = `${import.meta.url} ${path}`; // tabs of another version have a stream of their own
    this.channel = new BroadcastChannel(name);
    this.channel.onmessage = ({ data }) => this.heard(data);
    this.heardAt = performance.now() - SILENCE + FIRST;
    this.timer = setInterval(() => this.beat(), BEAT / 2);
    this.waiting = new AbortController();
    navigator.locks.request(name, { signal: this.waiting.signal }, () => this.lead()).catch(() => null);
    this.ask();
  }

  ask() {
    const now = performance.now();
    if (this.asked === this.known && now - this.askedAt < PATIENCE) return;
    this.asked = this.known;
    this.askedAt = now;
    this.say({ kind: "ask", after: this.known, from: this.me });
  }

  say(words) {
    if (!this.closed) this.channel.postMessage(words);
  }

  // -- who has the connection --------------------------------------------------------
  // Until the promise is kept the lock is held.
  lead() {
    if (this.closed) return null;
    this.leads = true;
    this.connect();
    this.say({ kind: "beat", seq: this.known });
    return new Promise((resign) => { this.resign = resign; });
  }

  connect() {
    this.connection = this.connection || new Connection(this.path, () => this.known, (kind, text, seq) => this.got(kind, text, seq));
  }

  got(kind, text, seq) {
    if (this.closed) return;
    if (this.leads) this.say({ kind, text, seq });
    this.pass(kind, text, seq);
  }

  // Take something, from the server or from who leads, and tell the page.
  pass(kind, text, seq) {
    if (kind === "offline") this.state.offline = text;
    if (kind === "engine") this.state.lost = text;
    if (kind === "end") this.over = true;
    if (kind === "message") {
      if (seq <= this.known) return;
      this.known = seq;
      this.state.lost = null; // somebody has written: an engine lives
      this.keep(seq, text);
    }
    this.tell(kind, text, seq);
  }

  keep(seq, text) {
    this.kept.push([seq, text]);
    this.size += text.length;
    while (this.size > KEPT) {
      const [gone, words] = this.kept.shift();
      this.size -= words.length;
      this.keptAfter = gone;
    }
  }

  beat() {
    if (this.leads) this.say({ kind: "beat", seq: this.known });
    else if (performance.now() - this.heardAt > SILENCE) this.connect();
  }

  // -- what others say ---------------------------------------------------------------
  heard({ kind, text, seq, ...words }) {
    if (this.closed) return;
    if (kind === "ask") this.answer(words);
    else if (kind === "retry") this.leads && this.connection.open();
    else if (!this.connection && (words.to ?? this.me) === this.me) this.listen(kind, text, seq);
  }

  listen(kind, text, seq) {
    this.heardAt = performance.now();
    const first = kind === "message" ? this.known + 1 : this.known;
    if (seq > first && (kind === "message" || kind === "beat" || kind === "end")) this.ask();
    else if (kind !== "beat") this.pass(kind, text, seq);
  }

  answer({ after, from }) {
    if (!this.leads) return;
    if (after < this.keptAfter) {
      this.say({ kind: "reload", text: '{"behind": 0}', to: from });
      return;
    }
    for (const [seq, text] of this.kept) if (seq > after) this.say({ kind: "message", text, seq, to: from });
    const { lost, offline } = this.state;
    if (lost) this.say({ kind: "engine", text: lost, to: from });
    this.say({ kind: "offline", text: offline, to: from });
  }

  // -- what the page wants -----------------------------------------------------------
  open() {
    if (this.connection) this.connection.open();
    else this.say({ kind: "retry" });
  }

  close() {
    this.closed = true;
    clearInterval(this.timer);
    this.channel.close();
    if (this.connection) this.connection.close();
    this.waiting.abort();
    // At a run's end nobody is to connect again because the lock came before the news.
    if (this.resign) setTimeout(this.resign, this.over ? PATIENCE : 0);
  }
}
