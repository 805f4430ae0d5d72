"""The text of a command: ``echo {a}`` and what it becomes.  Pure.

In a string for a shell a reference becomes a reference to an environment
variable, in double quotes, never the value itself: no value can break out.  In
``$((…))`` quotes are no arithmetic, and some shells would run what a text says
there: so it stands without them, and only a whole number may be its value.  In
a list of arguments the value is put into that argument, and no shell sees it.
``{{`` is a brace; anything else in braces stays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["Reference", "names", "references", "render", "text_of", "variable"]

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
# "${HOME}" is the shell's own, in a list too: whoever writes it means just that.
_REFERENCE = re.compile(
    rf"(?P<brace>\{{\{{(?:{_NAME}\}}\}})?)|(?<!\$)\{{(?P<name>{_NAME})\}}|(?P<shell>\$\{{)"
)


class Reference(NamedTuple):
    """A ``{name}`` in a command.

    ``quoted`` says what it stands in, where it must not; ``sum``: it stands in ``$((…))``.
    """

    name: str
    start: int
    end: int
    quoted: str = ""
    sum: bool = False


def names(command: str | Sequence[str]) -> tuple[str, ...]:
    """The names that a command uses, each once, in order."""
    parts = [command] if isinstance(command, str) else command
    found = {
        reference.name: None
        for part in parts
        for reference in references(part, isinstance(command, str))
    }
    return tuple(found)


def references(text: str, shell: bool) -> list[Reference]:
    """Every reference in a string for a shell, or in one argument of a list."""
    quotes = _Quotes(text) if shell else None
    found = []
    for match in _pieces(text):
        if match["name"] is None:
            continue
        if quotes is None:
            found.append(Reference(match["name"], *match.span()))
            continue
        quoted = quotes.at(match.start())
        if quoted != "escape":
            found.append(Reference(match["name"], *match.span(), quoted, quotes.parentheses > 0))
    return found


def _pieces(text: str) -> Iterator[re.Match[str]]:
    return _REFERENCE.finditer(text)


def variable(name: str) -> str:
    """The environment variable that holds the value of ``{name}`` in a shell string."""
    return f"CLOUDMESH_FLOW_VALUE_{name}"


def text_of(value: Any) -> str:
    """A value as a command receives it: text as it is, anything else as JSON where it can be."""
    if isinstance(value, str):
        return str.__str__(value)
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return str(value)


def render(
    command: str | Sequence[str], values: Mapping[str, Any]
) -> tuple[str | list[str], dict[str, str]]:
    """What is started: a string for a shell and its environment, or a list of arguments.

    A name that ``values`` does not have stays as it is written.  Raises `ValueError`
    where a shell would calculate with a value that is no whole number.
    """
    if not isinstance(command, str):
        return [_fill(part, values) for part in command], {}
    environment = {}
    out, at = [], 0
    live = {r.start: r for r in references(command, True)}
    for match in _pieces(command):
        name = match["name"]
        out.append(command[at : match.start()])
        at = match.end()
        if name is not None and match.start() in live and name in values:
            environment[variable(name)] = text_of(values[name])
            put = f"${{{variable(name)}}}"
            out.append(_number(name, values[name], put) if live[match.start()].sum else f'"{put}"')
        else:
            out.append(_brace(match))
    out.append(command[at:])
    return "".join(out), environment


def _number(name: str, value: Any, put: str) -> str:
    if not re.fullmatch(r"\s*[+-]?[0-9]+\s*", text_of(value), re.ASCII):
        raise ValueError(f"{{{name}}} stands in $((…)), and its value is no whole number")
    return put


def _fill(part: str, values: Mapping[str, Any]) -> str:
    def put(match: re.Match[str]) -> str:
        name = match["name"]
        return text_of(values[name]) if name in values else _brace(match)

    return _REFERENCE.sub(put, part)


def _brace(match: re.Match[str]) -> str:
    """``{{`` as a brace, ``{{a}}`` as ``{a}``; what is no brace as it stands."""
    brace = match["brace"]
    if brace is None:
        return match[0]
    return brace[1:] if brace == "{{" else brace[1:-1]


class _Quotes:
    """What each place of a shell string stands in: quotes, a here-document, or nothing."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.state = ""
        self.here = False  # a here-document has begun; it is not read further
        self.parentheses = 0  # open ones, from a "$((" on

    def at(self, offset: int) -> str:
        """``"quotes"``, ``"a here-document"``, ``"escape"`` or ``""``; offsets never go back."""
        while self.position < offset:
            self._step()
        if self.position > offset:  # the backslash before took this character along
            return "escape"
        if self.here:
            return "a here-document"
        return "quotes" if self.state in ("'", '"') else ""

    def _step(self) -> None:
        text, i = self.text, self.position
        character = text[i]
        self.position = i + 1
        if self.parentheses:
            self.parentheses += {"(": 1, ")": -1}.get(character, 0)
        elif self.state == "" and text.startswith("$((", i):
            self.parentheses = 2
            self.position = i + 3
        elif self.state == "'":
            if character == "'":
                self.state = ""
        elif character == "\\":
            self.position = i + 2
        elif self.state == '"':
            if character == '"':
                self.state = ""
        elif self.state == "#":
            if character == "\n":
                self.state = ""
        elif character in "'\"" or (character == "#" and (i == 0 or text[i - 1] in " \t\n;|&(")):
            self.state = character
        elif text.startswith("<<", i):
            self.here = self.here or not text.startswith("<<<", i)
            self.position = i + (3 if text.startswith("<<<", i) else 2)
