"""What a run's journal says was made outside: machines and jobs, with what is known of them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cloudmesh.flow.store.protocol import Store, every_batch

__all__ = ["Intent", "intents", "may_be_there", "outside"]


class Intent(NamedTuple):
    """What would be made: its tag, where to look for it, when that was said, whether it is gone."""

    tag: str
    about: Mapping[str, Any]
    at: float
    released: bool


def outside(store: Store, run: str) -> Iterator[tuple[str, float, Mapping[str, Any]]]:
    """What a journal says of things outside: ``intent`` or ``released``, when, and of what."""
    for _, text in every_batch(store, run):
        if '"intent"' in text or '"released"' in text:
            for event in json.loads(text):
                if event[0] in ("intent", "released"):
                    yield event[0], float(event[1]), event[2]


def intents(store: Store, run: str, kind: str = "vm") -> list[Intent]:
    """Every machine that a run's journal says would be made; ``kind``: jobs, or all (``""``).

    Raises `StoreError`.
    """
    found: dict[str, Intent] = {}
    for word, at, about in outside(store, run):
        tag = str(about.get("tag"))
        if word == "intent" and kind in ("", about.get("kind")):
            found[tag] = Intent(tag, about, at, False)
        elif word == "released" and tag in found:
            found[tag] = found[tag]._replace(released=True)
    return list(found.values())


def may_be_there(store: Store, run: str) -> str:
    """What of a run may still be in a cloud or a queue, "" for nothing.

    Only its journal finds that: without it `infra clean` leaves it.
    """
    now = time.time()
    for intent in intents(store, run, ""):
        ends_with_its_engine = intent.about.get("provider") == "qemu"
        if ends_with_its_engine or intent.released or now > float(intent.about.get("until") or 0):
            continue
        return "a machine" if intent.about.get("kind") == "vm" else "a job"
    return ""
