"""What a question to a collection gives."""

from __future__ import annotations

from typing import Any

__all__ = ["Documents"]


class Documents(list[dict[str, Any]]):
    """The documents found: a list, from which ``next()`` takes one after the other as well."""

    _taken = 0

    def __next__(self) -> dict[str, Any]:
        if self._taken >= len(self):
            raise StopIteration
        self._taken += 1
        return self[self._taken - 1]
