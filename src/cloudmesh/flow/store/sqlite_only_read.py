"""A store's file that can only be read here: on a read-only disk, or of another user."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from cloudmesh.flow.errors import InputError, StoreRefused
from cloudmesh.flow.store import statements as sql
from cloudmesh.flow.store.names import say
from cloudmesh.flow.store.sqlite_file import Readers, Writer

__all__ = ["OnlyRead", "open_writer"]

_ONLY_READ = frozenset((errno.EACCES, errno.EPERM, errno.EROFS))


def open_writer(path: str, readers: Readers, notice: Callable[[str], None] = say) -> Writer:
    """The writer of a store's file; where it can only be read, one that refuses to write.

    Raises `StoreError` where it cannot be read either, `InputError` as `Writer` does.
    """
    try:
        return Writer(path, notice)
    except StoreRefused as error:
        why = error.__cause__
        if not isinstance(why, OSError) or why.errno not in _ONLY_READ:
            raise
        if not os.path.isfile(path) or not os.access(path, os.R_OK):
            raise
        return OnlyRead(path, readers, str(why.strerror))


class OnlyRead(Writer):
    """In the place of a writer: whatever would write raises `StoreRefused`."""

    def __init__(self, path: str, readers: Readers, reason: str) -> None:
        self.path = path
        self._readers = readers
        self._why = f"the store {path} can only be read: {reason}"
        readers.only_read = True
        with readers.connection() as connection:
            version = self._version(connection)
        if not version:
            raise StoreRefused(f"the store {path} is empty, and can only be read: {reason}")
        if version < sql.READABLE:
            raise InputError(
                f"{path} was written by an older cloudmesh-flow and can only be read here: "
                "copy it to where it can be written, and name the copy"
            )

    def insert_batch(self, key: int, fence: int, events: str, durable: bool) -> None:
        self._refuse()

    @contextmanager
    def exclusive(self) -> Iterator[sqlite3.Connection]:
        self._refuse()
        yield  # what makes it a generator

    def read(self, statement: str, values: tuple[object, ...]) -> tuple[object, ...] | None:
        with self._readers.connection() as connection:
            row: tuple[object, ...] | None = connection.execute(statement, values).fetchone()
            return row

    def close(self) -> None:
        """There is nothing to close: readers close themselves."""

    def _refuse(self) -> NoReturn:
        raise StoreRefused(self._why)
