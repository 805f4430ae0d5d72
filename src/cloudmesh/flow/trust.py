"""Whose definition it is.  To run a stored definition is to load the file that it names.

In a store that several people share, a definition is loaded without being asked
for only where this user defined it, in this store; the user's own key says so.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cloudmesh.flow.store.protocol import Store

__all__ = ["host", "is_mine", "mark", "refuse_foreign", "user"]


def user() -> str:
    """Who defines: the user and the machine."""
    return f"{os.getuid() if hasattr(os, 'getuid') else os.getlogin()}@{host()}"


def host() -> str:
    """The name of this machine, without loading more than needed on the way to a run."""
    if hasattr(os, "uname"):
        return os.uname().nodename
    import socket

    return socket.gethostname()


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


def refuse_foreign(store: Store, run: str) -> None:
    """Raise `InputError` where a run loads a file that this user has not chosen to run.

    To go on with a run is to load the file of its definition; that is this
    user's who began the run, or who has defined the same on this store.
    """
    from json import loads

    from cloudmesh.flow.errors import InputError

    batches = store.batches(run, 0, 1)
    if not batches:  # what is wrong with it is said where it is read
        return
    head = loads(batches[0].events)[0][2]  # a run begins with what is known of it
    name, file = head["flow"]["name"], head.get("file")
    defined = store.definition_extra(name) or {}
    same = (defined.get("file"), defined.get("cls")) == (file, head.get("cls"))
    if file is None or is_mine(store.id, name, head) or (same and is_mine(store.id, name, defined)):
        return
    raise InputError(
        f"run {run} runs {file}, and you have neither begun it nor defined {name} on this store: "
        "read that file, then say --trust"
    )
