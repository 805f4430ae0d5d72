"""Sizes of memory as users write them: ``512M``, ``2G``, or megabytes."""

from __future__ import annotations

from typing import Any

__all__ = ["megabytes"]


def megabytes(value: Any) -> int:
    """``512M``, ``2G`` or a number of megabytes.  Raises `ValueError`."""
    text = str(value).strip().upper().removesuffix("B").removesuffix("I")
    factor = {"M": 1, "G": 1024}.get(text[-1:], 0)
    number = int(text[:-1]) * factor if factor else int(text)
    if number < 1:
        raise ValueError(f"{value!r} is no size")
    return number
