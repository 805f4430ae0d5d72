"""Makes a store fail where one wants: before, after or half-way through an operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Faulty:
    """Stands before a connection or a collection, and breaks some of its calls.

    ``planned`` maps a method's name to how its next calls go: ``"before"`` (nothing
    is done), ``"after"`` (it is done, and the answer is lost), ``"half"`` (half of
    the list that it was given is done) or ``""`` (all goes well).
    """

    def __init__(self, real: Any, planned: dict[str, list[str]], error: Callable[[], Exception]):
        self._real = real
        self._planned = planned
        self._error = error

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._real, name)
        if name not in self._planned:
            return method

        def call(*args: Any, **kwargs: Any) -> Any:
            plan = self._planned[name].pop(0) if self._planned[name] else ""
            if not plan:
                return method(*args, **kwargs)
            if plan == "after":
                method(*args, **kwargs)
            elif plan == "half" and len(args[0]) > 1:
                method(args[0][: len(args[0]) // 2], *args[1:], **kwargs)
            raise self._error()

        return call
