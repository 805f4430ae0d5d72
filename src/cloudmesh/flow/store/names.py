"""What all stores have in common: collections by name, and names of flows."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from typing import Any

from cloudmesh.flow.errors import InputError
from cloudmesh.flow.store.protocol import NodeRow

__all__ = [
    "LOG_HEAD",
    "LOG_TAIL",
    "Collection",
    "boundary",
    "check_flow_name",
    "clash",
    "dumps",
    "left_out",
    "log_head",
    "parse_collection",
    "references",
    "say",
    "storable",
    "storable_rows",
    "text_of_this_process",
]

#: A node's log keeps its first and its last 5 MB; the tail is in two pieces, of which the
#: older one goes when the newer is full.
LOG_HEAD = 5_000_000
LOG_TAIL = 2_500_000

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}\Z")
_REFERENCE = re.compile(r'"\$?ref": ?"([0-9a-f]{64})"')
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_KINDS = ("active", "history", "journal")


class Collection:
    """A collection's name, taken apart: the flow, and what of it."""

    __slots__ = ("kind", "workflow")

    def __init__(self, workflow: str, kind: str) -> None:
        self.workflow = workflow
        self.kind = kind


def parse_collection(name: str) -> Collection:
    """``test-flow-active`` is ``active`` of ``test``.  Raises `InputError` for no collection."""
    if name in ("flow-runs", "flow-requests"):
        return Collection("", name[5:])
    for kind in _KINDS:
        if name.endswith(f"-flow-{kind}"):
            return Collection(name[: -len(kind) - 6], kind)
    if name.endswith("-flow"):
        return Collection(name[:-5], "definition")
    raise InputError(
        f"{name!r} is no collection of a store: NAME-flow, NAME-flow-active, NAME-flow-history,"
        " NAME-flow-journal, flow-runs and flow-requests are"
    )


def check_flow_name(name: str) -> None:
    """Raises `InputError` where no flow may have that name."""
    if not _NAME.match(name) or name.lower().startswith(("sqlite_", "system")):
        raise InputError(
            f"{name!r} is no name of a flow: letters, digits, '_' and '-', at most 100 of them,"
            " beginning with a letter or '_', not with 'sqlite_' or 'system'"
        )


def clash(name: str, other: str) -> InputError:
    """The error where two names differ by case alone."""
    return InputError(
        f"the store has a flow {other!r}; {name!r} differs from it by case alone,"
        " and some stores cannot tell them apart: choose another name"
    )


def text_of_this_process() -> str:
    """Host and process, for people."""
    import os

    host = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "?")
    return f"{host}:{os.getpid()}"


def references(events: str) -> list[str]:
    """The large values that a batch names."""
    return _REFERENCE.findall(events) if 'ref":' in events else []


def storable(text: str) -> str:
    """A text that is UTF-8: lone surrogates as ``\\udXXX``, which in JSON is the same text."""
    return text.encode("utf-8", "backslashreplace").decode()


def storable_rows(rows: Sequence[NodeRow]) -> list[NodeRow]:
    """Rows of which every text is UTF-8."""

    def cleaned(row: NodeRow) -> NodeRow:
        values: list[Any] = [storable(each) if isinstance(each, str) else each for each in row]
        return NodeRow(*values)

    return list(map(cleaned, rows))


def dumps(value: Any) -> str:
    """JSON as stores keep it: compact, and UTF-8."""
    text = _encode(value)
    return text if text.isascii() else storable(text)


def left_out(count: int) -> str:
    """What stands in a log in place of its middle."""
    return f"\n… {count} characters are left out here …\n"


def say(text: str) -> None:
    """Where nobody else listens, the user learns it from standard error."""
    print(f"cms flow: {text}", file=sys.stderr)


def boundary(data: bytes, at: int) -> int:
    """``at``, or the nearest place before it that does not cut a character."""
    if at >= len(data):
        return len(data)
    while at > 0 and data[at] & 0xC0 == 0x80:
        at -= 1
    return at


def log_head(attempt: int, reason: str) -> str:
    """The line in a node's log above what another attempt than the first writes."""
    why = f": {' '.join(reason.split())}" if reason else ""
    return f"--- attempt {attempt}{why} ---\n"
