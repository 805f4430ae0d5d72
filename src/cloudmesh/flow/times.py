"""Lengths of time as users write them: ``"500ms"``, ``"5m"``, ``"1h30m"``, or seconds."""

from __future__ import annotations

import re

__all__ = ["seconds"]

_INFINITY = float("inf")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def seconds(value: object) -> float:
    """A length of time in seconds.  Raises ValueError, with a sentence for the user."""
    wrong = f'{value!r} is no time: write "500ms", "5m", "1h30m" or a number of seconds'
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            raise ValueError(wrong) from None
    elif isinstance(value, str):
        number = _parse(value.strip(), wrong)
    else:
        raise ValueError(wrong)
    if not 0 <= number < _INFINITY:  # false for what is no number, too
        raise ValueError(wrong)
    return number


def _parse(text: str, wrong: str) -> float:
    if _NUMBER.fullmatch(text):
        return float(text)
    total, at, last = 0.0, 0, _INFINITY
    while at < len(text):
        part = _PART.match(text, at)
        if part is None or _UNITS[part[2]] >= last:  # the units go down: 1h30m, never 30m1h
            raise ValueError(wrong)
        last = _UNITS[part[2]]
        total += float(part[1]) * last
        at = part.end()
    if not text:
        raise ValueError(wrong)
    return total
