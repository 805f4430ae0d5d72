// Ways through time: into the past and back.  What the reader wanted last is what is shown,
// in whatever order the answers come.

import { get, runPath } from "./api.js";

export class Moments {
  constructor(page) {
    this.page = page;
    this.turn = null; // of the last way that was begun
    this.wanted = null; // the SEQ that is asked for next
    this.aim = null; // the SEQ that the reader is on the way to
    this.going = false;
  }

  // A way to what is now, or to the same moment anew.
  begin() {
    this.turn = {};
    return this.turn;
  }

  // The state at a SEQ.  While one is being fetched only the last one wanted is remembered.
  async goTo(seq) {
    const { page } = this;
    const wanted = Math.min(Math.max(1, seq), page.model.live);
    if (wanted === page.model.live) {
      await this.goLive();
      return;
    }
    this.turn = null;
    this.wanted = this.aim = wanted;
    if (this.going) return;
    this.going = true;
    while (this.wanted !== null) {
      const at = this.wanted;
      this.wanted = null;
      const snapshot = await get(`${runPath(page.id, "state")}?brief=true&at=${at}`).catch(() => null);
      if (snapshot && this.aim !== null) page.take(snapshot); // who has gone back to live stays there
    }
    this.going = false;
    this.aim = null;
    this.written();
  }

  // Some events back or on, from where the last step leads.
  step(by) {
    return this.goTo((this.aim ?? this.page.model.seq) + by);
  }

  // Also where the way into the past has only begun.
  async goLive() {
    const { past } = this.page.model;
    if (!past && !this.going) return;
    this.wanted = this.aim = null;
    if (past) await this.page.reload(0, true);
    this.written();
  }

  // The moment is part of the address.
  written() {
    const { page } = this;
    history.replaceState(null, "", page.link(page.selected));
  }
}
