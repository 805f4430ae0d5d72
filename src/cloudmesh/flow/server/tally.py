"""How many runs of each state a store holds, without reading them all each time it is asked.

A run that has ended stays as it is, so that only those that are new or have
not ended are read again; all are, once in a while, because runs can be deleted.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

from cloudmesh.flow.store.protocol import Store

__all__ = ["Tally"]

PAGE = 500
ALL_SECONDS = 60.0
FRESH_SECONDS = 1.0
OVER = ("finished", "error", "cancelled")
NEEDS_MAX = 1000


class Tally:
    """The state of every run, kept up; safe to be asked by several threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._runs: dict[str, tuple[str, str]] = {}  # run: its flow and state, the oldest first
        self._all_at = self._at = float("-inf")
        self._lock = threading.Lock()

    def counts(self, workflow: str | None = None) -> dict[str, Any]:
        """``all``, each state with its number, and in ``needs`` the newest that need somebody."""
        with self._lock:
            now = time.monotonic()
            if now - self._all_at > ALL_SECONDS:
                self._runs, self._all_at = {}, now
                self._at = float("-inf")
            if now - self._at > FRESH_SECONDS:
                self._at = now
                self._refresh()
            found = [(r, s) for r, (w, s) in self._runs.items() if workflow in (None, w)]
        counts = Counter(state for _, state in found)
        needs = [run for run, state in found if state in ("lost", "error", "interrupted")]
        return {"all": len(found), "needs": needs[: -NEEDS_MAX - 1 : -1], **counts}

    def _refresh(self) -> None:
        for run, (workflow, state) in list(self._runs.items()):
            if state in OVER:
                continue
            document = self._store.run(run)
            if document is None:
                del self._runs[run]
            else:
                self._runs[run] = (workflow, self._state(document))
        new: list[dict[str, Any]] = []
        before = ""
        while page := self._store.runs(None, limit=PAGE, before=before):
            fresh = [document for document in page if document["run"] not in self._runs]
            new += fresh
            if len(fresh) < len(page) or len(page) < PAGE:
                break
            before = page[-1]["run"]
        for document in reversed(new):
            self._runs[document["run"]] = (document["workflow"], self._state(document))

    def _state(self, document: dict[str, Any]) -> str:
        status = str(document["status"])
        if status == "running" and self._store.owner(document["run"]).alive is False:
            return "lost"
        return status
