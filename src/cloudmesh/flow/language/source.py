"""A text with its name: from offsets to lines and columns, and to problems with a caret.

A text may stand inside another one (a flow string in a Python or YAML file);
its problems are then shown in the file, where the user changes them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence

from cloudmesh.flow.errors import InputError, Problem

__all__ = ["WHERE_THEY_ARE", "Findings", "Source", "did_you_mean", "files_beside"]

_LINE_END = re.compile(r"\r\n|\r|\n")
_MOST_FINDINGS = 100  # of one text; whoever has more has one cause, not a hundred
_MOST_CANDIDATES = 500  # compared for "did you mean"

#: What helps where a word of ``on`` means nothing, and none that does is near.
WHERE_THEY_ARE = "; `cms flow infra list` shows those that are, --config FILE says more"


class Source:
    """A text and the name that its problems are shown under."""

    __slots__ = ("_find", "_offsets", "_origin", "_starts", "file", "text")

    def __init__(self, text: str, file: str = "") -> None:
        self.text = text
        self.file = file
        self._starts: list[int] | None = None
        self._origin: Source | None = None
        self._offsets: Sequence[int] = ()
        self._find: Callable[[], Source | None] | None = None

    @classmethod
    def inside(cls, origin: Source, start: int, end: int, text: str) -> Source:
        """The ``text`` that the literal at ``origin.text[start:end]`` stands for.

        Quotes, indentation, folded lines and escapes may lie between the two:
        each character is looked for in order; from the first that is not
        found on, everything is shown at the last place that was.
        """
        part = cls(text, origin.file)
        part._origin = origin
        part._offsets = _align(origin.text, start, end, text)
        return part

    @classmethod
    def sought(cls, text: str, name: str, find: Callable[[], Source | None]) -> Source:
        """A text whose place is looked for only when something is wrong with it."""
        source = cls(text, name)
        source._find = find
        return source

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, of an offset in this text itself."""
        starts = self._line_starts()
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def offset(self, line: int, column: int = 1) -> int:
        """The offset of a line and a column, both from 1; what lies outside is brought inside."""
        starts = self._line_starts()
        line = min(max(line, 1), len(starts))
        return min(starts[line - 1] + max(column, 1) - 1, len(self.text))

    def line(self, number: int) -> str:
        """The text of a line (from 1), without its end."""
        starts = self._line_starts()
        end = starts[number] if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].rstrip("\r\n")

    def problem(self, message: str, start: int = 0, end: int | None = None) -> Problem:
        """Something wrong with ``text[start:end]`` (one character where ``end`` is None)."""
        end = start + 1 if end is None else max(end, start + 1)
        if self._find is not None:
            found, self._find = self._find(), None
            if found is not None:
                self._origin, self._offsets = found._origin, found._offsets
        if self._origin is not None:
            places = self._offsets
            first = places[min(start, len(places) - 1)]
            last = places[min(end - 1, len(places) - 1)]
            return self._origin.problem(message, first, max(first, last) + 1)
        line, column = self.place(min(start, len(self.text)))
        text = self.line(line)
        length = max(1, min(end - start, len(text) - column + 1))
        return Problem(message, self.file, line, column, text, length)

    def _line_starts(self) -> list[int]:
        if self._starts is None:
            self._starts = [0, *(m.end() for m in _LINE_END.finditer(self.text))]
        return self._starts


def _align(raw: str, start: int, end: int, text: str) -> Sequence[int]:
    """For each character of ``text`` its offset in ``raw[start:end]``."""
    found = raw.find(text, start, end)
    if found >= 0:
        return range(found, found + max(1, len(text)))
    offsets = []
    at = start
    for character in text:
        here = at
        if character.isspace():
            while here < end and not raw[here].isspace():
                here += 1
        else:
            here = raw.find(character, at, end)
        if here < 0 or here >= end:
            offsets.append(min(at, end - 1))
            continue
        offsets.append(here)
        at = here + 1
    return offsets or [start]


class Findings:
    """All that is wrong, gathered to be said at once."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.count = 0

    def __bool__(self) -> bool:
        return self.count > 0

    def add(self, problem: Problem) -> None:
        """Take one more; the same at the same place counts once."""
        if len(self.problems) < _MOST_FINDINGS:
            if problem in self.problems:
                return
            self.problems.append(problem)
        self.count += 1

    @property
    def full(self) -> bool:
        """True when no more findings will be shown."""
        return len(self.problems) >= _MOST_FINDINGS

    def extend(self, problems: Iterable[Problem]) -> None:
        """Take several."""
        for problem in problems:
            self.add(problem)

    def _order(self) -> Callable[[Problem], tuple[int, int, int]]:
        """As one reads: file by file, from top to bottom; what has no place comes last."""
        files = {file: n for n, file in enumerate(dict.fromkeys(p.file for p in self.problems))}
        return lambda p: (files[p.file] if p.line else len(files), p.line, p.column)

    def raise_if_any(self) -> None:
        """Raise `InputError` with everything found, if anything was."""
        if not self.count:
            return
        more = self.count - len(self.problems)
        self.problems.sort(key=self._order())
        rest = [Problem(f"… and {more} more")] if more else []
        raise InputError(problems=[*self.problems, *rest])


def files_beside(path: str) -> list[str]:
    """The files of a folder that may hold flows, as one would write them in place of ``path``."""
    import os

    folder = os.path.dirname(path)
    try:
        names = sorted(os.listdir(folder or "."))
    except OSError:
        return []
    return [os.path.join(folder, n) for n in names if n.endswith((".py", ".yaml", ".yml"))]


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """``"; did you mean 'b'?"`` where one of the candidates is near, else ``""``."""
    near = [c for c in candidates if abs(len(c) - len(name)) <= 3][:_MOST_CANDIDATES]
    for candidate in near:
        if candidate.lower() == name.lower() and candidate != name:
            return f"; did you mean {candidate!r}?"
    import difflib

    matches = difflib.get_close_matches(name, near, n=1, cutoff=0.6)
    if not matches or matches[0] == name:
        return ""
    return f"; did you mean {matches[0]!r}?"
