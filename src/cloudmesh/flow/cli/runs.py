"""What there is to know of runs: ``runs``, ``status``, ``result``, ``logs``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.cli.main import Command
from cloudmesh.flow.cli.options import output_argument, positive, run_argument
from cloudmesh.flow.cli.render import ago, escape, print_json, styled, table, took
from cloudmesh.flow.cli.summary import (
    RESULT_SHOWN,
    next_step,
    run_document,
    run_table,
    shown_status,
    store_option,
)
from cloudmesh.flow.cli.waits import add_waits
from cloudmesh.flow.cli.words import open_store_of, unknown

if TYPE_CHECKING:
    import argparse

    from cloudmesh.flow.store.protocol import Store

__all__ = ["COMMANDS"]

#: `runs` shows so many in a table, unless it is told how many.
RUNS_SHOWN = 30
#: How often a log that is followed is looked at, in seconds.
FOLLOW_SECONDS = 0.3


# -- runs ----------------------------------------------------------------------


def runs_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="of this flow only")
    parser.add_argument("--limit", type=positive, metavar="N", help="the newest N")
    output_argument(parser)


def runs(args: argparse.Namespace) -> int:
    """List the runs, the newest first."""
    with open_store_of(args) as store:
        limit = args.limit or (None if args.output == "json" else RUNS_SHOWN + 1)
        found = [with_engine(store, run) for run in store.runs(args.name, limit=limit)]
        if not found and args.name is not None and store.definition(args.name) is None:
            raise unknown("flow", args.name, store.definitions())
        if args.output == "json":
            print_json(found)
            say_lost(args, store, found)
            return 0
        more = args.limit is None and len(found) > RUNS_SHOWN
        shown = found[:RUNS_SHOWN] if more else found
        if not shown:
            sys.stderr.write("no runs yet; run a flow: cms flow run FILE\n")
            return 0
        head = ("run", "workflow", "status", "nodes", "started", "took", "parameters")
        sys.stdout.write(table(head, map(run_row, shown), styled, 2))
        if more:
            sys.stderr.write(f"only the newest {RUNS_SHOWN}; --limit N shows more\n")
        say_lost(args, store, shown)
    return 0


def say_lost(args: argparse.Namespace, store: Store, found: list[dict[str, Any]]) -> None:
    """Say of each run whose engine is gone how to go on with it."""
    for run in found:
        if run.get("engine") == "lost":
            sys.stderr.write(f"{run['run']}: {next_step(run, store_option(args, store))}\n")


def run_row(run: dict[str, Any]) -> tuple[str, ...]:
    """A run as a row of the table."""
    counts = run.get("counts") or {}
    total = sum(counts.values())
    bad = f", {counts['error']} error" if counts.get("error") else ""
    parameters = " ".join(f"{k}={v}" for k, v in (run.get("parameters") or {}).items())
    return (
        run["run"],
        run.get("workflow") or "",
        status_text(run),
        f"{counts.get('finished', 0)} of {total}{bad}" if counts else "",
        ago(run.get("started")),
        took(run),
        parameters[:RESULT_SHOWN],
    )


def status_text(run: dict[str, Any]) -> str:
    """The status of a run; with its engine, where that is gone."""
    return "running (engine: lost)" if shown_status(run) == "lost" else str(run.get("status"))


# -- status --------------------------------------------------------------------


def status_arguments(parser: argparse.ArgumentParser) -> None:
    run_argument(parser)
    parser.add_argument("--at", type=int, metavar="SEQ", help="as it was at that number")
    output_argument(parser)


def status(args: argparse.Namespace) -> int:
    """Show a run and its nodes."""
    from cloudmesh.flow.api import find_run

    with open_store_of(args) as store:
        run = find_run(store, args.run)
        now = run.get("ended")  # what it has left half done does not go on
        if args.at is not None:
            from cloudmesh.flow.cli.past import state_at

            run, nodes = state_at(store, run, args.at)
            now = run["at"]
        elif run.get("engine") == "lost":
            from cloudmesh.flow.cli.past import state_at

            head, nodes = state_at(store, run)
            run, now = {**run, "counts": head["counts"]}, head["at"]
        else:
            nodes = nodes_of(store, run)
        add_waits(store, run["run"], nodes, args.at)
        if args.output == "json":
            print_json(run_document(run, nodes))
            if args.at is None:
                say_lost(args, store, [run])
            return 0
        sys.stdout.write(run_line(run, now))
        sys.stdout.write(run_table(nodes, every=True, now=now))
        step = next_step(run, store_option(args, store))
        if step and args.at is None:
            sys.stderr.write(f"{step}\n")
    return 0


def run_line(run: dict[str, Any], now: str | None = None) -> str:
    """A run in a line; ``now`` is the moment until which it has come."""
    words = [f"run {run['run']} of {run.get('workflow')}", styled(status_text(run))]
    if run.get("parameters"):
        words.append(" ".join(f"{k}={v}" for k, v in run["parameters"].items()))
    words.append(f"started {ago(run.get('started'))}, took {took(run, now)}")
    return "  ".join(words) + "\n"


# -- result --------------------------------------------------------------------


def result_arguments(parser: argparse.ArgumentParser) -> None:
    run_argument(parser)
    parser.add_argument("node", nargs="?", metavar="NODE", help="a node, or an element: work[3]")
    output_argument(parser)


def result(args: argparse.Namespace) -> int:
    """Show what the nodes of a run returned, or one of them."""
    from cloudmesh.flow.api import find_run

    with open_store_of(args) as store:
        run = find_run(store, args.run)
        if args.node is None:
            nodes = whole(store, run)
            if args.output == "json":
                print_json({node["name"]: node.get("result") for node in nodes})
            else:
                rows = [(n["name"], n["status"], short(n.get("result"))) for n in nodes]
                sys.stdout.write(table(("node", "status", "result"), rows, styled))
            return 0
        node_exists(store, run, args.node)
        (node,) = whole(store, run, args.node)
        value = node.get("result")
        if args.output != "json" and isinstance(value, str):
            sys.stdout.write(escape(value, keep="\n") + "\n")
        else:
            print_json(value)
        if node.get("status") != "finished":
            sys.stderr.write(f"{args.node} has not finished: {unfinished(node)}\n")
    return 0


def unfinished(node: dict[str, Any]) -> str:
    """What became of a node that has no result."""
    error = node.get("error")
    if error:
        return escape(f"{error['type']}: {error['message']}", keep="\n")
    return f"{node['status']}, {node['reason']}" if node.get("reason") else str(node["status"])


def short(value: Any) -> str:
    """A result on a line."""
    import json

    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= RESULT_SHOWN else text[: RESULT_SHOWN - 1] + "…"


def whole(store: Store, run: dict[str, Any], node: str | None = None) -> list[dict[str, Any]]:
    """The documents of a run's nodes, or of one, with their results in full."""
    where = {"run": run["run"]} if node is None else {"run": run["run"], "name": node}
    for collection in ("active", "history") if run.get("engine") != "lost" else ():
        found = list(store.documents(f"{run['workflow']}-flow-{collection}", **where))
        if found:
            return found
    from cloudmesh.flow.model.documents import whole_result

    nodes = [one for one in nodes_of(store, run) if node in (None, one["name"])]
    for one in nodes:
        one["result"] = whole_result(one["result"], store.get_blob)
    return nodes


def nodes_of(store: Store, run: dict[str, Any]) -> list[dict[str, Any]]:
    """The documents of a run's nodes.

    They follow the journal by a moment: where the engine has died they are made from that.
    """
    found = store.nodes(run["run"]) if run.get("engine") != "lost" else []
    if not found:
        from cloudmesh.flow.cli.past import state_at

        found = state_at(store, run)[1]
    return found


def node_exists(store: Store, run: dict[str, Any], node: str) -> None:
    """Raise `NotFound` where the run has no such node."""
    if not store.nodes(run["run"], [node]):
        names = [n["name"] for n in nodes_of(store, run)]
        if node not in names:
            raise unknown("node", node, names, f" in run {run['run']}")


# -- logs ----------------------------------------------------------------------


def logs_arguments(parser: argparse.ArgumentParser) -> None:
    run_argument(parser)
    parser.add_argument("node", nargs="?", metavar="NODE", help="of this node only")
    parser.add_argument("--follow", "-f", action="store_true", help="go on until the run ends")


def logs(args: argparse.Namespace) -> int:
    """Show what the nodes of a run printed."""
    from cloudmesh.flow.api import find_run

    with open_store_of(args) as store:
        run = find_run(store, args.run)
        if args.node is not None:
            node_exists(store, run, args.node)
        offsets: dict[str, int] = {}
        print_logs(store, run, args.node, offsets, final=not args.follow)
        while args.follow and run["status"] == "running" and run.get("engine") != "lost":
            from time import sleep

            sleep(FOLLOW_SECONDS)
            run = find_run(store, run["run"])
            over = run["status"] != "running" or run.get("engine") == "lost"
            print_logs(store, run, args.node, offsets, final=over)
        say_lost(args, store, [run])
    return 0


def print_logs(
    store: Store, run: dict[str, Any], node: str | None, offsets: dict[str, int], final: bool
) -> None:
    """Write what has come since ``offsets``, in whole lines unless it is ``final``."""
    names = [node] if node else [n["name"] for n in nodes_of(store, run) if n.get("attempt")]
    for name in names:
        for line, end in new_lines(store, run["run"], name, offsets.get(name, 0), final):
            before = "" if node else f"{escape(name)} | "
            sys.stdout.write(f"{before}{escape(line)}\n")
            offsets[name] = end
    sys.stdout.flush()


def new_lines(
    store: Store, run: str, name: str, offset: int, final: bool
) -> Iterator[tuple[str, int]]:
    """The lines of a log from an offset on, each with the offset behind it."""
    rest = ""
    at = offset
    while True:
        text, after = store.read_log(run, name, at)
        if not text:
            break
        at = after
        *lines, rest = (rest + text).split("\n")
        for line in lines:
            offset += len(line) + 1
            yield line.removesuffix("\r"), offset
    if rest and final:
        yield rest, at


# -- what they share -----------------------------------------------------------


def with_engine(store: Store, run: dict[str, Any]) -> dict[str, Any]:
    """The document of a run, with ``engine: lost`` where its engine is gone."""
    if run.get("status") != "running":
        return run
    from cloudmesh.flow.api import shown

    return shown(store, run)


COMMANDS = {
    "runs": Command(runs_arguments, runs, ("cms flow runs", "cms flow runs test --output json")),
    "status": Command(
        status_arguments, status, ("cms flow status", "cms flow status k7q2 --at 12")
    ),
    "result": Command(
        result_arguments, result, ("cms flow result latest b", "cms flow result k7q2 'work[3]'")
    ),
    "logs": Command(
        logs_arguments, logs, ("cms flow logs latest b", "cms flow logs k7q2 --follow")
    ),
}
