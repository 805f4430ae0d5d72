"""Destroy machines that outlived their engine: those that this store's journal intended, no other.

A machine's tag is ``cmflow/STORE/RUN/…``.  It is destroyed when it carries this
store's id, its run's journal says that it would be made, and nobody owns that
run.  Everything is read before anything is destroyed: where the store cannot be
read in full, nothing happens.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from cloudmesh.flow.providers import qemu
from cloudmesh.flow.store.protocol import Store

__all__ = ["clean"]


def clean(store: Store, run: str | None = None) -> tuple[list[str], list[tuple[str, str]]]:
    """Destroy what is left of the store's runs, or of one; the tags, and what was left and why.

    Raises `StoreError` where the store cannot be read.
    """
    mine = f"cmflow/{store.id}/" + (f"{run}/" if run else "")
    wanted: list[str] = []
    left: list[tuple[str, str]] = []
    for tag in sorted({tag for tag, _, _ in qemu.listed() if tag.startswith(mine)}):
        reason = _reason_to_leave(store, tag)
        if reason:
            left.append((tag, reason))
        else:
            wanted.append(tag)
    for tag in wanted:
        qemu.destroy(tag)
    for tag in _still_there(wanted):  # a create that was on its way appears a moment later
        qemu.destroy(tag)
    return wanted, left


def _reason_to_leave(store: Store, tag: str) -> str:
    """Why a machine must stay; "" where nothing speaks for it."""
    run = tag.split("/")[2]
    if store.run(run) is None or tag not in _intended(store, run):
        return "no journal of this store says that it was made"
    if store.owner(run).alive is not False:
        return f"run {run} has an engine that may be alive"
    return ""


def _intended(store: Store, run: str) -> set[str]:
    """The tags of everything that a run's journal says would be made."""
    tags: set[str] = set()
    after = 0
    while batches := store.batches(run, after):
        for number, text in batches:
            after = number
            if '"intent"' in text:
                events = json.loads(text)
                tags.update(str(e[2].get("tag")) for e in events if e[0] == "intent")
    return tags


def _still_there(tags: Iterable[str]) -> list[str]:
    there = {tag for tag, _, _ in qemu.listed()}
    return [tag for tag in tags if tag in there]
