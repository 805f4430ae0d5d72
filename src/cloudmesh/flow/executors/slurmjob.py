"""One job of Slurm: what its runner wrote, and how it ended."""

from __future__ import annotations

import json
import math
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cloudmesh.flow.executors.blob import HEAD, lengths
from cloudmesh.flow.executors.command import problem
from cloudmesh.flow.executors.far import Job, outcome_of
from cloudmesh.flow.executors.protocol import Outcome

if TYPE_CHECKING:
    from cloudmesh.flow.executors.login import Login

__all__ = ["LIVING", "Array", "Task", "death"]

#: States of jobs that have not ended.
LIVING = frozenset(
    ("PENDING", "RUNNING", "CONFIGURING", "COMPLETING", "SUSPENDED", "REQUEUED", "RESIZING")
).union(("REQUEUE_HOLD", "SPECIAL_EXIT", "STAGE_OUT", "STOPPED", "SIGNALING", "REQUEUE_FED"))
#: How the machine, not the node, may end a job.
LOST = frozenset(
    ("NODE_FAIL", "BOOT_FAIL", "PREEMPTED", "REVOKED", "OUT_OF_MEMORY", "GONE", "CANCELLED")
)


@dataclass(slots=True, eq=False)
class Array:
    """Jobs that were submitted together."""

    tag: str
    folder: str
    job: str
    left: int  # how many of them have not been told
    told: list[int] = field(default_factory=list)
    noted: int = 0  # how many of these its folder names


@dataclass(slots=True, eq=False)
class Task:
    """An attempt and its job."""

    job: Job
    array: Array
    index: int
    offset: int = 0
    unread: bytes = b""
    deadline: float = math.inf
    ended: float = 0.0  # when the scheduler first said so
    asked: float = 0.0  # when its end was first asked for
    insisted: int = 0  # how often it was sent more

    @property
    def id(self) -> str:
        return f"{self.array.job}_{self.index}"

    def take(self, data: bytes) -> Outcome | None:
        """Go through the frames that are whole; the outcome, if it is among them."""
        unread = self.unread + data
        at = 0
        while len(unread) - at >= HEAD:
            header_length, rest = lengths(unread[at : at + HEAD])
            end = at + HEAD + header_length + rest
            if len(unread) < end:
                break
            header = json.loads(unread[at + HEAD : end - rest])
            payload = unread[end - rest : end]
            at = end
            kind = header["kind"]
            if kind == "started":
                self.job.attempt.began = time.monotonic()
                if self.job.attempt.task.timeout is not None:
                    self.deadline = time.monotonic() + self.job.attempt.task.timeout
            elif kind == "log":
                self.job.take(header["stream"], payload)
            elif kind == "progress":
                self.job.attempt.progress(header["percent"], header["text"])
            elif kind == "result":
                return outcome_of(self.job, header, payload)
        self.unread = unread[at:]
        return None


def death(name: str, login: Login, task: Task, state: str, code: int) -> Outcome:
    """The outcome of a job whose runner ended without a word."""
    if code > 128:
        message = f"{name}: the node's process was ended by {_signal_name(code - 128)}"
        return problem("WorkerLost", message, code, lost=True)
    said = login.read(f"{task.array.folder}/{task.index}.err")
    said = said or login.read(f"{task.array.folder}/slurm-{task.index}.log")
    lines = [x.strip() for x in said.decode("utf-8", "replace").splitlines() if x.strip()]
    tail = f": {lines[-1][:300]}" if lines else ""
    if code == 127:
        return problem("NoPython", f"{name}: there is no Python there{tail}")
    if code:
        message = f"{name}: the node ended its process with exit code {code}{tail}"
        return problem("WorkerLost", message, code, lost=True)
    if state == "TIMEOUT":
        return problem("Timeout", f"{name}: the job's time was over")
    message = f"{name}: job {task.id} ended as {state.lower().replace('_', ' ')}{tail}"
    return problem("JobFailed", message, lost=state in LOST)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
