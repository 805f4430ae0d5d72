"""A store in this process's memory, for tests of flows.  It keeps the contract of the others."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from cloudmesh.flow.errors import Fenced, InputError, NotFound, OwnedError
from cloudmesh.flow.model.documents import (
    Definition,
    run_document,
    run_head,
    utc_text,
    whole_result,
)
from cloudmesh.flow.store.found import Documents
from cloudmesh.flow.store.names import (
    LOG_HEAD,
    LOG_TAIL,
    check_flow_name,
    clash,
    left_out,
    log_head,
    parse_collection,
    say,
    text_of_this_process,
)
from cloudmesh.flow.store.protocol import NOTHING_KNOWN, Batch, NodeRow, Owner, RunHead, pending_row

__all__ = ["MemoryJournal", "MemoryStore", "memory_store"]

_stores: dict[str, MemoryStore] = {}
_stores_mutex = threading.Lock()


def memory_store(url: str) -> MemoryStore:
    """The store of that name; it lives as long as the process."""
    with _stores_mutex:
        if url not in _stores:
            _stores[url] = MemoryStore(url)
        return _stores[url]


class _Log:
    """A node's log: its head, and as much of its tail."""

    def __init__(self) -> None:
        self.head = ""
        self.tail = ""
        self.start = 0  # offset at which the tail begins

    def append(self, text: str) -> None:
        room = max(0, LOG_HEAD - len(self.head)) if not self.tail else 0
        self.head += text[:room]
        if text[room:]:
            self.start = self.start or len(self.head)
            self.tail += text[room:]
            cut = max(0, len(self.tail) - 2 * LOG_TAIL)
            self.tail = self.tail[cut:]
            self.start += cut

    def read(self, after: int, limit: int) -> tuple[str, int]:
        out = self.head[after : after + limit]
        after += len(out)
        if self.tail and after >= len(self.head) and len(out) < limit:
            if after < self.start:
                out += left_out(self.start - after)
                after = self.start
            more = self.tail[after - self.start :][: limit - len(out)]
            out += more
            after += len(more)
        return out, after


class _Run:
    """All that is kept of one run."""

    def __init__(self, number: int, head: RunHead) -> None:
        self.number = number
        self.document = run_head(
            {
                "run": head.run,
                "workflow": head.workflow,
                "flow": head.flow,
                "status": "running",
                "parameters": json.loads(json.dumps(dict(head.parameters))),
                "started": head.started,
                "counts": None if head.counts is None else dict(head.counts),
                "engine": text_of_this_process(),
                "versions": dict(head.versions),
            }
        )
        self.journal: list[str] = []
        self.rows: dict[int, NodeRow] = {}
        self.fixed: dict[int, tuple[list[str], str]] = {}  # node -> upstream, spec
        self.logs: dict[str, _Log] = {}
        self.requests: list[dict[str, Any]] = []
        self.owner: MemoryJournal | None = None
        self.beat = 0


class MemoryJournal:
    """The journal of one run, in the hands of its owner."""

    computes_dependencies = True

    def __init__(self, store: MemoryStore, kept: _Run, seq: int) -> None:
        self.run: str = kept.document["run"]
        self.seq = seq
        self._changed = store.changed
        self._kept = kept
        self._closed = False
        self._headed: dict[str, int] = {}

    def append(self, events: str, *, durable: bool = False) -> int:
        with self._changed:
            if len(self._kept.journal) != self.seq:
                raise self._fenced()
            self._kept.journal.append(events)
            self.seq += 1
            self._changed.notify_all()
            return self.seq

    def project(
        self,
        rows: Sequence[NodeRow],
        changes: Mapping[str, Any],
        finished: Mapping[int, Sequence[str]],
    ) -> None:
        with self._owned() as kept:
            for row in rows:
                if row[0] in kept.rows:
                    kept.rows[row[0]] = row
            kept.document.update(json.loads(json.dumps(dict(changes))))

    def add_nodes(
        self,
        nodes: Sequence[tuple[int, str]],
        upstream: Sequence[Sequence[str]],
        specs: Sequence[str],
        known: Mapping[int, NodeRow] = NOTHING_KNOWN,
    ) -> None:
        with self._owned() as kept:
            for (n, name), names, spec in zip(nodes, upstream, specs, strict=True):
                if n not in kept.rows:
                    kept.rows[n] = known.get(n) or pending_row(n, name)
                    kept.fixed[n] = (list(names), spec)

    def write_log(self, node: str, attempt: int, stream: str, text: str, reason: str = "") -> None:
        with self._owned() as kept:
            if attempt > 1 and self._headed.get(node) != attempt:
                text = log_head(attempt, reason) + text
                self._headed[node] = attempt
            kept.logs.setdefault(node, _Log()).append(text)

    def beat(self) -> None:
        with self._owned() as kept:
            kept.beat += 1

    def requests(self) -> list[dict[str, Any]]:
        with self._changed:
            waiting = [r for r in self._kept.requests if not r["taken"]]
        return [{key: r[key] for key in ("id", "kind", "by", "at")} for r in waiting]

    def take_request(self, identity: str) -> None:
        with self._owned() as kept:
            for request in kept.requests:
                if request["id"] == identity:
                    request["taken"] = True

    def close(self) -> None:
        self._closed = True

    @property
    def alive(self) -> bool:
        """Whether its owner still holds it."""
        return not self._closed

    def _owned(self) -> _Owned:
        return _Owned(self, self._kept, self._changed)

    def _fenced(self) -> Fenced:
        return Fenced(f"another engine has taken run {self.run} over; this one stops")


class _Owned:
    """``with``: the run, under the store's lock, if it is still the journal's own."""

    def __init__(self, journal: MemoryJournal, kept: _Run, changed: threading.Condition) -> None:
        self._journal = journal
        self._kept = kept
        self._changed = changed

    def __enter__(self) -> _Run:
        self._changed.acquire()
        if self._kept.owner is not self._journal:
            self._changed.release()
            raise self._journal._fenced()
        return self._kept

    def __exit__(self, *_: object) -> None:
        self._changed.release()


class MemoryStore:
    """A store in memory."""

    def __init__(self, url: str = "memory://", notice: Callable[[str], None] = say) -> None:
        self.url = url
        self.id = os.urandom(8).hex()
        self.notice = notice
        self.changed = threading.Condition()
        self._flows: dict[str, tuple[str, str] | None] = {}  # name -> documents, extra (JSON)
        self._runs: dict[str, _Run] = {}
        self._blobs: dict[str, bytes] = {}
        self._made = 0

    # -- definitions ------------------------------------------------------------------
    def define(self, workflow: str, definition: Definition, extra: Mapping[str, Any]) -> None:
        check_flow_name(workflow)
        with self.changed:
            self._check_name(workflow)
            self._flows[workflow] = (json.dumps(definition.documents()), json.dumps(extra))

    def definition(self, workflow: str) -> tuple[list[dict[str, Any]], dict[str, Any]] | None:
        known = self._flows.get(workflow)
        return None if known is None else (json.loads(known[0]), json.loads(known[1]))

    def definition_extra(self, workflow: str) -> dict[str, Any] | None:
        known = self.definition(workflow)
        return None if known is None else known[1]

    def definitions(self) -> list[str]:
        with self.changed:
            return sorted(name for name, known in self._flows.items() if known is not None)

    def delete(self, workflow: str) -> bool:
        with self.changed:
            if self._flows.get(workflow) is None:
                return False
            self._flows[workflow] = None
            return True

    def _check_name(self, workflow: str) -> None:
        for name in self._flows:
            if name != workflow and name.lower() == workflow.lower():
                raise clash(workflow, name)
        self._flows.setdefault(workflow, None)

    # -- owning runs --------------------------------------------------------------------
    def create(self, head: RunHead, events: str) -> MemoryJournal:
        check_flow_name(head.workflow)
        with self.changed:
            if head.run in self._runs:
                raise InputError(f"the store has a run {head.run!r} already")
            self._check_name(head.workflow)
            self._made += 1
            kept = self._runs[head.run] = _Run(self._made, head)
            kept.journal.append(events)
            kept.owner = MemoryJournal(self, kept, 1)
            self.changed.notify_all()
            return kept.owner

    def take(self, run: str, seq: int, events: str) -> MemoryJournal:
        with self.changed:
            if self.owner(run).alive:
                raise OwnedError(f"run {run} is owned by this process, which still lives")
            return self.take_by_force(run, seq, events)

    def take_by_force(self, run: str, seq: int, events: str) -> MemoryJournal:
        with self.changed:
            kept = self._key(run)
            if len(kept.journal) != seq:
                raise Fenced(f"another engine was faster: it goes on with run {run}")
            kept.journal.append(events)
            kept.document.update(status="running", engine=text_of_this_process())
            kept.owner = MemoryJournal(self, kept, seq + 1)
            self.changed.notify_all()
            return kept.owner

    def owner(self, run: str) -> Owner:
        kept = self._key(run)
        alive = kept.owner is not None and kept.owner.alive
        return Owner(alive, kept.document["engine"], kept.beat)

    def _key(self, run: str) -> _Run:
        kept = self._runs.get(run)
        if kept is None:
            raise NotFound(f"the store has no run {run!r}")
        return kept

    # -- reading runs -------------------------------------------------------------------
    def batches(self, run: str, after: int = 0, limit: int = 1000) -> list[Batch]:
        with self.changed:
            part = self._key(run).journal[after : after + limit]
        return [Batch(seq, events) for seq, events in enumerate(part, after + 1)]

    def wait(self, run: str, after: int, seconds: float) -> bool:
        kept = self._key(run)
        with self.changed:
            return self.changed.wait_for(lambda: len(kept.journal) > after, seconds)

    def run(self, run: str) -> dict[str, Any] | None:
        with self.changed:
            kept = self._runs.get(run)
            return None if kept is None else _copy(kept.document)

    def runs(
        self,
        workflow: str | None = None,
        *,
        prefix: str = "",
        limit: int | None = None,
        before: str = "",
    ) -> list[dict[str, Any]]:
        with self.changed:
            bound = self._runs[before].number if before in self._runs else 0
            found = [
                _copy(kept.document)
                for kept in reversed(self._runs.values())
                if workflow in (None, kept.document["workflow"])
                and kept.document["run"].startswith(prefix)
                and (not before or kept.number < bound)
            ]
        return found[:limit]

    def documents(self, collection: str, **where: Any) -> Documents:
        named = parse_collection(collection)
        if named.kind == "definition":
            found = (self.definition(named.workflow) or ([], {}))[0]
        elif named.kind == "runs":
            found = self.runs()
        elif named.kind == "requests":
            found = [_copy(r) for kept in self._runs.values() for r in kept.requests]
        elif named.kind == "journal":
            found = self._journal_documents(named.workflow)
        else:
            found = self._node_documents(named.workflow, named.kind == "active")
        return Documents(
            document
            for document in found
            if all(document.get(field) == value for field, value in where.items())
        )

    def nodes(self, run: str, names: Iterable[str] | None = None) -> list[dict[str, Any]]:
        with self.changed:
            found = self._documents_of(self._key(run))
        if names is None:
            return found
        known = {document["name"]: document for document in found}
        return [known[name] for name in names if name in known]

    def _of_flow(self, workflow: str) -> list[_Run]:
        return [kept for kept in self._runs.values() if kept.document["workflow"] == workflow]

    def _is_active(self, kept: _Run) -> bool:
        latest = self._of_flow(kept.document["workflow"])[-1]
        return kept is latest or kept.document["status"] == "running"

    def _journal_documents(self, workflow: str) -> list[dict[str, Any]]:
        with self.changed:
            return [
                {"run": kept.document["run"], "seq": seq, "events": json.loads(events)}
                for kept in self._of_flow(workflow)
                for seq, events in enumerate(kept.journal, 1)
            ]

    def _node_documents(self, workflow: str, active: bool) -> list[dict[str, Any]]:
        with self.changed:
            found = [
                document
                for kept in self._of_flow(workflow)
                if self._is_active(kept) == active
                for document in self._documents_of(kept)
            ]
        for document in found:
            document["result"] = whole_result(document["result"], self.get_blob)
        return found

    def _documents_of(self, kept: _Run) -> list[dict[str, Any]]:
        head = kept.document
        done = {row.name for row in kept.rows.values() if row.status == "finished"}
        kind = "active" if self._is_active(kept) else "history"
        collection = f"{head['workflow']}-flow-{kind}"
        found = []
        for n in sorted(kept.rows):
            names, spec = kept.fixed[n]
            left = [name for name in names if name not in done]
            row = kept.rows[n]
            found.append(run_document(head["run"], collection, row, names, left, json.loads(spec)))
        return found

    # -- requests, values, logs ---------------------------------------------------------
    def request(self, run: str, kind: str, by: str) -> str:
        with self.changed:
            kept = self._key(run)
            identity = f"{run}-{len(kept.requests) + 1}"
            document = {"id": identity, "run": run, "kind": kind, "by": by}
            kept.requests.append({**document, "at": utc_text(time.time()), "taken": False})
            return identity

    def put_blob(self, data: bytes) -> str:
        reference = hashlib.sha256(data).hexdigest()
        self._blobs[reference] = bytes(data)
        return reference

    def get_blob(self, reference: str) -> bytes:
        try:
            return self._blobs[reference]
        except KeyError:
            raise NotFound(f"the store has no value {reference}") from None

    def read_log(
        self, run: str, node: str, after: int = 0, limit: int = 1_000_000
    ) -> tuple[str, int]:
        with self.changed:
            log = self._key(run).logs.get(node)
            return ("", after) if log is None else log.read(after, limit)

    def prune(self, run: str) -> None:
        with self.changed:
            if self.owner(run).alive:
                raise OwnedError(f"run {run} has a living engine; cancel it first")
            del self._runs[run]

    def close(self) -> None:
        """Nothing to let go of: the store lives on, for whoever opens it again."""


def _copy(document: Any) -> Any:
    return json.loads(json.dumps(document))
