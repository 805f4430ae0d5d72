"""Stores: `open_store` finds the one that a URL names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cloudmesh.flow.store.protocol import Store

__all__ = ["open_store"]


def open_store(url: str | None = None) -> Store:
    """The store at ``url``; else at ``CLOUDMESH_FLOW_STORE``; else ``~/.cloudmesh/flow/flow.db``.

    Raises `InputError` for a URL of no known form, `StoreError` where the store cannot be opened.
    """
    from cloudmesh.flow.store.opening import open_store as opening

    return opening(url)
