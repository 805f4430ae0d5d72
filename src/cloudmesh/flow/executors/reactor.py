"""One thread that waits for everything: pipes, processes, timers, and calls from other threads.

An executor has one; all of its state is touched in that thread alone, so it
needs no locks.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import selectors
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any

__all__ = ["Reactor", "Timer"]

Timer = list[Any]  # [when, number, function or None: taken back]


class Reactor:
    """The loop; its thread starts at the first `call` and ends with `stop`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._timers: list[Timer] = []
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ident = 0  # of the thread, while it runs
        self._awake = False
        self._stopping = False

    # -- from any thread ---------------------------------------------------------------

    def call(self, function: Callable[..., object], *arguments: Any) -> None:
        """Have something called in the loop, soon."""
        if self.inside:  # it looks before it waits again: no bell is needed
            self._calls.append((function, arguments))
            return
        with self._lock:
            self._calls.append((function, arguments))
            if self._thread is None:
                self._begin()
            elif not self._awake:
                self._awake = True
                os.write(self._bell, b"!")

    def stop(self) -> None:
        """End the loop after what is already asked for.  In the loop only."""
        self._calls.append((self._halt, ()))

    def join(self, wait: float) -> None:
        """Wait for the loop's end; returns at once within it, and where it has not begun."""
        thread = self._thread
        if thread is not None and not self.inside:
            thread.join(wait)

    @property
    def running(self) -> bool:
        """Whether the loop has begun and not ended."""
        return self._thread is not None

    @property
    def inside(self) -> bool:
        """Whether this is the loop's own thread."""
        return self._ident == threading.get_ident()

    # -- from within the loop -----------------------------------------------------------

    def watch(self, fd: int, function: Callable[[], object]) -> None:
        """Call a function whenever ``fd`` can be read."""
        self._selector.register(fd, selectors.EVENT_READ, function)

    def watch_writing(self, fd: int, on: bool, read: Callable[[], object]) -> None:
        """Call ``read`` also while ``fd`` can be written, or no longer."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if on else 0)
        self._selector.modify(fd, events, read)

    def unwatch(self, fd: int) -> None:
        """Call nothing any more for ``fd``."""
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(fd)

    def later(self, seconds: float, function: Callable[[], object]) -> Timer:
        """Call a function once, after some time; `take_back` undoes it."""
        timer = [time.monotonic() + seconds, next(self._numbers), function]
        heapq.heappush(self._timers, timer)
        return timer

    @staticmethod
    def take_back(timer: Timer | None) -> None:
        """Do not call it after all."""
        if timer is not None:
            timer[2] = None

    # -- the loop ------------------------------------------------------------------------

    def _begin(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._ear, self._bell = os.pipe()
        os.set_blocking(self._ear, False)
        self.watch(self._ear, self._listen)
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def _halt(self) -> None:
        self._stopping = True

    def _listen(self) -> None:
        with self._lock:
            self._awake = False
            os.read(self._ear, 4096)

    def _run(self) -> None:
        self._ident = threading.get_ident()
        while True:
            while self._calls:
                function, arguments = self._calls.popleft()
                _guarded(function, *arguments)
            if self._stopping:
                break
            for key, _ in self._selector.select(self._patience()):
                # What was called before may have closed it, and its number may be another's.
                if self._selector.get_map().get(key.fd) is key:
                    _guarded(key.data)
            self._ring()
        with self._lock:
            self._selector.close()
            os.close(self._ear)
            os.close(self._bell)
            self._thread, self._awake, self._stopping = None, False, False
            self._ident = 0

    def _patience(self) -> float | None:
        """How long nothing can happen but what comes from outside."""
        while self._timers and self._timers[0][2] is None:
            heapq.heappop(self._timers)
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None

    def _ring(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            function = heapq.heappop(self._timers)[2]
            if function is not None:
                _guarded(function)


def _guarded(function: Callable[..., object], *arguments: Any) -> None:
    """One fault must not end the loop, on which all other attempts depend."""
    try:
        function(*arguments)
    except Exception:
        traceback.print_exc()
