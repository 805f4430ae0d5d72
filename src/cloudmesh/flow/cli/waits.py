"""How long nodes waited for a machine: their journal says it, their documents do not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cloudmesh.flow.store.protocol import Store

__all__ = ["add_waits"]

HERE = ("local", "thread", "process")


def add_waits(store: Store, run: str, nodes: Sequence[dict[str, Any]]) -> None:
    """Give each node that ran elsewhere its ``waited``: seconds, of its last attempt, or null."""
    elsewhere = {node["name"]: node for node in nodes if node.get("cloud") not in HERE}
    for node in elsewhere.values():
        node["waited"] = None
    after = 0
    while elsewhere and (batches := store.batches(run, after)):
        for number, text in batches:
            after = number
            if '"waited"' in text:
                for event in json.loads(text):
                    if event[0] in ("finished", "failed") and event[1] in elsewhere:
                        extra = event[4] if len(event) > 4 else {}
                        elsewhere[event[1]]["waited"] = extra.get("waited")
