"""``check``: everything that can be found wrong without running, and the graph."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.cli.main import Command
from cloudmesh.flow.cli.render import print_json, table
from cloudmesh.flow.cli.words import Words, open_store_of, understand

if TYPE_CHECKING:
    import argparse

    from cloudmesh.flow.errors import InputError
    from cloudmesh.flow.language.program import Program

__all__ = ["COMMANDS", "flow_text", "graph_table"]


def check_arguments(parser: argparse.ArgumentParser) -> None:
    from cloudmesh.flow.cli.options import output_argument
    from cloudmesh.flow.cli.run import flow_arguments

    flow_arguments(parser)
    parser.add_argument(
        "--param", action="append", default=[], metavar="K=V", help="a run parameter"
    )
    output_argument(parser)


def check(args: argparse.Namespace) -> int:
    """Find what is wrong; print the graph and the normalised string."""
    from cloudmesh.flow.config import check_pools, load_config
    from cloudmesh.flow.errors import InputError

    try:
        program = checked_program(args)
        check_pools(program.flow, load_config(args.config))
    except InputError as error:
        if args.output != "json":
            raise
        return wrong(args, error)
    if args.output == "json":
        print_json(program_document(program))
    else:
        # In the normalised form all parentheses stand where ; and || are mixed.
        sys.stdout.write("".join(f"{text}\n" for text in program.flow.text))
        sys.stdout.write(graph_table(documents_of(program)))
    return 0


def wrong(args: argparse.Namespace, error: InputError) -> int:
    """What is wrong, as JSON; the exit code, also where nobody reads it."""
    from cloudmesh.flow.cli.answer import answer
    from cloudmesh.flow.cli.main import silence

    try:
        print_json(
            {
                "workflow": args.flowname,
                "flow": None,
                "nodes": [],
                "problems": [problem.document() for problem in error.problems],
            }
        )
        answer().flush()
    except BrokenPipeError:
        silence(answer())
    return error.exit_code


def checked_program(args: argparse.Namespace) -> Program:
    """The program that is meant; of a bare string the graph alone."""
    words = understand(args.words, args.forced)
    if words.strings and not words.file and not words.name and not args.flowfile:
        return bare(args, words)
    from cloudmesh.flow.cli.programs import load_file, load_stored
    from cloudmesh.flow.config import load_config
    from cloudmesh.flow.parameters import pairs

    given = pairs(args.param, "--param")
    config = load_config(args.config)
    if not words.name:
        return load_file(args, words, config, given)
    with open_store_of(args) as store:
        return load_stored(args, store, words, config, given)


def bare(args: argparse.Namespace, words: Words) -> Program:
    """The graph of flow strings, without any function."""
    from cloudmesh.flow.language.load import load

    return load(None, words.strings, flowname=args.flowname)


def program_document(program: Program) -> dict[str, Any]:
    """`check` as JSON."""
    return {
        "workflow": program.flow.name,
        "flow": flow_text(program.flow.text),
        "nodes": documents_of(program),
        "problems": [],
    }


def documents_of(program: Program) -> list[dict[str, Any]]:
    """The documents that the definition would have."""
    from time import time

    from cloudmesh.flow.model.documents import definition_documents

    return definition_documents(program.flow, time())


def flow_text(texts: Any) -> Any:
    """A flow's strings as documents show them: one, or a list."""
    listed = [texts] if isinstance(texts, str) else list(texts)
    return listed[0] if len(listed) == 1 else listed


def graph_table(documents: list[dict[str, Any]]) -> str:
    """The nodes, what each waits for, and where it runs."""
    rows = [
        (
            d["name"] + "*" * ("over" in (d.get("task") or {})),
            shortened(d["dependencies"]),
            d.get("cloud") or "",
        )
        for d in documents
    ]
    return table(("node", "needs", "runs on"), rows)


def shortened(names: list[str], most: int = 8) -> str:
    """Names in a row, of many the first."""
    if len(names) <= most:
        return " ".join(names)
    return f"{' '.join(names[: most - 1])} … and {len(names) - most + 1:,} more"


COMMANDS = {
    "check": Command(
        check_arguments,
        check,
        (
            'cms flow check "(a; b || c)"',
            "cms flow check test-flow.py",
            'cms flow check test-flow.py "a; d" --output json',
        ),
    ),
}
