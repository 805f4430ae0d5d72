"""``cancel``, ``diff``, ``prune``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from cloudmesh.flow.cli.main import Command
from cloudmesh.flow.cli.options import run_argument
from cloudmesh.flow.cli.words import open_store_of

if TYPE_CHECKING:
    import argparse

__all__ = ["COMMANDS"]


def cancel_arguments(parser: argparse.ArgumentParser) -> None:
    run_argument(parser)


def cancel(args: argparse.Namespace) -> int:
    """Cancel a run, and return when it has ended."""
    from getpass import getuser

    from cloudmesh.flow import api

    with open_store_of(args) as store:
        run = api.find_run(store, args.run)
        status = api.cancel(run["run"], store, by=getuser())
    sys.stderr.write(f"run {run['run']} {status}\n")
    return 0


COMMANDS = {
    "cancel": Command(cancel_arguments, cancel, ("cms flow cancel k7q2m9xd",)),
}
