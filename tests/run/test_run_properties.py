"""The run, by property: any DAG, any outcomes, any crash; after each step what must hold, holds."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cloudmesh.flow.run import events as ev
from cloudmesh.flow.run.run import Run
from cloudmesh.flow.run.states import ERROR, FINISHED, PENDING, RUNNING
from cloudmesh.flow.testing.flows import random_flow

LIMITS = {"local": 3, "lab": 2, "pool:gpu": 1}
FAULT = {"type": "ValueError", "message": "no", "traceback": ""}


class Simulation:
    """Runs a flow with random outcomes, keeping the journal as text."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.flow = random_flow(self.chance)
        self.run = Run(self.flow)
        self.journal: list[str] = []
        self.now = 1.0
        self.going: set[int] = set()
        self.finished: set[str] = set()
        first = ev.begin(self.now, {})
        self.run.apply(first)
        self.keep([first])

    def keep(self, record: list[ev.Event]) -> None:
        if record:
            self.journal.append(ev.encode(record, self.run.name_json.__getitem__))

    def outcome(self, i: int) -> ev.Event:
        run, chance = self.run, self.chance
        if chance.random() < 0.2:
            extra: dict[str, Any] = {}
            if run.failures.get(i, 0) < run.task(i).retries:
                extra = {"retry_at": self.now + 1, "reason": "retry 2 at …"}
            return ev.failed(i, self.now, FAULT, extra)
        return ev.finished(i, self.now, "[1,2]", {"items": chance.choice([0, 1, 3, None])})

    def step(self, happened: list[ev.Event]) -> None:
        before = {i: self.run.status[i] for i in range(len(self.run))}
        record, starting = self.run.advance(happened, self.now, LIMITS)
        for i in starting:
            assert self.run.names[i] not in self.finished, "a recorded node ran again"
            assert before.get(i, PENDING) in (PENDING, RUNNING)
            parent = self.run.parent.get(i, i)
            for name in self.flow.dependencies(parent):
                assert name in self.finished or self.run.status[self.run.index[name]] == FINISHED
            self.going.add(i)
        self.keep(record)
        self.finished.update(
            self.run.names[i] for i in self.run.nodes() if self.run.status[i] == FINISHED
        )
        check(self.run)

    def crash(self) -> None:
        """Another engine takes the run from its journal."""
        fresh = Run(self.flow)
        for text in self.journal:
            fresh.replay(ev.decode(text))
        assert summary(fresh) == summary(self.run)
        self.run, self.going = fresh, set()
        event = ev.taken(self.now, {})
        self.run.apply(event)
        self.keep([event])
        self.step([])

    def to_the_end(self, crashes: int) -> None:
        self.step([])
        for _ in range(2000):
            if self.run.over:
                return
            self.now += 1
            if crashes and self.chance.random() < 0.1:
                crashes -= 1
                self.crash()
                continue
            some = self.chance.sample(
                sorted(self.going), self.chance.randint(0, min(3, len(self.going)))
            )
            self.going.difference_update(some)
            self.step([self.outcome(i) for i in some])
        raise AssertionError("the run does not end")


def check(run: Run) -> None:
    """What must hold in every state."""
    counts = [0, 0, 0, 0]
    busy = dict.fromkeys(LIMITS, 0)
    for i in run.nodes():
        if i in run.maps:
            continue
        counts[run.status[i]] += 1
        if run.status[i] == RUNNING:
            for name in run.lanes[i]:
                busy[name] += 1
    assert counts == run.counts
    assert run.running == busy["local"] + busy["lab"]
    assert all(busy[pool] <= LIMITS[pool] for pool in busy)
    may_change = sum(
        run.status[i] in (PENDING, RUNNING) and i not in run.blocked for i in run.nodes()
    )
    assert run.open == may_change


def summary(run: Run) -> dict[str, Any]:
    """All that a reader can see of a run."""
    return {
        run.names[i]: (
            run.status[i],
            run.attempt[i],
            run.started[i],
            run.ended[i],
            run.error.get(i),
            run.reason_of(i),
            run.retry_at.get(i),
        )
        for i in run.nodes()
    } | {"": (run.status_word, run.counts, run.open, run.running)}


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 6))
def test_every_run_ends_and_nothing_recorded_runs_again(seed: int, crashes: int) -> None:
    simulation = Simulation(seed)
    simulation.to_the_end(crashes)
    run = simulation.run
    for i in range(len(run.flow.nodes)):
        if run.status[i] == PENDING:
            assert run.status[run.blocked[i]] == ERROR, "pending without a cause"
        else:
            assert run.status[i] in (FINISHED, ERROR)
    assert (run.status_word == "error") == any(run.status[i] == ERROR for i in run.nodes())
