"""`python -m benchmarks`: interleaved medians of cloudmesh-flow and others on the same graphs.

Every measurement is a process of its own; each round runs all of them once, in
an order that turns by one from round to round, so that whatever else the
machine does meets all alike.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import table
from benchmarks.running import environment, machine, scratch, timed
from benchmarks.shapes import SHAPES

HERE = Path(__file__).parent
THREADS = ("ours", "dask_threaded", "pool", "taskgroup", "parsl_memo", "parsl_memo_layers")
PROCESSES = ("ours", "mp_pool", "process_pool")
PEERS = (*THREADS, *PROCESSES[1:])
MAIN_SHAPES = ("chain", "fan", "fan10k", "layers", "sleep", "process")
SEED = HERE.parent / "examples/seed/test-flow.py"


def main() -> None:
    """Measure, print the table, write what was asked for."""
    options = arguments()
    keep: dict[str, dict[str, list[dict[str, float]]]] = {}
    if options.cold:
        cold()  # compiles what has not been imported yet
    for number in range(options.rounds):
        jobs = [(shape, peer) for shape in options.shapes for peer in peers(shape, options.peers)]
        jobs = jobs[number % len(jobs) :] + jobs[: number % len(jobs)]
        for shape, peer in jobs:
            result = once(shape, peer)
            keep.setdefault(shape, {}).setdefault(peer, []).append(result)
        if options.cold:
            for peer, seconds in cold().items():
                keep.setdefault("cold", {}).setdefault(peer, []).append({"seconds": seconds})
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    if options.big:
        keep["fan100k"] = {"ours": [once("fan100k", "ours")]}
    found = {"machine": machine(), "rounds": options.rounds, "rows": rows(keep)}
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    text = table.markdown(found)
    if options.write:
        table.write(options.write, text)
    print(text)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="how often each is measured (7)")
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(MAIN_SHAPES))
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--no-cold", dest="cold", action="store_false", help="not the cold start")
    parser.add_argument("--no-big", dest="big", action="store_false", help="not the 100,000 nodes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table into this page")
    return parser.parse_args()


def peers(shape: str, wanted: list[str]) -> list[str]:
    """Who of these is measured on a shape."""
    able = PROCESSES if SHAPES[shape].processes else THREADS
    return [peer for peer in wanted if peer in able]


def once(shape: str, peer: str) -> dict[str, float]:
    """One measurement, with an empty folder on the disk of this clone."""
    with scratch() as folder:
        command = [sys.executable, "-m", "benchmarks.one", peer, shape, folder]
        done = subprocess.run(
            command, cwd=HERE.parent, env=environment(folder), capture_output=True, text=True
        )
    if done.returncode:
        sys.exit(f"benchmarks: {peer} on {shape} failed:\n{done.stderr[-2000:]}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def cold() -> dict[str, float]:
    """Seconds of whole processes: the seed's three nodes by `cms flow run`, and bare Python."""
    cms = Path(sys.executable).with_name("cms")
    with scratch() as folder:
        run = [str(cms), "flow", "run", str(SEED), "(a; b || c)"]
        return {
            "ours": timed(run, folder, environment(folder)),
            "python": timed([sys.executable, "-c", "pass"], folder, environment(folder)),
        }


def rows(keep: dict[str, dict[str, list[dict[str, float]]]]) -> list[dict[str, Any]]:
    """One row for each shape and peer: medians, the least, and how often ours it took."""
    found = []
    for shape, peers in keep.items():
        nodes = SHAPES[shape].nodes if shape in SHAPES else 3
        ours = median(r["seconds"] for r in peers["ours"]) if "ours" in peers else None
        for peer, results in peers.items():
            seconds = sorted(r["seconds"] for r in results)
            middle = median(seconds)
            found.append(
                {
                    "shape": shape,
                    "peer": peer,
                    "nodes": nodes,
                    "seconds": middle,
                    "least": seconds[0],
                    "most": seconds[-1],
                    "us_a_node": middle / nodes * 1e6,
                    "ours_to_it": ours / middle if ours else None,
                    "peak_mb": max((r.get("peak_mb", 0) for r in results), default=0),
                }
            )
    return found


if __name__ == "__main__":
    main()
