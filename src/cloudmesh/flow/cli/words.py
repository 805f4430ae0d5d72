"""What the words of a command line mean: a FLOW, STRINGs, or the name of a defined flow."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import argparse

    from cloudmesh.flow.errors import NotFound
    from cloudmesh.flow.store.protocol import Store

__all__ = [
    "Words",
    "default_file",
    "in_place",
    "is_file",
    "is_string",
    "open_store_of",
    "understand",
    "unknown",
]

_ENDINGS = (".py", ".yaml", ".yml")
_SIGNS = frozenset(";|()*&")
FORCED = "\0"  # no argument of a program can hold it


class Words(NamedTuple):
    """What was meant: at most one of ``file`` and ``name``; ``strings`` replace its own."""

    file: str = ""
    name: str = ""
    strings: tuple[str, ...] = ()


def is_file(word: str) -> bool:
    """A FLOW: ends in .py .yaml .yml, with ``:CLASS`` behind or not, or contains a ``/``."""
    return "/" in word or word.endswith(_ENDINGS) or word.rpartition(":")[0].endswith(_ENDINGS)


def is_string(word: str) -> bool:
    """A STRING holds one of ``; | ( ) *`` or white space (or ``&``, which no name can hold)."""
    return not _SIGNS.isdisjoint(word) or any(c.isspace() for c in word) or not word


def in_place(given: list[str]) -> list[str]:
    """``-e STRING`` as one word, which keeps its place between the others."""
    out: list[str] = []
    words = iter(given)
    for word in words:
        if word == "--":
            out += [word, *words]
        elif word == "-e":
            string = next(words, None)
            out.append(word if string is None else FORCED + string)
        else:
            out.append(word)
    return out


def understand(words: list[str], forced: list[str] | None = None) -> Words:
    """The words of `run` and `check`; ``forced`` are those that `in_place` left behind ``-e``."""
    first = next((word for word in words if not word.startswith(FORCED)), "")
    flow = first if first and (is_file(first) or not is_string(first)) else ""
    others = list(words)
    if flow:
        others.remove(flow)
    strings = (*(word.removeprefix(FORCED) for word in others), *(forced or ()))
    if flow and is_file(flow):
        return Words(file=flow, strings=strings)
    return Words(name=flow, strings=strings)


def default_file(flowname: str | None, stored: bool = False) -> str:
    """``NAME-flow.py``, else ``NAME-flow.yaml`` in this folder.  Raises `NotFound`.

    ``stored``: it is the name of a definition that says no file.
    """
    name = flowname or "workflow"
    for file in (f"{name}-flow.py", f"{name}-flow.yaml"):
        if os.path.exists(file):
            return file
    from cloudmesh.flow.errors import NotFound

    if stored:
        raise NotFound(
            f"the definition of {name} names no file, and neither {name}-flow.py nor "
            f"{name}-flow.yaml is in this folder; name it with --flowfile"
        )
    raise NotFound(
        f"no FLOW given, and neither {name}-flow.py nor {name}-flow.yaml is in this folder; "
        "name a file, or with --flowname the NAME in NAME-flow.py"
    )


class open_store_of:
    """``with open_store_of(args) as store:`` the store that is named, closed at the end."""

    def __init__(self, args: argparse.Namespace) -> None:
        from cloudmesh.flow.store import open_store

        self.store: Store = open_store(args.store)

    def __enter__(self) -> Store:
        return self.store

    def __exit__(self, *_: object) -> None:
        self.store.close()


def unknown(kind: str, name: str, known: list[str], place: str = "") -> NotFound:
    """The error for a name that nothing has."""
    from cloudmesh.flow.errors import NotFound
    from cloudmesh.flow.language.source import WHERE_THEY_ARE, did_you_mean

    hint = did_you_mean(name, known)
    if not hint and kind == "flow":
        hint = "; `cms flow list` shows those that are defined"
    if not hint and kind == "infrastructure":
        hint = WHERE_THEY_ARE
    return NotFound(f"no {kind} {name!r}{place}{hint}")
