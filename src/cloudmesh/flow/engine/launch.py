"""Who runs a node: a worker thread of the engine, or an executor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.engine.going import Going
from cloudmesh.flow.errors import FlowError, InputError
from cloudmesh.flow.executors.protocol import Attempt, Executor, Outcome
from cloudmesh.flow.model.flow import Task

if TYPE_CHECKING:
    from cloudmesh.flow.engine.loop import Engine

__all__ = ["Launch", "maker", "word"]

HERE = "here"


def word(task: Task) -> str:
    """The word of the executor that runs a node: ``here`` for a worker thread of the engine."""
    if task.on not in ("local", "thread", "process"):
        return task.on
    if task.command is not None:
        return "command"
    if task.on == "process":
        return "process"
    if task.is_async:
        return "async"
    if task.timeout is not None and task.on == "local":
        return "process"
    return HERE


class Launch:
    """Starts attempts with the executor that a node's words ask for; each made on first use.

    ``make`` makes the executor of a word.
    """

    def __init__(self, engine: Engine, make: Callable[[str], Executor]) -> None:
        self._engine = engine
        self._make = make
        self._executors: dict[str, Executor] = {}
        self._words: dict[int, str] = {id(task): word(task) for task in engine.run.tasks}
        # Deaths are counted when the run is taken over, so before this.
        suspects = any(n >= 2 for n in engine.run.deaths.values())
        alone = suspects or engine.run.flow.elements
        self._all_here = not alone and all(w == HERE for w in self._words.values())

    def runs_here(self, i: int) -> bool:
        """Whether a node is called in a worker thread of the engine."""
        return self._all_here or self._word(i) == HERE

    def _word(self, i: int) -> str:
        # A node that was running when two engines died is kept out of this process.
        task = self._engine.run.task(i)
        found = self._words.get(id(task)) or word(task)  # an element may have one of its own
        if found == HERE and self._engine.run.deaths.get(i, 0) >= 2:
            return "process" if task.on == "local" else HERE
        return found

    def start(self, going: Going) -> None:
        """Start an attempt elsewhere; its outcome comes by `Engine.settle`.

        Raises whatever its inputs or its executor raise.
        """
        engine, i = self._engine, going.vertex
        name = self._word(i)
        executor = self._executors.get(name)
        if executor is None:
            executor = self._executors[name] = self._make(name)
        attempt = Attempt(
            run=engine.journal.run,
            node=going.node,
            number=going.number,
            key=going.key,
            task=engine.run.task(i),
            function=engine.outcomes.function(i),
            arguments=engine.outcomes.inputs.arguments(i),
            log=going.log,
            progress=going.progress,
            intent=engine.intend,
            where=engine.run.task(i).on,
        )
        going.attempt = attempt

        asked = monotonic()

        def done(attempt: Attempt, outcome: Outcome) -> None:
            waited = None if attempt.began is None else attempt.began - asked
            try:
                event = engine.outcomes.came(going, outcome, engine.clock(), attempt.where, waited)
            except FlowError as error:  # its value is not kept, so it is not over
                engine.broke(error)
                return
            engine.settle(going, event)

        executor.start(attempt, done)

    def cancel(self, going: Going) -> None:
        """End an attempt; its outcome still comes."""
        if going.attempt is not None:
            self._executors[self._word(going.vertex)].cancel(going.attempt)

    def close(self) -> None:
        """End everything that still runs, and give back what was made."""
        for executor in self._executors.values():
            executor.close()


def maker(
    table: Callable[[str, Mapping[str, Any]], Executor], infrastructure: Mapping[str, Any]
) -> Callable[[str], Executor]:
    """A function that makes the executor of a word, from the table of kinds."""

    def make(name: str) -> Executor:
        if name == "async":
            from cloudmesh.flow.executors.aio import AsyncExecutor

            return AsyncExecutor()
        if name in ("command", "process"):
            return table(name, {"kind": name})
        spec = infrastructure.get(name)
        if spec is None:
            known = ", ".join(["local", "thread", "process", *infrastructure])
            raise InputError(f"on: {name} is not known here; known are {known}")
        return table(name, spec)

    return make
