"""How long a flow will take: medians of earlier runs, along the longest chain."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmesh.flow import open_store, workflow
from cloudmesh.flow.estimate import Took, earlier, estimate, steps, took_of
from cloudmesh.flow.language.load import load
from cloudmesh.flow.model.flow import Flow

CLOCK = "2026-01-01 00:00:{:09.6f}"


def flow_of(*strings: str) -> Flow:
    return load(None, strings, flowname="test").flow


def node(name: str, start: float, end: float, **more: Any) -> dict[str, Any]:
    """The document of a node that ran from one second to another."""
    return {
        "name": name,
        "status": "finished",
        "attempt": 1,
        "started": CLOCK.format(start),
        "ended": CLOCK.format(end),
        **more,
    }


def took(**seconds: float) -> dict[str, Took]:
    return {name: Took(span, span) for name, span in seconds.items()}


def test_the_longest_chain_and_all_the_work() -> None:
    found = estimate(flow_of("a; b || c; d"), took(a=1, b=5, c=2, d=1))
    assert (found.span, found.work, found.path, found.unknown) == (7, 9, ("a", "b", "d"), ())


def test_with_few_at_once_the_work_decides() -> None:
    found = estimate(flow_of("a || b || c"), took(a=1, b=1, c=4))
    assert found.seconds(32) == 4
    assert found.seconds(1) == 6


def test_what_never_ran_is_said_and_counts_as_nothing() -> None:
    found = estimate(flow_of("a; b; c"), took(a=2))
    assert (found.span, found.unknown) == (2, ("b", "c"))


def test_a_large_barrier_is_passed() -> None:
    flow = flow_of("(a || b || c); (d || e || f)")
    assert flow.junctions
    found = estimate(flow, took(a=1, b=3, c=1, d=1, e=1, f=2))
    assert (found.span, found.path) == (5, ("b", "f"))
    assert steps(flow) == [1, 1, 1, 2, 2, 2]


def test_a_map_lasts_from_its_first_start_to_its_last_end() -> None:
    nodes = [node("m", 0, 9), node("m[0]", 1, 4), node("m[1]", 1, 3), node("m[2]", 4, 6)]
    assert took_of(nodes) == {"m": Took(5, 7)}


@pytest.mark.parametrize(
    "more",
    [
        {"status": "error"},
        {"status": "pending", "ended": None},
        {"attempt": 0, "started": None},  # kept, or skipped
    ],
)
def test_only_what_ran_and_finished_tells_something(more: dict[str, Any]) -> None:
    assert took_of([node("a", 0, 1, **more)]) == {}
    assert took_of([node("a", 0, 1), node("a[0]", 0, 1), node("a[1]", 0, 1, **more)]).keys() <= {
        "a"
    }
    assert "m" not in took_of([node("m[0]", 0, 1), node("m[1]", 0, 1, status="error")])


@given(st.lists(st.floats(0, 1e6), min_size=5, max_size=5))
def test_never_longer_than_all_the_work_nor_shorter_than_a_node(times: list[float]) -> None:
    found = estimate(
        flow_of("a; b || c; d", "a; e"), took(**dict(zip("abcde", times, strict=True)))
    )
    assert max(times) <= found.span <= found.work * (1 + 1e-9)


def test_earlier_runs_are_read_from_the_store() -> None:
    store = open_store("memory://estimate")
    functions = {"xs": lambda: [1, 2], "m": lambda xs: xs, "z": lambda m: sum(m)}
    flow = workflow("xs; m*; z", functions=functions, name="sums")
    assert earlier(store, "sums") == (0, {})
    for _ in range(3):
        assert flow.run(store=store).status == "finished"
    runs, found = earlier(store, "sums")
    assert runs == 3
    assert found.keys() == {"xs", "m", "z"}
    assert all(t.work > 0 for t in found.values())


def test_what_a_retry_kept_does_not_count() -> None:
    store = open_store("memory://estimate-retry")
    fails = [True]

    def b(a: int) -> int:
        return a // (not fails.pop()) if fails else a

    flow = workflow("a; b", functions={"a": lambda: 1, "b": b}, name="again")
    run = flow.run(store=store)
    assert run.status == "error"
    assert flow.retry(run, store=store).status == "finished"
    newest, oldest = store.runs("again")
    assert took_of(store.nodes(newest["run"])).keys() == {"b"}
    assert took_of(store.nodes(oldest["run"])).keys() == {"a"}
