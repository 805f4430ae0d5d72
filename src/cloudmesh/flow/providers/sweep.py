"""``infra clean``: destroy what dead engines of this store have left, and nothing else.

What is destroyed carries this store's id in its tag, ``cmflow/STORE/RUN/…``,
was intended in the journal of that run, and belongs to a run without a living
owner.  Everything is read and decided first: where the store cannot be read in
full, nothing is destroyed.
"""

from __future__ import annotations

import json
from typing import Any

from cloudmesh.flow.providers import qemu

__all__ = ["clean", "intended"]


def clean(store: Any) -> tuple[list[str], list[tuple[str, str]]]:
    """Clean up: the tags of what was destroyed, and of what was left, with the reason."""
    doomed, left = [], []
    for tag, _, _ in list(qemu.listed()):
        parts = tag.split("/")
        if len(parts) < 4 or parts[:2] != ["cmflow", store.id]:
            continue  # another store's
        reason = _reason_to_leave(store, parts[2], tag)
        if reason:
            left.append((tag, reason))
        else:
            doomed.append(tag)
    return [tag for tag in dict.fromkeys(doomed) if qemu.destroy(tag)], left


def _reason_to_leave(store: Any, run: str, tag: str) -> str:
    if store.run(run) is None:
        return f"this store has no run {run}"
    if tag not in intended(store, run):
        return f"the journal of {run} does not say that it was wanted"
    alive = store.owner(run).alive
    if alive is None:
        return f"whether the engine of {run} still lives cannot be told yet; ask again in a minute"
    return f"its run {run} is being run" if alive else ""


def intended(store: Any, run: str) -> set[str]:
    """The keys of all that a run has written down before it made it."""
    keys = set()
    after = 0
    while batches := store.batches(run, after):
        for batch in batches:
            after = batch.seq
            if '"intent"' not in batch.events:
                continue
            for event in json.loads(batch.events):
                if event[0] == "intent":
                    keys.add(str(event[2].get("key", "")))
    return keys
