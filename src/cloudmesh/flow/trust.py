"""Whose definition it is.  To run a stored definition is to load the file that it names.

In a store that several people share, a definition is loaded without being asked
for only where this user defined it, in this store; the user's own key says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["is_mine", "mark"]


def mark(store_id: str, name: str, file: str | None, cls: str) -> str:
    """What this user puts on a definition; "" where there is no place for a key."""
    from cloudmesh.flow.codecs.signed import sign

    try:
        return sign("\0".join((store_id, name, file or "", cls)).encode())
    except OSError:
        return ""


def is_mine(store_id: str, name: str, extra: Mapping[str, Any]) -> bool:
    """Whether this user put that mark on the definition; ``extra`` as the store keeps it."""
    from hmac import compare_digest

    expected = mark(store_id, name, extra.get("file"), extra.get("cls") or "")
    return bool(expected) and compare_digest(expected, str(extra.get("mark", "")))
