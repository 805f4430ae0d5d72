"""The embedded store's own: its file, its views, its errors."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudmesh.flow.errors import Fenced, InputError, StoreError, StoreRefused
from cloudmesh.flow.model.documents import definition, run_specs, run_upstream, utc_text
from cloudmesh.flow.model.flow import Flow, Node
from cloudmesh.flow.store import sqlite_file, sqlite_reading, statements
from cloudmesh.flow.store.contract_tools import Setting, pending, row
from cloudmesh.flow.store.sqlite import SqliteJournal, SqliteStore


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "flow.db")


@pytest.fixture
def setting(path: str) -> Iterator[Setting]:
    setting = Setting(lambda: SqliteStore(path))
    yield setting
    setting.store.close()


def begin(setting: Setting, flow: Flow | None = None) -> SqliteJournal:
    journal = setting.begin(flow)
    assert isinstance(journal, SqliteJournal)
    return journal


def query(path: str, statement: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


# -- views --------------------------------------------------------------------------------
def test_the_collections_are_views_with_the_fields_of_the_contract(
    setting: Setting, path: str
) -> None:
    flow = setting.flow("test")
    setting.store.define("test", definition(flow, 1.0), {})
    journal = begin(setting, flow)
    journal.append("[]")
    done = row(0, "a", "finished", attempt=1, result='{"x":[1]}', where="local")
    journal.project([done], {"counts": {"finished": 1}}, {})
    rows = query(path, 'SELECT name, status, result, "where" FROM "test-flow-active"')
    assert rows[:2] == [("a", "finished", '{"x":[1]}', "local"), ("b", "pending", None, None)]
    assert query(path, 'SELECT count(*) FROM "test-flow-history"') == [(0,)]
    assert query(path, 'SELECT run, seq FROM "test-flow-journal"') == [
        (journal.run, 1),
        (journal.run, 2),
    ]
    for name, documents in (
        ("test-flow", setting.store.documents("test-flow")),
        ("test-flow-active", setting.store.documents("test-flow-active")),
        ("flow-runs", setting.store.documents("flow-runs")),
    ):
        assert _rows_of(path, name) == list(documents), name
    journal.close()


def _rows_of(path: str, view: str) -> list[dict[str, object]]:
    """A view's rows as documents: what is nested is JSON text."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    cursor = connection.execute(f'SELECT * FROM "{view}"')
    names = [each[0] for each in cursor.description]
    nested = {"cm", "task", "dependencies", "upstream", "result", "error", "parameters"}
    nested |= {"counts", "versions"}
    found = []
    for values in cursor.fetchall():
        document = dict(zip(names, values, strict=True))
        for name in nested & document.keys():
            if document[name] is not None:
                document[name] = json.loads(document[name])
        found.append(document)
    connection.close()
    return found


def test_the_shell_of_sqlite_answers_while_a_run_goes_on(setting: Setting, path: str) -> None:
    shell = shutil.which("sqlite3")
    if shell is None:
        pytest.skip("NOT TESTED: sqlite3's shell (needs sqlite3; make test-deps installs it)")
    journal = begin(setting, setting.flow("test"))
    done = subprocess.run(
        [shell, path, 'select name, status from "test-flow-active"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "a|pending\nb|pending\nc|pending\n"
    assert journal.append("[]") == 2
    journal.close()


def test_a_barrier_stores_its_list_once(setting: Setting, path: str) -> None:
    nodes = tuple(Node(f"n{k}") for k in range(100))
    needs = tuple(() if k < 50 else (100,) for k in range(100))
    flow = Flow("wide", nodes, needs, (tuple(range(50)),), ("x",))
    journal = setting.store.create(setting.head(flow), "[]")
    journal.add_nodes(pending(flow), run_upstream(flow), run_specs(flow, 1.0))
    assert query(path, "SELECT count(*) FROM list") == [(1,)]
    assert query(path, "SELECT count(*) FROM spec") == [(1,)]
    journal.append("[]")
    journal.project([row(3, "n3", "finished")], {}, {})
    left = setting.store.nodes(journal.run, ["n99"])[0]["dependencies"]
    assert left == [f"n{k}" for k in range(50) if k != 3]
    shown = query(path, "SELECT dependencies FROM \"wide-flow-active\" WHERE name = 'n99'")
    assert json.loads(str(shown[0][0])) == left
    journal.close()


def shown(path: str, view: str, *columns: str) -> list[list[object]]:
    """Columns of a view, read as JSON where they are such."""
    rows = query(path, f'SELECT {", ".join(columns)} FROM "{view}"')
    texts = [[str(value) if value is not None else None for value in one] for one in rows]
    return [[json.loads(t) if t and t[0] == "[" else t for t in one] for one in texts]


@pytest.mark.parametrize("wide", [1, 8, 9, 40])
def test_what_a_node_depends_on_is_shown_the_same_by_views_and_by_the_store(
    setting: Setting, path: str, wide: int
) -> None:
    """Few names stand in the node's own row, many in a list: neither is to be seen."""
    first = tuple(Node(f"a{k}") for k in range(wide))
    needs = ((),) * wide + (tuple(range(wide)), (), (wide, 0), (wide,))
    flow = Flow("mixed", (*first, *map(Node, ("z", "y", "x", "w"))), needs, (), ("x",))
    setting.store.define("mixed", definition(flow, 1.0), {})
    journal = setting.store.create(setting.head(flow), "[]")
    journal.add_nodes(pending(flow), run_upstream(flow), run_specs(flow, 1.0))
    journal.append("[]")
    journal.project([row(0, "a0", "finished"), row(wide, "z", "error")], {}, {})
    for view, *columns in (
        ("mixed-flow", "name", "dependencies"),
        ("mixed-flow-active", "name", "upstream", "dependencies"),
    ):
        told = [[one[field] for field in columns] for one in setting.store.documents(view)]
        assert shown(path, view, *columns) == told
        assert told[wide][-2 if len(columns) > 2 else -1] == [f"a{k}" for k in range(wide)]
    assert setting.store.nodes(journal.run, ["x"])[0]["upstream"] == ["z", "a0"]
    assert setting.store.nodes(journal.run, ["x"])[0]["dependencies"] == ["z"]
    journal.close()


def test_a_node_of_another_page_is_named(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_reading, "PAGE", 2)
    needs = tuple(() if k < 5 else (9 - k,) for k in range(10))
    flow = Flow("pages", tuple(Node(f"n{k}") for k in range(10)), needs, (), ("x",))
    journal = setting.store.create(setting.head(flow), "[]")
    journal.add_nodes(pending(flow), run_upstream(flow), run_specs(flow, 1.0))
    told = [one["upstream"] for one in setting.store.nodes(journal.run)]
    assert told == [[f"n{k}" for k in each] for each in needs]
    assert setting.store.nodes(journal.run, ["n9"])[0]["upstream"] == ["n0"]
    journal.close()


@given(st.lists(st.floats(0, 4e9), min_size=1, max_size=50))
@settings(deadline=None, max_examples=20)
def test_times_are_shown_the_same_by_views_and_by_the_store(times: list[float]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/flow.db"
        setting = Setting(lambda: SqliteStore(path))
        nodes = tuple(Node(f"n{k}") for k in range(len(times)))
        flow = Flow("times", nodes, ((),) * len(times), (), ("x",))
        journal = setting.store.create(setting.head(flow), "[]")
        journal.add_nodes(pending(flow), run_upstream(flow), run_specs(flow, 1.0))
        journal.append("[]")
        rows = [row(k, f"n{k}", started=at) for k, at in enumerate(times)]
        journal.project(rows, {}, {})
        told = [[d["started"], d["ended"]] for d in setting.store.nodes(journal.run)]
        assert shown(path, "times-flow-active", "started", "ended") == told
        assert told == [[utc_text(at), None] for at in times]
        journal.close()
        setting.store.close()


# -- the file -----------------------------------------------------------------------------
def test_the_files_are_for_their_user_alone(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "deep/er/flow.db"))
    journal = Setting(lambda: store).begin()
    assert (tmp_path / "deep").stat().st_mode & 0o777 == 0o700
    for path in (tmp_path / "deep").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    journal.close()
    store.close()


def test_an_existing_folder_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    SqliteStore(str(tmp_path / "flow.db")).close()
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_two_stores_in_one_folder_keep_their_files_apart(tmp_path: Path) -> None:
    one, two = (SqliteStore(str(tmp_path / name)) for name in ("a.db", "b.db"))
    journals = [Setting(lambda store=store: store).begin(run="aaaaaaaa") for store in (one, two)]  # type: ignore[misc]
    journals[0].write_log("a", 1, "out", "one")
    assert two.read_log("aaaaaaaa", "a")[0] == ""
    for journal in journals:
        journal.close()


def test_what_ended_leaves_no_lock_behind(setting: Setting, tmp_path: Path) -> None:
    journal = begin(setting)
    assert len(list((tmp_path / "runs").iterdir())) == 1
    journal.close()
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_newer_file_is_refused_and_left_alone(path: str) -> None:
    SqliteStore(path).close()
    _set_version(path, 99)
    before = Path(path).read_bytes()
    with pytest.raises(InputError, match=r"newer cloudmesh-flow .*99"):
        SqliteStore(path)
    assert Path(path).read_bytes() == before


def newer(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """The program as it would be with one more version of the file."""
    last = statements.VERSION
    monkeypatch.setattr(statements, "MIGRATIONS", {**statements.MIGRATIONS, last: step})
    monkeypatch.setattr(statements, "VERSION", last + 1)


@pytest.fixture(params=[1, 2])
def older(path: str, older_file: Any, request: pytest.FixtureRequest) -> str:
    """A file that the program wrote when its version was that."""
    older_file(path, request.param)
    return path


def test_an_older_file_shows_the_same_when_it_is_brought_up_to_date(
    older: str,
) -> None:
    shown = "SELECT name FROM sqlite_master WHERE type = 'view' AND name LIKE '%flow%'"
    views = [str(row[0]) for row in query(older, shown)]
    assert {"ml-flow", "second-flow", "ml-flow-active", "flow-runs"} <= set(views)
    connection = sqlite3.connect(older)
    connection.execute('CREATE VIEW "my-flow" AS SELECT run FROM run')
    connection.close()
    views.append("my-flow")  # the user's own, which stays
    before = {view: query(older, f'SELECT * FROM "{view}"') for view in views}
    assert all(before[view] for view in ("ml-flow", "second-flow", "ml-flow-history"))
    store = SqliteStore(older)
    assert {view: query(older, f'SELECT * FROM "{view}"') for view in views} == before
    names = [document["name"] for document in store.documents("second-flow")]
    assert names == ["a", "b", "c", "d", "e"]
    setting = Setting(lambda: store)
    store.define("second", definition(setting.flow("second"), 2.0), {})
    assert [document["name"] for document in store.documents("second-flow")] != names
    store.close()


def test_an_older_file_becomes_as_a_new_one(older: str, tmp_path: Path) -> None:
    SqliteStore(older).close()
    new = str(tmp_path / "new.db")
    store = SqliteStore(new)
    for flow in ("ml", "second"):
        store.define(flow, definition(Setting(lambda: store).flow(flow), 2.0), {})
    store.close()
    parts = "SELECT type, name FROM sqlite_master ORDER BY name"
    assert query(older, parts) == query(new, parts)
    for (table,) in query(new, "SELECT name FROM sqlite_master WHERE type = 'table'"):
        columns = f"SELECT name, type FROM pragma_table_info('{table}')"
        assert query(older, columns) == query(new, columns)
    assert query(new, "PRAGMA user_version") == query(older, "PRAGMA user_version")


def test_an_older_file_is_brought_up_to_date(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(path)
    journal = Setting(lambda: store).begin(run="aaaaaaaa")
    identity = store.id
    journal.close()
    store.close()
    newer(monkeypatch, "ALTER TABLE run ADD COLUMN note TEXT DEFAULT 'new';")
    store = SqliteStore(path)
    assert query(path, "SELECT run, note FROM run") == [("aaaaaaaa", "new")]
    assert query(path, "PRAGMA user_version") == [(statements.VERSION,)]
    assert store.id == identity
    assert store.take("aaaaaaaa", 1, "[]").append("[]") == 3
    store.close()


def test_a_step_that_fails_leaves_the_file_as_it_was(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    SqliteStore(path).close()
    before = query(path, "PRAGMA user_version")
    newer(monkeypatch, "CREATE TABLE half (x); SELECT nonsense;")
    with pytest.raises(StoreError):
        SqliteStore(path)
    assert query(path, "PRAGMA user_version") == before
    assert query(path, "SELECT count(*) FROM sqlite_master WHERE name = 'half'") == [(0,)]


def test_a_database_of_another_program_is_left_alone(path: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(InputError, match="another program"):
        SqliteStore(path)
    assert query(path, "SELECT name FROM sqlite_master") == [("theirs",)]


def test_a_file_that_another_process_makes_at_the_same_time_is_ours(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[SqliteStore] = []

    class Interrupted(sqlite3.Connection):
        def execute(self, statement: str, *values: Any) -> Any:
            if "application_id" not in statement or others:
                return super().execute(statement, *values)
            row = super().execute(statement, *values).fetchone()
            monkeypatch.undo()
            others.append(SqliteStore(path))
            return SimpleNamespace(fetchone=lambda: row)

    def connect(*words: Any, **named: Any) -> sqlite3.Connection:
        return plain(*words, **named, factory=Interrupted)

    plain = sqlite3.connect
    Path(path).touch()  # which is as far as the other one has come
    monkeypatch.setattr(sqlite_file.sqlite3, "connect", connect)
    store = SqliteStore(path)
    assert store.id == others[0].id
    for each in (store, *others):
        each.close()


def test_a_file_that_is_no_database_is_refused(path: str) -> None:
    Path(path).write_text("not a database, but long enough to look like one " * 20)
    with pytest.raises(StoreRefused, match="no SQLite database"):
        SqliteStore(path)


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        SqliteStore(str(tmp_path))


def _set_version(path: str, version: int) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version={version}")
    connection.close()


def test_reading_does_not_wait_for_a_process_that_stands_still(setting: Setting, path: str) -> None:
    journal = begin(setting)
    journal._writer.lock.acquire()
    other = SqliteStore(path)
    assert other.run(journal.run) is not None
    assert len(other.nodes(journal.run)) == 3
    other.close()
    journal._writer.lock.release()
    journal.close()


# -- errors -------------------------------------------------------------------------------
def test_a_full_disk_is_refused_and_loses_nothing(setting: Setting, path: str) -> None:
    journal = begin(setting)
    writer = journal._writer
    pages = writer.connection.execute("PRAGMA page_count").fetchone()[0]
    writer.connection.execute(f"PRAGMA max_page_count={pages + 2}")
    large = json.dumps(["x" * 300_000])
    with pytest.raises(StoreRefused, match="full"):
        journal.append(large)
    done = [row(0, "a", "finished", result=json.dumps("x" * 50_000))]
    with pytest.raises(StoreRefused, match="full"):
        journal.project(done, {}, {})
    writer.connection.execute("PRAGMA max_page_count=1000000")
    assert journal.append(large) == 2
    assert [b.seq for b in setting.store.batches(journal.run)] == list(range(1, journal.seq + 1))
    journal.close()


def test_a_closed_store_says_so_from_every_thread(setting: Setting) -> None:
    journal = begin(setting)
    stop = threading.Event()
    raised: list[BaseException] = []

    def use() -> None:
        try:
            while not stop.is_set():
                journal.append("[]")
                setting.store.nodes(journal.run)
        except StoreError as error:
            raised.append(error)

    threads = [threading.Thread(target=use) for _ in range(4)]
    journal.append("[]")
    for thread in threads:
        thread.start()
    assert setting.store.wait(journal.run, 50, 60)
    setting.store.close()
    for thread in threads:
        thread.join(60)
    stop.set()
    assert len(raised) == 4
    assert all("is closed" in str(error) for error in raised)


def test_a_reader_in_the_way_delays_the_checkpoint_and_nothing_else(
    setting: Setting, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "CHECKPOINT_BYTES", 100_000)
    journal = begin(setting)
    journal._writer._limit = 100_000
    reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM journal").fetchone()
    for _ in range(60):
        journal.append(json.dumps("x" * 5000))
        journal.project([row(0, "a", "running")], {}, {})
    assert os.path.getsize(path + "-wal") > 100_000
    reader.close()
    for _ in range(60):
        journal.append(json.dumps("x" * 5000))
        journal.project([row(0, "a", "running")], {}, {})
    assert os.path.getsize(path + "-wal") < 300_000
    journal.close()


def test_what_others_write_between_two_batches_is_seen(setting: Setting, path: str) -> None:
    journal = begin(setting)
    journal.append("[]")
    journal.append("[]")  # from here on a view of the file stays open
    other = SqliteStore(path)
    try:
        other.define("between", definition(setting.flow("between"), 1.0), {})
        assert journal.append("[]") == 4
        other.request(journal.run, "cancel", "me")
        assert [request["kind"] for request in journal.requests()] == ["cancel"]
        journal.append("[]")
        other.take_by_force(journal.run, 5, "[]").close()
        with pytest.raises(Fenced):
            journal.beat()
        with pytest.raises(Fenced):
            journal.append('["mine"]')
        assert [batch.events for batch in other.batches(journal.run, 5)] == ["[]"]
    finally:
        other.close()


def test_two_that_write_all_the_time_still_empty_the_log_of_changes(
    setting: Setting, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "CHECKPOINT_BYTES", 50_000)
    other = Setting(lambda: SqliteStore(path))
    journals = [begin(setting), begin(other)]
    try:
        for _ in range(300):
            for journal in journals:  # when one empties the log, the other has a view open
                journal.project([row(0, "a", "running")], {}, {})
                journal.append('["' + "x" * 500 + '"]')
        assert os.path.getsize(path + "-wal") < 600_000  # of some two million bytes written
    finally:
        other.store.close()


def test_text_that_is_no_utf8_is_kept(setting: Setting) -> None:
    journal = begin(setting)
    assert journal.append('["\udcff"]') == 2
    journal.project([row(0, "a", "error", label="\udcff", error='{"message":"\udcff"}')], {}, {})
    assert json.loads(setting.store.batches(journal.run, 1)[0].events) == ["\udcff"]
    document = setting.store.nodes(journal.run, ["a"])[0]
    assert document["error"] == {"message": "\udcff"}
    assert document["label"] == "\\udcff"
    journal.write_log("a", 1, "out", "\udcff")
    assert setting.store.read_log(journal.run, "a")[0] == "\\udcff"
    journal.close()


def test_a_value_that_another_run_names_outlives_a_pruned_run(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = setting.store
    monkeypatch.setattr("cloudmesh.flow.store.files.BLOB_SECONDS", -1.0)
    shared, own = store.put_blob(b"shared"), store.put_blob(b"own")
    first, second = begin(setting), begin(setting)
    first.append(f'[["finished","a",1.5,{{"$ref": "{shared}"}},{{"ref":"{own}"}}]]')
    second.append(f'[["finished","a",1.5,{{"$ref":"{shared}"}}]]')
    first.close()
    store.prune(first.run)
    assert store.get_blob(shared) == b"shared"
    with pytest.raises(InputError):
        store.get_blob(own)
    second.close()
