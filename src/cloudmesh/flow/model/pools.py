"""Pools: how many nodes of one run at once, and how many may start in a time.

```yaml
pools:
  gpu: 1                        # one at once
  api: {slots: 2, rate: 10/s}   # two at once, and at most ten starts in any second
```
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

__all__ = ["Pool", "read_pool"]

_RATE = re.compile(r"\s*(\d+)\s*/\s*(\d*)\s*(s|m|min|h|d)\s*")
_SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


class Pool(NamedTuple):
    """``slots`` at once; ``rate``: so many starts in so many seconds.  None: no such limit."""

    slots: int | None
    rate: tuple[int, float] | None = None


def read_pool(spec: Any) -> Pool:
    """A pool as it is written.  Raises ValueError, with a sentence for the user."""
    if not isinstance(spec, dict):
        return Pool(_slots(spec))
    unknown = [key for key in spec if key not in ("slots", "rate")]
    if unknown or not spec:
        said = f"there is no key {unknown[0]!r}" if unknown else "it says nothing"
        raise ValueError(f"{said}; a pool has slots, how many at once, and a rate, like 10/s")
    slots = None if spec.get("slots") is None else _slots(spec["slots"])
    return Pool(slots, None if spec.get("rate") is None else _rate(spec["rate"]))


def _slots(count: Any) -> int:
    if type(count) is not int or count < 1:
        raise ValueError(f"{count!r}: how many at once is a whole number from 1")
    return count


def _rate(text: Any) -> tuple[int, float]:
    found = _RATE.fullmatch(text) if isinstance(text, str) else None
    if found is None or int(found[1]) < 1 or found[2] == "0":
        raise ValueError(f"{text!r} is no rate: write how many in what time, like 10/s or 100/5m")
    return int(found[1]), int(found[2] or 1) * _SECONDS[found[3]]
