"""Luigi with the local scheduler: each node writes its result into a file, which is its target."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import luigi
from luigi.format import Nop

from benchmarks.shapes import Shape, function

#: Of the graph of this process: what each node needs, their function, whether they receive values.
needs: dict[str, list[str]]
call: Callable[..., Any]
receive: bool
place: Path


class Node(luigi.Task):
    """One node: done when its file is there."""

    name = luigi.Parameter()

    def requires(self) -> list[luigi.Task]:
        """The nodes before."""
        return [Node(one) for one in needs[self.name]]

    def output(self) -> luigi.LocalTarget:
        """Its file; Luigi writes another and renames it."""
        return luigi.LocalTarget(place / self.name, format=Nop)

    def run(self) -> None:
        """Call the function, write what it returns."""
        values = [one.value() for one in self.requires()] if receive else []
        with self.output().open("w") as file:
            file.write(pickle.dumps(call(*values)))

    def value(self) -> Any:
        """What it returned."""
        with self.output().open("r") as file:
            return pickle.load(file)


def measure(shape: Shape, folder: Path) -> float:
    """Seconds from the tasks to the results in hand."""
    global needs, call, receive, place
    needs, call, place = shape.needs(), function(shape), folder
    receive = bool(shape.size)
    settings = luigi.configuration.get_config()
    settings.set("worker", "cache_task_completion", "true")
    settings.set("core", "worker-wait-interval", "0.01")
    settings.set("worker", "wait_jitter", "0.0")
    start = perf_counter()
    inner = {before for all_before in needs.values() for before in all_before}
    last = [Node(name) for name in needs if name not in inner]
    workers = shape.threads if shape.seconds else 1
    done = luigi.build(last, workers=workers, local_scheduler=True, log_level="ERROR")
    values = [Node(name).value() for name in needs]
    seconds = perf_counter() - start
    assert done
    shape.check(values)
    Node.clear_instance_cache()
    return seconds
