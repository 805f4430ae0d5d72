"""``run``, ``resume``, ``retry``: the commands in which an engine runs, here, to the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from cloudmesh.flow.cli import summary
from cloudmesh.flow.cli.answer import answer
from cloudmesh.flow.cli.main import Command
from cloudmesh.flow.cli.summary import store_option
from cloudmesh.flow.cli.waits import add_waits
from cloudmesh.flow.cli.words import open_store_of, understand

if TYPE_CHECKING:
    import argparse

    from cloudmesh.flow.store.protocol import Store

__all__ = ["COMMANDS"]

EXIT_CODES = {"finished": 0, "interrupted": 130}  # everything else: 1


# -- run -----------------------------------------------------------------------


def run_arguments(parser: argparse.ArgumentParser) -> None:
    flow_arguments(parser)
    parser.add_argument(
        "--param", action="append", default=[], metavar="K=V", help="a run parameter"
    )
    parser.add_argument(
        "--on",
        action="append",
        default=[],
        metavar="NODE=WHERE",
        help="where a node runs: local, thread, process, or a name from the configuration",
    )
    parser.add_argument(
        "--redefine", action="store_true", help="give up the edits made since the flow was added"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only say what would run, where, and how long"
    )
    engine_arguments(parser)


def flow_arguments(parser: argparse.ArgumentParser) -> None:
    """FLOW, STRINGs, and what says more of them."""
    from cloudmesh.flow.cli.options import flowname_argument

    parser.add_argument(
        "words",
        nargs="*",
        metavar="FLOW|STRING",
        help="a file, FILE:CLASS, or the name of a defined flow; flow strings replace its own",
    )
    parser.add_argument(
        "-e", action="append", default=[], dest="forced", metavar="STRING", help="a flow string"
    )
    flowname_argument(parser, help="the name of the flow")
    parser.add_argument("--flowfile", metavar="FILE", help="the file that holds the flow")
    trust_argument(parser)


def trust_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--trust", action="store_true", help="load the file of a definition that is not yours"
    )


def engine_arguments(parser: argparse.ArgumentParser) -> None:
    """What every command takes in which an engine runs."""
    from cloudmesh.flow.cli.options import output_argument, positive, serve_arguments

    parser.add_argument(
        "--parallel", type=positive, metavar="N", help="nodes at once on this machine (32)"
    )
    parser.add_argument("--view", action="store_true", help="show the run in the browser")
    serve_arguments(parser)
    output_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Define a flow, where it is a file, and run it to its end."""
    from cloudmesh.flow import api
    from cloudmesh.flow.cli.programs import check_places, load_file, load_stored
    from cloudmesh.flow.config import load_config
    from cloudmesh.flow.language.load import convert_parameters
    from cloudmesh.flow.parameters import pairs

    words = understand(args.words, args.forced)
    given = pairs(args.param, "--param")
    on = pairs(args.on, "--on")
    config = load_config(args.config)
    # Of a file everything that can be wrong is found before the store is touched.
    program = None if words.name else load_file(args, words, config, given, moved=on)
    with open_store_of(args) as store:
        if program is None:
            program = load_stored(args, store, words, config, given, moved=on)
        check_places(on, program, config)
        parameters = convert_parameters(program, given)
        if args.dry_run:
            from cloudmesh.flow.cli.dryrun import dry_run

            if not words.name:
                api.refuse_edited(store, program.flow.name, args.redefine)
            return dry_run(args, store, program.flow, on, config)
        run_id = api.new_run_id()
        start = partial(
            api.run,
            program,
            store,
            run_id=run_id,
            parameters=parameters,
            on=on,
            redefine=args.redefine,
            stored=bool(words.name),
            config=config,
        )
        return go(args, store, run_id, start)


# -- resume, retry -------------------------------------------------------------


def resume_arguments(parser: argparse.ArgumentParser) -> None:
    from cloudmesh.flow.cli.options import run_argument

    run_argument(parser)
    parser.add_argument(
        "--force", action="store_true", help="take over from an engine that shows no sign of life"
    )
    trust_argument(parser)
    engine_arguments(parser)


def resume(args: argparse.Namespace) -> int:
    """Go on with a run whose engine is gone; of one that has ended say so."""
    from cloudmesh.flow import api
    from cloudmesh.flow.config import load_config
    from cloudmesh.flow.trust import refuse_foreign

    with open_store_of(args) as store:
        found = api.find_run(store, args.run)
        if found["status"] in ("finished", "error", "cancelled"):
            sys.stderr.write(f"run {found['run']} has ended: {found['status']}\n")
            return conclude(args, store, found["run"])
        if not args.trust:
            refuse_foreign(store, found["run"])
        config = load_config(args.config)
        start = partial(api.resume, found["run"], store, force=args.force, config=config)
        return go(args, store, found["run"], start)


def retry_arguments(parser: argparse.ArgumentParser) -> None:
    from cloudmesh.flow.cli.options import run_argument

    run_argument(parser)
    parser.add_argument(
        "--from",
        dest="from_nodes",
        metavar="NODE",
        action="append",
        default=[],
        help="this node, and all that depends on it; may be given several times",
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would run")
    trust_argument(parser)
    engine_arguments(parser)


def retry(args: argparse.Namespace) -> int:
    """Run again what has not finished, in a new run that keeps the rest."""
    from cloudmesh.flow import api
    from cloudmesh.flow.config import load_config
    from cloudmesh.flow.trust import refuse_foreign

    with open_store_of(args) as store:
        old = api.find_run(store, args.run)["run"]
        if not args.trust:
            refuse_foreign(store, old)
        todo = api.plan_retry(old, store, from_nodes=args.from_nodes)
        changed = f"; changed since: {', '.join(todo.changed)}" if todo.changed else ""
        sys.stderr.write(
            f"{summary.count(len(todo.runs), 'node')} will run: {listed(todo.runs)}; "
            f"{summary.count(len(todo.kept), 'result')} kept{changed}\n"
        )
        if args.dry_run:
            return 0
        config = load_config(args.config)
        new = api.new_run_id()
        nodes = args.from_nodes
        start = partial(api.retry, old, store, from_nodes=nodes, new_id=new, config=config)
        return go(args, store, new, start)


def listed(names: Sequence[str], most: int = 10) -> str:
    """Names in a row, of many the first."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


# -- what they share -----------------------------------------------------------


def go(args: argparse.Namespace, store: Store, run_id: str, start: Callable[..., object]) -> int:
    """Let an engine run with a screen before it, and show how it ended; the exit code."""
    from contextlib import ExitStack

    from cloudmesh.flow.cli.screen import screen_for
    from cloudmesh.flow.errors import Interrupted, StoreError

    with ExitStack() as at_the_end:
        page = None
        if args.view:
            from cloudmesh.flow.cli.page import Page

            page = Page(args, store, run_id)
            at_the_end.callback(page.close)
        screen = screen_for(args.output == "json")
        try:
            start(parallel=args.parallel, observer=screen, signals=True)
        except (Interrupted, StoreError):
            if screen.run_id:
                screen.say(f"go on with it: cms flow resume {run_id}{store_option(args, store)}")
            raise
        finally:
            screen.close()
        code = conclude(args, store, run_id)
        if page is not None and code != 130:  # who has ended the run wants no page either
            page.stay()
    return code


def conclude(args: argparse.Namespace, store: Store, run_id: str) -> int:
    """Show how a run ended: its table or JSON, what failed, and what to do next; its exit code."""
    from cloudmesh.flow.api import find_run

    found = find_run(store, run_id)
    nodes = store.nodes(run_id)
    add_waits(store, run_id, nodes)
    try:
        if args.output == "json":
            from cloudmesh.flow.cli.render import print_json

            print_json(summary.run_document(found, nodes))
        else:
            sys.stdout.write(summary.run_table(nodes))
        answer().flush()
    except OSError as error:  # the run has ended all the same, and its exit code says how
        from cloudmesh.flow.cli.main import silence

        silence(answer())
        if not isinstance(error, BrokenPipeError):
            sys.stderr.write(f"cms flow: stdout: {error.strerror}\n")
    sys.stderr.write(summary.tracebacks(nodes))
    sys.stderr.write(summary.last_line(found, store_option(args, store)))
    return EXIT_CODES.get(found["status"], 1)


COMMANDS = {
    "run": Command(
        run_arguments,
        run,
        (
            'cms flow run test-flow.py "(a; b || c)"',
            "cms flow run flow.yaml --param x=3 --on b=lab --view",
            "cms flow run test --output json",
            "cms flow run test-flow.py --dry-run",
        ),
    ),
    "retry": Command(
        retry_arguments,
        retry,
        ("cms flow retry latest --dry-run", "cms flow retry k7q2m9xd --from b"),
    ),
    "resume": Command(
        resume_arguments, resume, ("cms flow resume", "cms flow resume k7q2m9xd --force")
    ),
}
