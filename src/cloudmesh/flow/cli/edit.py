"""Edits of definitions: ``node add|delete NODE``, ``edge add|delete|invert FROM TO``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from cloudmesh.flow import definitions
from cloudmesh.flow.cli.main import Command
from cloudmesh.flow.cli.words import Words, open_store_of

if TYPE_CHECKING:
    import argparse

    from cloudmesh.flow.definitions import Graph

__all__ = ["COMMANDS"]


def node_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("add", "delete"), metavar="add|delete")
    parser.add_argument("node", metavar="NODE")
    name_arguments(parser)


def edge_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("add", "delete", "invert"), metavar="add|delete|invert")
    parser.add_argument("waits", metavar="FROM", help="the node that waits")
    parser.add_argument("needed", metavar="TO", help="the node that it depends on")
    name_arguments(parser)


def name_arguments(parser: argparse.ArgumentParser) -> None:
    from cloudmesh.flow.cli.options import flowname_argument

    flowname_argument(parser, help="the flow (default: workflow)")
    parser.add_argument("--flowfile", metavar="FILE", help="the file that holds its functions")
    parser.add_argument(
        "--trust", action="store_true", help="load the file of a definition that is not yours"
    )


def node(args: argparse.Namespace) -> int:
    """Add or delete a node."""
    change = {"add": definitions.add_node, "delete": definitions.delete_node}[args.what]
    return edit(args, lambda graph: change(graph, args.node), new=args.what == "add")


def edge(args: argparse.Namespace) -> int:
    """Add, delete or invert an edge."""
    change = {
        "add": definitions.add_edge,
        "delete": definitions.delete_edge,
        "invert": definitions.invert_edge,
    }[args.what]
    return edit(args, lambda graph: change(graph, args.waits, args.needed))


def edit(args: argparse.Namespace, change: Callable[[Graph], Graph], new: bool = False) -> int:
    """Change a definition; checked as a whole before it is written."""
    from cloudmesh.flow import api
    from cloudmesh.flow.cli.check import graph_table
    from cloudmesh.flow.cli.programs import load_stored, stored
    from cloudmesh.flow.config import load_config
    from cloudmesh.flow.language.load import load
    from cloudmesh.flow.language.printer import strings

    def texts(graph: Graph) -> list[str]:
        return strings(load(None, definitions.strings_of(change(graph))).flow)

    name = args.flowname or "workflow"
    config = load_config(args.config)
    with open_store_of(args) as store:
        if new and store.definition(name) is None:
            program = load(args.flowfile, texts({}), flowname=name, later=True, pending=[args.node])
        else:
            documents, extra = stored(store, name)
            graph = definitions.graph_of(documents)
            edited = tuple(texts(graph))
            if args.flowfile or extra.get("file"):
                words = Words(name=name, strings=edited)
                # The edges of what is new, or waits for nothing yet, are still to come.
                pending = {n.removesuffix("*") for n in change(graph) if not graph.get(n)}
                program = load_stored(args, store, words, config, later=True, pending=pending)
            else:
                program = load(None, edited, flowname=name)
        api.define(program, store, edited=True)
        documents, _ = stored(store, name)
    sys.stdout.write(graph_table(documents))
    return 0


COMMANDS = {
    "node": Command(
        node_arguments,
        node,
        ("cms flow node add d --flowname test", "cms flow node delete d --flowname test"),
    ),
    "edge": Command(
        edge_arguments,
        edge,
        (
            "cms flow edge add c a --flowname test      c now depends on a",
            "cms flow edge invert c a --flowname test   a now depends on c",
        ),
    ),
}
