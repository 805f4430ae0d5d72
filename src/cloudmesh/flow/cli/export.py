"""``export NAME|RUN --format yaml|json|dot|mermaid|svg|otlp-json``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.cli.main import Command
from cloudmesh.flow.cli.render import print_document
from cloudmesh.flow.cli.words import open_store_of

if TYPE_CHECKING:
    import argparse

    from cloudmesh.flow.model.flow import Flow
    from cloudmesh.flow.store.protocol import Store

__all__ = ["COMMANDS"]

FORMATS = ("yaml", "json", "dot", "mermaid", "svg", "otlp-json")


def export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="NAME|RUN", help="a defined flow, or a run")
    parser.add_argument("--format", choices=FORMATS, default="yaml", help="(yaml)")


def export(args: argparse.Namespace) -> int:
    """Write a flow or a run in another form to stdout."""
    with open_store_of(args) as store:
        if args.format == "otlp-json":
            text = trace_of(store, args.what)
        elif store.definition(args.what) is not None:
            text = of_definition(store, args.what, args.format)
        else:
            text = of_run(store, args.what, args.format)
    print_document(text)
    return 0


def of_definition(store: Store, name: str, form: str) -> str:
    """A defined flow in that form."""
    from cloudmesh.flow.cli.define import flow_document
    from cloudmesh.flow.cli.programs import stored
    from cloudmesh.flow.cli.render import json_text

    if form == "json":
        return json_text(flow_document(store, name))
    documents, extra = stored(store, name)
    return drawn(stored_flow(name, documents, extra), documents, form)


def of_run(store: Store, text: str, form: str) -> str:
    """A run in that form; in a picture its statuses are colours."""
    from cloudmesh.flow.api import find_run, replay
    from cloudmesh.flow.cli.render import json_text
    from cloudmesh.flow.cli.summary import run_document

    run = find_run(store, text)
    nodes = store.nodes(run["run"])
    if form == "json":
        return json_text(run_document(run, nodes))
    _, state = replay(store, run["run"], 1)
    if form == "svg":
        from cloudmesh.flow.view.svg import svg

        lost = run.get("engine") == "lost"
        title = f"{state.flow.name}, run {run['run']}"
        return svg(state.flow, nodes, title=title, run_status=run["status"], lost=lost)
    own = [node for node in nodes if node["name"] in state.flow.index]
    return drawn(state.flow, own, form, statuses=True)


def trace_of(store: Store, text: str) -> str:
    """A run as a trace of OpenTelemetry, as a collector takes it."""
    from json import dumps

    from cloudmesh.flow import __version__
    from cloudmesh.flow.api import find_run
    from cloudmesh.flow.otel import trace

    run = find_run(store, text)["run"]
    return dumps(trace(store.id, run, events_of(store, run), __version__)) + "\n"


def events_of(store: Store, run: str) -> Iterator[list[Any]]:
    """The events of a run's journal, in order."""
    from cloudmesh.flow.run.events import decode
    from cloudmesh.flow.store.protocol import every_batch

    for batch in every_batch(store, run):
        yield from decode(batch.events)


def stored_flow(name: str, documents: list[dict[str, Any]], extra: dict[str, Any]) -> Flow:
    """The flow of a definition; of one stored without, the graph that its documents draw."""
    from cloudmesh.flow.model.flow import Flow

    if extra.get("flow"):
        return Flow.from_json(extra["flow"])
    from cloudmesh.flow.cli.programs import texts_of
    from cloudmesh.flow.language.load import load

    return load(None, texts_of(documents, extra), flowname=name).flow


def drawn(flow: Flow, documents: list[dict[str, Any]], form: str, statuses: bool = False) -> str:
    """A flow as YAML or as a picture."""
    from cloudmesh.flow import export

    if form == "yaml":
        return export.to_yaml(flow, documents)
    if form == "svg":
        from cloudmesh.flow.view.svg import svg

        return svg(flow)
    words = {d["name"]: d["status"] for d in documents} if statuses else None
    return export.to_dot(flow, words) if form == "dot" else export.to_mermaid(flow, words)


COMMANDS = {
    "export": Command(
        export_arguments,
        export,
        ("cms flow export test --format mermaid", "cms flow export latest --format svg > run.svg"),
    ),
}
