"""The web side: ``view``, ``visualize``, ``server``, ``openapi``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.cli.main import Command
from cloudmesh.flow.cli.options import run_argument, serve_arguments
from cloudmesh.flow.cli.render import print_document
from cloudmesh.flow.cli.words import open_store_of

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

__all__ = ["COMMANDS"]

#: How long the server in the background may take to end, in seconds.
PATIENCE = 15.0


def view_arguments(parser: argparse.ArgumentParser) -> None:
    run_argument(parser)
    address_arguments(parser)


def address_arguments(parser: argparse.ArgumentParser) -> None:
    serve_arguments(parser)
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name under which other machines may reach the server",
    )


def view(args: argparse.Namespace) -> int:
    """Serve the page of a run until Ctrl-C."""
    from cloudmesh.flow.api import find_run
    from cloudmesh.flow.cli.page import has_a_display, somebody_looks
    from cloudmesh.flow.errors import NotFound

    with open_store_of(args) as store:
        try:
            run: str | None = find_run(store, args.run)["run"]
        except NotFound:
            if args.run != "latest":
                raise
            run = None
        return served(args, store, run, open_browser=somebody_looks() and has_a_display())


def server(args: argparse.Namespace) -> int:
    """Serve the view and the HTTP interface until Ctrl-C or SIGTERM."""
    with open_store_of(args) as store:
        return served(args, store, None)


def served(
    args: argparse.Namespace, store: Any, run: str | None, open_browser: bool = False
) -> int:
    """Serve in the foreground; SIGTERM ends it as Ctrl-C does."""
    import signal

    from cloudmesh.flow.cli.page import hand_on, on_a_free_port
    from cloudmesh.flow.server.serve import serve

    hand_on(args)
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    def start(port: int) -> int:
        return serve(
            store,
            args.host,
            port,
            run=run,
            open_browser=open_browser,
            allow_hosts=args.allow_host,
            store_url=args.store,
        )

    return on_a_free_port(args.port, start)


# -- in the background ---------------------------------------------------------


def visualize_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("start", "stop"), metavar="start|stop")
    address_arguments(parser)


def visualize(args: argparse.Namespace) -> int:
    """Start or stop the view in the background."""
    known = running()
    if args.what == "stop":
        return stop(known)
    if known is not None:
        sys.stdout.write(f"The view is at {known['url']} already\n")
        sys.stderr.write("`cms flow visualize stop` ends it\n")
        return 0
    return start_in_background(args)


def record() -> Path:
    """Where it is written down which server runs in the background; no other is ever stopped."""
    from cloudmesh.flow.server.serve import server_file

    return server_file().with_name("visualize.json")


def running() -> dict[str, Any] | None:
    """The server in the background, where one answers."""
    import json
    from urllib.request import ProxyHandler, build_opener

    try:
        known: dict[str, Any] = json.loads(record().read_text())
        os.kill(known["pid"], 0)
        # No proxy stands between this machine and itself.
        with build_opener(ProxyHandler({})).open(f"{known['url']}/health", timeout=2):
            return known
    except (OSError, ValueError, KeyError):
        return None


def start_in_background(args: argparse.Namespace) -> int:
    """Start a server that outlives this command, and print its link."""
    import json
    import subprocess

    from cloudmesh.flow.errors import InputError

    words = [sys.executable, "-m", "cloudmesh.flow", "server", "--host", args.host]
    if args.port is not None:
        words += ["--port", str(args.port)]
    for name in args.allow_host:
        words += ["--allow-host", name]
    if args.config:
        words += ["--config", args.config]
    environment = dict(os.environ)
    if args.store:  # not as an argument: it may hold a password
        environment["CLOUDMESH_FLOW_STORE"] = args.store
    log = record().with_name("visualize.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            words,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        said = log.read_text(encoding="utf-8").strip().removeprefix("cms flow: ")
        raise InputError(said or f"the server did not start; {log} may say why")
    url = line.split()[-1].partition("/?")[0]
    record().write_text(json.dumps({"pid": process.pid, "url": url}))
    sys.stdout.write(line)
    sys.stderr.write("`cms flow visualize stop` ends it\n")
    return 0


def stop(known: dict[str, Any] | None) -> int:
    """End the server in the background."""
    import signal
    from time import monotonic, sleep

    if known is None:
        sys.stderr.write("no view is running\n")
        return 0
    os.kill(known["pid"], signal.SIGTERM)
    until = monotonic() + PATIENCE
    while running() is not None and monotonic() < until:
        sleep(0.05)
    record().unlink(missing_ok=True)
    sys.stderr.write(f"the view at {known['url']} has ended\n")
    return 0


# -- openapi -------------------------------------------------------------------


def openapi_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("json", "yaml"), default="json", help="(json)")


def openapi(args: argparse.Namespace) -> int:
    """Print the OpenAPI document of the HTTP interface."""
    from cloudmesh.flow.server.openapi import openapi_text

    print_document(openapi_text(args.format))
    return 0


COMMANDS = {
    "view": Command(view_arguments, view, ("cms flow view", "cms flow view k7q2m9xd --port 0")),
    "visualize": Command(
        visualize_arguments, visualize, ("cms flow visualize start", "cms flow visualize stop")
    ),
    "server": Command(
        address_arguments,
        server,
        ("cms flow server", "cms flow server --host 0.0.0.0 --allow-host flow.example.org"),
    ),
    "openapi": Command(openapi_arguments, openapi, ("cms flow openapi > openapi.json",)),
}
