"""What the terminal shows: tables, JSON, times.  Nothing that a node wrote can steer it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TextIO

from cloudmesh.flow.cli.answer import answer

__all__ = [
    "ago",
    "colored",
    "escape",
    "is_live",
    "is_utf8",
    "json_text",
    "print_document",
    "print_json",
    "span",
    "styled",
    "table",
    "took",
]

#: The colours of the statuses, as on the page: five hues, one a meaning.
COLORS = {
    "running": "34",
    "finished": "36",
    "error": "1;31",
    "interrupted": "33",
    "lost": "33",
    "cancelled": "90",
    "pending": "90",
}

_CONTROLS = {
    code: f"\\x{code:02x}" for code in (*range(0x20), 0x7F, *range(0x80, 0xA0)) if code != 9
}
_CONTROLS[10], _CONTROLS[13] = "\\n", "\\r"
#: Characters that turn the direction of what follows could make a line say what it does not.
_CONTROLS.update(
    {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
)


#: What JSON itself leaves as it is, as JSON may write it.
_IN_JSON = {code: f"\\u{code:04x}" for code in _CONTROLS if code >= 0x7F}


def escape(text: str, keep: str = "") -> str:
    """The text with its control characters written out, but for tabs and those in ``keep``."""
    if text.isprintable():
        return text
    if not keep:
        return text.translate(_CONTROLS)
    return text.translate({k: v for k, v in _CONTROLS.items() if chr(k) not in keep})


def colored(stream: TextIO) -> bool:
    """Whether colours may be written there."""
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def is_live(stream: TextIO) -> bool:
    """Whether lines written there can be overwritten: a terminal that is not dumb."""
    return stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def styled(word: str, stream: TextIO | None = None) -> str:
    """A status in its colour, where the stream (default: stdout) takes colours."""
    code = COLORS.get(word.split(" ")[0])
    if code is None or not colored(stream or sys.stdout):
        return word
    return f"\x1b[{code}m{word}\x1b[0m"


def width(text: str) -> int:
    """How many columns a text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    style: Callable[[str], str] | None = None,
    column: int = 1,
) -> str:
    """Rows under their heads, aligned; the cells are escaped, ``style`` colours one column."""
    cells = [[escape(str(cell)) for cell in row] for row in rows]
    widths = [max(map(width, column_)) for column_ in zip(head, *cells, strict=True)]
    lines = []
    for number, row in enumerate([list(head), *cells]):
        padded = [cell + " " * (w - width(cell)) for cell, w in zip(row, widths, strict=True)]
        if style is not None and number:
            padded[column] = style(row[column]) + padded[column][len(row[column]) :]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines) + "\n"


def json_text(data: Any) -> str:
    """Data as JSON for people and programs."""
    import json

    # Where a terminal or LANG=C has no UTF-8, the escapes are JSON's own.
    plain = not is_utf8(answer())
    text = json.dumps(data, ensure_ascii=plain, indent=2, default=str) + "\n"
    return text if text.isascii() and "\x7f" not in text else text.translate(_IN_JSON)


def print_json(data: Any) -> None:
    """Write data to stdout as JSON."""
    answer().write(json_text(data))


def print_document(text: str) -> None:
    """Write what is a file of its own to stdout: in UTF-8, whatever the terminal has."""
    out = answer()
    if is_utf8(out) or text.isascii() or not hasattr(out, "buffer"):
        out.write(text)
    else:
        out.flush()
        out.buffer.write(text.encode("utf-8", "backslashreplace"))


def is_utf8(stream: TextIO) -> bool:
    """Whether a stream takes every character as it is."""
    return (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "") == "utf8"


def span(seconds: float | None) -> str:
    """A span of time as people say it: ``0.3 s``, ``14.2 s``, ``6 min 12 s``, ``2 h 5 min``."""
    if seconds is None:
        return ""
    if seconds < 0.0995:
        return f"{max(seconds, 0) * 1000:.1f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def seconds_of(text: str) -> float:
    """Seconds since 1970 of a stored time, ``2019-05-02 00:32:11.034870`` in UTC."""
    from datetime import UTC, datetime

    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def took(document: dict[str, Any], now: str | None = None) -> str:
    """How long a node or a run took, or had taken at a stored time (default: this moment)."""
    from time import time

    started, ended = document.get("started"), document.get("ended") or now
    if not started:
        return ""
    try:
        return span((seconds_of(ended) if ended else time()) - seconds_of(started))
    except ValueError:
        return ""


def ago(text: str | None) -> str:
    """A stored time as its distance from now."""
    from time import time

    if not text:
        return ""
    try:
        return f"{span(max(0.0, time() - seconds_of(text)))} ago"
    except ValueError:
        return text
