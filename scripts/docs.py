"""Writes the generated parts of the documentation: `make docs`; `--check` only looks.

Each stands between two marks, ``<!-- NAME -->`` and ``<!-- end of NAME -->``.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent


def states() -> str:
    """The table of transitions, as a picture."""
    from cloudmesh.flow.run.states import NAMES, TRANSITIONS

    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> pending"]
    words: dict[tuple[int, int], list[str]] = {}
    for (before, word), after in TRANSITIONS.items():
        words.setdefault((before, after), []).append(word)
    for (before, after), said in words.items():
        lines.append(f"    {NAMES[before]} --> {NAMES[after]}: {', '.join(said)}")
    return "\n".join([*lines, "```"])


def commands() -> str:
    """The help of every command, as it prints it."""
    from cloudmesh.flow.cli.main import COMMANDS

    return "\n\n".join(f"## {name}\n\n```\n{help_of(name)}```" for name in COMMANDS)


def help_of(command: str) -> str:
    """What `cms flow COMMAND --help` prints, at 80 columns."""
    from cloudmesh.flow.cli.main import main

    os.environ["COLUMNS"] = "80"
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main(["flow", command, "--help"])
    out.seek(0)
    return re.sub(r" +$", "", out.read(), flags=re.MULTILINE)


def endpoints() -> str:
    """Every operation of the HTTP interface, by its path, with its first sentence."""
    from cloudmesh.flow.server.openapi import openapi_document

    lines = ["| method | path | what it is |", "|---|---|---|"]
    for path, operations in openapi_document()["paths"].items():
        for method, operation in operations.items():
            said = operation.get("description") or operation.get("summary") or ""
            first = " ".join(said.split("\n\n")[0].split()).replace("|", "\\|")
            lines.append(f"| {method.upper()} | `{path}` | {first} |")
    return "\n".join(lines)


PARTS: dict[str, tuple[str, Callable[[], str]]] = {
    "states": ("docs/design.md", states),
    "commands": ("docs/commands.md", commands),
    "endpoints": ("docs/http.md", endpoints),
}


def fresh(page: Path, name: str, text: str) -> str:
    """The page with this part as it should be."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    old = page.read_text(encoding="utf-8")
    before, rest = old.split(begin)
    return f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}"


def main() -> int:
    """Write what is stale, or say so."""
    stale = []
    for name, (file, make) in PARTS.items():
        page = ROOT / file
        text = fresh(page, name, make())
        if text != page.read_text(encoding="utf-8"):
            stale.append(f"{file}: {name}")
            if "--check" not in sys.argv:
                page.write_text(text, encoding="utf-8")
    for line in stale:
        print(line, "is stale: make docs" if "--check" in sys.argv else "written")
    return int(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
