// The events of a run, for the page.  A hidden tab closes its stream and on return takes one
// snapshot; the tabs that are in sight share one, where the browser can.

import { Connection } from "./connection.js";
import { Shared, canShare } from "./shared.js";

export class Stream {
  // handlers: message(data), end(data), engine(lost), reload(behind), offline(state or null)
  constructor(path, seqOf, handlers) {
    Object.assign(this, { path, seqOf, handlers });
    this.source = null;
    this.closed = false;
    document.addEventListener("visibilitychange", this.onVisibility = () => this.visibility());
    if (!document.hidden) this.open();
  }

  open() {
    this.stop();
    if (this.closed) return;
    const tell = (kind, text) => this.told(kind, text);
    this.source = canShare() ? new Shared(this.path, this.seqOf(), tell) : new Connection(this.path, this.seqOf, tell);
  }

  told(kind, text) {
    const { handlers } = this;
    if (kind === "offline") return handlers.offline(text);
    const data = JSON.parse(text);
    if (kind === "message") return handlers.message(data);
    if (kind === "engine") return handlers.engine(data.engine === "lost");
    this.stop();
    return kind === "reload" ? handlers.reload(data.behind) : handlers.end(data);
  }

  retry() {
    if (this.source) this.source.open();
    else this.open();
  }

  visibility() {
    if (document.hidden) this.stop();
    else if (!this.closed && !this.source) this.handlers.reload(0);
  }

  stop() {
    if (this.source) this.source.close();
    this.source = null;
  }

  close() {
    this.closed = true;
    this.stop();
    document.removeEventListener("visibilitychange", this.onVisibility);
  }
}
