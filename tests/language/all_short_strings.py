"""Every short string, by the short way of rows and by the long way of any string.

A program of its own, for the interpreters of a machine differ in their regular
expressions: `python all_short_strings.py` prints the strings that are told apart.
"""

from __future__ import annotations

from itertools import product

from cloudmesh.flow.language import flowstring
from cloudmesh.flow.language.source import Findings, Source

LETTERS = "ab|;() "
LONGEST = 6


def told_apart(text: str) -> bool:
    """Whether the short way takes a string otherwise than the long way does."""
    source = Source(text, "flow string")
    short = flowstring._rows(source)
    if short is None:
        return False
    findings = Findings()
    parser = flowstring._Parser(source, findings)
    tree = parser.run()
    return bool(findings) or short.tree != tree or short.names != parser.names


if __name__ == "__main__":
    for size in range(1, LONGEST + 1):
        for letters in product(LETTERS, repeat=size):
            text = "".join(letters)
            if told_apart(text):
                print(repr(text))
