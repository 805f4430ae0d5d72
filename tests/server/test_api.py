"""The HTTP interface against a store in memory and runs that are driven by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cloudmesh.flow.model.flow import Parameter, Task
from cloudmesh.flow.server.app import create_app

TOKEN = "t" * 40


@pytest.fixture
def client(store: Any) -> Iterator[TestClient]:
    app = create_app(store, token=TOKEN)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with TestClient(app, base_url="http://127.0.0.1:8080", headers=headers) as client:
        yield client


def events_of(text: str) -> list[dict[str, Any]]:
    """Server-sent events as dicts of their fields; comments are left out."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in block.splitlines() if not line.startswith(":")
        )
        if "data" in fields:
            found.append({**fields, "data": json.loads(fields["data"])})
    return found


def diamond(hand: Callable[..., Any]) -> Any:
    run = hand({"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]})
    run.batch(run.started("a"))
    run.batch(run.finished("a", {"x": 1}))
    run.batch(run.started("b"), run.started("c"))
    run.batch(run.finished("b", 2))
    run.batch(run.failed("c"), run.end("error"))
    return run


def test_flows_are_a_list_with_size_and_last_runs(client: TestClient, hand: Any) -> None:
    diamond(hand)
    flows = client.get("/api/flows").json()
    assert [(f["name"], f["nodes"]) for f in flows] == [("test", 4)]
    assert flows[0]["last"][0]["status"] == "error"
    shown = client.get("/api/flows/test").json()
    assert [n["name"] for n in shown["nodes"]] == ["a", "b", "c", "d"]
    assert client.get("/api/flows/other").status_code == 404


def test_runs_are_a_list_the_newest_first(client: TestClient, hand: Any) -> None:
    hand({"a": []}, run="first000")
    hand({"a": []}, run="second00")
    runs = client.get("/api/runs").json()
    assert [r["run"] for r in runs] == ["second00", "first000"]
    assert client.get("/api/runs/first000").json()["status"] == "running"
    older = client.get("/api/runs", params={"before": "second00"}).json()
    assert [r["run"] for r in older] == ["first000"]


def test_a_run_whose_engine_is_gone_says_so(client: TestClient, hand: Any) -> None:
    run = hand({"a": []})
    run.journal.close()
    assert client.get(f"/api/runs/{run.id}").json()["engine"] == "lost"
    assert client.get("/api/runs").json()[0]["engine"] == "lost"


def test_an_edge_without_a_label_has_the_parameter_that_it_carries(
    client: TestClient, hand: Any
) -> None:
    takes = Task(parameters=(Parameter("a"),))
    hand({"a": [], "b": ["a"], "c": ["a", "b"]}, tasks={"b": takes, "c": takes}, run="labels00")
    edges = client.get("/api/runs/labels00/edges").json()
    assert [(e["from"], e["to"], e["label"]) for e in edges] == [
        ("a", "b", "a"),
        ("a", "c", "a"),
        ("b", "c", None),
    ]


def test_nodes_edges_result_and_log(client: TestClient, hand: Any) -> None:
    run = diamond(hand)
    run.journal.write_log("b", 1, "out", "hello\n")
    base = f"/api/runs/{run.id}"
    nodes = client.get(f"{base}/nodes").json()
    assert [n["status"] for n in nodes] == ["finished", "finished", "error", "pending"]
    assert client.get(f"{base}/nodes/d").json()["reason"] == "blocked by c"
    edges = {(e["from"], e["to"]) for e in client.get(f"{base}/edges").json()}
    assert edges == {("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")}
    result = client.get(f"{base}/nodes/a/result")
    assert result.json() == {"x": 1}
    assert result.headers["content-disposition"].startswith("attachment")
    assert result.headers["x-content-type-options"] == "nosniff"
    log = client.get(f"{base}/nodes/b/log")
    assert log.text == "hello\n"
    more = client.get(f"{base}/nodes/b/log", params={"after": log.headers["log-offset"]})
    assert more.text == ""


@pytest.mark.parametrize(
    "path",
    [
        "/api/runs/nothing0",
        "/api/runs/nothing0/nodes",
        "/api/runs/nothing0/edges",
        "/api/runs/nothing0/events",
        "/api/runs/nothing0/state",
        "/api/runs/k7q2m9xd/nodes/nobody",
        "/api/runs/k7q2m9xd/nodes/nobody/log",
        "/api/runs/k7q2m9xd/nodes/d/result",
        "/api/nothing",
    ],
)
def test_what_is_unknown_is_a_problem_404(client: TestClient, hand: Any, path: str) -> None:
    diamond(hand)
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 404


def test_an_ended_run_sends_all_events_and_closes(client: TestClient, hand: Any) -> None:
    run = diamond(hand)
    answer = client.get(f"/api/runs/{run.id}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = events_of(answer.text)
    assert [int(e["id"]) for e in found] == [1, 2, 3, 4, 5, 6, 6]
    assert [e.get("event") for e in found[-2:]] == [None, "end"]
    assert found[-1]["data"]["status"] == "error"
    last: dict[str, str] = {}
    for event in found[:-1]:
        last.update({n["name"]: n["shown"] for n in event["data"]["nodes"]})
    assert last == {"a": "finished", "b": "finished", "c": "error", "d": "blocked"}
    assert '"x"' not in answer.text  # values are never on the stream


def test_last_event_id_resumes_without_a_gap(client: TestClient, hand: Any) -> None:
    run = diamond(hand)
    for known in range(7):
        headers = {"Last-Event-ID": str(known)}
        found = events_of(client.get(f"/api/runs/{run.id}/events", headers=headers).text)
        assert [int(e["id"]) for e in found] == [*range(known + 1, 7), 6]
    bad = client.get(f"/api/runs/{run.id}/events", headers={"Last-Event-ID": "x"})
    assert bad.status_code == 422


def test_the_state_at_a_seq(client: TestClient, hand: Any) -> None:
    run = diamond(hand)
    now = client.get(f"/api/runs/{run.id}/state").json()
    assert (now["seq"], now["live"], now["status"]) == (6, 6, "error")
    assert now["errors"] == [[6, "c"]]
    assert now["counts"] == {"error": 1, "blocked": 1, "finished": 2}
    past = client.get(f"/api/runs/{run.id}/state", params={"at": 4}).json()
    assert {n["name"]: n["shown"] for n in past["nodes"]} == {
        "a": "finished",
        "b": "running",
        "c": "running",
        "d": "pending",
    }


def test_layout_timeline_and_attempts(client: TestClient, hand: Any) -> None:
    run = diamond(hand)
    base = f"/api/runs/{run.id}"
    layout = client.get(f"{base}/layout").json()
    assert {e["edge"] for e in layout["edges"]} == {"a→b", "a→c", "b→d", "c→d"}
    timeline = client.get(f"{base}/timeline", params={"bins": 5}).json()
    assert sum(timeline["counts"]) == 8
    assert [e["node"] for e in timeline["errors"]] == ["c"]
    attempts = client.get(f"{base}/nodes/c/attempts").json()["attempts"]
    assert [(a["attempt"], a["outcome"], a["error"]) for a in attempts] == [
        (1, "error", "ValueError: no")
    ]
    assert [row[0] for row in client.get(f"{base}/attempts").json()] == [0, 1, 2]


def test_cancel_asks_the_engine_and_an_ended_run_is_409(client: TestClient, hand: Any) -> None:
    run = hand({"a": []})
    answer = client.post(f"/api/runs/{run.id}/cancel")
    assert answer.status_code == 202
    assert answer.json()["run"] == run.id
    assert [r["kind"] for r in run.journal.requests()] == ["cancel"]
    ended = hand({"a": []}, run="ended000")
    ended.run_all("a")
    ended.batch(ended.end())
    assert client.post("/api/runs/ended000/cancel").status_code == 409
    assert client.post("/api/runs/ended000/resume").status_code == 409
    assert client.post("/api/runs/nothing0/cancel").status_code == 404


def test_what_is_wrong_is_422(client: TestClient, hand: Any) -> None:
    diamond(hand)
    for body in (
        {"parallel": 0},
        {"parallel": "x"},
        {"parallel": "3"},
        {"parallel": True},
        {"parameters": {"s=1": 2}},
        {"parameters": {"": 2}},
        {"parameters": {"x": "\0"}},
        {"parameters": {"x": "v" * 150_000}},
        {"on": {"a": "\0"}},
        {"parameters": []},
        {"unknown": 1},
        {"on": {"nobody": "lab"}},
    ):
        answer = client.post("/api/flows/test/runs", json=body)
        assert answer.status_code == 422, body
        assert answer.headers["content-type"] == "application/problem+json"
    headers = {"Content-Type": "application/json"}
    wrong = [b"{", b"\xff\x00", b"[" * 100_000, b'{"parameters": {"x": "\\ud800"}}']
    for content in (*wrong, b'{"parameters": {"x": NaN}}'):
        bad = client.post("/api/flows/test/runs", content=content, headers=headers)
        assert (bad.status_code, bad.json()["status"]) == (422, 422), content[:40]
    assert client.post("/api/flows/other/runs", json={}).status_code == 404


def test_nothing_changes_state_by_get(client: TestClient, hand: Any) -> None:
    run = hand({"a": []})
    for action in ("cancel", "resume", "retry"):
        assert client.get(f"/api/runs/{run.id}/{action}").status_code == 405
    assert run.journal.requests() == []


def test_a_preview_of_retry_lists_what_will_run(client: TestClient, hand: Any) -> None:
    run = diamond(hand)
    base = f"/api/runs/{run.id}/preview"
    found = client.get(base, params={"action": "retry"}).json()
    assert (found["again"], found["kept"]) == (["c", "d"], 2)
    found = client.get(base, params={"action": "retry", "node": "b"}).json()
    assert (found["again"], found["kept"]) == (["b", "c", "d"], 1)


def test_a_retry_that_would_run_nothing_is_409(client: TestClient, hand: Any) -> None:
    run = hand({"a": []})
    run.run_all("a")
    run.batch(run.end())
    assert client.post(f"/api/runs/{run.id}/retry").status_code == 409
    assert client.post(f"/api/runs/{run.id}/retry", json={"from": "b"}).status_code == 404


def test_a_map_counts_its_elements(client: TestClient, hand: Any) -> None:
    run = hand({"split": [], "work": ["split"], "merge": ["work"]}, maps={"work": "split"})
    run.batch(run.started("split"))
    run.batch(run.finished("split", ["x", "y", "z"]))
    run.batch(run.started("work[0]"), run.started("work[1]"))
    run.batch(run.failed("work[1]"))
    state = client.get(f"/api/runs/{run.id}/state").json()
    assert state["counts"] == {"error": 1, "running": 1, "pending": 2, "finished": 1}
    names = [n["name"] for n in state["nodes"]]
    assert names == ["split", "work", "merge", "work[0]", "work[1]", "work[2]"]
    captions = client.get(f"/api/runs/{run.id}/captions", params={"node": "work"}).json()
    assert captions == ["x", "y", "z"]
    assert client.get(f"/api/runs/{run.id}/nodes/work[1]").json()["status"] == "error"


def test_pages_and_docs(client: TestClient, hand: Any) -> None:
    hand({"a": []})
    for path in ("/", "/runs/k7q2m9xd?node=a", "/runs/nothing0", "/docs"):
        answer = client.get(path)
        assert answer.status_code == (404 if "nothing" in path else 200)
        assert answer.headers["content-type"].startswith("text/html")
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
    assert client.get("/flow/", follow_redirects=False).headers["location"] == "/"
    assert client.get("/runs/", follow_redirects=False).headers["location"] == "/"
    assert client.get("/static/none.js").status_code == 404
    assert client.get("/static/../app.py").status_code == 404


def test_labels_are_those_of_the_documents(client: TestClient, hand: Any) -> None:
    from cloudmesh.flow.model.flow import Look, Task

    look = Task(
        look=Look("orange", "{name}…", "square"),
        entry=Look(label="{name} {status} {progress}"),
        done=Look("green", "{name} = {value}"),
    )
    run = hand({"a": [], "b": ["a"]}, tasks={"a": look, "b": look})

    def looks() -> tuple[list[Any], list[Any]]:
        words = ("name", "color", "label", "shape")
        state = client.get(f"/api/runs/{run.id}/state").json()["nodes"]
        nodes = client.get(f"/api/runs/{run.id}/nodes").json()
        return [[n.get(w) for w in words] for n in state], [[n[w] for w in words] for n in nodes]

    for step in (
        lambda: run.batch(run.started("a")),
        lambda: run.batch(run.progress("a", 40)),
        lambda: run.batch(run.finished("a", {"deep": [1, "x" * 100]})),
        lambda: run.batch(run.started("b")),
        lambda: run.batch(run.failed("b")),
    ):
        step()
        shown, stored = looks()
        assert shown == stored
    assert shown[0] == ["a", "green", 'a = {"deep": [1, "' + "x" * 66 + "…", "square"]


def test_what_is_left_out_for_the_page_is_what_the_graph_says_already(
    client: TestClient, hand: Any
) -> None:
    from cloudmesh.flow.model.flow import Look, Parameter, Task

    needs: dict[str, list[str]] = {"split": [], "work": ["split"], "merge": ["work"], "aside": []}
    needs |= {n: [] for n in ("x1", "x2", "x3")} | {n: ["x1", "x2", "x3"] for n in ("y1", "y2")}
    needs |= {"last": ["merge", "y1", "y2"]}
    tasks = {
        "merge": Task(parameters=(Parameter("work"),)),
        "aside": Task(look=Look(label="to the side")),
        "y1": Task(on="lab"),
    }
    run = hand(needs, maps={"work": "split"}, tasks=tasks)

    def compare() -> None:
        path = f"/api/runs/{run.id}"
        full = client.get(f"{path}/state").json()
        brief = client.get(f"{path}/state", params={"brief": True}).json()
        said = {node["n"]: node for node in brief["nodes"]}
        for node in full["nodes"]:
            plain = {"n": node["n"], "name": node["name"], "status": "pending"}
            plain |= {"shown": "pending", "attempt": 0}
            assert said.get(node["n"], plain) == node
        assert len(said) < len(full["nodes"])
        names = [node["name"] for node in full["graph"]["nodes"]]
        for direction in ("right", "down"):
            asked = {"direction": direction, "open": "work"}
            whole = client.get(f"{path}/layout", params=asked).json()
            short = client.get(f"{path}/layout", params=asked | {"brief": True}).json()
            for there, here in zip(whole["items"], short["items"], strict=True):
                if isinstance(here, list):
                    fields = ("x", "y", "w", "h", "level", "n", "label")
                    here = dict(zip(fields, here, strict=False))
                    here |= {"kind": "node", "key": names[here["n"]]}
                assert here == there
            for there, here in zip(whole["edges"], short["edges"], strict=True):
                fields = ("from", "to", "path", "label", "x", "y", "curved")
                edge = dict(zip(fields, here, strict=False))
                if not edge.get("curved"):
                    edge.pop("curved", None)
                assert edge == {k: v for k, v in there.items() if k != "edge"}

    compare()
    run.batch(run.started("split"))
    run.batch(run.finished("split", [1, 2]))
    compare()
    run.batch(run.started("work[0]"), run.started("x1"))
    run.batch(run.failed("work[0]"))
    run.batch(run.failed("x1", retry_at=run.now + 9, reason="retry 2 at 12:00"))
    compare()
    run.run_all("x1", "x2", "x3")
    compare()
