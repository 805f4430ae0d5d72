"""pandas frames and series: as Arrow where pyarrow is installed.

Without pyarrow they are pickled: CSV would not give every type back.
"""

from __future__ import annotations

import io
from typing import Any

__all__ = ["read", "write"]


def write(value: Any) -> tuple[str, bytes] | None:
    """The word and the bytes, or None where Arrow would not give the same back."""
    import pandas as pd

    try:
        import pyarrow
        import pyarrow.feather
    except ImportError:
        return None
    if isinstance(value, pd.Series):
        written = write(value.to_frame()) if value.name is not None else None
        return None if written is None else ("series", written[1])
    if type(value) is not pd.DataFrame:
        return None
    try:
        table = pyarrow.Table.from_pandas(value)
        if not table.to_pandas().equals(value):
            return None
    except (pyarrow.ArrowException, TypeError, ValueError):
        return None
    buffer = io.BytesIO()
    pyarrow.feather.write_feather(table, buffer)
    return "frame", buffer.getvalue()


def read(word: str, data: bytes) -> Any:
    """The frame or series that `write` wrote."""
    import pyarrow.feather

    frame = pyarrow.feather.read_table(io.BytesIO(data)).to_pandas()
    return frame.iloc[:, 0] if word == "series" else frame
