"""Flows in users' tests: `rehearse`, with the fake executor and the fake clock."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmesh.flow import BaseWorkFlow, Secret, current, task, workflow
from cloudmesh.flow.errors import InputError, NotFound
from cloudmesh.flow.testing import LOST, InTurn, Takes, memory_store, rehearse


def never() -> None:
    raise AssertionError("a node with an outcome was called")


def test_outcomes_stand_for_nodes_and_the_others_run() -> None:
    flow = workflow("a; b", functions={"a": never, "b": lambda a: a + 1})
    run = rehearse(flow, {"a": 41})
    assert (run.status, run["b"].value) == ("finished", 42)


def test_a_class_its_string_and_its_parameters() -> None:
    class Sum(BaseWorkFlow):
        flow = "a; b"

        def a(self) -> int:
            return 1

        def b(self, a: int, by: int = 2) -> int:
            return a + by

        def c(self) -> None:
            print("in c!")

    assert rehearse(Sum).values == {"a": 1, "b": 3}
    assert rehearse(Sum(), params={"by": 5})["b"].value == 6
    assert rehearse(Sum, strings="a; c").log("c") == "in c!\n"


def test_a_file_and_a_command_that_is_not_run(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("flow: a; b\ntasks:\n  a: {command: rm -rf /}\n  b: {command: 'echo {a}'}\n")
    run = rehearse(file, {"a": "gone", "b": lambda a: f"heard {a}"})
    assert run["b"].value == "heard gone"
    with pytest.raises(InputError, match="no command is run here"):
        rehearse(file, {"a": "gone"})


def test_an_outcome_without_a_node() -> None:
    with pytest.raises(NotFound, match="did you mean 'fetch'"):
        rehearse("fetch; b", {"fetsch": 1, "b": 2})


@pytest.mark.parametrize("error", [OSError("full"), OSError])
def test_an_error_blocks_what_follows(error: object) -> None:
    run = rehearse("a || x; b", {"a": error, "x": 1, "b": 2})
    assert run.status == "error"
    assert run["a"].error is not None
    assert run["a"].error["type"] == "OSError"
    assert run["b"].reason == "blocked by a"


def test_an_exit_code() -> None:
    assert rehearse("a", {"a": SystemExit(3)}).documents()[0]["exit_code"] == 3


def test_retries_by_the_clock_that_nobody_waits_for() -> None:
    @task(retries=3, retry_delay="1m")
    def a() -> None:
        never()

    began = perf_counter()
    run = rehearse(
        workflow("a", functions={"a": a}),
        {"a": InTurn(OSError("busy"), LOST, Takes("2h", OSError("again")), "at last")},
    )
    assert run["a"].value == "at last"
    hours = 2 * 3600
    assert run.starts == [(0, "a", 1), (60, "a", 2), (180, "a", 3), (180 + hours + 240, "a", 4)]
    assert run.took == 420 + hours
    assert perf_counter() - began < 60


def test_retry_on_looks_at_the_bases_of_an_error() -> None:
    @task(retries=5, retry_on=OSError)
    def a() -> None:
        never()

    flow = workflow("a", functions={"a": a})
    assert rehearse(flow, {"a": FileNotFoundError("x")})["a"].attempt == 6
    assert rehearse(flow, {"a": ValueError("x")})["a"].attempt == 1


def test_a_timeout_comes_before_what_takes_longer() -> None:
    @task(timeout="5m")
    def a() -> None:
        never()

    flow = workflow("a", functions={"a": a})
    run = rehearse(flow, {"a": Takes("10m", 1)})
    assert (run["a"].error or {})["type"] == "Timeout"
    assert run.took == 300
    assert rehearse(flow, {"a": Takes("5m", 1)}).status == "finished"


def test_elements_of_a_map() -> None:
    run = rehearse("a; b*; c", {"a": [1, 2, 3], "b": 0, "b[1]": ValueError("two"), "c": 1})
    assert [run[f"b[{i}]"].status for i in range(3)] == ["finished", "error", "finished"]
    assert run["c"].status == "pending"


def test_a_function_sleeps_on_the_fake_clock_and_says_what_current_says() -> None:
    def a() -> str:
        current().sleep(3600)
        current().progress(50)
        return current().key.rpartition("/")[2]

    run = rehearse(workflow("a", functions={"a": a}))
    assert (run.took, run["a"].value) == (3600, "a")


def test_an_async_function() -> None:
    async def a(x: int) -> int:
        return x + 1

    assert rehearse(workflow("a", functions={"a": a}), params={"x": 1})["a"].value == 2


def test_slots_and_pools_are_limits() -> None:
    @task(on="lab")
    def a(x: int) -> None:
        never()

    @task(pool="one")
    def b(a: None) -> None:
        never()

    flow = workflow("x; a*; b*", functions={"x": never, "a": a, "b": b})
    outcomes = {"x": [1, 2, 3, 4], "a": Takes(10), "b": Takes(1)}
    run = rehearse(flow, outcomes, slots={"lab": 2}, pools={"one": 1})
    assert run.took == 20 + 4
    assert [at for at, node, _ in run.starts if node.startswith("a[")] == [0, 0, 10, 10]
    with pytest.raises(InputError, match="lab"):
        rehearse(flow, outcomes)


def test_a_rate_is_kept_on_the_fake_clock() -> None:
    @task(pool="api")
    def b(a: int) -> None:
        never()

    flow = workflow("a; b*", functions={"a": never, "b": b})
    run = rehearse(flow, {"a": [1, 2, 3, 4, 5], "b": 0}, pools={"api": {"rate": "2/10s"}})
    assert [at for at, node, _ in run.starts if node != "a"] == [0, 0, 10, 10, 20]


def test_a_condition_is_asked() -> None:
    @task(when="a > 3")
    def b(a: int) -> int:
        return a

    flow = workflow("a; b; c", functions={"a": never, "b": b, "c": lambda: 1})
    documents = {d["name"]: d for d in rehearse(flow, {"a": 3}).documents()}
    assert documents["b"]["skipped"]
    assert documents["c"]["result"] == 1
    assert rehearse(flow, {"a": 4})["b"].value == 4


def test_a_secret_is_of_the_environment_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "sesame-open")

    def a(token: Secret) -> str:
        print("token", token)
        return token[:1]

    run = rehearse(workflow("a", functions={"a": a}))
    assert run["a"].value == "s"
    assert "sesame" not in run.log("a")


def test_two_stores_have_nothing_in_common() -> None:
    assert memory_store().id != memory_store().id


@given(st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 1e6), min_size=6))
def test_a_chain_takes_the_sum_and_a_fan_the_longest(times: dict[str, float]) -> None:
    outcomes = {name: Takes(duration) for name, duration in times.items()}
    chain, fan = rehearse("a; b; c; d; e; f", outcomes), rehearse("a|b|c|d|e|f", outcomes)
    assert chain.took == pytest.approx(sum(times.values()), abs=1e-3)
    assert fan.took == pytest.approx(max(times.values()), abs=1e-3)


@given(st.data())
def test_in_any_graph_what_depends_on_an_error_stays_pending(data: st.DataObject) -> None:
    names = [f"n{i}" for i in range(data.draw(st.integers(1, 8)))]
    needs = {
        name: data.draw(st.lists(st.sampled_from(names[:i]), unique=True, max_size=3)) if i else []
        for i, name in enumerate(names)
    }
    outcomes = {name: data.draw(st.sampled_from([1, Takes(5, 2), ValueError])) for name in names}
    text = names + [f"{needed}; {name}" for name in names for needed in needs[name]]
    run = rehearse(text[0], outcomes, strings=text)
    for name in names:
        before = {run[needed].status for needed in needs[name]}
        if before - {"finished"}:
            assert run[name].status == "pending"
        else:
            wanted = "error" if outcomes[name] is ValueError else "finished"
            assert run[name].status == wanted
    assert {node for _, node, _ in run.starts} == {n for n in names if run[n].status != "pending"}
