"""NumPy arrays and scalars, in NumPy's own format, without pickle."""

from __future__ import annotations

import io
from typing import Any

__all__ = ["read", "write"]


def write(value: Any) -> tuple[str, bytes] | None:
    """The word and the bytes, or None where an array holds Python objects."""
    import numpy as np

    scalar = isinstance(value, np.generic)
    if type(value) is not np.ndarray and not scalar:
        return None
    array = np.asarray(value)
    if array.dtype.hasobject:
        return None
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return ("scalar" if scalar else "array"), buffer.getvalue()


def read(word: str, data: bytes) -> Any:
    """The array or scalar that `write` wrote."""
    import numpy as np

    array = np.load(io.BytesIO(data), allow_pickle=False)
    return array[()] if word == "scalar" else array
