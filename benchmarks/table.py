"""The figures as a page of Markdown, and where in `docs/performance.md` they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.shapes import SHAPES

NAMES = {
    "ours": "**cloudmesh-flow**",
    "dask_threaded": "dask.threaded",
    "pool": "ThreadPoolExecutor",
    "taskgroup": "asyncio TaskGroup",
    "parsl_memo": "Parsl, checkpointing memo",
    "parsl_memo_layers": "Parsl, memo, the program waits for each layer",
    "mp_pool": "multiprocessing.Pool",
    "process_pool": "ProcessPoolExecutor",
    "python": "`python -c pass`",
}
DURABLE = {"ours", "parsl_memo", "parsl_memo_layers"}
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


def markdown(found: dict[str, Any]) -> str:
    """All rows, one table for each graph."""
    m = found["machine"]
    parts = [
        f"{m['cpu']}, {m['cores']} cores, {m['system']}, Python {m['python']}; "
        f"{found['rounds']} rounds, interleaved; load at the end {m['load']}."
    ]
    for shape in dict.fromkeys(row["shape"] for row in found["rows"]):
        chosen = [row for row in found["rows"] if row["shape"] == shape]
        parts.append(cold(chosen) if shape == "cold" else graph(shape, chosen))
    return "\n\n".join(parts)


def graph(shape: str, chosen: list[dict[str, Any]]) -> str:
    """The table of one graph."""
    lines = [
        f"### {SHAPES[shape].title[0].upper()}{SHAPES[shape].title[1:]}",
        "",
        "| | recorded | µs a node | all, s (least – most) | ours to it | MB |",
        "|---|---|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {NAMES[row['peer']]} | {'yes' if row['peer'] in DURABLE else 'no'} "
        f"| {row['us_a_node']:.1f} | {spread(row)} | {ratio(row)} | {row['peak_mb']:.0f} |"
        for row in chosen
    ]
    return "\n".join(lines)


def cold(chosen: list[dict[str, Any]]) -> str:
    """The table of the cold start."""
    lines = [
        "### The seed's three nodes, a cold command",
        "",
        "| | s | ours to it |",
        "|---|--:|--:|",
    ]
    lines += [f"| {NAMES[r['peer']]} | {spread(r, 3)} | {ratio(r)} |" for r in chosen]
    return "\n".join(lines)


def spread(row: dict[str, Any], digits: int = 3) -> str:
    """The median, and from where to where it went."""
    return f"{row['seconds']:.{digits}f} ({row['least']:.{digits}f} – {row['most']:.{digits}f})"


def ratio(row: dict[str, Any]) -> str:
    """Our time as a multiple of this one."""
    if row["peer"] == "ours" or row["ours_to_it"] is None:
        return ""
    return f"{row['ours_to_it']:.2f} ×"


def write(page: Path, text: str, marks: tuple[str, str] = (BEGIN, END)) -> None:
    """Put the figures between two marks of a page."""
    begin, end = marks
    old = page.read_text(encoding="utf-8")
    before, rest = old.split(begin)
    after = rest.split(end)[1]
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
