"""The journal of one run on a MongoDB server, in the hands of its owner."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pymongo.errors import BulkWriteError, DuplicateKeyError

from cloudmesh.flow.errors import Fenced, StoreError
from cloudmesh.flow.store.mongo_values import mapped, only_duplicates, to_bson
from cloudmesh.flow.store.names import (
    LOG_HEAD,
    LOG_TAIL,
    log_head,
    references,
    storable,
    storable_rows,
)
from cloudmesh.flow.store.protocol import NOTHING_KNOWN, NodeRow, pending_row

if TYPE_CHECKING:
    from cloudmesh.flow.store.mongodb import MongoStore

__all__ = ["SEEN_TO", "MongoJournal", "batch_id", "write_batch"]

#: A document holds 16 MB; a batch beyond this is kept as a large value.
BATCH_BYTES = 12_000_000
#: What nodes print is sent when there is so much of it, and at each beat.
LOG_BUFFER = 100_000
#: How often the start and the end of an ownership are written again where they were lost:
#: FerretDB reads a document, changes it and writes all of it, so of two changes at the same
#: moment one is gone, be it a sign of life that an engine sent before it died.
SEEN_TO = 10


def batch_id(run: str, seq: int) -> str:
    """The ``_id`` of a batch: sorted as text it is sorted by number."""
    return f"{run}/{seq:012d}"


def write_batch(
    store: MongoStore, workflow: str, run: str, seq: int, nonce: str, events: str
) -> None:
    """The commit.  Raises `Fenced` where another engine wrote that number."""
    events = events if events.isascii() else storable(events)
    batch: dict[str, Any] = {"_id": batch_id(run, seq), "run": run, "seq": seq, "owner": nonce}
    if len(events) * 4 > BATCH_BYTES and len(events.encode()) > BATCH_BYTES:
        batch["value"] = store.put_blob(events.encode())
        batch["events"] = "[]"
        _use_values(store, run, [batch["value"]])
    else:
        batch["events"] = events
    _use_values(store, run, references(events))
    journal = store.collection(f"{workflow}-flow-journal")
    try:
        journal.insert_one(batch)
    except DuplicateKeyError:
        known = journal.find_one({"_id": batch["_id"]})
        # My own write, whose answer was lost, is there as I wrote it.
        if known is None or known["owner"] != nonce or known["events"] != batch["events"]:
            raise Fenced(f"another engine has taken run {run} over; this one stops") from None


def _use_values(store: MongoStore, run: str, named: Sequence[str]) -> None:
    for reference in named:
        with suppress(DuplicateKeyError):
            store.collection("flow-blob-uses").insert_one(
                {"_id": f"{reference}/{run}", "reference": reference, "run": run}
            )


class MongoJournal:
    """The journal of one run, and its documents, in the hands of its owner."""

    computes_dependencies = False

    def __init__(self, store: MongoStore, run: str, workflow: str, seq: int, nonce: str) -> None:
        self.run = run
        self.seq = seq
        self.fence = seq
        self._store = store
        self._workflow = workflow
        self._nonce = nonce
        self._runs = store.collection("flow-runs")
        self._projections = 0
        self._mutex = threading.Lock()  # for what nodes have printed
        self._head = threading.Lock()  # for changes of the run's own document
        self._printed: dict[str, list[str]] = {}
        self._buffered = 0
        self._sizes: dict[str, int] = {}  # node -> bytes in its log
        self._headed: dict[str, int] = {}
        self._names: dict[int, str] = {}  # number -> name, as far as needed
        self._closed = False

    def append(self, events: str, *, durable: bool = False) -> int:
        seq = self.seq + 1
        with mapped(self._store.url):
            write_batch(self._store, self._workflow, self.run, seq, self._nonce, events)
        self.seq = seq
        return seq

    def project(
        self,
        rows: Sequence[NodeRow],
        changes: Mapping[str, Any],
        finished: Mapping[int, Sequence[str]],
    ) -> None:
        self._projections += 1
        # Only grows: later batches weigh more than any number of projections at one.
        rev = (self.seq << 20) + min(self._projections, (1 << 20) - 1)
        self.flush_logs()
        self._check()
        pulls = {self._name(n): names for n, names in finished.items()}
        try:
            self._store.nodes_of.project(self._workflow, self.run, rows, pulls, rev)
        except UnicodeEncodeError:
            rows = storable_rows(rows)
            self._store.nodes_of.project(self._workflow, self.run, rows, pulls, rev)
        if changes:
            fields = {
                key: to_bson(value) if key == "parameters" else value
                for key, value in changes.items()
            }
            self._update({"$set": fields})
            if changes.get("status", "running") != "running":
                self._see_to_it(fields)
                self._store.nodes_of.move_ended(self._workflow)

    def add_nodes(
        self,
        nodes: Sequence[tuple[int, str]],
        upstream: Sequence[Sequence[str]],
        specs: Sequence[str],
        known: Mapping[int, NodeRow] = NOTHING_KNOWN,
    ) -> None:
        self._check()
        self._names.update(nodes)
        rows = [known.get(n) or pending_row(n, name) for n, name in nodes]
        done = {row.name for row in known.values() if row.status == "finished"}
        if self.seq > 1:
            done |= self._store.nodes_of.finished(self._workflow, self.run)
        add = self._store.nodes_of.add
        try:
            add(self._workflow, self.run, rows, upstream, specs, done)
        except UnicodeEncodeError:
            add(self._workflow, self.run, storable_rows(rows), upstream, specs, done)

    def write_log(self, node: str, attempt: int, stream: str, text: str, reason: str = "") -> None:
        with self._mutex:
            if attempt > 1 and self._headed.get(node) != attempt:
                text = log_head(attempt, reason) + text
                self._headed[node] = attempt
            self._printed.setdefault(node, []).append(text)
            self._buffered += len(text)
            if self._buffered > LOG_BUFFER:
                self._flush()

    def flush_logs(self) -> None:
        """Send what nodes have printed."""
        with self._mutex:
            self._flush()

    def beat(self) -> None:
        self._update({"$inc": {"beat": 1}})
        self.flush_logs()

    def requests(self) -> list[dict[str, Any]]:
        with mapped(self._store.url):
            found = list(
                self._store.collection("flow-requests")
                .find({"run": self.run, "taken": False})
                .sort("_id", 1)
            )
        return [{"id": r["_id"], "kind": r["kind"], "by": r["by"], "at": r["at"]} for r in found]

    def take_request(self, identity: str) -> None:
        self._check()
        with mapped(self._store.url):
            self._store.collection("flow-requests").update_one(
                {"_id": identity, "run": self.run}, {"$set": {"taken": True}}
            )

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        with suppress(Fenced, StoreError):
            self.flush_logs()
            self._update({"$set": {"owner": None}})

    def _name(self, n: int) -> str:
        if n not in self._names:  # made by a former engine
            self._names.update(self._store.nodes_of.names(self._workflow, self.run))
        return self._names[n]

    # -- the fence ----------------------------------------------------------------------
    def _check(self) -> None:
        with mapped(self._store.url):
            known = self._runs.find_one({"_id": self.run}, {"fence": 1, "nonce": 1})
        if known is None or (known["fence"], known["nonce"]) != (self.fence, self._nonce):
            raise self._fenced()

    def _see_to_it(self, fields: Mapping[str, Any]) -> None:
        """Change the run's own document again until it says so; see `SEEN_TO`."""
        for _ in range(SEEN_TO):
            with mapped(self._store.url):
                known = self._runs.find_one({"_id": self.run}, {"status": 1})
            if known is None or known["status"] == fields["status"]:
                return
            self._update({"$set": fields})

    def _update(self, change: Mapping[str, Any]) -> None:
        """Change the run's own document, if it is still this owner's: one write at a time."""
        with self._head, mapped(self._store.url):
            mine = {"_id": self.run, "fence": self.fence, "nonce": self._nonce}
            if self._runs.update_one(mine, change).matched_count == 0:
                raise self._fenced()

    def _fenced(self) -> Fenced:
        return Fenced(f"another engine has taken run {self.run} over; this one stops")

    # -- logs ---------------------------------------------------------------------------
    def _flush(self) -> None:
        """Send what is buffered; it stays where the server does not take it.  Under the mutex."""
        if not self._printed:
            return
        self._check()
        pieces, sizes = [], {}
        for node, texts in self._printed.items():
            data = "".join(texts).encode("utf-8", "backslashreplace")
            at = self._size(node)
            pieces.append({"_id": f"{self.run}/{node}/{at:015d}", "at": at, "data": data})
            sizes[node] = at + len(data)
        with mapped(self._store.url):
            logs = self._store.collection("flow-logs")
            try:
                logs.insert_many(pieces, ordered=False)
            except BulkWriteError as error:
                only_duplicates(error)
            for node, size in sizes.items():
                if size // LOG_TAIL > self._size(node) // LOG_TAIL:
                    first = f"{self.run}/{node}/{LOG_HEAD:015d}"
                    last = f"{self.run}/{node}/{max(LOG_HEAD, size - LOG_TAIL):015d}"
                    logs.delete_many({"_id": {"$gte": first, "$lt": last}})
        self._sizes.update(sizes)
        self._printed, self._buffered = {}, 0

    def _size(self, node: str) -> int:
        size = self._sizes.get(node)
        if size is None:
            between = {"$gte": f"{self.run}/{node}/", "$lt": f"{self.run}/{node}/~"}
            with mapped(self._store.url):
                logs = self._store.collection("flow-logs")
                last = list(logs.find({"_id": between}).sort("_id", -1).limit(1))
            size = last[0]["at"] + len(last[0]["data"]) if last else 0
            self._sizes[node] = size
        return size
