"""The figures of `make bench-peers` as a page of Markdown, and its picture."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import pictures, table
from benchmarks.registry import JOBS, PEERS
from benchmarks.shapes import SHAPES

BEGIN, END = "<!-- peers -->", "<!-- end of peers -->"
DRAWN = ("chain", "fan", "fan10k", "layers", "random")
HEADS = {
    "chain": "chain",
    "fan": "fan 1,000",
    "fan10k": "fan 10,000",
    "layers": "20 × 50",
    "random": "random",
    "sleep": "sleeps",
    "megabyte": "1 MB values",
    "cold": "cold start",
    "resume": "resume",
}
WHOLE = ("sleep", "megabyte", "cold", "resume")  # jobs that are told as a whole, in seconds

Cell = dict[str, Any]


def write(page: Path, found: dict[str, Any]) -> None:
    """The tables between the marks of a page, the picture beside it."""
    picture = page.parent / "images" / "peers.svg"
    panels = [(HEADS[job], per_node(found, job)) for job in DRAWN]
    if any(values for _, values in panels):
        picture.write_text(pictures.dots(panels, names(found)), encoding="utf-8")
    table.write(page, markdown(found, picture.exists()), (BEGIN, END))


def markdown(found: dict[str, Any], picture: bool = False) -> str:
    """All tables."""
    m, o = found["machine"], found["options"]
    parts = [
        f"{m['cpu']}, {m['cores']} cores, {m['memory_gb']} GB, {m['system']}, "
        f"Python {m['python']}; up to {o['rounds']} rounds, interleaved, "
        f"{found['minutes']:.0f} minutes, load at the end {m['load']}. "
        f"More than {o['limit']:.0f} s is too long; "
        f"what has taken {o['budget']:.0f} s is not repeated.",
        "### Who they are",
        who(found),
        "### Microseconds a node; whole jobs in seconds",
        matrix(found),
    ]
    if picture:
        parts.append(
            "![Microseconds a node of each, by shape, on a logarithmic scale: "
            "filled dots record every result](images/peers.svg)"
        )
    parts += ["### Where we lose", losses(found)]
    for job in JOBS:
        chosen = [cell for cell in found["cells"] if cell["job"] == job]
        if chosen:
            title = SHAPES[chosen[0]["shape"]].title
            parts += [f"### {title[0].upper()}{title[1:]}, beside the peers", detail(chosen)]
    return "\n\n".join(parts)


def who(found: dict[str, Any]) -> str:
    """Version, setting, durability, size and import of each."""
    lines = [
        "| | version | as measured | kept after `kill -9` | packages | MB | import, ms |",
        "|---|---|---|---|--:|--:|--:|",
    ]
    for key, version in found["versions"].items():
        peer, about = PEERS[key], found["about"][PEERS[key].environment]
        lines.append(
            f"| {peer.title} | {version} | {peer.setting} | {peer.durable} "
            f"| {about['packages']} | {about['mb']:.0f} | {found['imports'][key] * 1000:.0f} |"
        )
    return "\n".join(lines)


def matrix(found: dict[str, Any]) -> str:
    """Everyone by every job."""
    jobs = [job for job in JOBS if any(cell["job"] == job for cell in found["cells"])]
    lines = [
        "| | recorded | " + " | ".join(HEADS[job] for job in jobs) + " |",
        "|---|---|" + "--:|" * len(jobs),
    ]
    cells = {(cell["peer"], cell["job"]): cell for cell in found["cells"]}
    for key in names(found):
        shown = [short(cells.get((key, job))) for job in jobs]
        kept = "yes" if PEERS[key].keeps else "no"
        lines.append(f"| {PEERS[key].title} | {kept} | " + " | ".join(shown) + " |")
    return "\n".join(lines)


def short(cell: Cell | None) -> str:
    """A cell of the matrix: a figure; what is too long in brackets, by its smaller form."""
    if cell is None:
        return ""
    if cell["results"]:
        return figure(cell)
    if cell.get("less"):
        return f"({figure(cell['less'])})"
    return "too long" if cell.get("over") else "–"


def figure(cell: Cell) -> str:
    """The median: microseconds a node, or seconds of a whole job."""
    seconds = middle(cell)
    if cell["job"] in WHOLE:
        return f"{seconds:.2f} s"
    return f"{seconds / SHAPES[cell['shape']].nodes * 1e6:,.1f}"


def detail(chosen: list[Cell]) -> str:
    """The table of one job."""
    ours = next((middle(c) for c in chosen if c["peer"] == "ours" and c["results"]), None)
    lines = [
        "| | recorded | µs a node | all, s (least – most) | times | ours to it | MB | |",
        "|---|---|--:|--:|--:|--:|--:|---|",
    ]
    lines += [row(cell, ours) for cell in chosen]
    return "\n".join(lines)


def row(cell: Cell, ours: float | None) -> str:
    """One line of a job's table: figures, or the reason why there are none."""
    peer = PEERS[cell["peer"]]
    head = f"| {peer.title} | {'yes' if peer.keeps else 'no'} "
    shown, note = cell, ""
    if not cell["results"]:
        if not cell.get("less"):
            return f"{head}| | | | | | {cell['why']} |"
        shown, ours = cell["less"], None
        note = f"{cell['why']}; measured: {SHAPES[shown['shape']].title}"
    if SHAPES[shown["shape"]].half:
        again = max(result["calls"] for result in shown["results"])
        note += f"{'; ' if note else ''}{again:,} nodes run after the kill"
    seconds = sorted(result["seconds"] for result in shown["results"])
    peak = max(result["peak_mb"] for result in shown["results"])
    ratio = f"{ours / median(seconds):.2f} ×" if ours and cell["peer"] != "ours" else ""
    node = f"{median(seconds) / SHAPES[shown['shape']].nodes * 1e6:,.1f}"
    node = "" if cell["job"] in WHOLE else node
    spread = f"{median(seconds):.3f} ({seconds[0]:.3f} – {seconds[-1]:.3f})"
    return f"{head}| {node} | {spread} | {len(seconds)} | {ratio} | {peak:.0f} | {note} |"


def losses(found: dict[str, Any]) -> str:
    """Every job and everyone who is faster than we are, the fastest first."""
    lines = []
    for job in JOBS:
        times = {c["peer"]: middle(c) for c in found["cells"] if c["job"] == job and c["results"]}
        if "ours" not in times:
            continue
        ours = times.pop("ours")
        faster = sorted((seconds, key) for key, seconds in times.items() if seconds < ours / 1.02)
        recording = sorted((seconds, key) for key, seconds in times.items() if PEERS[key].keeps)
        told = ", ".join(f"{PEERS[key].title} ({ours / s:.1f} ×)" for s, key in faster)
        line = f"- {HEADS[job]}: " + (f"faster are {told}" if told else "nobody is faster")
        if recording:
            best = [f"{seconds / ours:.1f} × ({PEERS[key].title})" for seconds, key in recording]
            first = " and ".join(best[:2])
            line += f"; the fastest that also record every result take {first} our time"
        lines.append(line + ".")
    return "\n".join(lines)


def per_node(found: dict[str, Any], job: str) -> dict[str, float]:
    """Microseconds a node of each who has done a job, or its smaller form."""
    chosen = {c["peer"]: c for c in found["cells"] if c["job"] == job}
    done = {key: c if c["results"] else c.get("less") for key, c in chosen.items()}
    return {key: middle(c) / SHAPES[c["shape"]].nodes * 1e6 for key, c in done.items() if c}


def names(found: dict[str, Any]) -> list[str]:
    """Who was measured, in the order of the registry."""
    return list(dict.fromkeys(cell["peer"] for cell in found["cells"]))


def middle(cell: Cell) -> float:
    """The median, in seconds."""
    return float(median(result["seconds"] for result in cell["results"]))
