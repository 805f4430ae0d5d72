"""`python -m benchmarks.anywhere`: nodes that do nothing on every kind of place, beside others.

The servers (sshd, Slurm) are those of the tests, on this machine, so that the
network costs nothing.  Each measurement is a process of its own.  Starting
workers and connecting is not measured: some nodes have run before, in the same
run.  What cannot be measured here is said, and left out.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks import table

ROOT = Path(__file__).parent.parent
MARKS = ("<!-- anywhere -->", "<!-- end of anywhere -->")
LIMIT = 600.0  # seconds for one measurement
VM_FLOW = """\
name: vm
flow: a
infrastructure: {box: {kind: vm, provider: qemu, memory: 256M}}
tasks: {a: {command: uname -a, on: box}}
"""


class Place(NamedTuple):
    """Somewhere that nodes run: how many side by side, and how many one after another."""

    title: str
    wide: int
    deep: int
    spec: dict[str, Any]
    server: str = ""  # that must run


PLACES = {
    "process": Place("**cloudmesh-flow**, `process`", 10_000, 1000, {}),
    "ssh1": Place("**cloudmesh-flow**, SSH, 1 at once", 1000, 300, {"slots": 1}, "ssh"),
    "ssh8": Place("**cloudmesh-flow**, SSH, 8 at once", 4000, 300, {"slots": 8}, "ssh"),
    "dask": Place(
        "**cloudmesh-flow**, Dask, 2 workers", 10_000, 300, {"kind": "dask", "workers": 2}
    ),
    "slurm": Place("**cloudmesh-flow**, Slurm, an array", 1000, 3, {}, "slurm"),
    "dask_alone": Place("Dask alone, 2 workers", 10_000, 300, {}),
    "parsl_alone": Place("Parsl alone (HTEX), 2 workers", 10_000, 300, {}),
}


def main() -> None:
    """Measure, print, write."""
    options = arguments()
    if options.one:
        print(json.dumps(one(options.one, options.wide, options.deep)))
        return
    found: dict[str, list[dict[str, float]]] = {}
    with servers(options.places) as specs, tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            for name in options.places:
                measured = vm(Path(folder)) if name == "vm" else process(name, specs, options.short)
                if measured:
                    found.setdefault(name, []).append(measured)
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    text = markdown(found)
    if options.write:
        table.write(options.write, text, MARKS)
    print(text)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.anywhere", description=__doc__)
    names = [*PLACES, "vm"]
    parser.add_argument("--places", nargs="+", choices=names, default=names)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--short", action="store_true", help="a tenth of the nodes")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table into this page")
    parser.add_argument("--one", choices=list(PLACES), help=argparse.SUPPRESS)
    parser.add_argument("--wide", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--deep", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


@contextlib.contextmanager
def servers(places: list[str]) -> Iterator[dict[str, dict[str, Any]]]:
    """The servers that some places need: entries of the configuration, by the server's name."""
    sys.path.insert(0, str(ROOT / "tests" / "real"))
    import pytest
    from slurm_cluster import running_slurm
    from sshd import running_sshd

    wanted = {place.server for name, place in PLACES.items() if name in places}
    specs: dict[str, dict[str, Any]] = {}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name in wanted - {""}:
            (folder / name).mkdir()
            try:
                if name == "ssh":
                    server = stack.enter_context(running_sshd(folder / name))
                    specs[name] = {**server.spec, "python": sys.executable}
                else:
                    environment = stack.enter_context(running_slurm(folder / name))
                    os.environ.update(environment)
                    jobs = str(folder / "jobs")
                    specs[name] = {"kind": "slurm", "python": sys.executable, "folder": jobs}
            except pytest.skip.Exception as reason:
                print(reason, file=sys.stderr)
        yield specs


def process(name: str, specs: dict[str, dict[str, Any]], short: bool) -> dict[str, float] | None:
    """One measurement in a process of its own; None where it is not possible here."""
    place = PLACES[name]
    if place.server and place.server not in specs:
        return None
    spec = {**specs.get(place.server, {}), **place.spec}
    shrink = 10 if short else 1
    wide, deep = max(2, place.wide // shrink), max(2, place.deep // shrink)
    words = ["--one", name, "--wide", str(wide), "--deep", str(deep)]
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(json.dumps({"infrastructure": {"far": spec}} if spec else {}))
        env = {**os.environ, "CLOUDMESH_FLOW_CONFIG": str(config), "BENCH_FOLDER": folder}
        # Parsl starts its own programs, and its workers look for the function.
        env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
        env["PYTHONPATH"] = str(ROOT)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.anywhere", *words],
            cwd=ROOT, env=env, capture_output=True, text=True, timeout=LIMIT,
        )  # fmt: skip
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        said = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        print(f"{place.title} is not measured: {said}", file=sys.stderr)
        return None
    measured: dict[str, float] = json.loads(lines[-1])
    return measured


# -- in the process of one measurement ----------------------------------------------------------


def one(name: str, wide: int, deep: int) -> dict[str, float]:
    """Nodes a second side by side, and seconds for each of a chain."""
    if name == "dask_alone":
        return dask_alone(wide, deep)
    if name == "parsl_alone":
        return parsl_alone(wide, deep)
    on = "process" if name == "process" else "far"
    return {
        "rate": wide / ours(on, [f"n{i}" for i in range(wide)], " || "),
        "latency": ours(on, [f"n{i}" for i in range(deep)], "; ") / deep,
    }


def ours(on: str, names: list[str], between: str) -> float:
    """Seconds from the start of the first of some nodes to the end of the last.

    Others have run before in the same run, so that workers are there.
    """
    from datetime import datetime

    from benchmarks.faraway import nothing
    from cloudmesh.flow import open_store, task, workflow

    warm = [f"w{i}" for i in range(8 if between != "; " else 1)]
    text = f"({' || '.join(warm)}); ({between.join(names)})"
    functions: dict[str, Callable[..., Any]] = dict.fromkeys([*warm, *names], task(on=on)(nothing))
    url = f"sqlite:///{os.environ['BENCH_FOLDER']}/{time.time_ns()}.db"
    run = workflow(text, functions=functions).run(store=url)
    run.raise_for_error()
    documents = open_store(url).documents("anywhere-flow-active", run=run.id)
    timed = [d for d in documents if d["name"] in set(names)]
    begun = min(datetime.fromisoformat(d["started"]) for d in timed)
    return (max(datetime.fromisoformat(d["ended"]) for d in timed) - begun).total_seconds()


def dask_alone(wide: int, deep: int) -> dict[str, float]:
    """Dask's own client, with two worker processes of one thread."""
    from distributed import Client, LocalCluster

    from benchmarks.faraway import nothing

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            client.gather([client.submit(nothing, pure=False) for _ in range(8)])
            begun = time.perf_counter()
            client.gather([client.submit(nothing, pure=False) for _ in range(wide)])
            rate = wide / (time.perf_counter() - begun)
            begun = time.perf_counter()
            for _ in range(deep):
                client.submit(nothing, pure=False).result()
            return {"rate": rate, "latency": (time.perf_counter() - begun) / deep}


def parsl_alone(wide: int, deep: int) -> dict[str, float]:
    """Parsl's executor for clusters, with two workers on this machine."""
    import parsl
    from parsl.config import Config
    from parsl.executors import HighThroughputExecutor
    from parsl.providers import LocalProvider

    from benchmarks.faraway import nothing

    executor = HighThroughputExecutor(
        label="bench",
        max_workers_per_node=2,
        address="127.0.0.1",
        provider=LocalProvider(init_blocks=1, max_blocks=1),
    )
    config = Config(executors=[executor], run_dir=os.environ["BENCH_FOLDER"])
    with parsl.load(config):
        app = parsl.python_app(nothing)
        for future in [app() for _ in range(8)]:
            future.result()
        begun = time.perf_counter()
        for future in [app() for _ in range(wide)]:
            future.result()
        rate = wide / (time.perf_counter() - begun)
        begun = time.perf_counter()
        for _ in range(deep):
            app().result()
        return {"rate": rate, "latency": (time.perf_counter() - begun) / deep}


def vm(folder: Path) -> dict[str, float] | None:
    """Seconds of the whole command that makes a machine, runs a command in it, destroys it."""
    (folder / "vm-flow.yaml").write_text(VM_FLOW)
    words = [sys.executable, "-m", "cloudmesh.flow"]
    env = {**os.environ, "CLOUDMESH_FLOW_STORE": f"sqlite:///{folder}/vm.db"}
    env["CLOUDMESH_FLOW_CONFIG"] = str(folder / "config.yaml")
    (folder / "config.yaml").write_text("infrastructure: {}\n")
    build = [*words, "infra", "build", "box", "--flowfile", "vm-flow.yaml"]
    told = subprocess.run(build, cwd=folder, env=env, capture_output=True, text=True)
    begun = time.perf_counter()
    run = [*words, "run", "vm-flow.yaml"]
    done = subprocess.run(run, cwd=folder, env=env, capture_output=True, text=True)
    seconds = time.perf_counter() - begun
    if done.returncode:
        said = (told.stderr.strip().splitlines() or done.stderr.strip().splitlines() or [""])[-1]
        print(f"a virtual machine is not measured: {said}", file=sys.stderr)
        return None
    return {"seconds": seconds}


# -- the table ----------------------------------------------------------------------------------


def markdown(found: dict[str, list[dict[str, float]]]) -> str:
    """The medians, a row for each place."""
    lines = ["| where | nodes a second | of | one after another, ms a node |", "|---|--:|--:|--:|"]
    for name, place in PLACES.items():
        if name in found:
            rate = median(one["rate"] for one in found[name])
            latency = median(one["latency"] for one in found[name]) * 1000
            lines.append(f"| {place.title} | {rate:,.0f} | {place.wide:,} | {latency:,.2f} |")
    if "vm" in found:
        seconds = median(one["seconds"] for one in found["vm"])
        lines += ["", f"From nothing to a command's answer in a virtual machine: {seconds:.1f} s."]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
