"""The Dask cluster of an entry: one that is there, or one of our own that ends with us.

Its workers are of this machine, or jobs of Slurm (through dask-jobqueue).
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.errors import InfrastructureError, InputError
from cloudmesh.flow.executors.login import Here, first_line
from cloudmesh.flow.providers.sizes import megabytes
from cloudmesh.flow.times import seconds

if TYPE_CHECKING:
    from cloudmesh.flow.executors.table import Context

__all__ = ["CONNECT_TIMEOUT", "Cluster", "faults_of_jobs"]

CONNECT_TIMEOUT = 30.0  # seconds
JOB_LIFE = 86400.0  # seconds for which a job of workers is looked for that nobody says is gone

#: What can be said of jobs in which workers run, and what it is.
JOBS: dict[str, Any] = {
    "partition": str, "account": str, "time": (str, int, float), "cpus": int, "memory": (str, int),
    "workers": int, "options": list, "folder": str, "python": str, "host": str,
}  # fmt: skip


def faults_of_jobs(spec: Mapping[str, Any]) -> str:
    """What is wrong with ``slurm: {…}`` of an entry; "" where nothing is."""
    jobs = spec.get("slurm")
    for key, value in (jobs or {}).items():
        if key not in JOBS:
            return f"slurm has no key {key!r}; known are {', '.join(JOBS)}"
        if not isinstance(value, JOBS[key]) or isinstance(value, bool):
            return f"slurm: {key} cannot be {value!r}"
    try:
        _minutes((jobs or {}).get("time"))
        megabytes((jobs or {}).get("memory") or "1G")
    except (ValueError, InputError) as error:
        return f"slurm: {error}"
    return ""


def _minutes(time: Any) -> str | None:
    """A time as Slurm reads it."""
    return None if time is None else str(max(1, math.ceil(seconds(time) / 60)))


class Cluster:
    """The scheduler that is named, or one of our own, with workers here or in jobs of Slurm."""

    def __init__(self, name: str, spec: Mapping[str, Any], context: Context | None = None) -> None:
        self._name, self._spec = name, spec
        self._context = context
        self._jobs: Any = None
        self._tag = ""
        self._folder = ""
        self._guards: list[subprocess.Popen[bytes]] = []

    def connect(self) -> Any:
        """A client.  Raises `InfrastructureError`."""
        try:
            from distributed import Client
        except ImportError:
            message = f"{self._name}: Dask is not installed: pip install distributed"
            raise InfrastructureError(message) from None
        # What it says of a lost scheduler, we say in a line.
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
        try:
            return self._client(Client)
        except BaseException:  # nobody knows of what was begun for it
            self.close()
            raise

    def _client(self, client: Any) -> Any:
        """``client``: Dask's class, which has no types."""
        address: dict[str, Any] = {"address": self._spec.get("scheduler")}
        if self._spec.get("slurm"):
            address = {"address": self._submit()}
        elif not address["address"]:
            address = {"scheduler_file": self._begin()}
        try:
            return client(
                **address, timeout=CONNECT_TIMEOUT, set_as_default=False, name="cloudmesh-flow"
            )
        except Exception as error:
            text = " ".join(str(error).split())[:300]
            raise InfrastructureError(f"{self._name}: no answer of the scheduler: {text}") from None

    def _begin(self) -> str:
        """Start a scheduler and workers under guards, which end with this process."""
        self._folder = tempfile.mkdtemp(prefix="cloudmesh-flow-dask-")
        file = f"{self._folder}/scheduler.json"
        self._guard("scheduler", "dask_scheduler", "--host=127.0.0.1", "--port=0",
                    f"--scheduler-file={file}")  # fmt: skip
        deadline = time.monotonic() + CONNECT_TIMEOUT
        while not Path(file).exists():
            if self._guards[0].poll() is not None or time.monotonic() > deadline:
                raise InfrastructureError(f"{self._name}: Dask's scheduler does not start")
            time.sleep(0.02)
        self._guard("workers", "dask_worker", f"--scheduler-file={file}", "--host=127.0.0.1",
                    f"--nworkers={self._spec.get('workers') or 1}",
                    f"--nthreads={self._spec.get('threads') or 1}",
                    "--memory-limit=0", f"--local-directory={self._folder}")  # fmt: skip
        return file

    def _guard(self, what: str, module: str, *words: str) -> None:
        from cloudmesh.flow.providers import guard

        folder = self._folder  # the first guard removes all of it, also when we are killed
        if self._guards:
            folder = f"{self._folder}/{what}"
            os.mkdir(folder)
        command = [sys.executable, "-m", f"distributed.cli.{module}", "--no-dashboard", *words]
        # A node that kills its worker fails at once, and is tried again by us, not by Dask.
        environment = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
        with open(f"{self._folder}/{what}.log", "wb") as log:
            self._guards.append(
                subprocess.Popen(
                    [sys.executable, "-I", "-S", guard.__file__, folder, "1e9", *command],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    env=environment,
                    start_new_session=True,
                )
            )

    def _submit(self) -> Any:
        """A scheduler in this process, and workers in jobs; they end when it is gone."""
        try:
            import dask_jobqueue
        except ImportError:
            message = f"{self._name}: dask-jobqueue is not installed: pip install dask-jobqueue"
            raise InfrastructureError(message) from None
        import dask

        of_jobs: Any = dask_jobqueue  # which has no types
        context = self._context
        run = f"{context.store_id}/{context.run}" if context else "check/check"
        self._tag = f"cmflow/{run}/{self._name}/{time.time_ns():x}"
        self._folder = tempfile.mkdtemp(prefix="cloudmesh-flow-dask-")
        jobs = self._spec["slurm"]
        # Else each job leaves a file in the user's folder.
        words = ["--output=/dev/null", *map(str, jobs.get("options") or ()), "--no-requeue"]
        with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
            cluster = of_jobs.SLURMCluster(
                cores=int(jobs.get("cpus") or 1),
                processes=1,
                memory=f"{megabytes(jobs.get('memory') or '1G')}MiB",
                queue=jobs.get("partition"),
                account=jobs.get("account"),
                walltime=_minutes(jobs.get("time")),
                python=jobs.get("python"),
                job_name=self._tag,
                job_extra_directives=words,
                local_directory=jobs.get("folder"),
                worker_extra_args=["--no-dashboard"],
                scheduler_options={
                    "dashboard": False,
                    "dashboard_address": "127.0.0.1:0",  # else 8787, with a warning if it is taken
                    **({"host": jobs["host"]} if jobs.get("host") else {}),
                },
            )
        self._jobs = cluster
        code, _, err = Here().run(["sbatch", "--test-only"], cluster.job_script())
        if code:
            raise InfrastructureError(f"{self._name}: the job was refused: {first_line(err)}")
        if context:
            self._end_left(context)
            document = {"tag": self._tag, "kind": "slurm", "name": self._name}
            until = round(time.time() + JOB_LIFE)
            context.intent({**document, "jobs": int(jobs.get("workers") or 1), "until": until})
        cluster.scale(jobs=int(jobs.get("workers") or 1))
        return cluster

    def _end_left(self, context: Context) -> None:
        """End the jobs of this entry that earlier engines of the run have left."""
        for document in context.left:
            mine = document.get("kind") == "slurm" and document.get("name") == self._name
            if mine and Here().run(["scancel", f"--name={document['tag']}"])[0] == 0:
                context.release({"tag": document["tag"]})

    def close(self) -> None:
        """End what was begun."""
        jobs, self._jobs = self._jobs, None
        if jobs is not None:
            with contextlib.suppress(Exception):
                jobs.close(timeout=10)
            with contextlib.suppress(InfrastructureError):
                Here().run(["scancel", f"--name={self._tag}"])
            if self._context is not None:
                self._context.release({"tag": self._tag})
        for process in reversed(self._guards):
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(5.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._guards.clear()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = ""
