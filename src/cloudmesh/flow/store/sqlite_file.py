"""The embedded store's file: who may write it when, and who reads.

One process writes at a time: each transaction, checkpoint and close happens
under an exclusive lock on ``flow.db.lock``; in this process one thread at a
time, under a mutex.  Readers have connections of their own, which cannot write.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cloudmesh.flow.errors import InputError, StoreError, StoreRefused, StoreUnavailable
from cloudmesh.flow.store import statements as sql
from cloudmesh.flow.store.files import file_error, make_folder, sync_folder
from cloudmesh.flow.store.locks import FileLock
from cloudmesh.flow.store.names import say

__all__ = ["Readers", "Writer", "store_error"]

BUSY_SECONDS = 5.0
#: Pages kept at hand while writing: with SQLite's own 2 MB a chain of 100,000 reads many again.
CACHE_KB = 32_768
#: The log of changes is brought into the file when it has grown by so much.
CHECKPOINT_BYTES = 16_000_000

_LASTING = {
    sqlite3.SQLITE_FULL: "the disk or the quota is full: make room, then resume",
    sqlite3.SQLITE_READONLY: "it is read-only for this user",
    sqlite3.SQLITE_PERM: "this user may not use it",
    sqlite3.SQLITE_AUTH: "this user may not use it",
    sqlite3.SQLITE_CORRUPT: "the file is damaged: restore a copy",
    sqlite3.SQLITE_NOTADB: "this is no SQLite database",
    sqlite3.SQLITE_TOOBIG: "a text is too large for it",
}


def store_error(error: sqlite3.Error, path: str) -> StoreError:
    """What an error of SQLite means to a run: worth waiting, or not."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _LASTING:
        return StoreRefused(f"the store {path} refuses: {_LASTING[code]} ({error})")
    if isinstance(error, sqlite3.OperationalError):
        return StoreUnavailable(f"the store {path} does not answer: {error}")
    return StoreRefused(f"the store {path} refuses: {error}")


class Writer:
    """The one connection of this process that writes."""

    def __init__(self, path: str, notice: Callable[[str], None] = say) -> None:
        self.path = path
        self.mutex = threading.Lock()
        self._closed = False
        self._limit = CHECKPOINT_BYTES
        self._view: sqlite3.Cursor | None = None  # see `_insert_quickly`
        self._long = False  # whether the log of changes waits to be emptied
        self._there = False  # whether the file itself is surely on the disk, see `_lasting`
        fresh = _make_file(path)
        try:
            self.lock = FileLock(path + ".lock", notice)
        except OSError as error:
            raise file_error(error, path + ".lock") from error
        try:
            self.connection = self._open(fresh)
            self._cursor = self.connection.cursor()
            self._place = _place(path)
        except BaseException:
            self.lock.close()
            raise

    # -- one batch ----------------------------------------------------------------
    def insert_batch(self, key: int, fence: int, events: str, durable: bool) -> None:
        """One row, one commit.  Raises `sqlite3.IntegrityError` where the key is taken.

        The fastest way through SQLite, for it stands between a node and its
        successor: a single statement is its own transaction.
        """
        with self.mutex:
            if self._closed:
                raise StoreError(f"the store {self.path} is closed")
            self.lock.acquire()
            try:
                if durable or self._long:
                    self._leave_view()
                    self._insert(key, fence, events, durable)
                else:
                    self._insert_quickly(key, fence, events)
            except sqlite3.IntegrityError:
                raise
            except sqlite3.Error as error:
                raise store_error(error, self.path) from error
            finally:
                self.lock.release()

    def _insert(self, key: int, fence: int, events: str, durable: bool) -> None:
        with self._lasting(durable):
            self.connection.execute(sql.ADD_BATCH, (key, fence, events))

    def _insert_quickly(self, key: int, fence: int, events: str) -> None:
        """Insert within a view of the file that stays open from one batch to the next.

        To open one and close it is a third of what a commit costs.  Where somebody has
        written since it was opened SQLite refuses to write from it: then it is opened anew.
        """
        if self._view is not None:
            try:
                self._cursor.execute(sql.ADD_BATCH, (key, fence, events))
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                self._leave_view()
            else:
                return
        self.connection.execute(sql.ADD_BATCH, (key, fence, events))
        self._view = self.connection.execute(sql.SOME_ROWS)

    def _leave_view(self) -> None:
        """See what others have written, and be in no checkpoint's way."""
        if self._view is not None:
            self._view.close()
            self._view = None

    # -- anything else --------------------------------------------------------------
    @contextmanager
    def exclusive(self) -> Iterator[sqlite3.Connection]:
        """The connection, with nobody else writing; no transaction is open."""
        with self.mutex:
            if self._closed:
                raise StoreError(f"the store {self.path} is closed")
            self.lock.acquire()
            self._leave_view()
            try:
                yield self.connection
            except sqlite3.IntegrityError:
                raise
            except sqlite3.Error as error:
                raise store_error(error, self.path) from error
            finally:
                self.lock.release()

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it or nothing; on the disk when left, if ``durable``."""
        with self.exclusive() as connection:
            self.check_place()
            with self._lasting(durable):
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
            self._checkpoint(connection)

    @contextmanager
    def _lasting(self, durable: bool) -> Iterator[None]:
        """What is committed within is on the disk when left, if ``durable``.

        SQLite sees to its log of changes; that the file beside it, made in a hurry by
        whichever process (see `_migrate`), is there too is seen to once.
        """
        if not durable:
            yield
            return
        self.connection.execute("PRAGMA synchronous=FULL")
        try:
            if not self._there:
                self._there = self._be_there()
            yield
        finally:
            self.connection.execute("PRAGMA synchronous=NORMAL")

    def _be_there(self) -> bool:
        """Have file and names on the disk; where a reader is in the way, the next commit tries.

        Not by opening the file and `os.fsync`: to close it would free SQLite's locks on it.
        """
        try:
            sync_folder(os.path.dirname(self.path))
        except OSError as error:
            raise file_error(error, self.path) from error
        _, known, written = self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        return bool(known == written)

    def read(self, statement: str, values: tuple[object, ...]) -> tuple[object, ...] | None:
        """One row, by the writer's own connection, without the lock between processes."""
        with self.mutex:
            if self._closed:
                raise StoreError(f"the store {self.path} is closed")
            self._leave_view()
            try:
                row: tuple[object, ...] | None = self.connection.execute(
                    statement, values
                ).fetchone()
            except sqlite3.Error as error:
                raise store_error(error, self.path) from error
            return row

    def close(self) -> None:
        """Close; the last to close brings the log of changes into the file."""
        with self.mutex:
            if self._closed:
                return
            self._closed = True
            try:
                # Who holds the lock for long has the file open: then this one is not the last.
                self.lock.acquire_soon()
                self._leave_view()
                self.connection.close()
            finally:
                self.lock.close()

    def check_place(self) -> None:
        """Raise `StoreRefused` where the file is not at its place any more.

        SQLite would write on, into a file that nobody can open again.
        """
        if _place(self.path) != self._place:
            raise StoreRefused(
                f"the store {self.path} is gone: it was moved, removed or replaced while it was "
                "in use; put it back, then resume"
            )

    def _checkpoint(self, connection: sqlite3.Connection) -> None:
        """Empty the log of changes when it is long; where a reader is in the way, later."""
        size = _size(self.path + "-wal")
        self._long = size >= CHECKPOINT_BYTES
        if size < self._limit:
            return
        connection.execute("PRAGMA busy_timeout=0")
        try:
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            connection.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000:.0f}")
        self._limit = size + CHECKPOINT_BYTES if busy else CHECKPOINT_BYTES
        self._long = bool(busy)

    # -- opening ----------------------------------------------------------------------
    def _open(self, fresh: bool) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                self.path,
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=256,
            )
        except sqlite3.Error as error:
            raise store_error(error, self.path) from error
        try:
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA fullfsync=ON")  # macOS: else a sync may stay in the disk
            connection.execute("PRAGMA wal_autocheckpoint=0")
            connection.execute(f"PRAGMA cache_size=-{CACHE_KB}")
            if fresh or self._version(connection) < sql.VERSION:
                self._migrate(connection, fresh)
        except sqlite3.Error as error:
            connection.close()
            raise store_error(error, self.path) from error
        except BaseException:
            connection.close()
            raise
        return connection

    def _version(self, connection: sqlite3.Connection) -> int:
        """The version of the file's schema; 0 where it is empty."""
        # One question, for another process may be making the file just now.
        version, mark, parts = connection.execute(sql.WHOSE).fetchone()
        if mark != sql.APPLICATION_ID:
            if version or parts:
                raise InputError(
                    f"{self.path} is a database of another program; name another file for the store"
                )
            return 0
        if version > sql.VERSION:
            raise InputError(
                f"{self.path} was written by a newer cloudmesh-flow (version {version} of the file,"
                f" this one knows {sql.VERSION}): update cloudmesh-flow, or use another store"
            )
        return int(version)

    def _migrate(self, connection: sqlite3.Connection, fresh: bool) -> None:
        """Bring the file to the newest version: all steps, or none."""
        self.lock.acquire()
        try:
            if fresh:  # it has nothing to lose: five waits for the disk less, see `_lasting`
                connection.execute("PRAGMA synchronous=OFF")
            # Each commit writes whole pages: half the usual size costs a fifth less.
            connection.execute("PRAGMA page_size=2048")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("BEGIN IMMEDIATE")
            try:
                version = self._version(connection)  # another process may have been faster
                if version:
                    _bring_forward(connection, version)
                else:
                    for statement in _statements(sql.SCHEMA):
                        connection.execute(statement)
                    identity = os.urandom(8).hex()
                    connection.execute("INSERT INTO meta VALUES ('id', ?)", (identity,))
                    connection.execute(f"PRAGMA application_id={sql.APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version={sql.VERSION}")
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        finally:
            connection.execute("PRAGMA synchronous=NORMAL")
            self.lock.release()


def _bring_forward(connection: sqlite3.Connection, version: int) -> None:
    """Take an older file's tables to the newest version, and make its views anew."""
    flows = connection.execute(sql.ALL_FLOWS).fetchall()
    views = list(_statements(sql.VIEWS))
    views += [one for f, workflow in flows for one in sql.flow_views(workflow, f)]
    names = {one.split()[2].strip('"') for one in views}
    for (name,) in connection.execute(sql.ALL_VIEWS).fetchall():
        if name in names:  # a user's own stay
            connection.execute(f'DROP VIEW "{name}"')
    for number in range(version, sql.VERSION):
        for statement in _statements(sql.MIGRATIONS[number]):
            connection.execute(statement)
    for statement in views:
        connection.execute(statement)


def _make_file(path: str) -> bool:
    """Make the file, for this user alone; whether it was made now."""
    try:
        make_folder(os.path.dirname(path))
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            if os.path.isdir(path):
                raise InputError(
                    f"{path} is a folder; the store needs the name of a file"
                ) from None
            return False
    except OSError as error:
        raise file_error(error, f"the store {path} cannot be opened") from error
    return True


def _place(path: str) -> tuple[int, int] | None:
    """Which file stands at a path; None where there is none."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise file_error(error, path) from error
    return status.st_dev, status.st_ino


def _size(path: str) -> int:
    """The size of a file; 0 where there is none."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one, for ``executescript`` would commit."""
    part = ""
    for piece in script.split(";"):
        part += piece + ";"
        if sqlite3.complete_statement(part):
            if part.strip() != ";":
                yield part
            part = ""


class Readers:
    """Connections that only read, handed to one thread at a time."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._mutex = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        self.only_read = False  # whether SQLite can make no files of its own beside it

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection inside one read transaction: a picture of one moment.  Be quick."""
        with self.connection() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A connection, this thread's own for as long."""
        try:
            connection = self._take()
            try:
                yield connection
            finally:
                self._give(connection)
        except sqlite3.Error as error:
            raise store_error(error, self.path) from error

    def close(self) -> None:
        """Close what is idle now, and the others when they are given back."""
        with self._mutex:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> sqlite3.Connection:
        with self._mutex:
            if self._closed:
                raise StoreError(f"the store {self.path} is closed")
            if self._idle:
                return self._idle.pop()
        quoted = self.path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
        # Where there is no log of changes nobody writes, and SQLite need not make one to read.
        still = self.only_read and not _size(self.path + "-wal")
        return sqlite3.connect(
            f"file:{quoted}?mode=ro{'&immutable=1' if still else ''}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )

    def _give(self, connection: sqlite3.Connection) -> None:
        with self._mutex:
            # Who can only read asks anew each time whether somebody writes by now.
            if not self._closed and not self.only_read and len(self._idle) < 8:
                self._idle.append(connection)
                return
        connection.close()
