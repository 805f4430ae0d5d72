"""Runs of small flows on the store in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudmesh.flow import api
from cloudmesh.flow.handle import Run
from cloudmesh.flow.language.load import load_functions
from cloudmesh.flow.language.program import Program
from cloudmesh.flow.store import open_store
from cloudmesh.flow.store.protocol import Store


class Watcher(api.Quiet):
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.printed: list[tuple[str, str, str]] = []
        self.notes: list[str] = []
        self.status = ""

    def batch(self, seq: int, events: list[tuple[Any, ...]]) -> None:
        self.events.extend(events)

    def output(self, node: str, stream: str, text: str) -> None:
        self.printed.append((node, stream, text))

    def note(self, text: str) -> None:
        self.notes.append(text)

    def ended(self, status: str) -> None:
        self.status = status


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = (
        f"memory://{tmp_path.name}"
        if request.param == "memory"
        else f"sqlite:///{tmp_path}/flow.db"
    )
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


@pytest.fixture
def program() -> Callable[..., Program]:
    def make(
        text: str | list[str],
        *functions: Callable[..., Any],
        parameters: dict[str, Any] | None = None,
    ) -> Program:
        named = {f.__name__: f for f in functions}
        return load_functions(text, named, flowname="t", parameters=parameters)

    return make


@pytest.fixture
def run(store: Store, program: Callable[..., Program], watcher: Watcher) -> Callable[..., Run]:
    """``run(text, functions…, options…)``: a run to its end."""

    def go(text: str | list[str], *functions: Callable[..., Any], **options: Any) -> Run:
        made = program(text, *functions, parameters=options.get("parameters"))
        return api.run(made, store, observer=watcher, **options)

    return go
