"""``cms flow store check``: the contract of stores, kept by the user's own store or not.

All of it happens in a scratch file beside the store's own, or in a scratch
database on the same server; both are removed at the end, and the store itself
is not touched.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from cloudmesh.flow.errors import FlowError
from cloudmesh.flow.store.contract import CONTRACT, Setting
from cloudmesh.flow.store.opening import DEFAULT_PATH, ENVIRONMENT, open_store, sqlite_path

__all__ = ["Check", "check_store"]

#: From this version on, SQLite itself keeps a checkpoint and a writer apart.
SAFE_SQLITE = (3, 51, 3)


class Check(NamedTuple):
    """One line of the table."""

    what: str
    ok: bool
    detail: str


def check_store(
    url: str | None = None, told: Callable[[Check], None] = lambda check: None
) -> list[Check]:
    """Try the contract on the store at ``url``; ``told`` is given each line as it is known.

    Raises `InputError` for a URL of no known form, `StoreError` where the store
    cannot be reached at all.
    """
    url = url or os.environ.get(ENVIRONMENT) or f"sqlite:///{DEFAULT_PATH}"
    checks: list[Check] = []

    def note(check: Check) -> None:
        checks.append(check)
        told(check)

    with _scratch(url) as scratch:
        setting = Setting(lambda: open_store(scratch))
        try:
            note(Check("server", True, _server(setting)))
            for promise in CONTRACT:
                note(_try(promise, setting))
            note(_speed(setting))
        finally:
            setting.store.close()
    return checks


def _try(promise: Callable[[Setting], None], setting: Setting) -> Check:
    what = (promise.__doc__ or promise.__name__).strip().splitlines()[0]
    start = time.monotonic()
    try:
        promise(setting)
    except (AssertionError, FlowError) as error:
        return Check(what, False, str(error).splitlines()[0])
    except Exception as error:
        return Check(what, False, f"{type(error).__name__}: {error}")
    return Check(what, True, f"{time.monotonic() - start:.2f} s")


def _server(setting: Setting) -> str:
    server = getattr(setting.store, "server", None)
    if server is not None:
        return str(server)
    if not setting.store.url.startswith("sqlite"):
        return setting.store.url
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info >= SAFE_SQLITE:
        return f"SQLite {version}"
    return f"SQLite {version}; only one process at a time writes or checkpoints, as it needs"


def _speed(setting: Setting) -> Check:
    """How long a commit takes here."""
    journal = setting.begin()
    times = []
    for durable in (False, True):
        start = time.perf_counter()
        for _ in range(20):
            journal.append('[["progress","a",1.5,50]]', durable=durable)
        times.append((time.perf_counter() - start) / 20 * 1000)
    journal.close()
    return Check("commit", True, f"{times[0]:.3f} ms; {times[1]:.3f} ms where it is on the disk")


@contextmanager
def _scratch(url: str) -> Iterator[str]:
    """The URL of a store that is there only for the check."""
    name = f"cloudmesh_flow_check_{os.urandom(4).hex()}"
    if url.startswith("sqlite:"):
        path = os.path.join(os.path.dirname(sqlite_path(url)), f"{name}.db")
        try:
            yield f"sqlite:///{path}"
        finally:
            for ending in ("", "-wal", "-shm", ".lock"):
                with suppress(OSError):
                    os.unlink(path + ending)
            shutil.rmtree(path + ".files", ignore_errors=True)
    elif url.startswith("mongodb"):
        scratch = _beside(url, name)
        try:
            yield scratch
        finally:
            _drop(scratch, name)
    else:
        open_store(url)  # says what is wrong with it
        yield f"memory://{name}"


def _beside(url: str, name: str) -> str:
    """The URL of another database on the same server, for the same user."""
    scheme, _, rest = url.partition("://")
    place, _, options = rest.partition("?")
    if "@" in options:  # a question mark in the password
        user, _, tail = rest.rpartition("@")
        hosts, _, options = tail.partition("?")
        place = f"{user}@{hosts}"
    hosts, _, database = place.rpartition("/") if "/" in place else (place, "", "")
    if "@" in place and database and "authsource" not in options.lower():
        options += ("&" if options else "") + f"authSource={database}"
    return f"{scheme}://{hosts}/{name}" + (f"?{options}" if options else "")


def _drop(url: str, name: str) -> None:
    from cloudmesh.flow.store.mongodb import MongoStore

    with suppress(FlowError):
        store = MongoStore(url)
        store.drop(name)
        store.close()
