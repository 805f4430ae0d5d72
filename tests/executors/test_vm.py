"""Machines for nodes, with a provider that makes none: what is released, and how nodes end."""

from __future__ import annotations

import queue
from collections.abc import Mapping
from typing import Any

import executor_kit as kit
import pytest

from cloudmesh.flow.executors import vm
from cloudmesh.flow.executors.command import cancelled, problem
from cloudmesh.flow.executors.protocol import Attempt, Done
from cloudmesh.flow.executors.table import Context
from cloudmesh.flow.executors.vm import VmExecutor
from cloudmesh.flow.providers.protocol import Found, Note, Reach, Stop, Unwanted, Way
from cloudmesh.flow.providers.trouble import CloudError

pytest.importorskip("asyncssh", reason="NOT TESTED: machines (needs asyncssh)")


class Provider:
    """Makes machines that exist on paper."""

    outlives = True
    about: Mapping[str, Any] = {"provider": "paper", "name": "vm"}

    def __init__(self, refuses: Exception | None = None, trouble: Exception | None = None) -> None:
        self.refuses, self.trouble = refuses, trouble
        self.there: set[str] = set()

    def create(self, tag: str, note: Note, stop: Stop) -> Machine:
        if self.refuses is not None:
            raise self.refuses
        self.there.add(tag)
        return Machine(self, tag)

    def mark(self, tag: str) -> str:
        return tag

    def listed(self, store: str) -> list[Found]:
        return []

    def destroy(self, tag: str) -> int:
        count = len(self.there & {tag})
        self.there.discard(tag)
        return count

    def problems(self) -> list[tuple[str, str]]:
        return []


class Machine:
    def __init__(self, provider: Provider, tag: str) -> None:
        self.provider, self.tag = provider, tag

    def wait(self, reach: Reach, stop: Stop) -> None:
        if self.provider.trouble is not None:
            raise self.provider.trouble

    def way(self) -> Way:
        raise AssertionError("nobody goes there")

    def alive(self) -> bool:
        return True

    def console(self) -> str:
        return ""

    def destroy(self) -> None:
        self.provider.destroy(self.tag)


def executor(provider: Provider, lifetime: str = "run") -> tuple[VmExecutor, list[Any]]:
    """An executor, and the lines that it has the engine write down."""
    lines: list[Any] = []
    context = Context("store", "run00001", intent=lines.append, release=lines.append)
    spec = {"kind": "vm", "provider": "paper"}
    return VmExecutor("vm", spec, context, lifetime, provider), lines


QUOTA = CloudError("vm: a quota is used up", "quota")
EXPIRED = CloudError("vm: the credentials have expired", "credentials")
NO_ANSWER = CloudError("vm: no answer", "away", passing=True, unsure=True)


@pytest.mark.parametrize("lifetime", ["run", "node"])
@pytest.mark.parametrize(
    ("refuses", "trouble", "is_gone"),
    [
        (QUOTA, None, True),  # nothing was made
        (None, EXPIRED, True),  # it was made, and is destroyed
        (NO_ANSWER, None, False),  # it may still come up
        (Unwanted("nobody wants it"), None, True),
        (Unwanted("nobody wants it", unsure=True), None, False),
    ],
)
def test_a_machine_is_recorded_as_gone_when_it_surely_is(
    refuses: Exception | None, trouble: Exception | None, is_gone: bool, lifetime: str
) -> None:
    provider = Provider(refuses, trouble)
    made, lines = executor(provider, lifetime)
    told = kit.start(made, kit.make_attempt(lambda: 1))
    try:
        assert told.result().status == "error"
    finally:
        made.close()
    assert provider.there == set()
    lines = [*told.attempt.extra["intents"], *lines]
    assert [set(line) == {"tag"} for line in lines] == [False, True][: 1 + is_gone]


full: queue.SimpleQueue[Inside] = queue.SimpleQueue()  # of two nodes


class Inside:
    """What runs in a machine: nodes that end when a test says so, or all when it is closed."""

    def __init__(self, hosts: Any, slots: int) -> None:
        self.running: dict[Attempt, Done] = {}

    def start(self, attempt: Attempt, done: Done) -> None:
        self.running[attempt] = done
        if len(self.running) == 2:
            full.put(self)

    def cut(self, attempt: Attempt) -> None:
        self.running.pop(attempt)(attempt, problem("ConnectionLost", "cut", lost=True))

    def close(self) -> None:
        for attempt, done in list(self.running.items()):
            del self.running[attempt]
            done(attempt, cancelled())


def test_all_nodes_of_a_machine_that_is_lost_are_lost_and_not_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vm, "SshExecutor", Inside)
    monkeypatch.setattr(vm, "_host", lambda name, way, spec: None)
    monkeypatch.setattr(Machine, "way", lambda self: None)
    made, lines = executor(Provider())
    told = [kit.start(made, kit.make_attempt(lambda: 1)) for _ in range(2)]
    try:
        full.get(timeout=30).cut(told[0].attempt)
        outcomes = [one.result() for one in told]
    finally:
        made.close()
    assert [(one.kinds, one.lost) for one in outcomes] == [(("MachineLost",), True)] * 2
    assert len(lines) == 2
