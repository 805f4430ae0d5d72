"""CONTRACT §4, what is stored, clause by clause: in SQL and through `documents()`."""

from __future__ import annotations

import json
import re
import sqlite3
from typing import Any

import pytest

FLOW = """\
from cloudmesh.flow import BaseWorkFlow, task
import os

class F(BaseWorkFlow):
    flow = "a; b || c; d"
    def a(self): return {"rows": [1, 2]}
    @task(retries=1, label="B", color="blue")
    def b(self, a, bad=False):
        if bad: raise ValueError("bad")
        return "b"
    def c(self, a): return b"bytes"
    def d(self, b, c): return "x" * 70_000
"""
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}")
RUN_FIELDS = {
    "_id", "run", "name", "status", "dependencies", "upstream", "attempt", "started", "ended",
    "exit_code", "error", "reason", "skipped", "progress", "color", "label", "shape", "where",
    "result", "workflow", "kind", "cloud", "cm", "task",
}  # fmt: skip


def rows(here: Any, collection: str) -> list[dict[str, Any]]:
    """What plain SQL answers of a collection."""
    connection = sqlite3.connect(here.folder / "store.db")
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(f'select * from "{collection}"')]
    finally:
        connection.close()


def parsed(row: dict[str, Any], like: dict[str, Any]) -> dict[str, Any]:
    """A row as a document: nested fields are JSON in a view."""
    out = {}
    for field, value in row.items():
        nested = isinstance(like.get(field), (dict, list)) or field in ("result", "error")
        out[field] = json.loads(value) if nested and isinstance(value, str) else value
    return out


def identity(document: dict[str, Any]) -> tuple[str, str]:
    return document.get("run", ""), document.get("name", "")


def test_a_definition_has_exactly_these_fields(here: Any) -> None:
    here.write("test-flow.py", FLOW)
    assert here("add", "test-flow.py").code == 0
    documents = here.documents("test-flow")
    assert [d["name"] for d in documents] == ["a", "b", "c", "d"]
    for document in documents:
        assert set(document) - {"_id"} == {
            "name", "dependencies", "workflow", "cm", "kind", "cloud", "status", "task",
        }  # fmt: skip
        assert document["workflow"] == "test"
        assert (document["kind"], document["cloud"]) == ("flow", "local")
        assert document["status"] == "defined"
        cm = document["cm"]
        assert set(cm) == {"kind", "cloud", "name", "collection", "created", "modified"}
        assert (cm["kind"], cm["cloud"], cm["name"]) == ("flow", "local", document["name"])
        assert cm["collection"] == "test-flow"
        assert TIME.fullmatch(cm["created"])
        assert TIME.fullmatch(cm["modified"])
        source = document["task"]["source"]
        assert set(source) == {"file", "class", "function", "sha256"}
        assert (source["class"], source["function"]) == ("F", document["name"])
        assert source["file"].endswith("test-flow.py")
        assert re.fullmatch(r"[0-9a-f]{64}", source["sha256"])
    assert documents[3]["dependencies"] == ["b", "c"]
    assert "return" not in json.dumps(documents)  # never the code
    assert documents[1]["task"]["retries"] == 1
    names = [row["name"] for row in rows(here, "test-flow")]
    assert names == ["a", "b", "c", "d"]
    row = rows(here, "test-flow")[3]
    assert json.loads(row["dependencies"]) == ["b", "c"]
    assert set(row) - {"_id"} == set(documents[3]) - {"_id"}


def test_a_run_has_all_fields_always(here: Any) -> None:
    here.write("test-flow.py", FLOW)
    nodes = here.run("test-flow.py", "--param", "bad=true", code=1)
    assert {n["status"] for n in nodes.values()} <= {"pending", "running", "finished", "error"}
    for document in here.documents("test-flow-active"):
        assert set(document) == RUN_FIELDS
    for node in nodes.values():
        assert set(node) == RUN_FIELDS
        assert node["_id"] == f"{here.last['run']}/{node['name']}"
        assert node["cm"]["collection"] == "test-flow-active"
    b, d = nodes["b"], nodes["d"]
    assert (b["status"], b["attempt"], b["exit_code"]) == ("error", 2, None)
    assert set(b["error"]) == {"type", "message", "traceback"}
    assert (b["error"]["type"], b["error"]["message"]) == ("ValueError", "bad")
    assert b["dependencies"] == []
    assert b["upstream"] == ["a"]
    assert d["dependencies"] == ["b"]
    assert d["upstream"] == ["b", "c"]
    assert (d["status"], d["attempt"], d["started"], d["result"]) == ("pending", 0, None, None)
    assert d["reason"] == "blocked by b"
    assert nodes["a"]["reason"] == "first"
    assert nodes["a"]["exit_code"] == 0
    assert nodes["a"]["where"]
    assert nodes["c"]["result"] == {"$type": "bytes", "text": "b'bytes'"}
    assert TIME.fullmatch(nodes["a"]["started"])
    assert TIME.fullmatch(nodes["a"]["ended"])


def test_documents_and_views_say_the_same(here: Any) -> None:
    here.write("test-flow.py", FLOW)
    here.run("test-flow.py")
    here.run("test-flow.py", "--param", "bad=true", code=1)
    for collection in ("test-flow", "test-flow-active", "test-flow-history", "flow-runs"):
        documents = sorted(here.documents(collection), key=identity)
        assert documents
        found = sorted(rows(here, collection), key=identity)
        assert len(found) == len(documents)
        for row, document in zip(found, documents, strict=True):
            assert set(row) == set(document), collection
            again = parsed(row, document)
            for field, value in document.items():
                if field == "result" and isinstance(again[field], dict) and "$ref" in again[field]:
                    assert again[field]["size"] > 65536
                    continue
                if field == "skipped":
                    value, again[field] = bool(value), bool(again[field])
                assert again[field] == value, (collection, field)


def test_a_result_over_64_kib_is_a_reference_of_which_the_whole_is_given(here: Any) -> None:
    here.write("test-flow.py", FLOW)
    here.run("test-flow.py")
    (row,) = [r for r in rows(here, "test-flow-active") if r["name"] == "d"]
    reference = json.loads(row["result"])
    assert set(reference) == {"$ref", "size", "type"}
    assert (reference["size"], reference["type"]) == (70_002, "str")
    assert here.documents("test-flow-active", name="d")[0]["result"] == "x" * 70_000
    assert here("result", "latest", "d").out.strip() == "x" * 70_000
    assert here.json("result")["d"] == "x" * 70_000


@pytest.mark.parametrize("size", [65_534, 65_535])
def test_the_border_of_64_kib(here: Any, size: int) -> None:
    here.write("t.py", f"def a(): return 'x' * {size}\ndef b(a): return len(a)\n")
    nodes = here.run("t.py", "a; b")
    assert nodes["b"]["result"] == size
    (row,) = [r for r in rows(here, "t-flow-active") if r["name"] == "a"]
    assert isinstance(json.loads(row["result"]), str) is (size + 2 <= 65_536)


def test_flow_runs_has_one_document_a_run(here: Any) -> None:
    here.write("test-flow.py", FLOW)
    here.run("test-flow.py", "--param", "bad=true", code=1)
    (document,) = here.documents("flow-runs")
    assert {
        "run", "workflow", "flow", "status", "parameters", "started", "ended", "counts", "engine",
        "versions",
    } <= set(document)  # fmt: skip
    assert re.fullmatch(r"[a-z0-9]{8}", document["run"])
    assert (document["workflow"], document["status"]) == ("test", "error")
    assert document["parameters"] == {"bad": True}
    assert document["flow"] == "a; (b || c); d"
    counts = {word: n for word, n in document["counts"].items() if n}
    assert counts == {"pending": 1, "finished": 2, "error": 1}


def test_counts_are_of_what_runs(here: Any) -> None:
    here.write("m.py", "def a(): return [1, 2, 3]\ndef b(a): return a\n")
    here.run("m.py", "a; b*")
    assert {k: v for k, v in here.last["counts"].items() if v} == {"finished": 4}


def test_active_holds_the_latest_run_and_history_the_others(here: Any) -> None:
    here.write("test-flow.py", FLOW)
    ids = []
    for bad in ("false", "true", "false"):
        here.run("test-flow.py", "--param", f"bad={bad}", code=bad == "true")
        ids.append(here.last["run"])
        assert {d["run"] for d in here.documents("test-flow-active")} == {ids[-1]}
        assert {d["run"] for d in here.documents("test-flow-history")} == set(ids[:-1])
    old = here.documents("test-flow-history", run=ids[1])
    assert [d["status"] for d in old] == ["finished", "error", "finished", "pending"]
    assert {d["cm"]["collection"] for d in old} <= {"test-flow-history", "test-flow-active"}
    assert here.json("status", ids[1])["nodes"][1]["error"]["message"] == "bad"
    assert here.json("result", ids[0])["b"] == "b"


def test_two_runs_at_once_are_both_active(here: Any) -> None:
    done = here.python("""\
        import os, threading, time
        from cloudmesh.flow import open_store, workflow
        url = os.environ["CLOUDMESH_FLOW_STORE"]
        both = threading.Barrier(2)
        def a():
            both.wait(60)
            store = open_store(url)
            for _ in range(3000):  # the documents follow the journal within a moment
                found = {d["run"] for d in store.documents("program-flow-active")}
                if len(found) == 2:
                    break
                time.sleep(0.01)
            status = {d["status"] for d in store.documents("program-flow-active")}
            both.wait(60)
            return [len(found), sorted(status)]
        if __name__ == "__main__":
            w = workflow("a")
            out = []
            threads = [threading.Thread(target=lambda: out.append(w.run())) for _ in range(2)]
            for t in threads: t.start()
            for t in threads: t.join()
            assert [r["a"].value[0] for r in out] == [2, 2], [r["a"].error for r in out]
        """)
    assert done.returncode == 0, done.stderr
    assert len({d["run"] for d in here.documents("program-flow-active")}) == 1
    assert len({d["run"] for d in here.documents("program-flow-history")}) == 1


def test_the_journal_is_numbered_batches(here: Any) -> None:
    here.write("test-flow.py", FLOW)
    here.run("test-flow.py")
    run = here.last["run"]
    batches = here.documents("test-flow-journal", run=run)
    assert [b["seq"] for b in batches] == list(range(1, len(batches) + 1))
    assert {"run", "seq", "events"} <= set(batches[0])
    assert [r["seq"] for r in rows(here, "test-flow-journal")] == [b["seq"] for b in batches]
    first = here.json("status", run, "--at", "1")
    assert {n["status"] for n in first["nodes"]} == {"pending"}
    last = here.json("status", run, "--at", str(batches[-1]["seq"]))
    assert [n["status"] for n in last["nodes"]] == ["finished"] * 4
    assert last["status"] == "finished"


def test_created_stays_and_modified_moves(here: Any) -> None:
    here.write("test-flow.py", FLOW)
    here("add", "test-flow.py")
    before = here.documents("test-flow")[0]["cm"]
    here("add", "test-flow.py", "a; b")
    after = here.documents("test-flow")[0]["cm"]
    assert after["created"] == before["created"]
    assert after["modified"] > before["modified"]
    assert [d["name"] for d in here.documents("test-flow")] == ["a", "b"]


def test_documents_of_what_is_not_there_are_none(here: Any) -> None:
    assert here.documents("nothing-flow") == []
    assert here.documents("nothing-flow-active") == []
    assert here.documents("flow-runs") == []


def test_dependencies_are_in_order_of_first_mention(here: Any) -> None:
    here.write("t.py", "".join(f"def {n}(): pass\n" for n in "abcd"))
    here("add", "t.py", "c || b || a; d")
    assert here.documents("t-flow")[-1]["dependencies"] == ["c", "b", "a"]


def test_the_cloud_is_where_it_is_mapped_to(here: Any) -> None:
    here.write("test-flow.py", FLOW.replace("retries=1", "retries=1, on='process'"))
    here("add", "test-flow.py")
    by_name = {d["name"]: d for d in here.documents("test-flow")}
    assert (by_name["b"]["cloud"], by_name["b"]["cm"]["cloud"]) == ("process", "process")
    nodes = here.run("test-flow.py", "--on", "a=thread")
    assert (nodes["a"]["cloud"], nodes["b"]["cloud"], nodes["c"]["cloud"]) == (
        "thread", "process", "local",
    )  # fmt: skip


def test_a_passed_label_is_shown_as_it_is(here: Any) -> None:
    here.write(
        "t.yaml",
        "flow: a || b\ntasks:\n  a: {command: echo hi, label: 'is {value} {x}'}\n"
        "  b: {command: 'true', return: {label: '{name} {status}'}}\n",
    )
    nodes = here.run("t.yaml")
    assert nodes["a"]["label"]
    assert nodes["b"]["label"]


def test_a_huge_flow(here: Any) -> None:
    names = [f"n{i}" for i in range(3000)]
    here.write("big.py", "".join(f"def {n}(): return 1\n" for n in names))
    here.run("big.py", f"{' || '.join(names[:1500])}; {' || '.join(names[1500:])}")
    documents = here.documents("big-flow-active")
    assert len(documents) == 3000
    assert {d["status"] for d in documents} == {"finished"}
    assert {len(d["upstream"]) for d in documents} == {0, 1500}
    assert {len(d["dependencies"]) for d in documents} == {0}
