"""What the tests of executors share: attempts that remember what was told of them."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from cloudmesh.flow.executors.procs import processes
from cloudmesh.flow.executors.protocol import Attempt, Executor, Outcome
from cloudmesh.flow.language.pythonclass import loading
from cloudmesh.flow.model.flow import Task

with loading():
    import executor_nodes as nodes

__all__ = ["Told", "left", "make_attempt", "nodes", "nothing_left", "some_left", "start"]

_numbers = itertools.count(1)


class Told:
    """An attempt with all that was said about it."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.outcomes: queue.Queue[Outcome] = queue.Queue()

    @property
    def log(self) -> list[tuple[str, str]]:
        return self.attempt.extra["told"]

    def text(self, stream: str) -> str:
        return "".join(text for name, text in list(self.log) if name == stream)

    @property
    def said(self) -> list[tuple[float, str]]:
        return self.attempt.extra["said"]

    def result(self, wait: float = 60.0) -> Outcome:
        return self.outcomes.get(timeout=wait)

    def until(self, true: Callable[[Told], bool], wait: float = 60.0) -> None:
        """Wait until something has been told."""
        news: threading.Condition = self.attempt.extra["news"]
        with news:
            assert news.wait_for(lambda: true(self), wait), self.log


def make_attempt(
    function: Callable[..., Any] | None = None,
    arguments: Mapping[str, Any] | None = None,
    key: str = "",
    number: int = 1,
    **task: Any,
) -> Attempt:
    told: list[tuple[str, str]] = []
    said: list[tuple[float, str]] = []
    intents: list[dict[str, Any]] = []
    news = threading.Condition()

    def log(stream: str, text: str) -> None:
        with news:
            told.append((stream, text))
            news.notify_all()

    def progress(percent: float, text: str) -> None:
        with news:
            said.append((percent, text))
            news.notify_all()

    name = f"n{next(_numbers)}"
    attempt = Attempt(
        run="run00000",
        node=name,
        number=number,
        key=key or f"store{time.time_ns()}/run00000/{name}",
        task=Task(**task),
        function=function,
        arguments=arguments or {},
        log=log,
        progress=progress,
        intent=intents.append,
    )
    attempt.extra.update({"told": told, "said": said, "news": news, "intents": intents})
    return attempt


def start(executor: Executor, attempt: Attempt) -> Told:
    told = Told(attempt)
    executor.start(attempt, lambda _, outcome: told.outcomes.put(outcome))
    return told


def left(key: str) -> list[int]:
    """The living processes that carry an attempt's key."""
    return [process.pid for process in processes().values() if process.key == key]


def some_left(key: str, count: int) -> bool:
    """Whether so many processes carry the key, soon: one that is just being replaced has none."""
    deadline = time.monotonic() + 60
    while len(left(key)) < count:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def nothing_left(key: str, wait: float = 60.0) -> bool:
    """Whether all processes of an attempt are gone, soon."""
    deadline = time.monotonic() + wait
    while left(key):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
