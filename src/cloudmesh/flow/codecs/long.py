"""JSON of long strings and lists, written piece by piece: its text is never there as a whole.

The bytes are those of `model.value.exact_json`; made in one go they would be
there twice for a moment, as text and encoded, beside the value.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from cloudmesh.flow.model.value import MARKS, exact_json

__all__ = ["read", "write"]

#: So many characters, or items, are one piece.
PIECE = 1_000_000
ITEMS = 10_000


def write(value: Any) -> bytes | None:
    """The JSON of a value that JSON gives back as it is; None where it is none, or not sure."""
    file = BytesIO()
    try:
        for piece in _pieces(value):
            file.write(piece.encode())
    except (UnicodeEncodeError, RecursionError, _Other):
        return None
    return file.getvalue()


class _Other(Exception):
    """Something that JSON does not give back as it is."""


def _pieces(value: Any) -> Iterator[str]:
    kind = type(value)
    if kind is str and len(value) > PIECE:
        yield '"'
        for k in range(0, len(value), PIECE):
            yield _whole(value[k : k + PIECE])[1:-1]
        yield '"'
    elif kind is list and len(value) > ITEMS:
        yield "["
        for k in range(0, len(value), ITEMS):
            if k:
                yield ","
            yield _whole(value[k : k + ITEMS])[1:-1]
        yield "]"
    elif kind is dict and 0 < len(value) <= 5 and not MARKS & value.keys():  # such as a report
        mark = "{"
        for key, item in value.items():
            if type(key) is not str:
                raise _Other
            yield f"{mark}{_whole(key)}:"
            yield from _pieces(item)
            mark = ","
        yield "}"
    else:
        yield _whole(value)


def _whole(value: Any) -> str:
    text = exact_json(value)
    if text is None:
        raise _Other
    return text


def read(data: list[bytes]) -> Any:
    """The value; takes the bytes out of the list, so that they are gone before it is made."""
    from json import loads

    text = data.pop().decode()
    return loads(text)
