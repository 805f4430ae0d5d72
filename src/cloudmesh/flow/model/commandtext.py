"""The text of a command: ``echo {a}`` and what it becomes.  Pure.

In a string for a shell a reference becomes a reference to an environment
variable, in double quotes, never the value itself: no value can break out.  In
``$((…))`` quotes are no arithmetic, and some shells would run what a text says
there: so it stands without them, and only a whole number may be its value.  In
a list of arguments the value is put into that argument, and no shell sees it.
``{{`` is a brace, and so is the ``}}`` that closes one, as in ``str.format``;
anything else in braces stays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["Reference", "names", "quoted_message", "references", "render", "text_of", "variable"]

# "${HOME}" is the shell's own, in a list too: whoever writes it means just that.
_TOKEN = re.compile(
    r"(?P<open>(?:\{\{)+)"
    r"|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}"
    r"|(?P<close>(?:\}\})+)"
    r"|\$\{(?!\{)|[{}]"
)


class Reference(NamedTuple):
    """A ``{name}`` in a command.

    ``quoted`` says what it stands in, where it must not; ``sum``: it stands in ``$((…))``;
    ``single``: a shell takes what stands there, in single quotes, as it is written.
    """

    name: str
    start: int
    end: int
    quoted: str = ""
    sum: bool = False
    single: bool = False


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
    for piece in _pieces(text):
        if not piece.name:
            continue
        if quotes is None:
            found.append(Reference(piece.name, piece.start, piece.end))
            continue
        quoted = quotes.at(piece.start)
        if quoted != "escape":
            single = quoted == "quotes" and quotes.state == "'"
            found.append(
                Reference(
                    piece.name, piece.start, piece.end, quoted, quotes.parentheses > 0, single
                )
            )
    return found


def quoted_message(reference: Reference) -> str:
    """What to say of a reference in quotes."""
    return (
        f"{{{reference.name}}} stands in {reference.quoted}: it becomes a quoted variable itself; "
        "take it out of them, write the command as a list, or {{ for a brace"
    )


class _Piece(NamedTuple):
    """A ``{name}``, or double braces; ``text`` is what stands there where no value does."""

    start: int
    end: int
    name: str
    text: str


def _pieces(text: str) -> list[_Piece]:
    found: list[_Piece] = []
    opened: list[int] = []  # runs of "{{" that a "}}" may close, as indices into ``found``
    for match in _TOKEN.finditer(text):
        if match["name"]:
            found.append(_Piece(*match.span(), match["name"], match[0]))
        elif match["open"]:
            opened.append(len(found))
            found.append(_Piece(*match.span(), "", "{" * (len(match[0]) // 2)))
        elif match["close"]:
            pairs = len(match[0]) // 2
            closed = 0
            while opened and len(found[opened[-1]].text) <= pairs - closed:
                closed += len(found[opened.pop()].text)
            opened.clear()
            found.append(_Piece(*match.span(), "", "}" * (len(match[0]) - closed)))
        else:  # a brace of the shell's, or of a program's: no double one is open across it
            opened.clear()
    return found


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
    live = {r.start: r for r in references(command, True)}

    def put(piece: _Piece) -> str:
        name, reference = piece.name, live.get(piece.start)
        if reference is None or reference.single or name not in values:
            return piece.text
        environment[variable(name)] = text_of(values[name])
        put = f"${{{variable(name)}}}"
        if reference.sum:
            return _number(name, values[name], put)
        # Quotes are refused where we can (`check`); in the form of cloudmesh-cc they stand.
        return put if reference.quoted else f'"{put}"'

    return _replaced(command, put), environment


def _number(name: str, value: Any, put: str) -> str:
    if not re.fullmatch(r"\s*[+-]?[0-9]+\s*", text_of(value), re.ASCII):
        raise ValueError(f"{{{name}}} stands in $((…)), and its value is no whole number")
    return put


def _fill(part: str, values: Mapping[str, Any]) -> str:
    return _replaced(
        part, lambda piece: text_of(values[piece.name]) if piece.name in values else piece.text
    )


def _replaced(text: str, put: Callable[[_Piece], str]) -> str:
    out: list[str] = []
    at = 0
    for piece in _pieces(text):
        out += text[at : piece.start], put(piece)
        at = piece.end
    return "".join([*out, text[at:]])


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
