"""A store that fails on purpose, put between an engine and a real one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cloudmesh.flow.errors import StoreUnavailable
from cloudmesh.flow.store.protocol import NOTHING_KNOWN, Journal

__all__ = ["Crash", "FaultyJournal"]


class Crash(BaseException):
    """The process dies here: nothing that comes after it happens."""


class FaultyJournal:
    """A journal whose writes fail as ``fault(name)`` says.

    ``""``       all is well
    ``before``   fails, nothing is written
    ``after``    is written, but the answer is lost
    ``half``     of documents, a part is written, then it fails
    ``die``      the process dies before it is written
    ``late``     the process dies after it is written

    ``wrote`` is told of each write of documents that was not refused.
    """

    def __init__(
        self,
        journal: Journal,
        fault: Callable[[str], str],
        wrote: Callable[[], None] = lambda: None,
    ) -> None:
        self.inner = journal
        self.run = journal.run
        self.computes_dependencies = journal.computes_dependencies
        self.dead = False
        self._fault = fault
        self._wrote = wrote
        self._lost: str | None = None  # a batch that is written, whose answer was lost

    @property
    def seq(self) -> int:
        """The number of the last batch."""
        return self.inner.seq

    def append(self, events: str, *, durable: bool = False) -> int:
        """As the contract says: a batch repeated after a lost answer is the same batch."""
        if self._lost == events:
            self._enter("append again")
            self._lost = None
            return self.inner.seq
        fault = self._enter("append")
        seq = self.inner.append(events, durable=durable)
        if fault == "after":
            self._lost = events
        self._leave(fault)
        return seq

    def project(self, rows: Any, changes: Any, finished: Any) -> None:
        """Documents, whole or in part."""
        fault = self._enter("project")
        if fault == "half":
            self.inner.project(rows[: len(rows) // 2], {}, finished)
            raise StoreUnavailable("failed half-way")
        self.inner.project(rows, changes, finished)
        self._wrote()
        self._leave(fault)

    def add_nodes(self, nodes: Any, upstream: Any, specs: Any, known: Any = NOTHING_KNOWN) -> None:
        """Documents, whole or in part."""
        fault = self._enter("add")
        if fault == "half":
            k = len(nodes) // 2
            self.inner.add_nodes(nodes[:k], upstream[:k], specs[:k], known)
            raise StoreUnavailable("failed half-way")
        self.inner.add_nodes(nodes, upstream, specs, known)
        self._wrote()
        self._leave(fault)

    def write_log(self, node: str, attempt: int, stream: str, text: str, reason: str = "") -> None:
        """Logs are not in the path of the truth: passed on."""
        self.inner.write_log(node, attempt, stream, text, reason)

    def beat(self) -> None:
        """A sign of life."""
        self._enter("beat")
        self.inner.beat()

    def requests(self) -> list[dict[str, Any]]:
        """What was asked for."""
        self._enter("requests")
        return self.inner.requests()

    def take_request(self, identity: str) -> None:
        """Mark a request as taken."""
        fault = self._enter("take")
        self.inner.take_request(identity)
        self._leave(fault)

    def close(self) -> None:
        """Give the run up, unless the process is dead."""
        if not self.dead:
            self.inner.close()

    def _enter(self, name: str) -> str:
        if self.dead:
            raise Crash
        fault = self._fault(name)
        if fault == "before":
            raise StoreUnavailable("failed before it was written")
        if fault == "die":
            self.dead = True
            raise Crash
        return fault

    def _leave(self, fault: str) -> None:
        if fault == "after":
            raise StoreUnavailable("the answer was lost")
        if fault == "late":
            self.dead = True
            raise Crash
