"""The plugin for the cloudmesh shell: ``cms flow …`` and, inside the shell, ``flow …``.

The shell imports this module by its name; nothing else of ours does.  Three of
its habits matter here.  It loses what a command returns, so the exit code
leaves as `SystemExit`.  It joins the words of its command line to one text in
which quotes are lost, so they are taken from ``sys.argv`` where they stand
there.  And it answers some options itself wherever they stand, ``cms flow run
--help`` with its own manual; since it imports us before it looks for them, the
command then runs right here.
"""

from __future__ import annotations

import shlex
import sys

from cloudmesh.shell.command import PluginCommand

__all__ = ["FlowCommand"]

#: What the shell takes for itself, wherever it stands on the command line.
OPTIONS_OF_THE_SHELL = ("--help", "--echo", "--debug", "--nosplash", "-i")


class FlowCommand(PluginCommand):  # type: ignore[misc]  # the shell has no types
    """The command ``flow`` of the cloudmesh shell."""

    def do_flow(self, args: str) -> str:
        """::

        Usage:
            flow run [FLOW] [STRING...]
            flow check FLOW|STRING...
            flow status [RUN]
            flow --help
            flow COMMAND --help

        Description:
            Runs flows of plain Python functions durably; an example:

                flow run test-flow.py "(a; b || c)"
        """
        from cloudmesh.flow.cli.main import main

        words = words_of_this_process()
        if words is None:
            main(["flow", *shlex.split(args)])
            return ""
        sys.argv = sys.argv[:1]  # once: what is typed in the shell later is another command
        raise SystemExit(main(["flow", *words]))


def words_of_this_process() -> list[str] | None:
    """The words behind ``cms flow``, where the shell was started for this command."""
    return sys.argv[2:] if sys.argv[1:2] == ["flow"] else None


def run_before_the_shell_looks() -> None:
    """Run the command now, where the shell would take one of its options for itself."""
    words = words_of_this_process()
    starting = "cloudmesh.shell.shell" in sys.modules and not hasattr(
        sys.modules["cloudmesh.shell.shell"], "CMShell"
    )
    if starting and words is not None and not set(words).isdisjoint(OPTIONS_OF_THE_SHELL):
        from cloudmesh.flow.cli.main import leave, main

        leave(main(["flow", *words]))


run_before_the_shell_looks()
