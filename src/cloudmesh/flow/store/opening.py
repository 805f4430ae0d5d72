"""A store by its URL."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

from cloudmesh.flow.errors import InputError

if TYPE_CHECKING:
    from cloudmesh.flow.store.protocol import Store

__all__ = ["DEFAULT_PATH", "ENVIRONMENT", "open_store", "opened", "redacted", "sqlite_path"]

ENVIRONMENT = "CLOUDMESH_FLOW_STORE"
DEFAULT_PATH = "~/.cloudmesh/flow/flow.db"

_FORMS = "sqlite:///PATH (four slashes where PATH is absolute) and mongodb://HOST/DATABASE"


def open_store(url: str | None = None) -> Store:
    """The store at ``url``; else at ``CLOUDMESH_FLOW_STORE``; else ``~/.cloudmesh/flow/flow.db``.

    Raises `InputError` for a URL of no known form, `StoreError` where the store cannot be opened.
    """
    url = url or os.environ.get(ENVIRONMENT) or f"sqlite:///{DEFAULT_PATH}"
    scheme, separator, _ = url.partition("://")
    if not separator:
        raise InputError(f"{redacted(url)!r} is no URL of a store: {_FORMS} are")
    if scheme == "sqlite":
        from cloudmesh.flow.store.sqlite import SqliteStore

        return SqliteStore(sqlite_path(url))
    if scheme in ("mongodb", "mongodb+srv"):
        from cloudmesh.flow.store.mongodb import MongoStore

        return MongoStore(url)
    if scheme == "memory":
        from cloudmesh.flow.store.memory import memory_store

        return memory_store(url)
    raise InputError(f"{redacted(url)!r} is no URL of a store: {_FORMS} are")


def opened(store: object) -> Store:
    """The store that a caller names by its URL, has opened already, or leaves open (None).

    Raises `InputError` for anything else, and as `open_store`.
    """
    if store is None or isinstance(store, str):
        return open_store(store)
    if not hasattr(store, "documents"):
        raise InputError(f"{store!r} is no store: a URL or an open store is")
    return cast("Store", store)


def sqlite_path(url: str) -> str:
    """The absolute path that ``sqlite:///PATH`` names."""
    rest = url[len("sqlite://") :]
    if not rest.startswith("/") or rest == "/" or rest.endswith("/"):
        raise InputError(
            f"{url!r} names no file: sqlite:///PATH, with four slashes where PATH is absolute"
        )
    return os.path.abspath(os.path.expanduser(rest[1:]))


def redacted(url: str) -> str:
    """A URL without user, password and options, which may hold secrets too."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return "…" if "@" in url or "?" in url else url
    if "?" in rest[: rest.rfind("@") + 1]:  # where the secret ends cannot be told
        return f"{scheme}://…"
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"
