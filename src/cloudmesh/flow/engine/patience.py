"""Waiting for a store that is away: how long, said once, and once more when it is back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import ParamSpec, TypeVar

from cloudmesh.flow.errors import Interrupted, StoreUnavailable

__all__ = ["PATIENCE", "Patience"]

P = ParamSpec("P")
T = TypeVar("T")

#: How long a store that is away is waited for, and the pause between two tries, seconds.
PATIENCE, PAUSE = 120.0, 0.5


class Patience:
    """What an engine has with its store.

    ``seconds`` is how long; ``ticks`` a clock that never goes back; ``say``
    tells the user a line; ``over`` says that the engine is done, and nobody
    waits any more.  ``pause`` waits, and says whether somebody is in a hurry.
    """

    def __init__(
        self,
        seconds: float,
        ticks: Callable[[], float],
        say: Callable[[str], None],
        over: Callable[[], bool],
        pause: Callable[[float], bool] | None = None,
    ) -> None:
        self._seconds = seconds
        self._ticks = ticks
        self._say = say
        self._over = over
        self._pause = pause or self._rest
        self._hurry: SimpleQueue[None] = SimpleQueue()
        self._away: float | None = None  # since when the store has given no sign
        self._waiting: set[int] = set()  # threads that wait for it

    def do(self, deed: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        """Do something with the store; where it is away it is waited for, and tried again.

        Raises `StoreError`, `Fenced`, and `Interrupted` where the user will not wait.
        """
        began = self._ticks()
        try:
            return deed(*given, **named)
        except StoreUnavailable as error:
            return self._insist(lambda: deed(*given, **named), error, began)

    def _insist(self, deed: Callable[[], T], error: StoreUnavailable, began: float) -> T:
        me = threading.get_ident()
        self._waiting.add(me)
        try:
            while True:
                self.missed(error, began)
                if self._ticks() - began >= self._seconds or self._over():
                    raise error
                if self._pause(PAUSE):
                    raise Interrupted(f"interrupted while the store was away: {error}") from error
                try:
                    done = deed()
                except StoreUnavailable as again:
                    error = again
                    continue
                self.found(me)
                return done
        finally:
            self._waiting.discard(me)

    def hurry(self) -> None:
        """End every wait; a signal handler may call this in any line."""
        self._hurry.put(None)

    def _rest(self, seconds: float) -> bool:
        """Wait; whether somebody is in a hurry.  No event: its lock may be held in the line
        in which a signal arrives."""
        try:
            self._hurry.get(timeout=seconds)
        except Empty:
            return False
        self._hurry.put(None)  # for whoever else waits
        return True

    def missed(self, error: StoreUnavailable, began: float) -> None:
        """The store gives no sign: say so, once."""
        if self._away is None:
            self._away = began
            self._say(f"the store is away, waiting for it: {error}")

    def found(self, me: int = 0) -> None:
        """The store has answered, to a thread that waited for it or while none did."""
        if self._away is not None and self._waiting <= {me}:
            self._away = None
            self._say("the store is back")

    @property
    def exhausted(self) -> bool:
        """Whether the store has been away for too long."""
        return self._away is not None and self._ticks() - self._away >= self._seconds
