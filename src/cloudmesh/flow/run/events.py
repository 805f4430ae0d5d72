"""What can happen in a run: the words of its journal.

In memory an event is a plain tuple made by one of the constructors below; its
first field is its kind, and a node is given by its number.  In the journal it
is a JSON list, with the node's name in place of the number:

    ["run", at, {…}]                              the run begins: its flow, parameters, engine
    ["started", node, at, attempt, reason, where] an attempt begins
    ["finished", node, at, result, extra?]        … has ended well
    ["failed", node, at, error, extra?]           … has ended in error
    ["kept", node, at, result, extra, reason]     finished in an earlier run, whose result is reused
    ["skipped", node, at, reason]                 ``when`` was false, or what it takes was skipped
    ["reset", node, at, reason]                   was running, is pending again
    ["progress", node, at, percent, text]         what a node says of itself
    ["taken", at, {…}]                            another engine goes on with the run
    ["request", at, kind, by]                     somebody asked for something (cancel)
    ["intent", at, {…}], ["released", at, {…}]    something outside is about to be made; is gone
    ["end", at, status]                           finished, error, cancelled or interrupted

``at`` is seconds since 1970, UTC.  ``result`` is JSON as the node returned it.
``extra`` is left out where it says nothing; its keys:

    codec   the codec that wrote the value (absent: ``result`` is it); then also
    data    … what it wrote, in base64, or
    ref     … the reference of the blob that holds it (codec json: ``result`` names the blob)
    dtype, shape   of an array that is kept as it is
    raw     true: the value is the result itself, whatever it looks like (``Value(x)``)
    items   the length of the list, where the value is a list or tuple and the node is mapped over
    look    {"color", "label", "shape"} as far as given
    where   where it ran, where that is not the word of its ``on``
    waited  for how many seconds after its start it waited for a machine there
    exit_code
    result  of a failed attempt: the report that said so, as JSON text
    skipped true: was skipped in the run it is kept from
    retry_at, reason   a failed attempt that is tried again at that time

The children of a map have no event of their own: they follow from ``items``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = [
    "Event",
    "begin",
    "decode",
    "encode",
    "end",
    "failed",
    "finished",
    "intent",
    "kept",
    "progress",
    "released",
    "request",
    "reset",
    "skipped",
    "started",
    "taken",
]

Event = tuple[Any, ...]

#: kinds whose second field is a node
NODE_KINDS = frozenset(("started", "finished", "failed", "kept", "skipped", "reset", "progress"))


def begin(at: float, head: Mapping[str, Any]) -> Event:
    """The run begins."""
    return ("run", at, head)


def started(node: int, at: float, attempt: int, reason: str, where: str) -> Event:
    """An attempt begins."""
    return ("started", node, at, attempt, reason, where)


def finished(node: int, at: float, result: str, extra: Mapping[str, Any] | None = None) -> Event:
    """An attempt has ended well; ``result`` is JSON text."""
    return ("finished", node, at, result, extra)


def failed(
    node: int, at: float, error: Mapping[str, Any], extra: Mapping[str, Any] | None = None
) -> Event:
    """An attempt has ended in error."""
    return ("failed", node, at, error, extra)


def kept(node: int, at: float, result: str, extra: Mapping[str, Any], reason: str) -> Event:
    """A node finished in an earlier run; ``result`` is JSON text."""
    return ("kept", node, at, result, extra, reason)


def skipped(node: int, at: float, reason: str) -> Event:
    """A node does not run, and counts as finished."""
    return ("skipped", node, at, reason)


def reset(node: int, at: float, reason: str) -> Event:
    """A running node is pending again."""
    return ("reset", node, at, reason)


def progress(node: int, at: float, percent: float, text: str) -> Event:
    """What a node says of itself."""
    return ("progress", node, at, percent, text)


def taken(at: float, engine: Mapping[str, Any]) -> Event:
    """Another engine goes on with the run."""
    return ("taken", at, engine)


def request(at: float, kind: str, by: str) -> Event:
    """Somebody asked for something."""
    return ("request", at, kind, by)


def intent(at: float, document: Mapping[str, Any]) -> Event:
    """Something outside is about to be made."""
    return ("intent", at, document)


def released(at: float, document: Mapping[str, Any]) -> Event:
    """Something outside is gone."""
    return ("released", at, document)


def end(at: float, status: str) -> Event:
    """The run has ended, or was interrupted."""
    return ("end", at, status)


_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def encode(events: Sequence[Event], name_json: Callable[[int], str]) -> str:
    """A batch as the JSON text that the journal keeps.

    ``name_json`` gives a node's name as JSON text.  Written out by hand where
    it is hot: a started and a finished event are most of every journal.
    """
    parts = []
    moment, when = 0.0, "0.0"  # much happens at once
    for event in events:
        kind = event[0]
        if kind == "started":
            _, node, at, attempt, reason, where = event
            if at != moment:
                moment, when = at, repr(at)
            said = _known.get((attempt, reason, where)) or _said(attempt, reason, where)
            parts.append(f'["started",{name_json(node)},{when},{said}]')
        elif kind == "finished":
            _, node, at, result, extra = event
            if at != moment:
                moment, when = at, repr(at)
            tail = f",{_dumps(extra)}" if extra else ""
            parts.append(f'["finished",{name_json(node)},{when},{result}{tail}]')
        elif kind == "kept":
            _, node, at, result, extra, reason = event
            tail = f"{_dumps(extra)},{_dumps(reason)}"
            parts.append(f'["kept",{name_json(node)},{at!r},{result},{tail}]')
        elif kind in NODE_KINDS:
            rest = [item for item in event[2:] if item is not None]
            parts.append(f'["{kind}",{name_json(event[1])},{_dumps(rest)[1:]}')
        else:
            parts.append(_dumps(list(event)))
    return "[" + ",\n".join(parts) + "]"


_known: dict[tuple[int, str, str], str] = {}


def _said(attempt: int, reason: str, where: str) -> str:
    """JSON text of the last fields of a started event, which recur in most of them."""
    text = f"{attempt},{_dumps(reason)},{_dumps(where)}"
    if len(_known) < 1000:
        _known[attempt, reason, where] = text
    return text


def decode(text: str) -> list[list[Any]]:
    """A batch of the journal, as lists with node names; the reverse of `encode` but for those."""
    events: list[list[Any]] = json.loads(text)
    return events
