"""`make bench-peers`: cloudmesh-flow and its peers, each in an environment of its own.

    .venv/bin/python -m benchmarks.beside [--short] [--rounds N] [--jobs …] [--peers …]

Every measurement is a process of its own; each round runs all of them, job by
job, in an order that turns from round to round.  What takes longer than
``--limit`` seconds is ended and measured once in a smaller form; what has
taken ``--budget`` seconds altogether is not repeated.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks import beside_page, environments, registry
from benchmarks.registry import JOBS, PEERS
from benchmarks.running import Ended, environment, machine, run, scratch
from benchmarks.shapes import SMALLER

FIGURES = environments.PLACE / "figures.json"
TIMES = environments.PLACE / "times.json"  # what one measurement took, by peer and shape
#: Seconds of a measurement where no earlier run says more: a process, its imports, its work.
GUESS = 3.0

Cell = dict[str, Any]
Cells = dict[tuple[str, str], Cell]


def main() -> None:
    """Make the environments, measure, print the tables, write what was asked for."""
    options = arguments()
    begun = perf_counter()
    failed = {
        name: why
        for name in registry.ENVIRONMENTS
        if any(PEERS[key].environment == name for key in options.peers)
        and (why := environments.make(name))
    }
    print(estimate(options), file=sys.stderr)
    cells = start_cells(options, failed)
    for number in range(options.rounds):
        one_round(cells, number, options)
        spent = perf_counter() - begun
        print(f"round {number + 1} of {options.rounds}, {spent / 60:.1f} min", file=sys.stderr)
    smaller(cells, options)
    keys = [key for key in options.peers if PEERS[key].environment not in failed]
    found = {
        "machine": machine(),
        "options": {"rounds": options.rounds, "limit": options.limit, "budget": options.budget},
        "minutes": (perf_counter() - begun) / 60,
        "cells": [{"job": job, "peer": peer, **cell} for (job, peer), cell in cells.items()],
        "about": {e: environments.about(e) for e in {PEERS[key].environment for key in keys}},
        "versions": {key: environments.version_of(key) for key in keys},
        "imports": environments.import_seconds(keys, options.rounds),
    }
    FIGURES.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    TIMES.write_text(json.dumps(times_known() | times_of(cells, options.limit)), encoding="utf-8")
    text = beside_page.markdown(found)
    if options.write:
        beside_page.write(options.write, found)
    print(text)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.beside", description=__doc__)
    parser.add_argument("--rounds", type=int, help="how often each is measured (5; short: 1)")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds for one (60)")
    parser.add_argument("--budget", type=float, default=20.0, help="seconds to repeat within (20)")
    parser.add_argument("--short", action="store_true", help="smaller graphs, one round")
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=list(JOBS))
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--write", type=Path, metavar="FILE", help="write tables into this page")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.short else 5)
    return options


# -- what to do ------------------------------------------------------------------
def start_cells(options: argparse.Namespace, failed: dict[str, str]) -> Cells:
    """A cell for each job and peer; some say at once why they stay empty."""
    cells: Cells = {}
    for job in options.jobs:
        shape = SMALLER.get(job, job) if options.short else job
        for key in options.peers:
            peer = PEERS[key]
            why = peer.cannot.get(job) or failed.get(peer.environment)
            cells[job, key] = {"shape": shape, "results": [], "spent": 0.0, "why": why}
    return cells


def one_round(cells: Cells, number: int, options: argparse.Namespace) -> None:
    """Each that can and may, once."""
    order = [pair for pair, cell in cells.items() if not cell["why"]]
    if not order:
        return
    turn = (number * 7) % len(order)
    for job, key in order[turn:] + order[:turn]:
        cell = cells[job, key]
        if cell["results"] and cell["spent"] + cell["spent"] / number > options.budget:
            continue
        once(cell, job, key, options.limit)


def smaller(cells: Cells, options: argparse.Namespace) -> None:
    """What took too long, once in its smaller form."""
    for (job, key), cell in cells.items():
        if cell.get("over") and job in SMALLER and not options.short:
            less = {"job": job, "shape": SMALLER[job], "results": [], "spent": 0.0, "why": None}
            once(less, job, key, options.limit)
            if less["results"]:
                cell["less"] = less


def once(cell: Cell, job: str, key: str, limit: float) -> None:
    """One measurement, into its cell."""
    base = [str(environments.python_of(PEERS[key].environment)), "-m", "benchmarks.one"]
    with scratch() as folder:
        command = [*base, key, cell["shape"], folder]
        env = environment(folder)
        begun = perf_counter()
        if job == "resume":
            half = run([*command, "--half"], limit, env)
            if half.code != -9:
                fail(cell, half, limit, " before it was half-way")
                return
            command.append("--again")
        ended = run(command, limit, env)
        cell["spent"] += perf_counter() - begun
    if ended.code != 0:
        fail(cell, ended, limit, "")
        return
    result = json.loads(ended.out.splitlines()[-1])
    result["peak_mb"] = max(result["peak_mb"], ended.peak_mb)
    if job == "cold":
        result["seconds"] = ended.seconds
    cell["results"].append(result)


def fail(cell: Cell, ended: Ended, limit: float, when: str) -> None:
    """Why a cell has no figure; it is not tried again."""
    if ended.code is None:
        cell["over"], cell["why"] = True, f"over {limit:.0f} s{when}"
        return
    last = (ended.err.strip().splitlines() or [f"exit code {ended.code}"])[-1]
    cell["why"] = f"failed: {last[:160]}"


def estimate(options: argparse.Namespace) -> str:
    """How long it will take, by what each took before."""
    known = times_known()
    seconds = 0.0
    for job in options.jobs:
        shape = SMALLER.get(job, job) if options.short else job
        for key in options.peers:
            if job not in PEERS[key].cannot:
                one = known.get(f"{key} {shape}", GUESS)
                seconds += one * max(1, min(options.rounds, int(options.budget // one)))
    how = "by earlier times" if known else "a guess"
    rounds = "one round" if options.rounds == 1 else f"{options.rounds} rounds"
    return f"bench-peers: {rounds}, about {max(1, round(seconds / 60))} min ({how})"


def times_known() -> dict[str, float]:
    """What each measurement took before, in seconds of its process, by ``peer shape``."""
    if not TIMES.exists():
        return {}
    known: dict[str, float] = json.loads(TIMES.read_text(encoding="utf-8"))
    return known


def times_of(cells: Cells, limit: float) -> dict[str, float]:
    """What each measurement took now; what was ended counts the limit, and its smaller form."""
    return {
        f"{key} {cell['shape']}": limit + (cell["less"]["spent"] if cell.get("less") else 0.0)
        if cell.get("over")
        else cell["spent"] / len(cell["results"])
        for (_, key), cell in cells.items()
        if cell["results"] or cell.get("over")
    }


if __name__ == "__main__":
    main()
