"""A scratch database on the user's own server or disk, gone afterwards."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

if TYPE_CHECKING:
    from cloudmesh.flow.store.protocol import Store

__all__ = ["beside", "scratch"]


@contextmanager
def scratch(url: str | None) -> Iterator[tuple[str, Callable[[], Store]]]:
    """A store of the same kind at the same place: what it is, and how to open it."""
    from cloudmesh.flow.store import open_store
    from cloudmesh.flow.store.opening import DEFAULT_PATH, ENVIRONMENT, sqlite_path

    url = url or os.environ.get(ENVIRONMENT) or f"sqlite:///{DEFAULT_PATH}"
    if url.startswith(("mongodb://", "mongodb+srv://")):
        open_store(url).close()  # says so where it cannot be reached
        other = beside(url, f"cmflow_check_{os.urandom(4).hex()}")
        try:
            yield _server(other), lambda: open_store(other)
        finally:
            _drop(other)
        return
    from sqlite3 import sqlite_version
    from tempfile import TemporaryDirectory

    folder = os.path.dirname(sqlite_path(url))
    os.makedirs(folder, exist_ok=True)
    with TemporaryDirectory(prefix="check-", dir=folder) as scratch_folder:
        path = os.path.join(scratch_folder, "flow.db")
        yield f"SQLite {sqlite_version} in {folder}", lambda: open_store(f"sqlite:///{path}")


def beside(url: str, database: str) -> str:
    """The URL of another database on the same server, with the same user."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    if "@" in parts.netloc and "authSource" not in options:
        options["authSource"] = parts.path.strip("/") or "admin"
    return urlunsplit(parts._replace(path=f"/{quote(database)}", query=urlencode(options)))


def _server(url: str) -> str:
    from cloudmesh.flow.store.mongodb import MongoStore

    store = MongoStore(url)
    try:
        return f"{store.server} at {store.url}"
    finally:
        store.close()


def _drop(url: str) -> None:
    from cloudmesh.flow.store.mongodb import MongoStore

    store = MongoStore(url)
    try:
        store.database.client.drop_database(store.database.name)
    finally:
        store.close()
