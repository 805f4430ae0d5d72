"""Writes the generated parts of the documentation: `make docs`; `--check` only looks.

Each stands between two marks, ``<!-- NAME -->`` and ``<!-- end of NAME -->``.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import re
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, get_overloads

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


#: The public Python names: a heading, and under it ``module:name``, with the members shown of a
#: class ("": none).
PYTHON: dict[str, list[tuple[str, str]]] = {
    "Writing a flow": [
        ("language.pythonclass:BaseWorkFlow", "run define resume retry cancel runCommand"),
        ("language.pythonclass:workflow", ""),
        ("language.pythonclass:task", ""),
        ("model.value:Value", ""),
        ("language.pythonclass:Secret", ""),
    ],
    "Inside a node": [
        ("executors.call:current", ""),
        ("executors.call:Current", "key attempt cancelled progress log sleep"),
    ],
    "A run": [
        ("handle:Run", "status workflow values raise_for_error documents"),
        ("handle:RunNode", "name status value result error attempt reason"),
    ],
    "A store": [
        ("store:open_store", ""),
        (
            "store.protocol:Store",
            "documents definitions definition run runs nodes read_log prune close",
        ),
    ],
    "Testing": [
        ("testing:rehearse", ""),
        ("testing:Rehearsal", "log"),
        ("testing:Takes", ""),
        ("testing:InTurn", ""),
        ("testing:LOST", ""),
        ("testing:memory_store", ""),
        ("testing:FakeExecutor", "start cancel close"),
        ("testing:FakeClock", "passed after next advance"),
        ("testing:simulate", ""),
        ("testing:Broken", ""),
    ],
}

#: Classes whose objects are given, not made, by who uses them.
NOT_MADE = ("Current", "Rehearsal", "Run", "RunNode", "Store")


def python_names() -> str:
    """Every public name of Python: its signature and its docstring."""
    parts = []
    for title, names in PYTHON.items():
        parts.append(f"## {title}")
        for path, members in names:
            module, _, name = path.partition(":")
            thing = getattr(import_module(f"cloudmesh.flow.{module}"), name)
            parts.append(_named("###", name, thing))
            parts += [_named("####", f"{name}.{m}", getattr(thing, m)) for m in members.split()]
    return "\n\n".join(parts)


def _named(hashes: str, name: str, thing: Any) -> str:
    """The heading of a name, its signature, and what is said of it."""
    title = f"{hashes} {name.rpartition('.')[2]}"
    about = thing.fget if isinstance(thing, property) else thing
    said = inspect.getdoc(about) or ""
    shown = "" if isinstance(thing, property) else _signature(name, thing)
    return "\n\n".join(part for part in (title, shown, said) if part)


def _signature(name: str, thing: Any) -> str:
    """How it is called, as code; "" for a class that is not made by its user."""
    if not callable(thing):
        return ""
    called = ([thing, *list(get_overloads(thing))])[-1] if inspect.isroutine(thing) else thing
    if isinstance(thing, type):
        if "__init__" not in vars(thing) or name in NOT_MADE:
            return ""
        called = thing.__init__
    signature = inspect.signature(called)
    given = [p for p in signature.parameters.values() if p.name != "self"]
    asterisk = [p.kind is p.KEYWORD_ONLY for p in given]
    words = [_parameter(p) for p in given]
    if True in asterisk:
        words.insert(asterisk.index(True), "*")
    back = signature.return_annotation
    arrow = "" if isinstance(thing, type) or back is signature.empty else f" -> {back}"
    short = f"{name}({', '.join(words)}){arrow}"
    if len(short) > 90:
        short = f"{name}(\n    " + ",\n    ".join(words) + f",\n){arrow}"
    return f"```text\n{short}\n```"


def _parameter(parameter: inspect.Parameter) -> str:
    """A parameter as it stands in the source."""
    star = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    kind = "" if parameter.annotation is parameter.empty else f": {parameter.annotation}"
    if parameter.default is parameter.empty:
        return f"{star}{parameter.name}{kind}"
    default = "..." if parameter.default is ... else repr(parameter.default)
    return f"{parameter.name}{kind} = {default}"


def errors() -> str:
    """The tree of errors, as it stands in the code, and each with its exit code."""
    from cloudmesh.flow import errors as module

    tree = (module.__doc__ or "").split("it:\n\n")[1].split("\n\nA message")[0]
    lines = [
        "```text",
        inspect.cleandoc(tree),
        "```",
        "",
        "| class | exit code | |",
        "|---|---|---|",
    ]
    for name, kind in vars(module).items():
        if isinstance(kind, type) and issubclass(kind, Exception):
            said = " ".join((kind.__doc__ or "").split())
            lines.append(f"| `{name}` | {kind.exit_code} | {said} |")
    return "\n".join(lines)


def events() -> str:
    """The forms of the journal's events, as they stand in the code."""
    from cloudmesh.flow.run import events as module

    said = module.__doc__ or ""
    forms = said.split("in place of the number:\n\n")[1].split("\n\n``at``")[0]
    keys = said.split("its keys:\n\n")[1].split("\n\nThe children")[0]
    return (
        f"```text\n{inspect.cleandoc(forms)}\n```\n\nThe keys of `extra`:\n\n"
        f"```text\n{inspect.cleandoc(keys)}\n```"
    )


PARTS: dict[str, tuple[str, Callable[[], str]]] = {
    "states": ("docs/design.md", states),
    "commands": ("docs/commands.md", commands),
    "endpoints": ("docs/http.md", endpoints),
    "python": ("docs/python.md", python_names),
    "errors": ("docs/errors.md", errors),
    "events": ("docs/documents.md", events),
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
