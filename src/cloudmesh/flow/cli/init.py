"""``init [NAME]``: a small first flow to run, read and change."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from cloudmesh.flow.cli.main import Command

if TYPE_CHECKING:
    import argparse

__all__ = ["COMMANDS", "FIRST_FLOW"]

FIRST_FLOW = '''\
"""A first flow: methods are nodes, and one line says their order."""

from cloudmesh.flow import BaseWorkFlow, current, task


class MyFlow(BaseWorkFlow):
    # `;` is one after the other, `||` side by side, `*` once for each element of a list.
    flow = "words; measure* || longest; report"

    def words(self, text: str = "plain functions and one line"):  # --param text="…"
        return text.split()

    @task(retries=2)
    def measure(self, words):  # a parameter is the value of that node; with `*`, one element
        for letter in range(len(words)):
            current().progress(100 * letter / len(words), words)
            current().sleep(0.1)  # so that there is something to watch
        return len(words)

    def longest(self, words):
        return max(words, key=len, default="")

    def report(self, measure, longest):
        print(f"{len(measure)} words, {sum(measure)} letters, the longest is {longest!r}")
        return {"color": "green", "shape": "circle", "label": longest, "value": sum(measure)}
'''


def init_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", nargs="?", default="workflow", metavar="NAME", help="of the flow (workflow)"
    )


def init(args: argparse.Namespace) -> int:
    """Write NAME-flow.py, if there is none, and say what to do with it."""
    from cloudmesh.flow.errors import InputError
    from cloudmesh.flow.language.load import check_name

    name = check_name(args.name.removesuffix(".py").removesuffix("-flow"))
    file = f"{name}-flow.py"
    try:
        with open(file, "x", encoding="utf-8") as out:
            out.write(FIRST_FLOW)
    except FileExistsError:
        raise InputError(
            f"{file} is there already, and stays as it is; "
            "another name makes another: cms flow init NAME"
        ) from None
    sys.stderr.write(f"{file} is written: a first flow, to run, to read and to change\n")
    sys.stderr.write(f"run it and watch it: cms flow run {file} --view\n")
    return 0


COMMANDS = {"init": Command(init_arguments, init, ("cms flow init", "cms flow init hello"))}
