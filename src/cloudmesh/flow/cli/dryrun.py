"""``run --dry-run``: what would run, in which order, where, and about how long it would take."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.cli.check import flow_text, shortened
from cloudmesh.flow.cli.render import print_json, span, table
from cloudmesh.flow.cli.summary import count

if TYPE_CHECKING:
    import argparse

    from cloudmesh.flow.config import Config
    from cloudmesh.flow.estimate import Estimate, Took
    from cloudmesh.flow.model.flow import Flow
    from cloudmesh.flow.store.protocol import Store

__all__ = ["dry_run"]


def dry_run(
    args: argparse.Namespace, store: Store, flow: Flow, on: Mapping[str, str], config: Config
) -> int:
    """Say what `run` would do, and do nothing."""
    from cloudmesh.flow.engine.drive import PARALLEL
    from cloudmesh.flow.estimate import earlier, estimate

    runs, took = earlier(store, flow.name)
    whole = estimate(flow, took)
    parallel = args.parallel or config.parallel or PARALLEL
    nodes = planned(flow, on, took)
    if args.output == "json":
        print_json(
            {
                "workflow": flow.name,
                "flow": flow_text(flow.text),
                "nodes": nodes,
                "estimate": document(whole, runs, parallel),
            }
        )
        return 0
    rows = [
        (
            str(node["step"]),
            node["name"] + "*" * node["mapped"],
            node["where"],
            shortened(node["dependencies"]),
            span(node["took"]),
        )
        for node in nodes
    ]
    sys.stdout.write(table(("step", "node", "where", "after", "took"), rows))
    sys.stdout.write(said(whole, runs, parallel, len(flow)) + "\n")
    return 0


def planned(flow: Flow, on: Mapping[str, str], took: Mapping[str, Took]) -> list[dict[str, Any]]:
    """The nodes, those first that can start first."""
    from cloudmesh.flow.estimate import steps

    nodes = [
        {
            "name": node.name,
            "step": step,
            "where": on.get(node.name, node.task.on),
            "mapped": node.mapped,
            "dependencies": flow.dependencies(i),
            "took": took[node.name].span if node.name in took else None,
        }
        for i, (node, step) in enumerate(zip(flow.nodes, steps(flow), strict=True))
    ]
    return sorted(nodes, key=lambda node: node["step"])


def document(whole: Estimate, runs: int, parallel: int) -> dict[str, Any]:
    """The estimate as JSON; times in seconds, null where no earlier run tells."""
    return {
        "runs": runs,
        "seconds": whole.seconds(parallel) if runs else None,
        "critical_path": list(whole.path) if runs else [],
        "critical_path_seconds": whole.span if runs else None,
        "work_seconds": whole.work if runs else None,
        "unknown": list(whole.unknown),
    }


def said(whole: Estimate, runs: int, parallel: int, nodes: int) -> str:
    """The estimate in a line."""
    head = f"{count(nodes, 'node')}; nothing was run"
    if not runs:
        return f"{head}; no earlier run says how long it takes"
    path = whole.path
    shown = " ; ".join(path if len(path) <= 8 else (*path[:4], "…", *path[-3:]))
    unknown = f", not counting {shortened(list(whole.unknown))}" if whole.unknown else ""
    return (
        f"{head}\nabout {span(whole.seconds(parallel))}, by {count(runs, 'earlier run')}{unknown}: "
        f"{span(whole.work)} of work, {span(whole.span)} along the longest chain, {shown}"
    )
