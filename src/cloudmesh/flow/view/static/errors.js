// The walk of errors, in the order in which they happened.  Blocked nodes are not in it.

export class ErrorWalk {
  constructor(page) {
    this.page = page;
  }

  names() {
    const { model } = this.page;
    return model.errors.filter((name) => model.node(name)?.status === "error");
  }

  // "1 of 3", or nothing for what is no error.
  position(name) {
    const names = this.names();
    const at = names.indexOf(name);
    return at < 0 ? "" : `${at + 1} of ${names.length}`;
  }

  next(back = false) {
    const names = this.names();
    if (!names.length) return;
    const at = names.indexOf(this.page.selected);
    const first = back ? names.length - 1 : 0;
    const next = at < 0 ? first : (at + (back ? -1 : 1) + names.length) % names.length;
    this.page.select(names[next], true);
  }
}
