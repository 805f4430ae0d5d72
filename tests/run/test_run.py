"""The run, by example: what is recorded and started, and what follows without being recorded."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from cloudmesh.flow.model.flow import Flow, Task
from cloudmesh.flow.run import events as ev
from cloudmesh.flow.run.run import Run
from cloudmesh.flow.run.states import InvalidTransition

FlowMaker = Callable[..., Flow]
LIMITS = {"local": 100}
ERROR = {"type": "ValueError", "message": "no", "traceback": ""}


def begun(flow: Flow) -> Run:
    run = Run(flow)
    run.apply(ev.begin(1.0, {"flow": flow.to_json()}))
    return run


def advance(run: Run, *happened: ev.Event, now: float = 2.0, limits: dict[str, int] = LIMITS):
    record, starting = run.advance(happened, now, limits)
    return record, [run.names[i] for i in starting]


def done(run: Run, name: str, result: str = "1", **extra: object) -> ev.Event:
    return ev.finished(run.index[name], 2.0, result, extra or None)


def broke(run: Run, name: str, **extra: object) -> ev.Event:
    return ev.failed(run.index[name], 2.0, ERROR, extra or None)


def test_the_seeds_flow(flow: FlowMaker) -> None:
    run = begun(flow({"a": [], "b": ["a"], "c": ["a"]}))
    assert advance(run)[1] == ["a"]
    assert advance(run, done(run, "a"))[1] == ["b", "c"]
    record, starting = advance(run, done(run, "b"), done(run, "c"))
    assert starting == []
    assert record[-1] == ("end", 2.0, "finished")
    assert run.counts_by_status() == {"pending": 0, "running": 0, "finished": 3, "error": 0}


def test_what_follows_an_error_stays_pending_and_says_why(flow: FlowMaker) -> None:
    run = begun(flow({"a": [], "b": ["a"], "c": ["b"], "d": []}))
    advance(run)
    assert advance(run, broke(run, "a"))[1] == []
    assert run.reason_of(run.index["b"]) == "blocked by a"
    assert run.reason_of(run.index["c"]) == "blocked by a"
    record, _ = advance(run, done(run, "d"))
    assert record[-1][2] == "error"


def test_the_end_is_recorded_once(flow: FlowMaker) -> None:
    run = begun(flow({"a": []}))
    advance(run)
    assert advance(run, done(run, "a"))[0][-1][0] == "end"
    assert advance(run)[0] == []


def test_no_more_than_the_limit_run_at_once(flow: FlowMaker) -> None:
    run = begun(flow({name: [] for name in "abcde"}))
    assert advance(run, limits={"local": 2})[1] == ["a", "b"]
    assert advance(run, done(run, "a"), limits={"local": 2})[1] == ["c"]


def test_each_infrastructure_has_a_limit_of_its_own(flow: FlowMaker) -> None:
    tasks = {"b": Task(on="lab"), "c": Task(on="lab")}
    run = begun(flow({"a": [], "b": [], "c": []}, tasks=tasks))
    assert advance(run, limits={"local": 1, "lab": 1})[1] == ["a", "b"]
    assert advance(run, done(run, "a"), limits={"local": 1, "lab": 1})[1] == []
    assert advance(run, done(run, "b"), limits={"local": 1, "lab": 1})[1] == ["c"]


def test_a_pool_is_a_limit_beside_the_place(flow: FlowMaker) -> None:
    tasks = {"a": Task(pool="gpu"), "b": Task(pool="gpu", on="lab"), "c": Task()}
    run = begun(flow({"a": [], "b": [], "c": []}, tasks=tasks))
    limits = {"local": 9, "lab": 9, "pool:gpu": 1}
    assert advance(run, limits=limits)[1] == ["a", "c"]
    assert advance(run, done(run, "c"), limits=limits)[1] == []
    assert advance(run, done(run, "a"), limits=limits)[1] == ["b"]


def test_an_impossible_event_is_refused_with_the_nodes_name(flow: FlowMaker) -> None:
    run = begun(flow({"alpha": []}))
    with pytest.raises(InvalidTransition, match="alpha is pending and cannot be reset"):
        run.apply(ev.reset(0, 1.0, "interrupted"))


# -- maps --------------------------------------------------------------------


def test_a_map_runs_once_for_each_element(flow: FlowMaker) -> None:
    run = begun(flow({"s": [], "w": ["s"], "m": ["w"]}, maps={"w": "s"}))
    advance(run)
    assert advance(run, done(run, "s", "[1,2]", items=2))[1] == ["w[0]", "w[1]"]
    assert advance(run, done(run, "w[1]", '"y"'))[1] == []
    assert advance(run, done(run, "w[0]", '"x"'))[1] == ["m"]
    assert run.map_result(run.index["w"]) == '["x","y"]'
    assert run.counts_by_status()["finished"] == 3  # s and the elements, not w itself


def test_an_empty_list_is_finished_at_once(flow: FlowMaker) -> None:
    run = begun(flow({"s": [], "w": ["s"], "m": ["w"]}, maps={"w": "s"}))
    advance(run)
    assert advance(run, done(run, "s", "[]", items=0))[1] == ["m"]
    assert run.map_result(run.index["w"]) == "[]"


def test_a_source_without_a_list_is_the_maps_error(flow: FlowMaker) -> None:
    run = begun(flow({"s": [], "w": ["s"], "m": ["w"]}, maps={"w": "s"}))
    advance(run)
    record, _ = advance(run, done(run, "s", "3", items=None))
    assert record[-1][2] == "error"
    assert "returned no list" in run.error[run.index["w"]]["message"]
    assert run.reason_of(run.index["m"]) == "blocked by w"


def test_the_other_elements_still_run_when_one_fails(flow: FlowMaker) -> None:
    run = begun(flow({"s": [], "w": ["s"], "m": ["w"]}, maps={"w": "s"}))
    advance(run, limits={"local": 1})
    advance(run, done(run, "s", "[1,2]", items=2), limits={"local": 1})
    assert advance(run, broke(run, "w[0]"), limits={"local": 1})[1] == ["w[1]"]
    assert run.reason_of(run.index["m"]) is None
    record, _ = advance(run, done(run, "w[1]"), limits={"local": 1})
    assert record[-1][2] == "error"
    assert run.error[run.index["w"]]["message"] == "w[0] failed: no"


def test_a_map_over_a_map_waits_for_all_of_it(flow: FlowMaker) -> None:
    run = begun(flow({"s": [], "a": ["s"], "b": ["a"]}, maps={"a": "s", "b": "a"}))
    advance(run)
    advance(run, done(run, "s", "[1,2]", items=2))
    assert advance(run, done(run, "a[0]"))[1] == []
    assert advance(run, done(run, "a[1]"))[1] == ["b[0]", "b[1]"]


# -- again -------------------------------------------------------------------


def test_a_retry_waits_for_its_time_and_says_why_it_runs(flow: FlowMaker) -> None:
    run = begun(flow({"a": []}, tasks={"a": Task(retries=2)}))
    advance(run)
    assert advance(run, broke(run, "a", retry_at=9.0, reason="retry 2 at …"))[1] == []
    assert run.reason_of(0) == "retry 2 at …"
    assert run.next_due() == 9.0
    record, starting = advance(run, now=9.0)
    assert starting == ["a"]
    assert record == [("started", 0, 9.0, 2, "retry 2 of 3 after ValueError", "local")]
    assert 0 not in run.error


def test_a_clock_that_is_set_back_delays_no_retry_for_long(flow: FlowMaker) -> None:
    run = begun(flow({"a": []}, tasks={"a": Task(retries=2)}))
    advance(run, now=90_000.0)
    advance(run, broke(run, "a", retry_at=90_005.0, reason="retry 2 at …"), now=90_000.0)
    assert advance(run, now=90_001.0)[1] == []
    assert advance(run, now=89_900.0)[1] == []  # a pause may be as long
    assert advance(run, now=3_600.0)[1] == ["a"]


def test_what_ran_when_the_engine_died_runs_again(flow: FlowMaker) -> None:
    run = begun(flow({"a": [], "b": ["a"]}))
    advance(run)
    run.apply(ev.taken(3.0, {}))
    record, starting = advance(run)
    assert starting == ["a"]
    assert record[0][3:5] == (2, "was running when the engine died")


def test_the_third_death_is_an_error_and_the_culprit_alone_reaches_it(flow: FlowMaker) -> None:
    run = begun(flow({"a": [], "b": []}))
    for _ in range(2):
        advance(run)
        run.apply(ev.taken(3.0, {}))
    assert advance(run)[1] == ["a"]  # alone, because two engines died under both
    assert advance(run, done(run, "a"))[1] == ["b"]
    run.apply(ev.taken(4.0, {}))
    assert run.error[1]["type"] == "EngineDied"
    assert advance(run)[0][-1][2] == "error"


def test_cancelled_nodes_stay_pending(flow: FlowMaker) -> None:
    run = begun(flow({"a": [], "b": ["a"]}))
    advance(run)
    record, starting = advance(run, ev.request(2.0, "cancel", "me"), done(run, "a"))
    assert starting == []
    assert record[-1][2] == "cancelled"
    assert run.reason_of(1) == "cancelled"


def test_a_node_that_waits_for_its_next_attempt_is_cancelled_too(flow: FlowMaker) -> None:
    run = begun(flow({"a": []}, tasks={"a": Task(retries=1)}))
    advance(run)
    advance(run, broke(run, "a", retry_at=9.0, reason="retry 2 at …"))
    assert run.reason_of(0) == "retry 2 at …"
    assert advance(run, ev.request(2.0, "cancel", "me"))[0][-1][2] == "cancelled"
    assert run.reason_of(0) == "cancelled"


def test_an_interrupted_run_goes_on(flow: FlowMaker) -> None:
    run = begun(flow({"a": [], "b": ["a"]}))
    advance(run)
    run.interrupt()
    record, _ = advance(run, ev.reset(0, 2.0, "interrupted"))
    assert record[-1][2] == "interrupted"
    assert run.reason_of(0) == "interrupted"
    run.apply(ev.taken(3.0, {}))
    assert advance(run)[0][0][3:5] == (2, "was interrupted")


def test_a_skipped_node_lets_the_others_run(flow: FlowMaker) -> None:
    run = begun(flow({"a": [], "b": ["a"]}, tasks={"a": Task(when="x > 1")}))
    record, starting = run.advance(
        [], 2.0, LIMITS, lambda i: ev.skipped(i, 2.0, "skipped: when x > 1") if i == 0 else None
    )
    assert [event[0] for event in record] == ["skipped", "started"]
    assert starting == [1]


def test_a_junction_passes_on_when_all_before_it_have_finished() -> None:
    from cloudmesh.flow.model.flow import Node

    flow = Flow(
        name="t",
        nodes=tuple(Node(name) for name in "abcd"),
        needs=((), (), (4,), (4,)),
        junctions=((0, 1),),
    )
    run = begun(flow)
    assert advance(run)[1] == ["a", "b"]
    assert advance(run, done(run, "a"))[1] == []
    assert advance(run, done(run, "b"))[1] == ["c", "d"]
    assert flow.dependencies(2) == ["a", "b"]


# -- the journal --------------------------------------------------------------


def test_events_survive_the_journal(flow: FlowMaker) -> None:
    run = begun(flow({"a": [], "b\u00e9": ["a"]}))
    events = [
        ev.begin(1.5, {"x": [1]}),
        ev.started(0, 2.5, 1, "first", "local"),
        ev.progress(0, 2.6, 40.0, "half"),
        ev.finished(0, 3.0, '{"a":1}', {"items": 2}),
        ev.finished(1, 3.0, "null"),
        ev.failed(1, 3.5, ERROR, {"exit_code": 7}),
        ev.skipped(1, 4.0, "why"),
        ev.end(5.0, "finished"),
    ]
    read = ev.decode(ev.encode(events, run.name_json.__getitem__))
    assert read == [
        ["run", 1.5, {"x": [1]}],
        ["started", "a", 2.5, 1, "first", "local"],
        ["progress", "a", 2.6, 40.0, "half"],
        ["finished", "a", 3.0, {"a": 1}, {"items": 2}],
        ["finished", "b\u00e9", 3.0, None],
        ["failed", "b\u00e9", 3.5, ERROR, {"exit_code": 7}],
        ["skipped", "b\u00e9", 4.0, "why"],
        ["end", 5.0, "finished"],
    ]
    assert json.loads(ev.encode([], run.name_json.__getitem__)) == []
