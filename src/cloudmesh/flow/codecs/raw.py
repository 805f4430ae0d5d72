"""Large values whose bytes are kept as they are, without a copy: bytes and arrays of NumPy."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["RAW", "read", "write"]

#: The codecs of this module.
RAW = ("bytes", "array")


def write(value: Any, least: int) -> tuple[str, Any, dict[str, Any]] | None:
    """The codec, the bytes (or a view of them) and what else is to be kept, of a value that has
    more than ``least`` bytes; None for every other."""
    if type(value) is bytes:
        return ("bytes", value, {}) if len(value) > least else None
    numpy = sys.modules.get("numpy")
    if numpy is None or type(value) is not numpy.ndarray or value.nbytes <= least:
        return None
    kind = value.dtype
    if kind.hasobject or kind.names is not None or kind.kind not in "biufc":
        return None
    if not value.flags.c_contiguous:
        return None
    about = {"dtype": kind.str, "shape": list(value.shape)}
    return "array", memoryview(value).cast("B"), about


def read(codec: str, data: bytes, about: Mapping[str, Any]) -> Any:
    """The value that `write` wrote."""
    if codec == "bytes":
        return data
    import numpy

    flat = numpy.frombuffer(bytearray(data), dtype=about["dtype"])  # one's own, to be written to
    return flat.reshape(about["shape"])
