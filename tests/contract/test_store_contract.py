"""Every store keeps the contract of `store.contract`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from servers import ferretdb_url, mongodb_url

from cloudmesh.flow.store import open_store
from cloudmesh.flow.store.contract import CONTRACT, Setting

__all__ = ["ferretdb_url", "mongodb_url"]  # fixtures

KINDS = ["sqlite", "memory", "ferretdb", "mongodb"]


@pytest.fixture(scope="module", params=KINDS)
def setting(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Setting]:
    """A fresh store of each kind."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'flow.db'}"
    elif request.param == "memory":
        url = "memory://contract"
    else:
        server = request.getfixturevalue(f"{request.param}_url")
        url = f"{server}/contract_{os.urandom(4).hex()}"
    setting = Setting(lambda: open_store(url))
    yield setting
    setting.store.close()


@pytest.mark.parametrize("promise", CONTRACT, ids=lambda promise: promise.__name__)
def test_promise(setting: Setting, promise: Callable[[Setting], None]) -> None:
    promise(setting)
