"""Async nodes: tasks of one event loop, in a thread of its own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.executors.call import acall, ask_to_end, failure, here
from cloudmesh.flow.executors.output import flush
from cloudmesh.flow.executors.protocol import Attempt, Done, Outcome

if TYPE_CHECKING:
    import asyncio

__all__ = ["AsyncExecutor"]


class AsyncExecutor:
    """Runs ``async def`` nodes.  A cancelled one gets ``asyncio.CancelledError``."""

    slots: int | None = None

    def __init__(self) -> None:
        import asyncio

        self._asyncio = asyncio
        self._tasks: dict[Attempt, asyncio.Task[None]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="cloudmesh-flow-async", daemon=True
        )
        self._thread.start()

    def start(self, attempt: Attempt, done: Done) -> None:
        """Start an attempt as a task of the loop."""
        self._loop.call_soon_threadsafe(self._begin, attempt, done)

    def _begin(self, attempt: Attempt, done: Done) -> None:
        here.set(attempt)  # in the context that the new task copies
        self._tasks[attempt] = self._loop.create_task(self._run(attempt, done))

    async def _run(self, attempt: Attempt, done: Done) -> None:
        task = attempt.task
        told: tuple[Any, ...]
        try:
            if attempt.cancelled:
                raise self._asyncio.CancelledError
            if attempt.function is None:
                raise TypeError("an async node needs a function")
            work = acall(attempt.function, attempt.arguments, task.calculation, task.value_of)
            if task.timeout is None:
                told = await work
            else:
                told = await self._asyncio.wait_for(work, task.timeout)
        except self._asyncio.CancelledError as error:
            told = failure(error)
        except TimeoutError:
            message = f"took longer than {task.timeout:g} s"
            late = {"type": "Timeout", "message": message, "traceback": ""}
            told = ("error", None, late, None, False, ("Timeout", "TimeoutError"))
        del self._tasks[attempt]
        if attempt.extra:
            flush(attempt)
        done(attempt, Outcome(*told))

    def cancel(self, attempt: Attempt) -> None:
        """Cancel the task of an attempt."""
        ask_to_end(attempt)
        self._loop.call_soon_threadsafe(self._cancel, attempt)

    def _cancel(self, attempt: Attempt) -> None:
        task = self._tasks.get(attempt)
        if task is not None:
            task.cancel()

    def close(self) -> None:
        """Cancel what still runs and end the loop."""
        self._loop.call_soon_threadsafe(self._close)
        self._thread.join(1.0)

    def _close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        self._loop.call_soon(self._loop.stop)
