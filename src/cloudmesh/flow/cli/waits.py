"""How long nodes waited for a machine: their journal says it, their documents do not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.store.protocol import every_batch

if TYPE_CHECKING:
    from cloudmesh.flow.store.protocol import Store

__all__ = ["add_waits"]

HERE = ("local", "thread", "process")
ENDED = ("finished", "error")  # others have no last attempt that is over


def add_waits(
    store: Store, run: str, nodes: Sequence[dict[str, Any]], at: int | None = None
) -> None:
    """Give each node that ran elsewhere its ``waited``: seconds, of its last attempt, or null.

    ``at``: the number of the batch after which the nodes are shown.
    """
    elsewhere = {node["name"]: node for node in nodes if node.get("cloud") not in HERE}
    for node in elsewhere.values():
        node["waited"] = None
    ended = {name for name, node in elsewhere.items() if node.get("status") in ENDED}
    for number, text in every_batch(store, run) if ended else ():
        if at is not None and number > at:
            break
        if '"waited"' in text:
            for event in json.loads(text):
                if event[0] in ("finished", "failed") and event[1] in ended:
                    extra = event[4] if len(event) > 4 else {}
                    elsewhere[event[1]]["waited"] = extra.get("waited")
