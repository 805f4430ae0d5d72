"""The documents of the contract, made from a flow and from a run."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmesh.flow.model.documents import (
    calculation_text,
    definition_documents,
    run_document,
    run_head,
    run_specs,
    run_upstream,
    task_document,
    utc_text,
    whole_result,
)
from cloudmesh.flow.model.flow import Argument, Calculation, Code, Flow, Look, Node, Parameter, Task

NOW = 1_556_757_131.034870
AT = "2019-05-02 00:32:11.034870"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (NOW, AT),
        (0, "1970-01-01 00:00:00.000000"),
        (1.9999996, "1970-01-01 00:00:02.000000"),
        (1e9, "2001-09-09 01:46:40.000000"),
    ],
)
def test_times_are_utc_text(seconds: float, text: str) -> None:
    assert utc_text(seconds) == text


@given(st.floats(0, 4e9), st.floats(0, 4e9))
def test_times_agree_with_datetime_and_sort_as_they_follow(one: float, other: float) -> None:
    epoch = datetime.datetime(1970, 1, 1)
    for seconds in (one, other):
        exact = epoch + datetime.timedelta(microseconds=int(seconds * 1e6 + 0.5))
        assert utc_text(seconds) == exact.strftime("%Y-%m-%d %H:%M:%S.%f")
    if int(one * 1e6 + 0.5) < int(other * 1e6 + 0.5):
        assert utc_text(one) < utc_text(other)


def test_a_definition_has_the_fields_of_the_seed() -> None:
    flow = Flow("test", (Node("pytesta"), Node("b", Task(on="lab"))), ((), (0,)))
    first, second = definition_documents(flow, NOW)
    assert first == {
        "name": "pytesta",
        "dependencies": [],
        "workflow": "test",
        "cm": {
            "kind": "flow",
            "cloud": "local",
            "name": "pytesta",
            "collection": "test-flow",
            "created": AT,
            "modified": AT,
        },
        "kind": "flow",
        "cloud": "local",
        "status": "defined",
        "task": {},
    }
    assert second["dependencies"] == ["pytesta"]
    assert second["cloud"] == second["cm"]["cloud"] == "lab"


def test_a_definition_that_was_there_keeps_when_it_was_created() -> None:
    flow = Flow("test", (Node("a"),), ((),))
    cm = definition_documents(flow, NOW + 1, created=AT)[0]["cm"]
    assert (cm["created"], cm["modified"]) == (AT, "2019-05-02 00:32:12.034870")


def test_dependencies_are_written_out_and_shared() -> None:
    nodes = tuple(Node(name) for name in "abcd")
    flow = Flow("test", nodes, ((), (), (4,), (4,)), ((0, 1),))
    lists = run_upstream(flow)
    assert lists == [[], [], ["a", "b"], ["a", "b"]]
    assert lists[2] is lists[3]
    assert [d["dependencies"] for d in definition_documents(flow, NOW)] == lists


EVERYTHING = Task(
    parameters=(Parameter("x", "int"), Parameter("y")),
    code=Code("flow.py", "MyFlow", "f", "ab12"),
    calculation=Calculation("f", (Argument("x"), Argument(literal="3"), Argument("y", "", "k"))),
    value_of="v",
    command=("echo", "{x}"),
    on="lab",
    retries=2,
    retry_delay=0.5,
    retry_on=("OSError",),
    timeout=300.0,
    when="x > 3",
    pool="p",
    look=Look("grey"),
    entry=Look("orange", "a…", "circle"),
    done=Look("green"),
    failed=Look("red"),
    host="h",
    user="u",
)


def test_what_is_said_of_a_task_is_written_in_the_words_of_yaml() -> None:
    assert task_document(Node("a", EVERYTHING, mapped=True, source="s")) == {
        "parameter": {"x": "int", "y": ""},
        "calculation": "f(x, 3, k=y)",
        "command": ["echo", "{x}"],
        "retries": 2,
        "retry_delay": 0.5,
        "timeout": 300.0,
        "when": "x > 3",
        "pool": "p",
        "host": "h",
        "user": "u",
        "retry_on": ["OSError"],
        "over": "s",
        "color": "grey",
        "entry": {"color": "orange", "label": "a…", "shape": "circle"},
        "return": {"color": "green", "value": "v"},
        "error": {"color": "red"},
        "source": {"file": "flow.py", "class": "MyFlow", "function": "f", "sha256": "ab12"},
    }


def test_what_is_not_said_is_not_written() -> None:
    assert task_document(Node("a")) == {}
    source = task_document(Node("a", Task(code=Code("x.py", "", "a"))))["source"]
    assert source == {"file": "x.py", "class": None, "function": "a", "sha256": None}
    assert calculation_text(Calculation("f")) == "f()"


def test_nodes_of_one_task_share_one_spec_and_the_document_has_the_name() -> None:
    task = Task(on="lab")
    flow = Flow("test", (Node("a", task), Node("b", task), Node("c")), ((), (), ()))
    specs = run_specs(flow, NOW)
    assert specs[0] is specs[1]
    assert specs[0] != specs[2]
    row = (1, "b", "pending", 0, *(None,) * 12)
    document = run_document("r", "test-flow-active", row, ["x", "y"], ["y"], json.loads(specs[1]))
    assert document["_id"] == "r/b"
    assert document["cm"]["name"] == "b"
    assert document["cm"]["collection"] == "test-flow-active"
    assert document["cloud"] == "lab"
    assert (document["upstream"], document["dependencies"]) == (["x", "y"], ["y"])


def test_a_document_of_a_run_has_all_fields_null_where_there_is_nothing() -> None:
    document = run_document("r", "c", (0, "a", "pending", 0, *(None,) * 12), [], [], {})
    added = (
        "_id run upstream attempt started ended exit_code error reason skipped progress color "
        "label shape where result"
    )
    seed = "name dependencies workflow cm kind cloud status task"
    assert set(document) == {*added.split(), *seed.split()}
    empty = set(added.split()) - {"_id", "run", "upstream", "attempt"}
    assert all(document[field] is None for field in empty)


def test_json_texts_are_read() -> None:
    row = (0, "a", "error", 1, "s", "e", 7, '{"type":"E"}', "r", 1, 5, None, None, None, "w", "[1]")
    document = run_document("r", "c", row, [], [], {})
    assert (document["error"], document["result"], document["skipped"]) == (
        {"type": "E"},
        [1],
        True,
    )


def test_a_spec_is_utf8_whatever_its_file_is_called() -> None:
    flow = Flow("test", (Node("a", Task(code=Code("\udcff.py", "", "a"))),), ((),))
    text = run_specs(flow, NOW)[0]
    text.encode()
    assert json.loads(text)["task"]["source"]["file"] == "\udcff.py"


def test_a_head_has_its_fields_alone() -> None:
    head = run_head({"run": "r", "status": "running", "nonce": "x"})
    assert head["run"] == "r"
    assert head["ended"] is None
    assert "nonce" not in head


def test_a_reference_is_followed_where_it_leads_to_json() -> None:
    blobs = {"j": b"[1]", "b": b"\xff\xfe"}
    assert whole_result({"$ref": "j", "size": 3}, blobs.__getitem__) == [1]
    mark: dict[str, Any] = {"$ref": "b", "size": 2}
    assert whole_result(mark, blobs.__getitem__) == mark
    for value in (1, None, [], {"x": 1}, {"$ref": 1}):
        assert whole_result(value, blobs.__getitem__) == value
