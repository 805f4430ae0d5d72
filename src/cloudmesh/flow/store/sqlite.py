"""The embedded store: one SQLite file, and folders beside it.

The journal's row is committed in line (`SqliteJournal.append`); the documents'
rows follow in batches by the same connection.  Which runs are in ``-active``
and which in ``-history`` is decided by the views: nothing is moved.

An owner holds the lock on a file of its own in ``runs/``, named in the run's
row together with its *fence*: the number of the batch by which it took the run.
Whatever it writes is refused once the row has another fence.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import repeat
from typing import Any

from cloudmesh.flow.errors import (
    Fenced,
    InputError,
    OwnedError,
)
from cloudmesh.flow.model.documents import Definition, utc_text
from cloudmesh.flow.store import statements as sql
from cloudmesh.flow.store.files import file_error, make_folder
from cloudmesh.flow.store.locks import FileLock, is_locked
from cloudmesh.flow.store.names import (
    check_flow_name,
    clash,
    dumps,
    log_head,
    references,
    say,
    storable,
    storable_rows,
    text_of_this_process,
)
from cloudmesh.flow.store.protocol import NOTHING_KNOWN, NodeRow, Owner, RunHead
from cloudmesh.flow.store.sqlite_only_read import open_writer
from cloudmesh.flow.store.sqlite_reading import JSON_HEAD, MASK, SqliteReading, last_key

__all__ = ["SqliteJournal", "SqliteStore"]


#: Key, name, list and spec of a node's row.
_Key = tuple[int, str, int | str, int]


class SqliteJournal:
    """The journal of one run, and its documents, in the hands of its owner."""

    computes_dependencies = True

    def __init__(self, store: SqliteStore, run: str, r: int, seq: int, lock: FileLock) -> None:
        self.run = run
        self.seq = seq
        self.fence = seq
        self._store = store
        self._writer = store.writer
        self._r = r
        self._first = r << 32
        self._lock = lock
        self._headed: dict[str, int] = {}  # node -> attempt whose head stands in its log
        self._numbers: dict[str, int] = {}  # name -> number, as far as needed

    def append(self, events: str, *, durable: bool = False) -> int:
        seq = self.seq + 1
        if 'ref":' in events:
            self._use_blobs(events)
        try:
            self._writer.insert_batch(self._first | seq, self.fence, events, durable)
        except sqlite3.IntegrityError:
            known = self._writer.read(sql.BATCH, (self._first | seq,))
            if known != (self.fence, events):
                raise self._fenced() from None
        except UnicodeEncodeError:
            return self.append(storable(events), durable=durable)
        self.seq = seq
        return seq

    def project(
        self,
        rows: Sequence[NodeRow],
        changes: Mapping[str, Any],
        finished: Mapping[int, Sequence[str]],
    ) -> None:
        first, rev = self._first, repeat(self.seq)
        names, columns = _said(rows)
        keys = [first | row[0] for row in rows]
        try:
            with self._writer.transaction() as connection:
                self._check(connection)
                changed = zip(*columns, rev, keys, rev, strict=False)
                connection.executemany(sql.set_node(names), changed)
                for column, value in changes.items():
                    connection.execute(_set_head(column), (_head_value(column, value), self._r))
        except UnicodeEncodeError:
            self.project(storable_rows(rows), changes, finished)

    def add_nodes(
        self,
        nodes: Sequence[tuple[int, str]],
        upstream: Sequence[Sequence[str]],
        specs: Sequence[str],
        known: Mapping[int, NodeRow] = NOTHING_KNOWN,
    ) -> None:
        self._numbers.update((name, n) for n, name in nodes)
        first = self._first
        with self._writer.transaction() as connection:
            self._check(connection)
            lists = self._lists(connection, upstream)
            texts = self._specs(connection, specs)
            pending: list[_Key] = []
            keys: list[_Key] = []
            rows: list[NodeRow] = []
            for (n, name), listed, spec in zip(nodes, lists, specs, strict=True):
                key = (first | n, name, listed, texts[spec])
                row = known.get(n)
                if row is None:
                    pending.append(key)
                else:
                    keys.append(key)
                    rows.append(row)
            if rows:
                self._add_known(connection, keys, rows)
            connection.executemany(sql.ADD_NODE, pending)

    def _add_known(
        self,
        connection: sqlite3.Connection,
        keys: Sequence[_Key],
        rows: Sequence[NodeRow],
    ) -> None:
        names, columns = _said(rows)
        added = zip(*zip(*keys, strict=True), repeat(self.seq), *columns, strict=False)
        try:
            connection.executemany(sql.add_known_node(names), added)
        except UnicodeEncodeError:
            self._add_known(connection, keys, storable_rows(rows))

    def write_log(self, node: str, attempt: int, stream: str, text: str, reason: str = "") -> None:
        if attempt > 1 and self._headed.get(node) != attempt:
            text = log_head(attempt, reason) + text
            self._headed[node] = attempt
        data = text.encode("utf-8", "backslashreplace")
        with self._writer.exclusive() as connection:
            self._check(connection)
            self._store.logs.append(self.run, node, data)

    def beat(self) -> None:
        if self._writer.read(sql.FENCE, (self._r,)) != (self.fence,):
            raise self._fenced()
        self._writer.check_place()
        try:
            self._lock.touch()
        except FileNotFoundError:
            pass
        except OSError as error:
            raise file_error(error, self._lock.path) from error

    def requests(self) -> list[dict[str, Any]]:
        with self._store.readers.read() as connection:
            rows = connection.execute(sql.REQUESTS, (self._r,)).fetchall()
        return [{"id": str(row[0]), "kind": row[1], "by": row[2], "at": row[3]} for row in rows]

    def take_request(self, identity: str) -> None:
        with self._writer.transaction() as connection:
            self._check(connection)
            connection.execute(sql.TAKE_REQUEST, (int(identity), self._r))

    def close(self) -> None:
        with suppress(OSError):  # it is free when it is closed
            os.unlink(self._lock.path)
        self._lock.close()

    # -- inside a transaction -----------------------------------------------------
    def _check(self, connection: sqlite3.Connection) -> None:
        if connection.execute(sql.FENCE, (self._r,)).fetchone() != (self.fence,):
            raise self._fenced()

    def _fenced(self) -> Fenced:
        return Fenced(f"another engine has taken run {self.run} over; this one stops")

    def _lists(
        self, connection: sqlite3.Connection, upstream: Sequence[Sequence[str]]
    ) -> list[int | str]:
        """For each node what its row has of the nodes that it depends on: see `statements`.

        Where many are named, a list is stored, each object once.
        """
        listed: dict[int, int | str] = {}  # by identity
        rows: list[tuple[int, str, str]] = []
        for names in upstream:
            if id(names) in listed:
                continue
            numbers = ",".join(map(str, self._numbers_of(connection, names)))
            if len(names) <= sql.FEW_NAMES:
                listed[id(names)] = f"[{numbers}]"
                continue
            key = rows[-1][0] if rows else last_key(connection, sql.LAST_LIST, self._first)
            rows.append((key + 1, _name_list(names), f"[{numbers}]"))
            listed[id(names)] = key + 1
        connection.executemany(sql.ADD_LIST, rows)
        return [listed[id(names)] for names in upstream]

    def _specs(self, connection: sqlite3.Connection, specs: Sequence[str]) -> dict[str, int]:
        key = last_key(connection, sql.LAST_SPEC, self._first)
        keys = {text: key + k for k, text in enumerate(dict.fromkeys(specs), 1)}
        connection.executemany(sql.ADD_SPEC, [(k, text) for text, k in keys.items()])
        return keys

    def _numbers_of(self, connection: sqlite3.Connection, names: Sequence[str]) -> list[int]:
        numbers = self._numbers
        try:
            return [numbers[name] for name in names]
        except KeyError:  # nodes that a former engine, or an earlier call, has made
            rows = connection.execute(sql.NAMES, (self._first, self._first | MASK))
            numbers.update(dict(rows.fetchall()))
        return [numbers[name] for name in names]

    def _use_blobs(self, events: str) -> None:
        """Note that this run needs the large values that a batch names."""
        uses = [(reference, self._r) for reference in references(events)]
        if uses:
            with self._writer.transaction() as connection:
                connection.executemany(sql.ADD_BLOB_USE, uses)


class SqliteStore(SqliteReading):
    """A store in one SQLite file.  ``notice`` is told what the user should know."""

    def __init__(self, path: str, url: str = "", notice: Callable[[str], None] = say) -> None:
        super().__init__(os.path.abspath(path))
        self.url = url or f"sqlite:///{self.path}"
        self.notice = notice
        self.writer = open_writer(self.path, self.readers, lambda text: self.notice(text))
        row = self.writer.read("SELECT value FROM meta WHERE key = 'id'", ())
        self.id = str(row[0]) if row else ""

    # -- definitions ------------------------------------------------------------------
    def define(self, workflow: str, definition: Definition, extra: Mapping[str, Any]) -> None:
        check_flow_name(workflow)
        with self.writer.transaction() as connection:
            f = self._flow(connection, workflow)
            _drop_definition(connection, f)
            lists: dict[int, tuple[int, int, str]] = {}
            specs: dict[str, int] = {}
            rows = []
            for name, names, spec in zip(*definition, strict=True):
                number = specs.setdefault(spec, len(specs))
                if len(names) <= sql.FEW_NAMES:
                    rows.append(f'["{name}",{_name_list(names)},{number}]')
                    continue
                if id(names) not in lists:
                    lists[id(names)] = (f, len(lists), _name_list(names))
                rows.append(f'["{name}",{lists[id(names)][1]},{number}]')
            connection.executemany(sql.ADD_DEFINITION_LIST, lists.values())
            texts = [(f, k, spec) for spec, k in specs.items()]
            connection.executemany(sql.ADD_DEFINITION_SPEC, texts)
            connection.execute(sql.SET_FLOW, (f"[{','.join(rows)}]", dumps(extra), f))

    def definition_extra(self, workflow: str) -> dict[str, Any] | None:
        # Every run asks this first: by a connection that is open already, and knows the file.
        row = self.writer.read(sql.FLOW, (workflow,))
        if row is None or row[1] != workflow or row[2] is None:
            return None
        extra: dict[str, Any] = json.loads(str(row[2]))
        return extra

    def delete(self, workflow: str) -> bool:
        with self.writer.transaction() as connection:
            row = connection.execute(sql.FLOW, (workflow,)).fetchone()
            if row is None or row[1] != workflow or row[2] is None:
                return False
            _drop_definition(connection, row[0])
            connection.execute(sql.SET_FLOW, ("[]", None, row[0]))
        return True

    def _flow(self, connection: sqlite3.Connection, workflow: str) -> int:
        """The number of a flow, with its views; made where it is new."""
        row = connection.execute(sql.FLOW, (workflow,)).fetchone()
        if row is not None:
            if row[1] != workflow:
                raise clash(workflow, row[1])
            return int(row[0])
        f = connection.execute(sql.ADD_FLOW, (workflow,)).lastrowid or 0
        for statement in sql.flow_views(workflow, f):
            connection.execute(statement)
        return f

    # -- owning runs --------------------------------------------------------------------
    def create(self, head: RunHead, events: str) -> SqliteJournal:
        check_flow_name(head.workflow)
        engine = text_of_this_process()
        lock = self._own(head.run)
        row = (
            head.run,
            head.workflow,
            head.flow,
            dumps(head.parameters),
            head.started,
            None if head.counts is None else dumps(head.counts),
            engine,
            dumps(head.versions),
            os.path.basename(lock.path),
        )
        try:
            with self.writer.transaction() as connection:
                self._flow(connection, head.workflow)
                r = connection.execute(sql.ADD_RUN, row).lastrowid or 0
                connection.execute(sql.ADD_BATCH, (r << 32 | 1, 1, events))
        except BaseException as error:
            _disown(lock)
            if isinstance(error, sqlite3.IntegrityError):
                raise InputError(f"the store has a run {head.run!r} already") from None
            raise
        return SqliteJournal(self, head.run, r, 1, lock)

    def take(self, run: str, seq: int, events: str) -> SqliteJournal:
        held = self.key(run)[2]
        if held and is_locked(self._lock_path(held)):
            raise OwnedError(f"run {run} is owned by {self.key(run)[3]}, which still lives")
        return self.take_by_force(run, seq, events)

    def take_by_force(self, run: str, seq: int, events: str) -> SqliteJournal:
        r, _, held, _, _ = self.key(run)
        lock = self._own(run)
        values = (seq + 1, text_of_this_process(), os.path.basename(lock.path), r)
        try:
            with self.writer.transaction() as connection:
                if last_key(connection, sql.LAST_BATCH, r << 32) != r << 32 | seq:
                    raise Fenced(f"another engine was faster: it goes on with run {run}")
                connection.execute(sql.ADD_BATCH, (r << 32 | seq + 1, seq + 1, events))
                connection.execute(sql.TAKE_RUN, values)
        except BaseException:
            _disown(lock)
            raise
        if held:
            with suppress(OSError):
                os.unlink(self._lock_path(held))
        return SqliteJournal(self, run, r, seq + 1, lock)

    def owner(self, run: str) -> Owner:
        _, _, held, engine, _ = self.key(run)
        path = self._lock_path(held)
        try:
            beat = os.stat(path).st_mtime_ns
            return Owner(is_locked(path), engine, beat)
        except FileNotFoundError:
            return Owner(False, engine)
        except OSError as error:
            raise file_error(error, path) from error

    def _own(self, run: str) -> FileLock:
        """A new lock file for a run, held."""
        path = self._lock_path(f"{run}.{os.urandom(4).hex()}.lock")
        try:
            make_folder(os.path.dirname(path))
            lock = FileLock(path)
            lock.acquire()
        except OSError as error:
            raise file_error(error, path) from error
        return lock

    def _lock_path(self, name: str) -> str:
        return os.path.join(self.folder, "runs", name)

    # -- requests, values, logs ---------------------------------------------------------
    def request(self, run: str, kind: str, by: str) -> str:
        r = self.key(run)[0]
        with self.writer.transaction() as connection:
            cursor = connection.execute(sql.ADD_REQUEST, (r, kind, by, utc_text(time.time())))
            return str(cursor.lastrowid)

    def put_blob(self, data: bytes) -> str:
        return self.blobs.put(data)

    def prune(self, run: str) -> None:
        r, _, held, _, _ = self.key(run)
        if held and is_locked(self._lock_path(held)):
            raise OwnedError(f"run {run} has a living engine; cancel it first")
        values = {"r": r, "first": r << 32, "last": r << 32 | MASK}
        with self.writer.transaction() as connection:
            blobs = [row[0] for row in connection.execute(sql.ONLY_BLOBS, (r,))]
            for statement in sql.PRUNE:
                connection.execute(statement, values)
        for reference in blobs:
            self.blobs.remove(reference, time.time())
        self.logs.remove(run)
        with suppress(OSError):
            os.unlink(self._lock_path(held))

    def close(self) -> None:
        self.readers.close()
        self.writer.close()


# -- rows ----------------------------------------------------------------------------
def _said(rows: Sequence[NodeRow]) -> tuple[tuple[str, ...], list[Sequence[Any]]]:
    """The columns in which any of these rows has something, and what they have there.

    To hand a None to SQLite costs Python more than any other value.
    """
    names: list[str] = []
    columns: list[Sequence[Any]] = []
    for name, column in zip(sql.NODE_COLUMNS, list(zip(*rows, strict=True))[2:], strict=False):
        if column[0] is not None or column.count(None) < len(column):
            names.append(name)
            columns.append(column)
    return tuple(names), columns


_SETTABLE = frozenset(("status", "started", "ended", "counts", "parameters", "versions"))


def _set_head(column: str) -> str:
    if column not in _SETTABLE:
        raise ValueError(f"{column!r} is no field of a run that an engine changes")
    return f"UPDATE run SET {column} = ? WHERE r = ?"


def _head_value(column: str, value: Any) -> Any:
    return dumps(value) if column in JSON_HEAD and value is not None else value


def _drop_definition(connection: sqlite3.Connection, f: int) -> None:
    connection.execute(sql.DROP_DEFINITION_LISTS, (f,))
    connection.execute(sql.DROP_DEFINITION_SPECS, (f,))


def _name_list(names: Sequence[str]) -> str:
    """Names as JSON; they need no escape."""
    return '["' + '","'.join(names) + '"]' if names else "[]"


def _disown(lock: FileLock) -> None:
    with suppress(OSError):
        os.unlink(lock.path)
    lock.close()
