"""What is read of the embedded store, by connections that cannot write."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cloudmesh.flow.errors import NotFound
from cloudmesh.flow.model.documents import definition_document, run_document, run_head, whole_result
from cloudmesh.flow.store import statements as sql
from cloudmesh.flow.store.files import Blobs, Logs
from cloudmesh.flow.store.found import Documents
from cloudmesh.flow.store.names import parse_collection
from cloudmesh.flow.store.protocol import Batch
from cloudmesh.flow.store.sqlite_file import Readers

__all__ = ["JSON_HEAD", "MASK", "SqliteReading", "last_key"]

#: The number of a row within its run: the lower half of its key.
MASK = 0xFFFFFFFF
#: How many documents are read at once.
PAGE = 5000
WAIT_SECONDS = 0.01


class SqliteReading:
    """The half of the store that reads."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.readers = Readers(path)
        name = os.path.basename(path)
        folder = os.path.dirname(path)
        self.folder = folder if name == "flow.db" else os.path.join(folder, name + ".files")
        self.blobs = Blobs(os.path.join(self.folder, "blobs"))
        self.logs = Logs(os.path.join(self.folder, "logs"))

    def definition(self, workflow: str) -> tuple[list[dict[str, Any]], dict[str, Any]] | None:
        with self.readers.read() as connection:
            row = connection.execute(sql.FLOW, (workflow,)).fetchone()
            if row is None or row[1] != workflow or row[2] is None:
                return None
            lists = dict(connection.execute(sql.DEFINITION_LISTS, (row[0],)).fetchall())
            specs = dict(connection.execute(sql.DEFINITION_SPECS, (row[0],)).fetchall())
            nodes = connection.execute(sql.DEFINITION, (row[0],)).fetchone()[0]
        known = {k: json.loads(names) for k, names in lists.items()}
        documents = [
            definition_document(name, k if type(k) is list else known[k], specs[spec])
            for name, k, spec in json.loads(nodes)
        ]
        return documents, json.loads(row[2])

    def definitions(self) -> list[str]:
        with self.readers.read() as connection:
            return [row[0] for row in connection.execute(sql.FLOWS)]

    def batches(self, run: str, after: int = 0, limit: int = 1000) -> list[Batch]:
        first = self.key(run)[0] << 32
        with self.readers.read() as connection:
            rows = connection.execute(sql.BATCHES, (first | after, first | MASK, limit)).fetchall()
        return [Batch(key & MASK, events) for key, events in rows]

    def wait(self, run: str, after: int, seconds: float) -> bool:
        first = self.key(run)[0] << 32
        end = time.monotonic() + seconds
        version = None
        with self.readers.connection() as connection:
            while True:
                now = connection.execute("PRAGMA data_version").fetchone()
                if now != version:  # something was committed; was it this journal?
                    version = now
                    last = last_key(connection, sql.LAST_BATCH, first)
                    if last > first | after:
                        return True
                left = end - time.monotonic()
                if left <= 0:
                    return False
                time.sleep(min(WAIT_SECONDS, left))

    def run(self, run: str) -> dict[str, Any] | None:
        with self.readers.read() as connection:
            row = connection.execute(sql.RUN, (run,)).fetchone()
        return None if row is None else _head(row)

    def runs(
        self,
        workflow: str | None = None,
        *,
        prefix: str = "",
        limit: int | None = None,
        before: str = "",
    ) -> list[dict[str, Any]]:
        values = {
            "workflow": workflow,
            "prefix": prefix,
            "before": before,
            "limit": -1 if limit is None else limit,
        }
        with self.readers.read() as connection:
            return [_head(row) for row in connection.execute(sql.RUNS, values)]

    def documents(self, collection: str, **where: Any) -> Documents:
        named = parse_collection(collection)
        read = {
            "definition": self._definition_documents,
            "journal": self._journal_documents,
            "runs": self._run_documents,
            "requests": self._request_documents,
        }.get(named.kind, self._node_documents)
        return Documents(
            document
            for document in read(named.workflow, named.kind, where)
            if all(document.get(field) == value for field, value in where.items())
        )

    def nodes(self, run: str, names: Iterable[str] | None = None) -> list[dict[str, Any]]:
        r = self.key(run)[0]
        if names is None:
            return list(self._read_nodes(r, run, {}))
        wanted = list(names)
        if len(wanted) <= 4:
            found = [d for name in wanted for d in self._read_nodes(r, run, {"name": name})]
        else:
            known = {d["name"]: d for d in self._read_nodes(r, run, {})}
            found = [known[name] for name in wanted if name in known]
        return found

    def _definition_documents(
        self, workflow: str, kind: str, where: Mapping[str, Any]
    ) -> Iterator[dict[str, Any]]:
        yield from (self.definition(workflow) or ([], {}))[0]

    def _journal_documents(
        self, workflow: str, kind: str, where: Mapping[str, Any]
    ) -> Iterator[dict[str, Any]]:
        with self.readers.read() as connection:
            runs = [row[1] for row in connection.execute(sql.RUNS_OF, (workflow,))]
        for run in runs:
            if where.get("run", run) != run:
                continue
            after = 0
            while batches := self.batches(run, after):
                for batch in batches:
                    yield {"run": run, "seq": batch.seq, "events": json.loads(batch.events)}
                after = batches[-1].seq

    def _run_documents(
        self, workflow: str, kind: str, where: Mapping[str, Any]
    ) -> Iterator[dict[str, Any]]:
        yield from self.runs(where.get("workflow"))

    def _request_documents(
        self, workflow: str, kind: str, where: Mapping[str, Any]
    ) -> Iterator[dict[str, Any]]:
        with self.readers.read() as connection:
            rows = connection.execute(sql.ALL_REQUESTS).fetchall()
        for identity, run, kind, by, at, taken in rows:
            document = {"id": str(identity), "run": run, "kind": kind, "by": by, "at": at}
            yield {**document, "taken": bool(taken)}

    def _node_documents(
        self, workflow: str, kind: str, where: Mapping[str, Any]
    ) -> Iterator[dict[str, Any]]:
        values = {"workflow": workflow, "run": where.get("run"), "active": kind == "active"}
        with self.readers.read() as connection:
            runs = connection.execute(sql.SPLIT_RUNS, values).fetchall()
        for r, run in runs:
            for document in self._read_nodes(r, run, where):
                document["result"] = whole_result(document["result"], self.get_blob)
                yield document

    def _read_nodes(self, r: int, run: str, where: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The documents of a run, page by page; no read transaction is open between pages."""
        after, last = (r << 32) - 1, r << 32 | MASK
        name, status = where.get("name"), where.get("status")
        lists = _Lists(r)
        specs: dict[int, Any] = {}
        while True:
            page = []
            with self.readers.read() as connection:
                active = connection.execute(sql.ACTIVE, (r,)).fetchone()
                if active is None:
                    return
                collection = f"{active[0]}-flow-{'active' if active[1] else 'history'}"
                rows = connection.execute(sql.NODES, (after, last, name, status, PAGE)).fetchall()
                lists.see(rows)
                for row in rows:
                    if row[-1] not in specs:
                        text = connection.execute(sql.SPEC, (row[-1],)).fetchone()[0]
                        specs[row[-1]] = json.loads(text)
                    names, left = lists.get(connection, row[-2])
                    page.append(run_document(run, collection, row, names, left, specs[row[-1]]))
            yield from page
            if len(rows) < PAGE:
                return
            after = rows[-1][0]

    def get_blob(self, reference: str) -> bytes:
        return self.blobs.get(reference)

    def read_log(
        self, run: str, node: str, after: int = 0, limit: int = 1_000_000
    ) -> tuple[str, int]:
        return self.logs.read(run, node, after, limit)

    def key(self, run: str) -> tuple[int, int, str, str, str]:
        """Number, fence, lock file, engine and status of a run.  Raises `NotFound`."""
        with self.readers.read() as connection:
            row = connection.execute(sql.RUN_KEY, (run,)).fetchone()
        if row is None:
            raise NotFound(f"the store has no run {run!r}")
        key: tuple[int, int, str, str, str] = row
        return key


class _Lists:
    """What nodes of one run depend on while its documents are read: each is looked up once."""

    def __init__(self, r: int) -> None:
        self._first = r << 32
        self._known: dict[int, tuple[list[str], list[str]]] = {}
        self._finished: frozenset[int] | None = None
        self._seen: dict[int, tuple[str, bool]] = {}  # name, and whether it has finished

    def see(self, rows: Iterable[Sequence[Any]]) -> None:
        """Remember these nodes, for others are likely to depend on them."""
        self._seen.update((row[0] & MASK, (row[1], row[2] == "finished")) for row in rows)

    def get(self, connection: sqlite3.Connection, listed: int | str) -> tuple[list[str], list[str]]:
        """The names that a row's list means, and those of them that have not finished."""
        if isinstance(listed, str):
            nodes = [self._node(connection, n) for n in json.loads(listed)]
            return [name for name, _ in nodes], [name for name, done in nodes if not done]
        known = self._known.get(listed)
        if known is None:
            known = self._known[listed] = self._stored(connection, listed)
        return known

    def _node(self, connection: sqlite3.Connection, n: int) -> tuple[str, bool]:
        if n not in self._seen:
            name, status = connection.execute(sql.NODE, (self._first | n,)).fetchone()
            self._seen[n] = (name, status == "finished")
        return self._seen[n]

    def _stored(self, connection: sqlite3.Connection, key: int) -> tuple[list[str], list[str]]:
        names, numbers = map(json.loads, connection.execute(sql.LIST, (key,)).fetchone())
        if self._finished is None:
            rows = connection.execute(sql.FINISHED, (self._first, self._first | MASK))
            self._finished = frozenset(row[0] for row in rows)
        done = self._finished
        return names, [name for name, n in zip(names, numbers, strict=True) if n not in done]


# -- rows and documents ---------------------------------------------------------------
JSON_HEAD = frozenset(("parameters", "counts", "versions"))


def _head(row: Sequence[Any]) -> dict[str, Any]:
    names = sql.HEAD_COLUMNS.split(", ")
    return run_head(
        {
            name: json.loads(value) if name in JSON_HEAD and value is not None else value
            for name, value in zip(names, row, strict=True)
        }
    )


def last_key(connection: sqlite3.Connection, statement: str, first: int) -> int:
    """The last key of a run's rows in a table, or the one before its first."""
    key: int | None = connection.execute(statement, (first, first | MASK)).fetchone()[0]
    return first if key is None else key
