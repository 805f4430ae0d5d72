// The events of a run.  A hidden tab closes its stream (a browser allows six a host) and on
// return takes one snapshot; a lost connection is tried again, and says since when.

export class Stream {
  // handlers: message(data), end(data), engine(lost), reload(), offline(state or null)
  constructor(path, seqOf, handlers) {
    this.path = path;
    this.seqOf = seqOf;
    this.handlers = handlers;
    this.source = null;
    this.wait = 1;
    this.timer = 0;
    this.closed = false;
    this.onVisibility = () => this.visibility();
    document.addEventListener("visibilitychange", this.onVisibility);
    addEventListener("online", this.onOnline = () => this.failedAt && this.retry());
    if (!document.hidden) this.open();
  }

  open() {
    this.stop();
    if (this.closed) return;
    const source = new EventSource(`${this.path}?after=${this.seqOf()}&reload=true`);
    this.source = source;
    const parse = (event) => JSON.parse(event.data);
    source.onopen = () => {
      this.wait = 1;
      this.failedAt = null;
      this.handlers.offline(null);
    };
    source.onmessage = (event) => this.handlers.message(parse(event));
    source.addEventListener("engine", (event) => this.handlers.engine(parse(event).engine === "lost"));
    source.addEventListener("reload", (event) => {
      this.stop();
      this.handlers.reload(parse(event).behind);
    });
    source.addEventListener("end", (event) => {
      this.stop();
      this.handlers.end(parse(event));
    });
    source.onerror = () => this.failed();
  }

  // The browser's own retries would go on for ever in silence; ours are told.
  failed() {
    this.stop();
    this.failedAt = this.failedAt || Date.now() / 1000;
    this.wait = Math.min(15, this.wait * 1.7);
    this.retryAt = Date.now() / 1000 + this.wait;
    this.handlers.offline({ since: this.failedAt, retryAt: this.retryAt });
    this.timer = setTimeout(() => this.open(), this.wait * 1000);
  }

  retry() {
    clearTimeout(this.timer);
    this.open();
  }

  visibility() {
    if (document.hidden) this.stop();
    else if (!this.closed && !this.source) this.handlers.reload(0);
  }

  stop() {
    clearTimeout(this.timer);
    if (this.source) this.source.close();
    this.source = null;
  }

  close() {
    this.closed = true;
    this.stop();
    document.removeEventListener("visibilitychange", this.onVisibility);
    removeEventListener("online", this.onOnline);
  }
}
