"""What nodes print: cut into whole lines, progress taken out, each to its own node's log."""

from __future__ import annotations

import codecs
import io
import re
import sys
import threading
from collections import deque
from collections.abc import Iterable
from typing import Any, TextIO

from cloudmesh.flow.executors.call import here

__all__ = ["Lines", "flush", "install", "progress_line", "uninstall"]

Kept = list[str] | deque[str] | None

LINE_MAX = 1 << 20  # characters after which a line without an end is passed on as it is

_PROGRESS = re.compile(r"\s*#\s*cloudmesh\s(?=.*\bprogress=(\d+(?:\.\d+)?)%?(?:\s|$))")
_TEXT = re.compile(r"""\b(?:text|msg)=(?:"([^"]*)"|'([^']*)'|(\S+))""")


def progress_line(line: str) -> tuple[float, str] | None:
    """What ``# cloudmesh status=running progress=40`` says: percent (0-100) and text.

    The text is that of ``text="…"`` or ``msg="…"``, else empty.  None for any other line.
    """
    match = _PROGRESS.match(line)
    if match is None:
        return None
    text = _TEXT.search(line)
    said = next((group for group in text.groups() if group is not None), "") if text else ""
    return min(100.0, float(match[1])), said


class Lines:
    """Cuts what comes in pieces into whole lines, for one stream of one attempt.

    ``kept``, where it is given, receives the text without its progress lines.
    """

    __slots__ = ("_attempt", "_decode", "_length", "_pieces", "_stream", "kept")

    def __init__(self, attempt: Any, stream: str, kept: Kept = None) -> None:
        self._attempt = attempt
        self._stream = stream
        self._pieces: list[str] = []
        self._length = 0
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self.kept = kept

    def feed(self, data: bytes) -> None:
        """Take bytes; a character may be cut anywhere."""
        self.write(self._decode(data))

    def write(self, text: str) -> None:
        """Take text."""
        self.pass_on(self.cut(text))

    def end(self) -> None:
        """The stream has ended: what is left is a line too."""
        self.write(self._decode(b"", True))
        self.pass_on(self.rest())

    def cut(self, text: str) -> str:
        """The whole lines that are complete now; the rest is kept for later."""
        end = text.rfind("\n") + 1
        if not end:
            self._pieces.append(text)
            self._length += len(text)
            return self.rest() if self._length > LINE_MAX else ""
        self._pieces.append(text[:end])
        whole = self.rest()
        self._pieces.append(text[end:])
        self._length = len(text) - end
        return whole

    def rest(self) -> str:
        """What is left, taken out."""
        text = "".join(self._pieces)
        self._pieces.clear()
        self._length = 0
        return text

    def pass_on(self, text: str) -> None:
        """Whole lines to the log, but those that say progress."""
        if "cloudmesh" in text:
            text = self._without_progress(text)
        if text:
            if self.kept is not None:
                self.kept.append(text)
            self._attempt.log(self._stream, text)

    def _without_progress(self, text: str) -> str:
        lines = []
        for line in text.splitlines(keepends=True):
            said = progress_line(line)
            if said is None:
                lines.append(line)
            else:
                self._attempt.progress(*said)
        return "".join(lines)


# -- what Python nodes print in this process ------------------------------------------------

_lock = threading.Lock()  # never held while a log is written: that may wait for an engine's lock
_installed = 0
_originals: tuple[TextIO, TextIO] | None = None
_routes: tuple[Any, Any] | None = None


def install() -> None:
    """Send what nodes print to their logs, from now on; call `uninstall` as often as this."""
    global _installed, _originals, _routes
    with _lock:
        _installed += 1
        if _installed == 1:
            _originals = (sys.stdout, sys.stderr)
            _routes = (_Route("out", sys.stdout), _Route("err", sys.stderr))
            sys.stdout, sys.stderr = _routes[0], _routes[1]
            threading.Thread.start = _start_beside  # type: ignore[method-assign,assignment]


def uninstall() -> None:
    """Give ``sys.stdout`` and ``sys.stderr`` back, if they are still ours."""
    global _installed, _originals, _routes
    with _lock:
        _installed -= 1
        if _installed == 0 and _originals is not None and _routes is not None:
            if threading.Thread.start is _start_beside:
                threading.Thread.start = _start  # type: ignore[method-assign]
            if sys.stdout is _routes[0]:
                sys.stdout = _originals[0]
            if sys.stderr is _routes[1]:
                sys.stderr = _originals[1]
            _originals = _routes = None


_start = threading.Thread.start


def _start_beside(thread: threading.Thread) -> None:
    """Start a thread; one that a node starts, its pools' too, speaks for that node."""
    attempt = here.get(None)
    if attempt is not None and not getattr(attempt, "over", False):
        run = thread.run

        def run_beside() -> None:
            _beside.mine = True
            here.set(attempt)
            run()

        thread.run = run_beside  # type: ignore[method-assign]
    _start(thread)


class _Beside(threading.local):
    """Whether this thread was started by a node, not by us to run it."""

    mine = False


_beside = _Beside()


def _speaker() -> Any:
    """The attempt whose code runs in this thread; None where there is none.

    A thread that goes on after its node, a pool that others use too, speaks for nobody.
    """
    attempt = here.get(None)
    return None if _beside.mine and getattr(attempt, "over", False) else attempt


def flush(attempt: Any) -> None:
    """Pass on an attempt's last lines, those without an end.

    Needed only where ``attempt.extra`` is not empty: one that printed nothing has nothing there.
    """
    with _lock:
        lines: dict[str, Lines] = attempt.extra.pop("lines", {})
    for stream in lines.values():
        stream.end()


class _Route(io.TextIOBase):
    """Stands for ``sys.stdout`` or ``sys.stderr``: a node's text to its log, the rest on."""

    def __init__(self, stream: str, real: TextIO) -> None:
        self._stream = stream
        self._real = real

    def write(self, text: str) -> int:
        attempt = _speaker()
        if attempt is None:
            return self._real.write(text)
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if not text.isascii():
            text = text.encode("utf-8", "replace").decode("utf-8")  # no lone surrogates
        with _lock:
            streams = attempt.extra.setdefault("lines", {})
            lines = streams.get(self._stream)
            if lines is None:
                lines = streams[self._stream] = Lines(attempt, self._stream)
            whole = lines.cut(text)
        if whole:
            lines.pass_on(whole)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]
        for line in lines:
            self.write(line)

    @property
    def buffer(self) -> Any:
        """Takes bytes."""
        return self._real.buffer if _speaker() is None else _Bytes(self)

    def flush(self) -> None:
        if _speaker() is None:
            self._real.flush()

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        """Not closed: others print too."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(self._real, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return getattr(self._real, "errors", None)

    def fileno(self) -> int:
        return self._real.fileno()

    def isatty(self) -> bool:
        return here.get(None) is None and self._real.isatty()


class _Bytes(io.RawIOBase):
    """``sys.stdout.buffer`` of a node."""

    def __init__(self, route: _Route) -> None:
        self._route = route

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        taken = bytes(data)
        self._route.write(taken.decode("utf-8", "replace"))
        return len(taken)
