"""``cancel``, ``diff``, ``prune``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.cli.main import Command
from cloudmesh.flow.cli.options import output_argument, run_argument
from cloudmesh.flow.cli.render import print_json, span, table
from cloudmesh.flow.cli.summary import RESULT_SHOWN, count, shown_status
from cloudmesh.flow.cli.words import open_store_of, unknown

if TYPE_CHECKING:
    import argparse

__all__ = ["COMMANDS"]


def cancel_arguments(parser: argparse.ArgumentParser) -> None:
    run_argument(parser)


def cancel(args: argparse.Namespace) -> int:
    """Cancel a run, and return when it has ended."""
    from cloudmesh.flow import api

    with open_store_of(args) as store:
        run = api.find_run(store, args.run)["run"]
        status = api.cancel(run, store)
    if status == "running":
        sys.stderr.write(f"run {run} was asked to end, and has not ended yet\n")
    else:
        sys.stderr.write(f"run {run} {status}\n")
    return 0


def diff_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("first", metavar="RUN")
    parser.add_argument("second", metavar="RUN")
    output_argument(parser)


def diff(args: argparse.Namespace) -> int:
    """Show how two runs differ, node by node."""
    from cloudmesh.flow import api

    with open_store_of(args) as store:
        pair = [api.find_run(store, text) for text in (args.first, args.second)]
        entries = api.diff(pair[0]["run"], pair[1]["run"], store)
    if args.output == "json":
        print_json({"runs": pair, "nodes": entries})
        return 0
    for run in pair:
        parameters = " ".join(f"{k}={v}" for k, v in (run.get("parameters") or {}).items())
        sys.stdout.write(f"{run['run']}  {run['workflow']}  {shown_status(run)}  {parameters}\n")
    if entries:
        head = ("node", "what", pair[0]["run"], pair[1]["run"])
        sys.stdout.write(table(head, [row for entry in entries for row in diff_rows(entry)]))
    else:
        sys.stdout.write("no node differs\n")
    return 0


def diff_rows(entry: dict[str, Any]) -> list[tuple[str, ...]]:
    """The rows of a node that differs."""
    name = entry["name"]
    if "only" in entry:
        here = entry["only"] == "first"
        return [(name, "node", "is there" if here else "", "" if here else "is there")]
    rows: list[tuple[str, ...]] = []
    for word in ("status", "result", "error", "code"):
        if word in entry:
            one, other = (cut(side_text(word, side)) for side in entry[word])
            rows.append((name, word, one, other))
    one, other = (span(side) for side in entry["took"])
    rows.append((name, "took", one, other))
    return rows


def side_text(word: str, side: Any) -> str:
    """What one of two runs has of a node, on a line."""
    if side is None:
        return ""
    if word == "error":
        return f"{side['type']}: {side['message']}"
    if word == "result":
        from json import dumps

        return dumps(side, ensure_ascii=False)
    return str(side)


def cut(text: str) -> str:
    """A text on a line of a table."""
    most = RESULT_SHOWN // 2
    return text if len(text) <= most else text[: most - 1] + "…"


def prune_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="of this flow only")
    parser.add_argument(
        "--keep", type=int, required=True, metavar="N", help="how many ended runs of each flow stay"
    )


def prune(args: argparse.Namespace) -> int:
    """Remove all but the newest ended runs of each flow."""
    from cloudmesh.flow import api

    with open_store_of(args) as store:
        name = args.name
        if name is not None and not store.runs(name, limit=1) and store.definition(name) is None:
            raise unknown("flow", name, store.definitions())
        gone = api.prune(store, args.keep, args.name, lambda text: print(text, file=sys.stderr))
    sys.stderr.write(f"{count(len(gone), 'run')} removed\n")
    return 0


COMMANDS = {
    "cancel": Command(cancel_arguments, cancel, ("cms flow cancel k7q2m9xd",)),
    "diff": Command(diff_arguments, diff, ("cms flow diff k7q2m9xd latest",)),
    "prune": Command(prune_arguments, prune, ("cms flow prune --keep 20",)),
}
