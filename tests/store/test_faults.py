"""The embedded store when SQLite fails: before a commit, in it, after it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from store_faults import Faulty

from cloudmesh.flow.errors import StoreRefused, StoreUnavailable
from cloudmesh.flow.store import statements as sql
from cloudmesh.flow.store.contract_tools import Setting, row
from cloudmesh.flow.store.sqlite import SqliteJournal, SqliteStore


class Failing(Faulty):
    """A connection whose statements fail by plan, found by how they begin."""

    def __init__(self, real: Any, plans: dict[str, list[str]], error: sqlite3.Error) -> None:
        super().__init__(real, {}, lambda: error)
        self._plans = plans

    def execute(self, statement: str, *args: Any) -> Any:
        return self._run(self._real.execute, statement, *args)

    def executemany(self, statement: str, *args: Any) -> Any:
        return self._run(self._real.executemany, statement, *args)

    def _run(self, method: Any, statement: str, *args: Any) -> Any:
        for start, plan in self._plans.items():
            if statement.strip().startswith(start) and plan:
                word = plan.pop(0)
                if word == "after":
                    method(statement, *args)
                if word:
                    raise self._error()
        return method(statement, *args)


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    setting = Setting(lambda: SqliteStore(str(tmp_path / "flow.db")))
    yield setting
    setting.store.close()


def break_it(
    journal: SqliteJournal, plans: dict[str, list[str]], code: int = sqlite3.SQLITE_IOERR
) -> sqlite3.Connection:
    """Let statements fail; returns the connection as it was."""
    error = sqlite3.OperationalError("planned")
    error.sqlite_errorcode = code
    real = journal._writer.connection
    journal._writer.connection = Failing(real, plans, error)  # type: ignore[assignment]
    return real


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("durable", [False, True])
def test_an_append_that_failed_is_repeated_and_there_once(
    setting: Setting, when: str, durable: bool
) -> None:
    journal = setting.begin()
    assert isinstance(journal, SqliteJournal)
    break_it(journal, {sql.ADD_BATCH: [when]})
    with pytest.raises(StoreUnavailable, match="planned"):
        journal.append('["x"]', durable=durable)
    assert journal.seq == 1
    assert journal.append('["x"]', durable=durable) == 2
    assert journal.append('["y"]', durable=durable) == 3
    assert [b.events for b in setting.store.batches(journal.run, 1)] == ['["x"]', '["y"]']
    journal.close()


@pytest.mark.parametrize("statement", ["BEGIN", "UPDATE node", "UPDATE run", "COMMIT"])
def test_a_projection_is_there_whole_or_not_at_all(setting: Setting, statement: str) -> None:
    journal = setting.begin()
    assert isinstance(journal, SqliteJournal)
    journal.append("[]")
    before = setting.store.nodes(journal.run)
    break_it(journal, {statement: ["before"]})
    rows = [row(n, name, "finished", result=str(n)) for n, name in enumerate("abc")]
    with pytest.raises(StoreUnavailable):
        journal.project(rows, {"status": "finished"}, {})
    assert setting.store.nodes(journal.run) == before
    head = setting.store.run(journal.run)
    assert head is not None
    assert head["status"] == "running"
    journal.project(rows, {"status": "finished"}, {})
    assert [d["result"] for d in setting.store.nodes(journal.run)] == [0, 1, 2]
    journal.close()


@pytest.mark.parametrize(
    ("code", "kind", "text"),
    [
        (sqlite3.SQLITE_FULL, StoreRefused, "make room"),
        (sqlite3.SQLITE_READONLY, StoreRefused, "read-only"),
        (sqlite3.SQLITE_CORRUPT, StoreRefused, "damaged"),
        (sqlite3.SQLITE_BUSY, StoreUnavailable, "does not answer"),
        (sqlite3.SQLITE_IOERR | 4 << 8, StoreUnavailable, "does not answer"),
    ],
)
def test_an_error_says_whether_waiting_helps(
    setting: Setting, code: int, kind: type[Exception], text: str
) -> None:
    journal = setting.begin()
    assert isinstance(journal, SqliteJournal)
    break_it(journal, {sql.ADD_BATCH: ["before"]}, code)
    with pytest.raises(kind, match=text):
        journal.append("[]")
    journal.close()


def test_a_run_whose_first_batch_failed_is_not_there(setting: Setting) -> None:
    first = setting.begin()
    assert isinstance(first, SqliteJournal)
    real = break_it(first, {sql.ADD_BATCH: ["before"]})
    flow = setting.flow()
    with pytest.raises(StoreUnavailable):
        setting.begin(flow, "aaaaaaaa")
    first._writer.connection = real
    assert setting.store.run("aaaaaaaa") is None
    setting.begin(flow, "aaaaaaaa").close()
    first.close()


def test_a_take_over_that_failed_leaves_the_run_to_the_next(setting: Setting) -> None:
    first = setting.begin()
    assert isinstance(first, SqliteJournal)
    run = first.run
    first.close()
    real = break_it(first, {"UPDATE run": ["before"]})
    with pytest.raises(StoreUnavailable):
        setting.store.take(run, 1, '["lost"]')
    first._writer.connection = real
    assert [batch.seq for batch in setting.store.batches(run)] == [1]
    assert setting.store.owner(run).alive is False
    again = setting.store.take(run, 1, '["taken"]')
    assert again.append("[]") == 3
    again.close()
