"""Equal content gives equal documents, whatever the store."""

from __future__ import annotations

import os
from typing import Any

import pytest
from servers import ferretdb_url, mongodb_url

from cloudmesh.flow import api
from cloudmesh.flow.language.load import load_functions
from cloudmesh.flow.model.documents import definition, run_specs
from cloudmesh.flow.store import open_store
from cloudmesh.flow.store.contract_tools import NOW, Setting, row

__all__ = ["ferretdb_url", "mongodb_url"]  # fixtures

COLLECTIONS = [
    "test-flow",
    "test-flow-active",
    "test-flow-history",
    "test-flow-journal",
    "flow-runs",
]


def fill(url: str) -> dict[str, list[dict[str, Any]]]:
    """The documents of a store after two runs of one flow."""
    setting = Setting(lambda: open_store(url))
    store, flow = setting.store, setting.flow("test")
    store.define("test", definition(flow, NOW), {"file": "x.py"})
    first = setting.begin(flow, "aaaaaaaa")
    first.append('[["x","ä",[[1]]]]')
    done = row(0, "a", "finished", attempt=1, result='[[1],{"a.b":2}]', progress=40, skipped=True)
    first.project([done], {"counts": {"finished": 1}, "status": "error"}, {1: ["a"], 2: ["a"]})
    first.add_nodes([(3, "c[0]")], [["a", "b"]], [run_specs(flow, NOW)[2]])
    first.close()
    second = setting.begin(flow, "bbbbbbbb", NOW + 1)
    second.append("[]")
    error = '{"type":"E","message":"m","traceback":null}'
    second.project([row(1, "b", "error", exit_code=137, error=error)], {}, {})
    found = {name: list(store.documents(name)) for name in COLLECTIONS}
    second.close()
    store.close()
    return found


@pytest.mark.parametrize("kind", ["memory", "ferretdb", "mongodb"])
def test_documents_are_the_same(
    kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    name = f"same_{os.urandom(4).hex()}"
    wanted = fill(f"sqlite:///{tmp_path_factory.mktemp('same') / 'flow.db'}")
    server = "memory:/" if kind == "memory" else request.getfixturevalue(f"{kind}_url")
    found = fill(f"{server}/{name}")
    for collection in COLLECTIONS:
        assert found[collection] == wanted[collection], collection
        for one, other in zip(found[collection], wanted[collection], strict=True):
            assert list(one) == list(other), "the order of fields"
    assert [len(wanted[name]) for name in COLLECTIONS] == [3, 3, 4, 4, 2]


def split() -> list[int]:
    return [1, 2]


def work(split: int) -> int:
    return split


def merge(work: list[int]) -> int:
    return sum(work)


@pytest.mark.parametrize("kind", ["memory", "ferretdb", "mongodb"])
def test_a_run_leaves_the_same_dependencies_everywhere(
    kind: str, request: pytest.FixtureRequest
) -> None:
    """Also for the elements of a map, which are made in the moment that their source finishes."""
    server = "memory:/" if kind == "memory" else request.getfixturevalue(f"{kind}_url")
    store = open_store(f"{server}/run_{os.urandom(4).hex()}")
    functions = {"split": split, "work": work, "merge": merge}
    done = api.run(load_functions("split; work*; merge", functions, flowname="test"), store)
    assert done.status == "finished"
    for document in store.nodes(done.id):
        assert (document["name"], document["dependencies"]) == (document["name"], [])
    store.close()
