"""Definitions: ``add``, ``list``, ``show``, ``delete``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.cli.check import flow_text, graph_table
from cloudmesh.flow.cli.main import Command
from cloudmesh.flow.cli.options import output_argument
from cloudmesh.flow.cli.render import ago, escape, print_json, table
from cloudmesh.flow.cli.summary import count
from cloudmesh.flow.cli.words import open_store_of, understand, unknown

if TYPE_CHECKING:
    import argparse

    from cloudmesh.flow.store.protocol import Store

__all__ = ["COMMANDS"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from cloudmesh.flow.cli.run import flow_arguments

    flow_arguments(parser)
    parser.add_argument(
        "--redefine", action="store_true", help="give up the edits made since the flow was added"
    )


def add(args: argparse.Namespace) -> int:
    """Store the definition of a flow."""
    from cloudmesh.flow import api
    from cloudmesh.flow.cli.programs import load_file
    from cloudmesh.flow.config import load_config
    from cloudmesh.flow.errors import InputError

    words = understand(args.words, args.forced)
    if words.name:
        raise InputError(
            f"{words.name!r} is no file: `add` stores the flow of FILE.py or FILE.yaml"
        )
    program = load_file(args, words, load_config(args.config), later=True)
    with open_store_of(args) as store:
        api.define(program, store, redefine=args.redefine)
    flow = program.flow
    nodes = count(len(flow), "node")
    sys.stderr.write(f"flow {flow.name} is defined: {nodes}; cms flow run {flow.name}\n")
    return 0


def list_arguments(parser: argparse.ArgumentParser) -> None:
    output_argument(parser)


def list_flows(args: argparse.Namespace) -> int:
    """List the defined flows."""
    with open_store_of(args) as store:
        flows = [flow_document(store, name) for name in store.definitions()]
        if args.output == "json":
            print_json(flows)
        elif not flows:
            sys.stderr.write("no flows yet; define one: cms flow add FILE\n")
        else:
            head = ("flow", "nodes", "modified", "as")
            sys.stdout.write(table(head, map(flow_row, flows)))
    return 0


def flow_row(flow: dict[str, Any]) -> tuple[str, ...]:
    """A flow as a row of the table."""
    modified = max((d["cm"]["modified"] for d in flow["nodes"]), default=None)
    text = flow["flow"]
    texts = [text] if isinstance(text, str) else text
    shown = " , ".join(texts)
    return (
        flow["workflow"],
        str(len(flow["nodes"])),
        ago(modified),
        shown if len(shown) <= 60 else shown[:59] + "…",
    )


def show_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the name of a defined flow")
    output_argument(parser)


def show(args: argparse.Namespace) -> int:
    """Show the definition of a flow."""
    with open_store_of(args) as store:
        flow = flow_document(store, args.name)
        if args.output == "json":
            print_json(flow)
            return 0
        texts = [flow["flow"]] if isinstance(flow["flow"], str) else flow["flow"]
        sys.stdout.write("".join(f"{escape(text)}\n" for text in texts))
        sys.stdout.write(graph_table(flow["nodes"]))
        for problem in flow["problems"]:
            sys.stderr.write(f"{escape(problem['message'])}\n")
    return 0


def flow_document(store: Store, name: str) -> dict[str, Any]:
    """`show` as JSON: ``{workflow, flow, nodes, problems}``.  Raises `NotFound`."""
    from cloudmesh.flow.cli.programs import stored, target_of, texts_of

    documents, extra = stored(store, name)
    target = target_of(extra)
    problems = []
    if target is not None and not os.path.exists(extra["file"]):
        message = f"{extra['file']}, which holds the functions of {name}, does not exist here"
        problems.append({"message": message, "text": "", "line": 0, "column": 0})
    return {
        "workflow": name,
        "flow": flow_text(texts_of(documents, extra)),
        "nodes": documents,
        "problems": problems,
    }


def delete_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the name of a defined flow")


def delete(args: argparse.Namespace) -> int:
    """Forget the definition of a flow; its runs stay."""
    with open_store_of(args) as store:
        if not store.delete(args.name):
            raise unknown("flow", args.name, store.definitions())
    sys.stderr.write(f"the definition of {args.name} is gone; its runs stay\n")
    return 0


COMMANDS = {
    "add": Command(
        add_arguments, add, ("cms flow add test-flow.py", "cms flow add flow.yaml --flowname test")
    ),
    "list": Command(list_arguments, list_flows, ("cms flow list", "cms flow list --output json")),
    "show": Command(show_arguments, show, ("cms flow show test",)),
    "delete": Command(delete_arguments, delete, ("cms flow delete test",)),
}
