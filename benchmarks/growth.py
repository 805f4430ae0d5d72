"""`make bench-growth`: how it grows with nodes, with runs in the store, with engines on one store.

    .venv/bin/python -m benchmarks.growth [--short] [--parts nodes runs engines] [--write PAGE]

Nodes do nothing, so that what grows is ours.  Each graph is run by a process
of its own; the runs of the second part are of three nodes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from urllib.request import Request, urlopen

from benchmarks import pictures, table
from benchmarks.running import ROOT, environment, machine, run, scratch, timed
from benchmarks.shapes import Shape

PARTS = ("nodes", "runs", "engines")
NODES = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
RUNS = (1, 10, 100, 1_000, 10_000)
ENGINES = (1, 2, 4, 8)
GRAPHS: dict[str, Callable[[int], tuple[int, ...]]] = {
    "fan-out": lambda nodes: (1, nodes - 2, 1),
    "chain": lambda nodes: (1,) * nodes,
    "layers of 50": lambda nodes: (50,) * (nodes // 50),
}
LIMIT = 600.0  # seconds for one graph
TIMES = 5  # each command and each call, of which the median stands
PER_ENGINE = 5  # runs of a fan-out of 1,000 that each engine does
CALLS = ("/api/flows", "/api/runs?limit=50", "/api/counts", "/api/runs/RUN")
BEGIN, END = "<!-- growth -->", "<!-- end of growth -->"

Row = dict[str, Any]


def main() -> None:
    """Measure, print, write."""
    options = arguments()
    if options.worker:
        WORKERS[options.worker[0]](*options.worker[1:])
        return
    print("bench-growth: about 6 minutes; --short: one", file=sys.stderr)
    found: dict[str, Any] = {"machine": machine()}
    for part in options.parts:
        print(f"bench-growth: {part}", file=sys.stderr)
        found[part] = MEASURES[part](options.short)
    text = markdown(found)
    if options.write:
        draw(options.write.parent / "images" / "growth.svg", found.get("nodes", []))
        table.write(options.write, text, (BEGIN, END))
    print(text)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.growth", description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--short", action="store_true", help="to 10,000 nodes, 100 runs, 2 engines")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write tables into this page")
    parser.add_argument("--worker", nargs="+", help=argparse.SUPPRESS)
    return parser.parse_args()


def worker(*words: str) -> list[str]:
    """The command of a process that does one thing of this module."""
    return [sys.executable, "-m", "benchmarks.growth", "--worker", *words]


# -- nodes ---------------------------------------------------------------------------
def nodes_of(short: bool) -> list[Row]:
    """Time, memory and disk of each graph in each size."""
    rows = []
    for graph in GRAPHS:
        for nodes in NODES[: 4 if short else None]:
            if not GRAPHS[graph](nodes):
                continue
            with scratch() as folder:
                ended = run(worker("nodes", graph, str(nodes), folder), LIMIT, environment(folder))
            row: Row = {"graph": graph, "nodes": nodes}
            if ended.code == 0:
                row |= json.loads(ended.out.splitlines()[-1]) | {"peak_mb": ended.peak_mb}
            else:
                row["why"] = f"over {LIMIT:.0f} s" if ended.code is None else last_line(ended.err)
            rows.append(row)
    return rows


def last_line(text: str) -> str:
    """Why something failed."""
    return (text.strip().splitlines() or ["no reason given"])[-1][:160]


def run_graph(graph: str, nodes: str, folder: str) -> None:
    """A worker: one graph, and what it leaves on the disk."""
    from benchmarks.peers import ours

    for name, shape in (
        ("first", Shape("", (1, 2, 1))),
        ("", Shape("", GRAPHS[graph](int(nodes)))),
    ):
        place = Path(folder) / (name or "measured")
        place.mkdir()
        seconds = ours.measure(shape, place)
    disk = sum(f.stat().st_size for f in place.rglob("*") if f.is_file())
    print(json.dumps({"seconds": seconds, "disk_mb": disk / 1e6}))


# -- runs ----------------------------------------------------------------------------
def runs_of(short: bool) -> list[Row]:
    """Commands and calls on a store that holds more and more runs."""
    rows = []
    with scratch() as folder:
        url = f"sqlite:///{folder}/flow.db"
        before = 0
        for runs in RUNS[: 3 if short else None]:
            done = run(worker("fill", url, str(runs - before)), LIMIT, environment(folder))
            if done.code != 0:
                sys.exit(f"bench-growth: {runs} runs: {last_line(done.err)}")
            row: Row = {"runs": runs, "a_run": float(done.out) / (runs - before)}
            before = runs
            row["disk_mb"] = sum(f.stat().st_size for f in Path(folder).glob("flow.db*")) / 1e6
            row |= commands(url, folder) | calls(url, folder)
            rows.append(row)
    return rows


def fill(url: str, runs: str) -> None:
    """A worker: so many runs of three nodes; prints the seconds that they take."""
    from cloudmesh.flow import open_store, workflow

    store = open_store(url)
    flow = workflow("(a; b || c)", functions=dict.fromkeys("abc", lambda: 1), name="bench")
    start = perf_counter()
    for _ in range(int(runs)):
        assert flow.run(store=store).status == "finished"
    print(perf_counter() - start)
    store.close()


def commands(url: str, folder: str) -> Row:
    """Seconds of whole commands."""
    cms = str(Path(sys.executable).with_name("cms"))
    env = environment(folder) | {"CLOUDMESH_FLOW_STORE": url}
    seed = str(ROOT / "examples" / "seed" / "test-flow.py")
    words = {
        "cms flow runs": ("runs",),
        "cms flow status": ("status",),
        "cms flow run": ("run", seed, "(a; b || c)"),
    }
    return {
        title: median(timed([cms, "flow", *rest], folder, env) for _ in range(TIMES))
        for title, rest in words.items()
    }


def calls(url: str, folder: str) -> Row:
    """Seconds of what the first page asks for, once the server has started."""
    child = subprocess.Popen(
        worker("serve", url),
        cwd=ROOT,
        env=environment(folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        assert child.stdin is not None
        about = json.loads(child.stdout.readline())
        found: Row = {}
        for call in CALLS:
            path = call.replace("RUN", about["run"])
            times = [asked(about["url"] + path, about["token"]) for _ in range(TIMES)]
            found[call] = median(times)
            found[f"first {call}"] = times[0]
        child.stdin.close()
    return found


def asked(url: str, token: str) -> float:
    """Seconds of one request."""
    start = perf_counter()
    with urlopen(Request(url, headers={"Authorization": f"Bearer {token}"}), timeout=60) as answer:
        answer.read()
    return perf_counter() - start


def serve(url: str) -> None:
    """A worker: the server, until its input ends."""
    from cloudmesh.flow import open_store
    from cloudmesh.flow.server.serve import serve_in_thread

    store = open_store(url)
    served = serve_in_thread(store, port=0)
    run_id = store.runs(limit=1)[0]["run"]
    print(json.dumps({"url": served.url, "token": served.token, "run": run_id}), flush=True)
    sys.stdin.read()
    served.stop()
    store.close()


# -- engines -------------------------------------------------------------------------
def engines_of(short: bool) -> list[Row]:
    """So many engines at once on one store, each with its own runs."""
    rows = []
    for engines in ENGINES[: 2 if short else None]:
        with scratch() as folder:
            url = f"sqlite:///{folder}/flow.db"
            children = [ready_engine(url, number, folder) for number in range(engines)]
            start = perf_counter()
            for child in children:
                assert child.stdin is not None
                child.stdin.write("go\n")
                child.stdin.flush()
            codes = [child.wait() for child in children]
            seconds = perf_counter() - start
        assert codes == [0] * engines
        rows.append({"engines": engines, "seconds": seconds})
    return rows


def ready_engine(url: str, number: int, folder: str) -> subprocess.Popen[str]:
    """The process of an engine that waits for a word."""
    child = subprocess.Popen(
        worker("engine", url, str(number)),
        cwd=ROOT,
        env=environment(folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    child.stdout.readline()
    return child


def engine(url: str, number: str) -> None:
    """A worker: some runs of a flow of its own, when told to."""
    from cloudmesh.flow import open_store, workflow

    store = open_store(url)
    names = [f"n{k}" for k in range(998)]
    functions = dict.fromkeys(["first", *names, "last"], lambda: 1)
    text = f"first; ({' || '.join(names)}); last"
    flow = workflow(text, functions=functions, name=f"bench{number}")
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(PER_ENGINE):
        assert flow.run(store=store, parallel=8).status == "finished"
    store.close()


MEASURES: dict[str, Callable[[bool], list[Row]]] = {
    "nodes": nodes_of,
    "runs": runs_of,
    "engines": engines_of,
}
WORKERS: dict[str, Callable[..., None]] = {
    "nodes": run_graph,
    "fill": fill,
    "serve": serve,
    "engine": engine,
}


# -- the page ------------------------------------------------------------------------
def markdown(found: dict[str, Any]) -> str:
    """All tables."""
    m = found["machine"]
    parts = [
        f"{m['cpu']}, {m['cores']} cores, {m['memory_gb']} GB, {m['system']}, "
        f"Python {m['python']}; load at the end {m['load']}."
    ]
    parts += [TABLES[part](found[part]) for part in PARTS if part in found]
    return "\n\n".join(parts)


def nodes_table(rows: list[Row]) -> str:
    """Nodes of one run."""
    lines = [
        "### Nodes in a run",
        "",
        "| | nodes | s | µs a node | MB | KB a node | disk, MB | bytes a node |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        head = f"| {row['graph']} | {row['nodes']:,} "
        if "why" in row:
            lines.append(f"{head}| {row['why']} | | | | | |")
            continue
        each = row["nodes"]
        lines.append(
            f"{head}| {row['seconds']:.3f} | {row['seconds'] / each * 1e6:.1f} "
            f"| {row['peak_mb']:,.0f} | {row['peak_mb'] / each * 1e3:,.1f} "
            f"| {row['disk_mb']:,.1f} | {row['disk_mb'] / each * 1e6:,.0f} |"
        )
    picture = "![Seconds of a run by its nodes, on logarithmic scales](images/growth.svg)"
    return "\n".join([*lines, "", picture])


def runs_table(rows: list[Row]) -> str:
    """Runs in a store."""
    titles = ("cms flow run", "cms flow runs", "cms flow status", *CALLS)
    lines = [
        "### Runs in a store",
        "",
        "Milliseconds; commands are whole processes, calls go to a server that runs "
        "(in brackets the first `/api/counts`, which reads every run).",
        "",
        "| runs | store, MB | adding one | " + " | ".join(f"`{t}`" for t in titles) + " |",
        "|--:|--:|--:|" + "--:|" * len(titles),
    ]
    for row in rows:
        shown = [f"{row[title] * 1000:.1f}" for title in titles]
        at = titles.index("/api/counts")
        shown[at] += f" ({row['first /api/counts'] * 1000:.1f})"
        lines.append(
            f"| {row['runs']:,} | {row['disk_mb']:.1f} | {row['a_run'] * 1000:.1f} | "
            + " | ".join(shown)
            + " |"
        )
    return "\n".join(lines)


def engines_table(rows: list[Row]) -> str:
    """Engines on a store."""
    lines = [
        "### Engines on one store",
        "",
        f"Each does {PER_ENGINE} runs of a fan-out of 1,000, all at once, on one SQLite file.",
        "",
        "| engines | s | nodes a second, all together | to one engine |",
        "|--:|--:|--:|--:|",
    ]
    rates = [row["engines"] * PER_ENGINE * 1000 / row["seconds"] for row in rows]
    lines += [
        f"| {row['engines']} | {row['seconds']:.2f} | {rate:,.0f} | {rate / rates[0]:.2f} × |"
        for row, rate in zip(rows, rates, strict=True)
    ]
    return "\n".join(lines)


TABLES: dict[str, Callable[[list[Row]], str]] = {
    "nodes": nodes_table,
    "runs": runs_table,
    "engines": engines_table,
}


def draw(file: Path, rows: list[Row]) -> None:
    """Seconds by nodes, a line for each graph."""
    lines = {
        graph: [(r["nodes"], r["seconds"]) for r in rows if r["graph"] == graph and "seconds" in r]
        for graph in GRAPHS
    }
    lines = {graph: line for graph, line in lines.items() if line}
    if lines:
        words = ("nodes", "seconds")
        file.write_text(pictures.curves("Seconds of a run", lines, words), encoding="utf-8")


if __name__ == "__main__":
    main()
