"""A flow as text again: flow strings, and the YAML form."""

from __future__ import annotations

from collections.abc import Collection

from cloudmesh.flow.language.flowstring import Tree, parse
from cloudmesh.flow.language.source import Findings, Source

__all__ = ["normalised", "parenthesised"]

_BETWEEN = {";": "; ", "|": " || "}


def parenthesised(text: str) -> str:
    """A flow string with all the parentheses that ``;`` and ``||`` leave to be understood.

    Raises `InputError` for a string that is wrong.
    """
    findings = Findings()
    parsed = parse(Source(text, "flow string"), findings)
    findings.raise_if_any()
    return normalised(parsed.tree, parsed.mapped) if parsed.tree is not None else ""


def normalised(tree: Tree, mapped: Collection[str]) -> str:
    """A tree as text: one blank around operators, parentheses where ``;`` and ``||`` meet."""
    out: list[str] = []
    work: list[tuple[Tree | None, str]] = [(tree, "")]  # None: a piece of text
    while work:
        node, outer = work.pop()
        if node is None:
            out.append(outer)
            continue
        if isinstance(node, str):
            out.append(node + "*" if node in mapped else node)
            continue
        kind, items = node
        group = outer not in ("", kind)
        if group:
            out.append("(")
            work.append((None, ")"))
        for item in reversed(items[1:]):
            work.append((item, kind))
            work.append((None, _BETWEEN[kind]))
        work.append((items[0], kind))
    return "".join(out)
