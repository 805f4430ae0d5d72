"""The word that is shown of a node, from its stored document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

__all__ = ["ORDER", "duration", "seconds_of", "shown_word"]

#: A group shows the first of these that it contains.
ORDER = (
    "error",
    "lost",
    "interrupted",
    "running",
    "waiting",
    "blocked",
    "pending",
    "cancelled",
    "finished",
    "skipped",
)

_HERE = ("local", "thread", "process")


def shown_word(document: Mapping[str, Any], run_status: str = "running", lost: bool = False) -> str:
    """The word of the status table for a node's document.

    ``run_status`` is the run's; ``lost``: the engine of a running run is gone.
    """
    status, reason = str(document["status"]), str(document.get("reason") or "")
    if status == "finished":
        return "skipped" if document.get("skipped") else "finished"
    if status == "error":
        kind = (document.get("error") or {}).get("type")
        return "cancelled" if kind == "Cancelled" else "error"
    if status == "running":
        return "lost" if lost else "running"
    for word in ("blocked", "cancelled", "interrupted"):
        if reason.startswith(word):
            return word
    if run_status != "running":
        return "pending"
    if reason.startswith("retry") and " at " in reason:
        return "waiting to retry"
    on = str(document.get("cloud") or "local")
    waits = not document.get("dependencies") and on not in _HERE
    return f"waiting for {on}" if waits else "pending"


def seconds_of(text: Any) -> float | None:
    """UTC text of a document as seconds since 1970; None where there is none."""
    if not text:
        return None
    return datetime.fromisoformat(str(text)).replace(tzinfo=UTC).timestamp()


def duration(seconds: float) -> str:
    """A time as the page says it: ``0.18 s``, ``14.2 s``, ``6 min 12 s``, ``2 h 5 min``."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"
