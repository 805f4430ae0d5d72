"""The end of a run waits for machines of earlier engines: it says so, and can be told not to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from cloudmesh.flow.engine import drive
from cloudmesh.flow.engine.drive import _wait_for


class Scene:
    """An engine that has ended, and a thread that destroys machines until it is let go."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.engine: Any = SimpleNamespace(
            signalled=False, witness=SimpleNamespace(note=self.said.append)
        )
        self.may_end = threading.Event()
        self.thread = threading.Thread(target=self.may_end.wait, args=(60,))
        self.thread.start()


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setattr(drive, "QUIET", 0.01)
    made = Scene()
    yield made
    made.may_end.set()
    made.thread.join()


def test_what_is_gone_is_not_worth_a_word(scene: Scene) -> None:
    scene.may_end.set()
    scene.thread.join()
    _wait_for(scene.thread, scene.engine)
    assert scene.said == []


def test_a_wait_is_told_once_and_ends_with_the_machines(scene: Scene) -> None:
    def note(text: str) -> None:
        scene.said.append(text)
        scene.may_end.set()

    scene.engine.witness.note = note
    _wait_for(scene.thread, scene.engine)
    [line] = scene.said
    assert line.startswith("waiting for machines that an earlier engine of the run has left")


def test_a_signal_ends_the_wait(scene: Scene) -> None:
    def note(text: str) -> None:
        scene.said.append(text)
        scene.engine.signalled = True

    scene.engine.witness.note = note
    _wait_for(scene.thread, scene.engine)
    assert scene.said[1:] == ["a machine may be left: cms flow infra clean destroys it"]


def test_a_run_that_was_interrupted_waits_no_longer(scene: Scene) -> None:
    scene.engine.signalled = True
    _wait_for(scene.thread, scene.engine)
    assert scene.said == ["a machine may be left: cms flow infra clean destroys it"]


def test_the_wait_has_an_end(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "FINISH_WAIT", 0.05)
    _wait_for(scene.thread, scene.engine)
    assert len(scene.said) == 2
