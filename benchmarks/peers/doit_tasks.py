"""doit: a task for each node, whose values are in its database when the run has ended."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

from doit.cmd_base import ModuleTaskLoader
from doit.dependency import DbmDB, JSONCodec
from doit.doit_cmd import DoitMain
from doit.tools import run_once

from benchmarks.shapes import Shape, function


def measure(shape: Shape, folder: Path) -> float:
    """Seconds from the tasks to the results, which are read from the database."""
    needs = shape.needs()
    call = function(shape)
    file = str(folder / "doit.db")
    parallel = ["-n", str(shape.threads), "-P", "thread"] if shape.seconds else []

    def work(before: str | None = None) -> dict[str, Any]:
        if not shape.size:
            return {"value": call()}
        # Values are JSON there: bytes travel as text.
        value = call() if before is None else call(before.encode("latin-1"))
        return {"value": value.decode("latin-1")}

    def task_bench() -> Any:
        for name, before in needs.items():
            task = {"basename": name, "actions": [work], "uptodate": [run_once]}
            if shape.size and before:
                task["getargs"] = {"before": (before[0], "value")}
            yield task | {"task_dep": before}

    start = perf_counter()
    loader = ModuleTaskLoader({"task_bench": task_bench})
    status = DoitMain(loader).run(["run", "--db-file", file, "-r", "zero", *parallel])
    database = DbmDB(file, JSONCodec())
    values = [database.get(name, "_values_:")["value"] for name in needs]
    seconds = perf_counter() - start
    assert status == 0
    shape.check([v.encode("latin-1") for v in values] if shape.size else values)
    return seconds
