"""Decisions without deeds: retries, their pauses, and rates."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmesh.flow.model.flow import Flow, Task
from cloudmesh.flow.run import events as ev
from cloudmesh.flow.run.policy import DELAY_MAX, retry_delay, room, wants_retry
from cloudmesh.flow.run.run import Run

RATES = {"pool:api": (2, 10.0)}
LIMITS = {"local": 9, "pool:api": 9}


def test_the_pause_doubles_up_to_a_ceiling_and_has_jitter() -> None:
    task = Task(retries=99, retry_delay=2.0)
    assert [retry_delay(task, n, 1.0) for n in (1, 2, 3, 4)] == [2.0, 4.0, 8.0, 16.0]
    assert [retry_delay(task, n, 0.0) for n in (1, 2, 3, 4)] == [1.0, 2.0, 4.0, 8.0]
    assert retry_delay(task, 99, 1.0) == retry_delay(task, 10**9, 1.0) == DELAY_MAX
    assert retry_delay(Task(retries=1, retry_delay=0.0), 1, 1.0) == 0.0


@pytest.mark.parametrize(
    ("failures", "retry_on", "kinds", "again"),
    [
        (1, (), ("OSError",), True),
        (2, (), ("OSError",), True),
        (3, (), ("OSError",), False),  # retries=2 is up to three attempts
        (1, ("OSError",), ("ConnectionError", "OSError"), True),
        (1, ("http.HTTPError",), ("requests.HTTPError",), True),
        (1, ("OSError",), ("ValueError",), False),
    ],
)
def test_whether_there_is_another_attempt(
    failures: int, retry_on: tuple[str, ...], kinds: tuple[str, ...], again: bool
) -> None:
    assert wants_retry(Task(retries=2, retry_on=retry_on), failures, kinds) is again


@given(st.lists(st.floats(0.0, 30.0), max_size=60), st.integers(1, 4))
def test_no_time_sees_more_starts_than_the_rate(pauses: list[float], count: int) -> None:
    now, recent, starts = 1e9, deque[float](), []
    for pause in pauses:
        now += pause
        free, opens = room(recent, now, (count, 10.0))
        assert bool(free) == (len(recent) < count)
        if free:
            recent.append(now)
            starts.append(now)
        else:
            assert now < opens <= now + 10.0
    for first, after in zip(starts, starts[count:], strict=False):
        assert after - first >= 10.0


def test_a_clock_that_is_set_back_stops_nothing() -> None:
    assert room(deque([5e9, 5e9]), 1e9, (2, 10.0))[0] == 2


def starts(run: Run, now: float, *happened: ev.Event) -> int:
    return len(run.advance(happened, now, LIMITS, None, RATES)[1])


def test_a_pool_with_a_rate_starts_no_more_in_a_time(flow: Callable[..., Flow]) -> None:
    tasks = {name: Task(pool="api") for name in "abcde"}
    made = flow({name: [] for name in "abcdef"}, tasks=tasks)
    run = Run(made)
    run.apply(ev.begin(1.0, {"flow": made.to_json()}))
    assert starts(run, 100.0) == 3  # two of the pool, and f
    assert run.next_due() == 110.0
    assert starts(run, 109.0) == 0
    assert starts(run, 110.0) == 2
    assert run.next_due() == 120.0
    again = Run(made)  # a resume remembers
    again.apply(ev.begin(1.0, {"flow": made.to_json()}))
    names = made.nodes
    for i, at in enumerate((100.0, 100.0, 110.0, 110.0)):
        again.replay(json.loads(ev.encode([ev.started(i, at, 1, "first", "local")], _name(names))))
        again.apply(ev.finished(i, at, "1"))
    assert starts(again, 115.0) == 1  # f
    assert starts(again, 120.0) == 1
    assert again.next_due() is None


def _name(nodes: tuple[object, ...]) -> Callable[[int], str]:
    return lambda i: json.dumps(nodes[i].name)  # type: ignore[attr-defined]
