"""Values on their way to a far side and back: JSON where it is exact, else a pickle.

And the frames that carry them: a header of JSON data and a payload of bytes.

Standard library only, and Python 3.8: this very file is sent to the far sides.
"""

from __future__ import annotations

import json
import pickle
import struct
from typing import Any

__all__ = ["HEAD", "exact", "frame", "lengths", "pack", "unpack"]

PROTOCOL = 4  # of pickles: what every Python that we meet can read

_head = struct.Struct(">IQ")
HEAD = _head.size  # bytes before a frame's header


def frame(header: dict[str, Any], payload: bytes = b"") -> bytes:
    """A message as it goes over a pipe."""
    data = json.dumps(header).encode()
    return _head.pack(len(data), len(payload)) + data + payload


def lengths(head: bytes) -> tuple[int, int]:
    """The lengths of header and payload that the first `HEAD` bytes of a frame say."""
    header, payload = _head.unpack(head)
    return header, payload


def pack(value: Any) -> tuple[str, bytes]:
    """The kind of a value's bytes (``json`` or ``pickle``), and they.

    Raises what pickle raises for a value that cannot be pickled.
    """
    try:
        text = json.dumps(value, allow_nan=False)
        if exact(value):
            return "json", text.encode("ascii")
    except (TypeError, ValueError, RecursionError):
        pass
    return "pickle", pickle.dumps(value, PROTOCOL)


def unpack(kind: str, data: bytes) -> Any:
    """The value that `pack` packed."""
    return json.loads(data.decode("ascii")) if kind == "json" else pickle.loads(data)


def exact(value: Any) -> bool:
    """Whether JSON gives a value back equal and of the same types (of one without cycles)."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        kind = type(one)
        if kind is list:
            waiting += one
        elif kind is dict:
            if any(type(key) is not str for key in one):
                return False
            waiting += one.values()
        elif one is not None and kind not in (str, int, float, bool):
            return False
    return True
