"""A journal as a trace: a span for the run, and one for each attempt."""

from __future__ import annotations

import json
import re
from typing import Any

from cloudmesh.flow import current, open_store, task, workflow
from cloudmesh.flow.cli.export import events_of, trace_of
from cloudmesh.flow.otel import trace
from cloudmesh.flow.store.protocol import Store


def spans_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    (resource,) = document["resourceSpans"]
    (scope,) = resource["scopeSpans"]
    found: list[dict[str, Any]] = scope["spans"]
    return found


def said(span: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a span or an event."""
    return {a["key"]: next(iter(a["value"].values())) for a in span["attributes"]}


def journal(*events: list[Any]) -> list[list[Any]]:
    return [["run", 1.0, {"flow": {"name": "test"}}], *events]


def test_a_run_is_a_span_and_each_attempt_one_below_it() -> None:
    store = open_store("memory://otel")
    tries = [1, 1]

    @task(retries=2, retry_delay="1ms")
    def b(a: list[str]) -> int:
        current().progress(50, "half way")
        tries.pop()
        return 1 // (not tries)

    flow = workflow(
        "a; b || c*",
        functions={"a": lambda: ["secret", "x"], "b": b, "c": lambda a: a},
        name="traced",
    )
    run = flow.run(store=store)
    assert run.status == "finished"
    text = trace_of(store, run.id)
    assert "secret" not in text
    root, *spans = spans_of(json.loads(text))
    assert (root["name"], root["status"]) == ("flow traced", {"code": 1})
    assert "parentSpanId" not in root
    assert sorted(s["name"] for s in spans) == ["a", "b", "b", "c[0]", "c[1]"]
    for span in spans:
        assert span["parentSpanId"] == root["spanId"]
        assert span["traceId"] == root["traceId"]
        assert int(root["startTimeUnixNano"]) <= int(span["startTimeUnixNano"])
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
        assert int(span["endTimeUnixNano"]) <= int(root["endTimeUnixNano"])
    first, second = (s for s in spans if s["name"] == "b")
    assert first["status"] == {"code": 2, "message": "ZeroDivisionError"}
    assert second["status"] == {"code": 1}
    assert said(second)["cloudmesh.flow.attempt"] == "2"
    progress, exception = first["events"]
    assert (progress["name"], said(progress)) == ("half way", {"cloudmesh.flow.progress": 50.0})
    assert said(exception)["exception.type"] == "ZeroDivisionError"


def test_ids_have_their_form_and_stay_the_same() -> None:
    events = journal(["started", "a", 2.0, 1, "first", "local"], ["finished", "a", 3.0, 1])
    first, second = (spans_of(trace("store", "abc", events, "1")) for _ in range(2))
    assert first == second
    for span in first:
        assert re.fullmatch("[0-9a-f]{32}", span["traceId"])
        assert re.fullmatch("[0-9a-f]{16}", span["spanId"])
    assert len({span["spanId"] for span in first}) == 2
    assert spans_of(trace("other", "abc", events, "1"))[0]["traceId"] != first[0]["traceId"]


def test_times_are_nanoseconds() -> None:
    root, a = spans_of(
        trace("s", "r", journal(["started", "a", 1763971200.123456, 1, "first", "local"]), "1")
    )
    assert a["startTimeUnixNano"] == "1763971200123456000"
    assert root["endTimeUnixNano"] == "1763971200123456000"


def test_what_a_dead_engine_left_is_lost_and_goes_on() -> None:
    events = journal(
        ["started", "a", 2.0, 1, "first", "local"],
        ["taken", 5.0, {"pid": 1}],
        ["started", "a", 6.0, 2, "was running when the engine died", "local"],
        ["reset", "a", 7.0, "interrupted"],
        ["end", 8.0, "interrupted"],
    )
    root, first, second = spans_of(trace("s", "r", events, "1"))
    assert first["status"] == {"code": 2, "message": "lost"}
    assert second["status"] == {"message": "interrupted"}
    assert (second["startTimeUnixNano"], second["endTimeUnixNano"]) == ("6000000000", "7000000000")
    assert [event["name"] for event in root["events"]] == ["another engine goes on with it"]
    assert root["status"] == {"message": "interrupted"}


def test_what_did_not_run_has_no_span() -> None:
    events = journal(["kept", "a", 2.0, 1, {}, "kept"], ["skipped", "b", 2.0, "when"])
    assert len(spans_of(trace("s", "r", [*events, ["end", 3.0, "finished"]], "1"))) == 1


def test_every_kind_of_event_is_taken() -> None:
    rest = [
        ["progress", "a", 2.0, 5],
        ["request", 2.0, "cancel", "me"],
        ["intent", 2.0, {}],
        ["released", 2.0, {}],
        ["failed", "never started", 2.0, {"type": "Cancelled", "message": ""}],
    ]
    assert len(spans_of(trace("s", "r", journal(*rest), "1"))) == 1


def test_of_a_flow_it_is_the_latest_run() -> None:
    store: Store = open_store("memory://otel-name")
    flow = workflow("a", functions={"a": lambda: 1}, name="named")
    flow.run(store=store)
    run = flow.run(store=store)
    root, _ = spans_of(json.loads(trace_of(store, "named")))
    assert said(root)["cloudmesh.flow.run"] == run.id
    assert next(events_of(store, run.id))[0] == "run"
