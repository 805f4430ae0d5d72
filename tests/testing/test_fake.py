"""The fake executor by itself, as the seam of executors asks."""

from __future__ import annotations

from typing import Any

import pytest

import cloudmesh.flow.testing as testing
from cloudmesh.flow.executors.protocol import Attempt, Outcome
from cloudmesh.flow.model.flow import Task
from cloudmesh.flow.testing import FakeClock, FakeExecutor, InTurn, Takes


def attempt(node: str = "a", **task: Any) -> Attempt:
    return Attempt(
        "run00000", node, 1, f"s/run00000/{node}", Task(**task), None, {},
        log=lambda stream, text: None, progress=lambda percent, text: None, intent=print,
    )  # fmt: skip


def test_done_is_called_once_and_in_its_time() -> None:
    told: list[Outcome] = []
    cast = FakeExecutor({"a": Takes(3, "x")})
    cast.start(attempt(), lambda attempt, outcome: told.append(outcome))
    cast.clock.advance(cast.clock.began + 2.9)
    assert told == []
    cast.clock.advance(cast.clock.began + 9)
    assert [(o.status, o.value) for o in told] == [("finished", "x")]


def test_cancel_ends_an_attempt_once() -> None:
    told: list[Outcome] = []
    cast, one = FakeExecutor({"a": Takes(3)}), attempt()
    cast.start(one, lambda attempt, outcome: told.append(outcome))
    cast.cancel(one)
    cast.clock.advance(cast.clock.began + 9)
    assert [(o.error or {})["type"] for o in told] == ["Cancelled"]
    assert one.cancelled


def test_nothing_is_told_after_close() -> None:
    cast = FakeExecutor({"a": Takes(3)})
    cast.start(attempt(), lambda attempt, outcome: pytest.fail("told"))
    cast.close()
    cast.clock.advance(cast.clock.began + 9)


def test_the_clock_does_what_is_due_in_order() -> None:
    clock, done = FakeClock(0), []
    for delay in (3, 1, 2, 1):
        clock.after(delay, lambda at=delay: done.append((clock.now, at)))  # type: ignore[misc]
    clock.advance(2)
    assert done == [(1, 1), (1, 1), (2, 2)]
    assert clock.next() == 3


def test_outcomes_in_turn_need_one() -> None:
    with pytest.raises(ValueError, match="at least"):
        InTurn()


def test_what_is_exported_is_there() -> None:
    assert [name for name in testing.__all__ if not hasattr(testing, name)] == []
    assert set(testing.__all__) <= set(dir(testing))
    with pytest.raises(AttributeError):
        testing.nothing  # noqa: B018
