"""``infra list|check|build|clean`` and ``store check``: whether what runs rest on works."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.cli.main import Command
from cloudmesh.flow.cli.render import escape, table
from cloudmesh.flow.cli.words import open_store_of, unknown

if TYPE_CHECKING:
    import argparse

__all__ = ["COMMANDS"]

#: What is always there, and what it is.
ALWAYS = (
    ("local", "a thread of the engine; with a timeout a worker process"),
    ("thread", "always a thread of the engine"),
    ("process", "a worker process"),
)


def infra_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", choices=("list", "check", "build", "clean"), metavar="list|check|build|clean"
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="this one only (check, build)")
    parser.add_argument("--flowfile", metavar="FILE", help="what a flow's own YAML defines, too")


def infra(args: argparse.Namespace) -> int:
    """What nodes can be mapped to, and whether it works."""
    if args.what == "clean":
        return clean(args)
    entries = defined(args)
    if args.name is not None and args.name not in entries:
        if args.name in dict(ALWAYS):
            sys.stdout.write(f"{args.name} is always there\n")
            return 0
        raise unknown("infrastructure", args.name, list(entries))
    chosen = entries if args.name is None else {args.name: entries[args.name]}
    return {"list": show, "check": check, "build": build}[args.what](chosen)


def defined(args: argparse.Namespace) -> dict[str, Any]:
    """What the configuration, and the flow that is named, define."""
    from cloudmesh.flow.config import load_config

    entries = dict(load_config(args.config).infrastructure)
    if args.flowfile:
        from cloudmesh.flow.language.load import load

        program = load(args.flowfile, infrastructure=list(entries), later=True)
        entries.update(program.flow.infrastructure)
    return entries


def show(entries: Mapping[str, Any]) -> int:
    """List what nodes can be mapped to."""
    rows = [(name, "always there", what) for name, what in ALWAYS]
    for name, spec in entries.items():
        rest = ", ".join(f"{key}: {value}" for key, value in spec.items() if key != "kind")
        rows.append((name, str(spec["kind"]), rest))
    sys.stdout.write(table(("on", "kind", "what"), rows))
    return 0


def check(entries: Mapping[str, Any]) -> int:
    """Try each out; exit 3 where one does not work."""
    from cloudmesh.flow.executors import table as kinds

    if not entries:
        sys.stderr.write("nothing to check: local, thread and process are always there\n")
        return 0
    rows = []
    wrong = False
    for name, spec in entries.items():
        for tried, fault in kinds.check(name, spec):
            wrong = wrong or bool(fault)
            rows.append((name, tried, fault or "ok"))
    sys.stdout.write(table(("on", "tried", "result"), rows))
    return 3 if wrong else 0


def build(entries: Mapping[str, Any]) -> int:
    """Build the images that machines are made of."""
    from cloudmesh.flow.executors import table as kinds

    def note(text: str) -> None:
        sys.stderr.write(f"{escape(text)}\n")

    for name, spec in entries.items():
        if spec["kind"] == "vm":
            kinds.build(name, spec, note)
            sys.stderr.write(f"{name}: built\n")
    return 0


def clean(args: argparse.Namespace) -> int:
    """Destroy what runs of this store have left behind, and nothing else."""
    from cloudmesh.flow.cli.jobs import clean as sweep_jobs
    from cloudmesh.flow.providers.sweep import LATE
    from cloudmesh.flow.providers.sweep import clean as sweep

    entries = defined(args)
    with open_store_of(args) as store:
        swept = sweep(store, entries)
        jobs = sweep_jobs(store, entries)
    swept.gone.extend(jobs.gone)
    swept.left.extend(jobs.left)
    swept.failed.extend(jobs.failed)
    for tag in swept.gone:
        sys.stdout.write(f"destroyed {tag}\n")
    for tag, reason in swept.left:
        sys.stdout.write(f"left {tag}: {reason}\n")
    for said in swept.failed:
        sys.stderr.write(f"not cleaned: {escape(said)}\n")
    for tag in swept.late:
        minutes = f"{LATE / 60:.0f} minutes"
        sys.stderr.write(f"{tag} is not there, but may come up: clean again within {minutes}\n")
    if not any(swept):
        sys.stderr.write("nothing was left behind\n")
    return 3 if swept.failed else 0


# -- store ---------------------------------------------------------------------


def store_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("check",), metavar="check")


def store_check(args: argparse.Namespace) -> int:
    """Run the store's contract in a scratch database; exit 3 where it is broken."""
    from cloudmesh.flow.store.check import check_store

    checks = check_store(args.store)
    rows = [(check.what, "ok" if check.ok else "broken", check.detail) for check in checks]
    sys.stdout.write(table(("promise", "result", "detail"), rows))
    return 0 if all(check.ok for check in checks) else 3


COMMANDS = {
    "infra": Command(
        infra_arguments,
        infra,
        ("cms flow infra list", "cms flow infra check lab", "cms flow infra clean"),
    ),
    "store": Command(
        store_arguments,
        store_check,
        ("cms flow store check", "cms flow store check --store mongodb://db.example.org/flow"),
    ),
}
