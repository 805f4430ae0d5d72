"""The store on a real server: what it leaves there, and when the server or an engine fails."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import AutoReconnect
from servers import ferretdb, ferretdb_url, mongodb_url
from sshd import free_port
from store_faults import Faulty

from cloudmesh.flow.errors import Fenced, InputError, StoreUnavailable
from cloudmesh.flow.model.documents import definition, run_specs, run_upstream
from cloudmesh.flow.model.flow import Flow, Node
from cloudmesh.flow.store import mongo_nodes, open_store
from cloudmesh.flow.store.check import check_store
from cloudmesh.flow.store.contract_tools import NOW, Setting, field, pending, row
from cloudmesh.flow.store.mongo_journal import MongoJournal
from cloudmesh.flow.store.mongodb import MongoStore

__all__ = ["ferretdb_url", "mongodb_url"]  # fixtures

pytestmark = pytest.mark.real


@pytest.fixture(params=["ferretdb", "mongodb"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A new database on a server of each kind."""
    url = f"{request.getfixturevalue(f'{request.param}_url')}/real_{os.urandom(4).hex()}"
    yield url
    client: MongoClient[dict[str, Any]] = MongoClient(url)
    client.drop_database(client.get_default_database().name)
    client.close()


@pytest.fixture
def setting(url: str) -> Iterator[Setting]:
    setting = Setting(lambda: open_store(url))
    yield setting
    setting.store.close()


@pytest.fixture
def raw(url: str) -> Iterator[Any]:
    """The database, as users see it with their own tools."""
    client: MongoClient[dict[str, Any]] = MongoClient(url)
    yield client.get_default_database()
    client.close()


def mongo(setting: Setting) -> MongoStore:
    assert isinstance(setting.store, MongoStore)
    return setting.store


def break_it(setting: Setting, monkeypatch: pytest.MonkeyPatch, name: str, **plan: str) -> None:
    """Let one collection fail once in each of the given methods."""
    store = mongo(setting)
    real = store.collection
    planned = {method: [word] for method, word in plan.items()}

    def collection(asked: str) -> Any:
        found = real(asked)
        return Faulty(found, planned, lambda: AutoReconnect("planned")) if asked == name else found

    monkeypatch.setattr(store, "collection", collection)


# -- what is there --------------------------------------------------------------------------
def test_users_find_the_collections_of_the_seed(setting: Setting, raw: Any) -> None:
    flow = setting.flow("test")
    setting.store.define("test", definition(flow, NOW), {})
    journal = setting.begin(flow)
    journal.append('[["x"]]')
    done = row(0, "a", "finished", attempt=1, exit_code=0, result='{"value":10}')
    journal.project([done], {"counts": {"finished": 1}}, {1: ["a"], 2: ["a"]})
    defined = raw["test-flow"].find_one({"name": "b"})
    assert set(defined) == {
        *("_id", "name", "dependencies", "workflow", "cm", "kind", "cloud", "status", "task")
    }
    assert defined["dependencies"] == ["a"]
    assert defined["status"] == "defined"
    active = raw["test-flow-active"]
    assert active.find_one({"result.value": 10})["_id"] == f"{journal.run}/a"
    assert active.find_one({"name": "b"})["dependencies"] == []
    assert active.find_one({"name": "b"})["upstream"] == ["a"]
    assert raw["flow-runs"].find_one({"_id": journal.run})["status"] == "running"
    assert raw["test-flow-journal"].find_one({"seq": 2})["events"] == '[["x"]]'
    assert raw["test-flow-journal"].find_one({"seq": 2})["_id"] == f"{journal.run}/000000000002"
    journal.close()


def test_a_definition_is_there_once_after_it_was_replaced(setting: Setting, raw: Any) -> None:
    for k in range(3):
        flow = Flow("test", tuple(Node(f"n{k}{n}") for n in range(k + 1)), ((),) * (k + 1))
        setting.store.define("test", definition(flow, NOW), {"k": k})
    assert sorted(field(raw["test-flow"].find(), "name")) == ["n20", "n21", "n22"]


def test_a_definition_that_was_cut_does_not_show(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = definition(setting.flow("test"), NOW)
    second = definition(setting.flow("test"), NOW + 1)
    setting.store.define("test", first, {})
    for plan in ({"insert_many": "half"}, {"insert_many": "after"}):
        with monkeypatch.context() as patch:
            break_it(setting, patch, "test-flow", **plan)
            with pytest.raises(StoreUnavailable):
                setting.store.define("test", second, {})
        assert setting.store.definition("test") == (first.documents(), {})


def test_very_many_names_are_stored_once(
    setting: Setting, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongo_nodes, "NAMES_MAX", 100)
    nodes = tuple(Node(f"n{k}") for k in range(40))
    flow = Flow("wide", nodes, ((),) * 20 + ((40,),) * 20, (tuple(range(20)),), ("x",))
    defined = definition(flow, NOW)
    for _ in range(2):
        setting.store.define("wide", defined, {})
    assert len(raw["wide-flow"].find_one({"name": "n39"})["dependencies"]) == 1
    assert list(setting.store.documents("wide-flow")) == defined.documents()
    journal = setting.store.create(setting.head(flow), "[]")
    journal.add_nodes(pending(flow), run_upstream(flow), run_specs(flow, NOW))
    journal.append("[]")
    journal.project([row(3, "n3", "finished")], {}, {20: ["n3"]})
    assert len(raw["wide-flow-active"].find_one({"name": "n39"})["upstream"]) == 1
    assert raw["flow-junctions"].count_documents({}) == 2
    for document in setting.store.documents("wide-flow-active"):
        if document["name"] == "n39":
            assert document["upstream"] == [f"n{k}" for k in range(20)]
            assert document["dependencies"] == [f"n{k}" for k in range(20) if k != 3]
    journal.close()


# -- lost answers -----------------------------------------------------------------------------
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_append_whose_answer_was_lost_is_there_once(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    journal = setting.begin(setting.flow("test"))
    break_it(setting, monkeypatch, "test-flow-journal", insert_one=when)
    with pytest.raises(StoreUnavailable):
        journal.append('["x"]')
    assert journal.seq == 1
    assert journal.append('["x"]') == 2
    assert journal.append('["y"]') == 3
    assert [b.events for b in setting.store.batches(journal.run, 1)] == ['["x"]', '["y"]']
    journal.close()


def test_an_append_whose_number_another_engine_took_is_no_success(setting: Setting) -> None:
    journal = setting.begin()
    new = setting.store.take_by_force(journal.run, 1, '["x"]')
    with pytest.raises(Fenced):
        journal.append('["x"]')  # the very same text, and yet not mine
    new.close()


@pytest.mark.parametrize("when", ["before", "half", "after"])
def test_a_projection_that_was_cut_is_repeated(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    journal = setting.begin(setting.flow("test"))
    journal.append("[]")
    rows = [row(n, name, "finished", result=str(n)) for n, name in enumerate("abc")]
    patch: Any = (rows, {"status": "finished"}, {1: ["a"], 2: ["a"]})
    break_it(setting, monkeypatch, "test-flow-active", bulk_write=when)
    with pytest.raises(StoreUnavailable):
        journal.project(*patch)
    journal.project(*patch)
    documents = setting.store.nodes(journal.run)
    assert field(documents, "result") == [0, 1, 2]
    assert field(documents, "dependencies") == [[], [], []]
    journal.close()


@pytest.mark.parametrize("plan", [{"insert_one": "after"}, {"update_one": "before"}])
def test_a_run_whose_making_was_cut_is_there_or_not(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, plan: dict[str, str]
) -> None:
    flow = setting.flow("test")
    with monkeypatch.context() as patch:
        break_it(setting, patch, "flow-runs", **plan)
        with pytest.raises(StoreUnavailable):
            setting.begin(flow, "aaaaaaaa")
    begun = "update_one" in plan  # batch 1 was written, and then the run exists
    assert (setting.store.run("aaaaaaaa") is not None) == begun
    assert field(setting.store.runs("test"), "run") == (["aaaaaaaa"] if begun else [])


def test_a_move_to_the_history_that_was_cut_is_completed(
    setting: Setting, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = setting.flow("test")
    first = setting.begin(flow, "aaaaaaaa")
    first.append("[]")
    first.project([], {"status": "finished"}, {})
    first.close()
    with monkeypatch.context() as patch:
        break_it(setting, patch, "test-flow-active", delete_many="before")
        with pytest.raises(StoreUnavailable):
            setting.begin(flow, "bbbbbbbb", NOW + 1)
    assert raw["test-flow-active"].count_documents({"run": "aaaaaaaa"}) == 3
    assert raw["test-flow-history"].count_documents({"run": "aaaaaaaa"}) == 3
    newer = {"$set": {"reason": "newer"}}
    raw["test-flow-active"].update_one({"_id": "aaaaaaaa/a"}, newer)
    found = setting.store.nodes("aaaaaaaa")
    assert field(found, "name") == ["a", "b", "c"]
    assert found[0]["reason"] == "newer"
    assert len(list(setting.store.documents("test-flow-history"))) == 3
    third = setting.begin(flow, "cccccccc", NOW + 2)
    assert raw["test-flow-active"].count_documents({"run": "aaaaaaaa"}) == 0
    third.close()


def test_a_run_that_was_moved_while_it_was_resumed_comes_back(setting: Setting, raw: Any) -> None:
    flow = setting.flow("test")
    first = setting.begin(flow, "aaaaaaaa")
    second = setting.begin(flow, "bbbbbbbb", NOW + 1)
    mongo(setting).nodes_of._move("test", "aaaaaaaa", "active", "history")
    first.append("[]")
    first.project([row(0, "a", "finished", result="1")], {}, {1: ["a"]})
    assert raw["test-flow-history"].count_documents({}) == 0
    documents = setting.store.nodes("aaaaaaaa")
    assert field(documents, "status") == ["finished", "pending", "pending"]
    assert documents[1]["dependencies"] == []
    first.close()
    second.close()


# -- owners ------------------------------------------------------------------------------------
def test_an_owner_elsewhere_cannot_be_seen(setting: Setting, raw: Any) -> None:
    journal = setting.begin()
    assert isinstance(journal, MongoJournal)
    raw["flow-runs"].update_one({"_id": journal.run}, {"$set": {"owner.host": "elsewhere"}})
    owner = setting.store.owner(journal.run)
    assert owner.alive is None
    journal.beat()
    assert setting.store.owner(journal.run).beat > owner.beat
    raw["flow-runs"].update_one(
        {"_id": journal.run},
        {"$set": {"owner.host": os.uname().nodename, "owner.start": 1}},
    )
    assert setting.store.owner(journal.run).alive is False  # the pid is another's by now


def test_the_end_of_a_run_is_not_lost_to_a_sign_of_life(setting: Setting) -> None:
    """FerretDB loses one of two changes of a document at the same moment."""
    for k in range(10):
        journal = setting.begin(setting.flow("test"), f"sign{k:04d}")
        journal.append("[]")
        ready = threading.Barrier(2)

        def beat(journal: Any = journal, ready: threading.Barrier = ready) -> None:
            ready.wait()
            for _ in range(3):
                journal.beat()

        beating = threading.Thread(target=beat)
        beating.start()
        ready.wait()
        journal.project([], {"status": "finished"}, {})
        beating.join()
        journal.close()
        assert (setting.store.run(journal.run) or {})["status"] == "finished"


# -- the server ---------------------------------------------------------------------------------
@pytest.mark.slow
def test_a_server_that_comes_back_goes_on(cache: Path, tmp_path: Path) -> None:
    options = "?serverSelectionTimeoutMS=2000"
    with ferretdb(cache, tmp_path, f"127.0.0.1:{free_port()}") as server:
        store = open_store(f"{server}/away{options}")
        journal = Setting(lambda: store).begin()
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        journal.append('["x"]')
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        open_store(f"{server}/away{options}")
    with ferretdb(cache, tmp_path, server.removeprefix("mongodb://")):
        assert journal.append('["x"]') == 2
        journal.project([row(0, "a", "running")], {}, {})
        assert field(store.nodes(journal.run), "status")[0] == "running"
        journal.close()
        store.close()


def test_a_url_without_a_database_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="names no database"):
        open_store(url.rpartition("/")[0])


def test_the_check_keeps_to_its_own_database(url: str, raw: Any) -> None:
    told: list[str] = []
    checks = check_store(url, lambda check: told.append(check.what))
    assert [check.what for check in checks] == told
    assert [check for check in checks if not check.ok] == []
    assert raw.list_collection_names() == []
    left = [name for name in raw.client.list_database_names() if "cloudmesh_flow_check" in name]
    assert left == []
