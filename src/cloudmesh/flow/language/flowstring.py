"""Reads a flow string: ``(a; b || c)``.

    flow  =  group (";" group)*            one after the other
    group =  item (("||" | "|") item)*     side by side; binds tighter
    item  =  NAME ["*"]  |  "(" flow ")"

The reader never recurses, so nesting has no limit but memory, and it reads on
after a mistake, so that all of them are told at once.  Most strings need no
such reader: they are *rows*, groups of names one after the other, as in
``(a || b); c``, which two regular expressions take apart.
"""

from __future__ import annotations

import re
from typing import Union

from cloudmesh.flow.language.source import Findings, Source

__all__ = ["NAME", "Parsed", "Tree", "parse"]

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")

#: a name, or ``(";" or "|", items)`` with two items or more
Tree = Union[str, "tuple[str, list[Tree]]"]

# Compiled when a string is met that is no rows.
# A word takes in what looks like a name but is none, so that it is one finding.
_TOKEN = (
    r"([A-Za-z_][A-Za-z0-9_]*)(?![\w.-])"  # 1: a name of the plainest kind
    r"|([\w.]+(?:-(?!>)[\w.]*)*)"  # 2: a word; "->" does not belong to it
    r"|(\|\|?)"  # 3: parallel
    r"|(;)"  # 4: sequence
    r"|(\()|(\))"  # 5, 6
    r"|(\*)"  # 7: map
    r"|(&+)"  # 8: reserved
    r"|((?:[^\w\s.;()|*&-]|-)+)"  # 9: anything else
)
_PLAIN, _WORD, _PARALLEL, _SEQUENCE, _OPEN, _CLOSE, _STAR, _AMPERSAND, _OTHER = range(1, 10)

# Rows, each with a ";" behind it: names with "||" between, in parentheses or not.
# Possessive, so that it is seen at once where a string is none; but not what could be read in
# two ways: Python before 3.11.5 keeps half a turn of such a repeat, so that "a |;" were a row.
_ITEMS = r"\s*+NAME\s*+(?:\|\|?\s*+NAME\s*+)*".replace("NAME", "[A-Za-z_][A-Za-z0-9_-]*+")
_ROWS = re.compile(rf"(?:(?:{_ITEMS}|\s*+\({_ITEMS}\)\s*+);)++")
_EACH_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")

_HINTS = {
    ",": "';' is one after the other, '||' side by side",
    "->": "';' is one after the other: a; b",
    "→": "';' is one after the other: a; b",
    ">": "';' is one after the other: a; b",
    ">>": "';' is one after the other: a; b",
    "+": "'||' is side by side: a || b",
    "/": "'||' is side by side: a || b",
}


class Parsed:
    """What one flow string says.

    ``words`` are its names in order of first mention; ``names`` maps each to its
    offset; ``mapped`` are those with a ``*``; ``tree`` is None where there is
    nothing.  Where the string is ``rows``, its offsets and its tree are made
    only when they are asked for.
    """

    __slots__ = ("_tree", "mapped", "rows", "source", "words")

    def __init__(
        self,
        source: Source,
        words: list[str] | dict[str, int],
        mapped: set[str],
        rows: list[list[str]] | None = None,
        tree: Tree | None = None,
    ) -> None:
        self.source = source
        self.words = words
        self.mapped = mapped
        self.rows = rows
        self._tree = tree

    @property
    def names(self) -> dict[str, int]:
        """Each name with its offset."""
        if not isinstance(self.words, dict):
            found = _EACH_NAME.finditer(self.source.text)
            self.words = {name[0]: name.start() for name in found}
        return self.words

    @property
    def tree(self) -> Tree | None:
        """What comes after what, and what stands side by side."""
        if self._tree is None and self.rows is not None:
            groups: list[Tree] = [row[0] if len(row) == 1 else ("|", [*row]) for row in self.rows]
            self._tree = groups[0] if len(groups) == 1 else (";", groups)
        return self._tree


class _Frame:
    """An open parenthesis: the groups so far, and the items of the group being read."""

    __slots__ = ("groups", "items", "offset")

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.groups: list[Tree] = []
        self.items: list[Tree] = []

    def end_group(self) -> None:
        if self.items:
            one = len(self.items) == 1
            self.groups.append(self.items[0] if one else ("|", self.items))
            self.items = []

    def tree(self) -> Tree | None:
        self.end_group()
        if not self.groups:
            return None
        return self.groups[0] if len(self.groups) == 1 else (";", self.groups)


def parse(source: Source, findings: Findings) -> Parsed:
    """Read a flow string; what is wrong goes to ``findings``, the rest is read all the same."""
    parsed = _rows(source)
    if parsed is not None:
        return parsed
    parser = _Parser(source, findings)
    tree = parser.run()
    return Parsed(source, parser.names, parser.mapped, tree=tree)


def _rows(source: Source) -> Parsed | None:
    """What a string says that is rows, with nothing wrong; None: this is for the reader."""
    text = source.text
    if not _ROWS.fullmatch(f"{text};"):
        whole = text.strip()  # all of it may stand in parentheses
        if (whole[:1], whole[-1:]) != ("(", ")") or not _ROWS.fullmatch(f"{whole[1:-1]};"):
            return None
    words = _EACH_NAME.findall(text)
    if len(set(words)) < len(words):  # one stands twice
        return None
    return Parsed(source, words, set(), [_EACH_NAME.findall(row) for row in text.split(";")])


class _Parser:
    def __init__(self, source: Source, findings: Findings) -> None:
        self.source = source
        self.findings = findings
        self.names: dict[str, int] = {}
        self.mapped: set[str] = set()
        self.frame = _Frame(0)
        self.stack: list[_Frame] = []
        self.name: str | None = None  # the name just read: a "*" may follow
        self.after_item = False  # an operator or ")" may follow
        self.operator: re.Match[str] | None = None  # that still waits for its right side
        self.found = False

    def wrong(self, message: str, start: int, end: int) -> None:
        self.found = True
        if not self.findings.full:
            self.findings.add(self.source.problem(message, start, end))
        else:
            self.findings.count += 1

    def run(self) -> Tree | None:
        actions = {
            _PARALLEL: self.operate,
            _SEQUENCE: self.operate,
            _OPEN: self.open,
            _CLOSE: self.close,
            _STAR: self.star,
            _AMPERSAND: self.ampersand,
            _OTHER: self.other,
        }
        names = self.names
        for token in re.finditer(_TOKEN, self.source.text):
            kind = token.lastindex
            # The common cases, in line: a good new name, and an operator after one.
            if kind == _PLAIN and not self.after_item and (word := token[0]) not in names:
                names[word] = token.start()
                self.frame.items.append(word)
                self.name, self.after_item, self.operator = word, True, None
            elif self.after_item and kind in (_PARALLEL, _SEQUENCE):
                if kind == _SEQUENCE:
                    self.frame.end_group()
                self.name, self.after_item, self.operator = None, False, token
            elif kind in (_PLAIN, _WORD):
                self.word(token)
            else:
                actions[kind or _OTHER](token)
                if kind != _STAR:
                    self.name = None
        return self.finish()

    def word(self, token: re.Match[str]) -> None:
        word, names = token[0], self.names
        start, end = token.span()
        self.expect_item(token)
        self.name, self.after_item, self.operator = None, True, None
        if not NAME.match(word):
            good = re.sub(r"[^A-Za-z0-9_-]+", "_", word)
            good = good if NAME.match(good) else f"_{good}"
            self.wrong(
                f"{word!r} is no name: a name has letters, digits, _ and -, and no digit or - first"
                f"; did you mean {good!r}?",
                start,
                end,
            )
        elif word in names:
            line, column = self.source.place(names[word])
            where = f"column {column}" if line == 1 else f"line {line}, column {column}"
            self.wrong(
                f"{word!r} stands twice in one string, first at {where}: a name is one node; "
                "for another graph give a list of strings",
                start,
                end,
            )
        else:
            names[word] = start
            self.frame.items.append(word)
            self.name = word

    def expect_item(self, token: re.Match[str]) -> None:
        """Something that begins an item is here; an operator must stand before it."""
        if self.after_item:
            shown = token[0]
            self.wrong(f"expected ';' or '||' before {shown!r}", *token.span())
            self.frame.end_group()

    def operate(self, token: re.Match[str]) -> None:
        """An operator stands where an item should."""
        before = f"between {self.operator[0]!r} and" if self.operator else "before"
        self.wrong(f"expected a name or '(' {before} {token[0]!r}", *token.span())
        if token.lastindex == _SEQUENCE:
            self.frame.end_group()
        self.after_item, self.operator = False, token

    def open(self, token: re.Match[str]) -> None:
        self.expect_item(token)
        self.stack.append(self.frame)
        self.frame = _Frame(token.start())
        self.after_item, self.operator = False, None

    def close(self, token: re.Match[str]) -> None:
        if not self.stack:
            self.wrong("this ')' closes nothing: a '(' is missing before it", *token.span())
            return
        if self.operator:
            self.wrong(f"expected a name or '(' after {self.operator[0]!r}", *self.operator.span())
        elif not self.after_item:
            self.wrong("expected a name between '(' and ')'", self.frame.offset, token.end())
        inner = self.frame.tree()
        self.frame = self.stack.pop()
        if inner is not None:
            self.frame.items.append(inner)
        self.after_item, self.operator = True, None

    def star(self, token: re.Match[str]) -> None:
        if self.name is not None and self.name not in self.mapped:
            self.mapped.add(self.name)
        elif self.name is not None:
            self.wrong("one '*' is enough: a map of a map is not possible", *token.span())
        elif self.after_item:
            self.wrong("'*' maps one node, not a group: write it behind a name", *token.span())
        else:
            self.wrong("expected a name before '*'", *token.span())

    def ampersand(self, token: re.Match[str]) -> None:
        self.wrong(f"{token[0]!r} is reserved; '||' is side by side: a || b", *token.span())
        self.separate()

    def other(self, token: re.Match[str]) -> None:
        hint = _HINTS.get(token[0], "expected names, ';', '||', '(' and ')'")
        self.wrong(f"{token[0]!r} has no meaning in a flow string: {hint}", *token.span())
        self.separate()

    def separate(self) -> None:
        """What was no operator stands where one belongs: one finding is enough."""
        if self.after_item:
            self.frame.end_group()
            self.after_item, self.operator = False, None

    def finish(self) -> Tree | None:
        if self.operator:
            self.wrong(f"expected a name or '(' after {self.operator[0]!r}", *self.operator.span())
        for frame in self.stack[1:]:
            self.wrong("this '(' is not closed: a ')' is missing", frame.offset, frame.offset + 1)
        if self.stack:
            self.wrong(
                "this '(' is not closed: a ')' is missing", self.frame.offset, self.frame.offset + 1
            )
        while self.stack:
            inner = self.frame.tree()
            self.frame = self.stack.pop()
            if inner is not None:
                self.frame.items.append(inner)
        tree = self.frame.tree()
        if tree is None and not self.found:
            self.wrong("the flow is empty: expected a name", 0, 1)
        return tree
