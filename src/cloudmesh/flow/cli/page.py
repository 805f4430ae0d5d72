"""The live page of a run, served beside it: ``run … --view``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TypeVar

from cloudmesh.flow.errors import InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from cloudmesh.flow.server.serve import Served
    from cloudmesh.flow.store.protocol import Store

__all__ = ["DEFAULT_PORT", "Page", "hand_on", "on_a_free_port"]

T = TypeVar("T")

#: As the original.
DEFAULT_PORT = 8080


def hand_on(args: argparse.Namespace) -> None:
    """Engines that the server starts read the configuration that was named here."""
    if args.config:
        os.environ["CLOUDMESH_FLOW_CONFIG"] = os.path.abspath(args.config)


def on_a_free_port(port: int | None, start: Callable[[int], T]) -> T:
    """Start on that port; on the default one, or any where that is taken."""
    if port is not None:
        return start(port)
    try:
        return start(DEFAULT_PORT)
    except InputError:
        return start(0)


class Page:
    """A server in a thread, as long as the run lasts; on a terminal until Ctrl-C."""

    def __init__(self, args: argparse.Namespace, store: Store, run_id: str) -> None:
        from cloudmesh.flow.server.serve import serve_in_thread

        hand_on(args)

        def start(port: int) -> Served:
            return serve_in_thread(store, args.host, port, run=run_id, store_url=args.store)

        self.served = on_a_free_port(args.port, start)
        sys.stderr.write(f"the view: {self.served.link}\n")
        if sys.stdout.isatty():
            import webbrowser

            webbrowser.open(self.served.link)

    def stay(self) -> None:
        """Where somebody may look at it, serve on until Ctrl-C."""
        if not sys.stdout.isatty():
            return
        from threading import Event

        sys.stderr.write(f"the view stays at {self.served.url} until Ctrl-C\n")
        try:
            Event().wait()
        except KeyboardInterrupt:
            sys.stderr.write("\n")

    def close(self) -> None:
        """End the server."""
        self.served.stop()
