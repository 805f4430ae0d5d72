"""Every store keeps the contract of `store.contract`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from cloudmesh.flow.store import open_store
from cloudmesh.flow.store.contract import CONTRACT, Setting


@pytest.fixture(scope="module")
def sqlite_setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    path = tmp_path_factory.mktemp("sqlite") / "flow.db"
    yield from _setting(f"sqlite:///{path}")


@pytest.fixture(scope="module")
def memory_setting() -> Iterator[Setting]:
    yield from _setting("memory://contract")


def _setting(url: str) -> Iterator[Setting]:
    setting = Setting(lambda: open_store(url))
    yield setting
    setting.store.close()


@pytest.mark.parametrize("kind", ["sqlite", "memory"])
@pytest.mark.parametrize("promise", CONTRACT, ids=lambda promise: promise.__name__)
def test_promise(
    request: pytest.FixtureRequest, kind: str, promise: Callable[[Setting], None]
) -> None:
    promise(request.getfixturevalue(f"{kind}_setting"))
