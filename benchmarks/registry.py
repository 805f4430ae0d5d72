"""Who is measured: how each is set up, what it keeps, what it cannot do and why not."""

from __future__ import annotations

from dataclasses import dataclass, field

#: The jobs of `make bench-peers`: each peer does it, or says why not.
JOBS = ("chain", "fan", "fan10k", "layers", "random", "sleep", "megabyte", "cold", "resume")

NOTHING = "keeps nothing: all would run again"


@dataclass(frozen=True)
class Peer:
    """One of those measured; its program is `benchmarks/peers/KEY.py`.

    ``environment``: its packages are ``requirements/bench-ENVIRONMENT.txt``;
    ``bare`` has none, ``ours`` is the project.  ``package`` is what its version
    is told by, ``imports`` what a program of it imports.  ``durable``: what is
    left of a finished node after ``kill -9``.  ``cannot``: a job and why.
    """

    title: str
    environment: str
    package: str
    imports: str
    durable: str
    setting: str
    cannot: dict[str, str] = field(default_factory=dict)

    @property
    def keeps(self) -> bool:
        """Whether every result is safe before anything that needs it starts."""
        return self.durable.startswith("yes")


def stdlib(title: str, imports: str, setting: str) -> Peer:
    """One of Python's own."""
    return Peer(title, "bare", "", imports, "no", setting, {"resume": NOTHING})


PEERS = {
    "ours": Peer(
        "**cloudmesh-flow**",
        "ours",
        "cloudmesh-flow",
        "cloudmesh.flow.api",
        "yes, every result",
        "embedded store; a definition, a journal and documents are written too",
    ),
    "parsl_memo": Peer(
        "Parsl memo",
        "parsl",
        "parsl",
        "parsl",
        "yes, every result",
        "threads, `BasicMemoizer(checkpoint_mode='task_exit')`, no monitoring, no log; "
        "the graph as futures",
    ),
    "parsl_memo_layers": Peer(
        "Parsl memo without graph",
        "parsl",
        "parsl",
        "parsl",
        "yes, every result",
        "the same, but the program waits for each layer and calls the next, "
        "so that Parsl has no dependencies to follow",
    ),
    "dbos_steps": Peer(
        "DBOS",
        "dbos",
        "dbos",
        "dbos",
        "yes, every result",
        "SQLite; one workflow, a step for each node, one after another; "
        "sleeping nodes are asynchronous steps, gathered",
    ),
    "luigi_files": Peer(
        "Luigi",
        "luigi",
        "luigi",
        "luigi",
        "yes, every result",
        "local scheduler, a file for each node, `cache_task_completion`; "
        "one worker, and 50 for the sleeps",
    ),
    "hamilton_cache": Peer(
        "Hamilton cache",
        "hamilton",
        "sf-hamilton",
        "hamilton.driver",
        "yes, every result",
        "cache on disk; nodes one after another, and in threads for the sleeps",
    ),
    "prefect_flow": Peer(
        "Prefect",
        "prefect",
        "prefect",
        "prefect",
        "states; results only where asked (`persist_result`, in the resume)",
        "its own server on SQLite, started before the clock; `ThreadPoolTaskRunner`",
    ),
    "doit_tasks": Peer(
        "doit",
        "doit",
        "doit",
        "doit.doit_cmd",
        "when the run ends",
        "its default database, one task after another, and in threads for the sleeps",
        {"resume": "its database is written when a run ends: one that is killed leaves nothing"},
    ),
    "parsl_threads": Peer(
        "Parsl threads",
        "parsl",
        "parsl",
        "parsl",
        "no",
        "threads, the graph as futures",
        {"resume": NOTHING},
    ),
    "dask_threaded": Peer(
        "dask.threaded",
        "dask",
        "dask",
        "dask.threaded",
        "no",
        "the graph as a dict, its own number of threads, and 50 for the sleeps",
        {"resume": NOTHING},
    ),
    "dask_distributed": Peer(
        "Dask distributed",
        "dask",
        "distributed",
        "distributed",
        "no",
        "`Client(processes=False)`, started before the clock; the graph as a dict",
        {"resume": NOTHING},
    ),
    "graphlib_threads": stdlib(
        "graphlib + threads",
        "graphlib, concurrent.futures.thread",
        "`TopologicalSorter` and a `ThreadPoolExecutor(8)`",
    ),
    "pool": stdlib(
        "ThreadPoolExecutor",
        "concurrent.futures.thread",
        "8 threads; the program waits for each layer: it has no graph",
    ),
    "taskgroup": stdlib(
        "asyncio TaskGroup",
        "asyncio",
        "one thread; a group for each layer: it has no graph",
    ),
}
ENVIRONMENTS = tuple(dict.fromkeys(peer.environment for peer in PEERS.values()))
