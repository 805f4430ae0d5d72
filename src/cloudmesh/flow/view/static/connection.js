// A connection to the events of a run.  When it is lost it is tried again, and says since when:
// the browser's own retries would go on for ever in silence.

export const KINDS = ["message", "engine", "reload", "end"];

const WAIT_MAX = 15; // seconds between two tries

export class Connection {
  // seqOf() -> the SEQ that is known; tell(kind, text, seq): one of KINDS, or "offline" with its
  // state ({ since, retryAt }, or null once there is a connection)
  constructor(path, seqOf, tell) {
    Object.assign(this, { path, seqOf, tell });
    this.wait = 1;
    this.timer = 0;
    this.failedAt = null;
    addEventListener("online", this.onOnline = () => this.failedAt && this.open());
    this.open();
  }

  open() {
    this.stop();
    const source = new EventSource(`${this.path}?after=${this.seqOf()}&reload=true`);
    this.source = source;
    source.onopen = () => {
      this.wait = 1;
      this.failedAt = null;
      this.tell("offline", null);
    };
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => this.source === source && this.tell(kind, event.data, Number(event.lastEventId)));
    }
    source.onerror = () => this.failed();
  }

  failed() {
    this.stop();
    const now = Date.now() / 1000;
    this.failedAt = this.failedAt || now;
    this.wait = Math.min(WAIT_MAX, this.wait * 1.7);
    this.timer = setTimeout(() => this.open(), this.wait * 1000);
    this.tell("offline", { since: this.failedAt, retryAt: now + this.wait });
  }

  stop() {
    clearTimeout(this.timer);
    if (this.source) this.source.close();
    this.source = null;
  }

  close() {
    this.stop();
    removeEventListener("online", this.onOnline);
  }
}
