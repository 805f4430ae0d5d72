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

__all__ = ["DEFAULT_PORT", "Page", "hand_on", "has_a_display", "on_a_free_port", "somebody_looks"]

T = TypeVar("T")

#: As the original.
DEFAULT_PORT = 8080


def hand_on(args: argparse.Namespace) -> None:
    """Engines that the server starts read the configuration that was named here."""
    if args.config:
        os.environ["CLOUDMESH_FLOW_CONFIG"] = os.path.abspath(args.config)


def somebody_looks() -> bool:
    """Whether a person sits before a terminal, and not a machine that tests."""
    return sys.stdout.isatty() and os.environ.get("CI", "").lower() not in ("1", "true")


def has_a_display() -> bool:
    """Whether a browser has a screen; without one a text browser might take the terminal."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


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
        if somebody_looks() and has_a_display():
            import webbrowser

            webbrowser.open(self.served.link)

    def stay(self) -> None:
        """Where somebody may look at it, serve on until Ctrl-C."""
        if not somebody_looks():
            return
        from time import sleep

        try:
            sys.stderr.write(f"the view stays at {self.served.url} until Ctrl-C\n")
            while True:  # a signal that another thread took, or came just before, wakes no sleep
                sleep(0.5)
        except KeyboardInterrupt:
            sys.stderr.write("\n")

    def close(self) -> None:
        """End the server."""
        self.served.stop()
