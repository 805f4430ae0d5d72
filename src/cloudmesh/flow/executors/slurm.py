"""``kind: slurm``: nodes as jobs of a cluster, over SSH or from this machine.

Attempts that come together are one array.  Its folder, on the file system that
the login host shares with the cluster, holds what the runners read and what
they write: the same frames as over SSH, in files.  One question to the
scheduler serves all jobs.  A job that outlived its engine is found again by the
folder, and its attempt goes on where it is.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.errors import FlowError, InfrastructureError
from cloudmesh.flow.executors import batch
from cloudmesh.flow.executors.blob import frame
from cloudmesh.flow.executors.command import cancelled, problem, refuse, timed_out
from cloudmesh.flow.executors.far import Job, Programs, request
from cloudmesh.flow.executors.kept import UNUSED_MAX
from cloudmesh.flow.executors.login import Here, Login, There, first_line
from cloudmesh.flow.executors.protocol import Attempt, Done, Outcome
from cloudmesh.flow.executors.sending import runner
from cloudmesh.flow.executors.slurmjob import LIVING, Array, Task, death
from cloudmesh.flow.executors.ssh import ssh_hosts

if TYPE_CHECKING:
    from cloudmesh.flow.executors.table import Context

__all__ = ["SlurmExecutor", "about_of", "base_of", "check", "login_of", "make"]

SLOTS = 1000  # jobs at once, where nothing else is said
ARRAY_MAX = 500  # jobs in one array: clusters take 1,001 by default
GATHER = 0.05  # seconds for which attempts that come together are gathered
ASK_MIN, ASK_MAX = 0.3, 3.0  # seconds between two questions to the scheduler
LAG = 5.0  # seconds for which a file of an ended job may still be on its way
#: Seconds after which a job that does not go is sent more: the first TERM may miss a process
#: that is just being started.  Ten seconds are promised.
INSIST = ((3.0, "TERM"), (6.0, "KILL"))
OUTAGE_MAX = 300.0  # seconds for which the scheduler may be away
JOB_LIFE = 30 * 86400.0  # seconds for which a job is looked for that nobody says is gone
FOLDER = ".cloudmesh/flow/jobs"

#: What `sbatch` says where nobody can tell whether the job was taken.
_AWAY = re.compile("contact slurm|timed out|temporarily|connection refused|backup", re.IGNORECASE)


def make(name: str, spec: Mapping[str, Any], context: Context) -> SlurmExecutor:
    """The executor of an entry."""
    return SlurmExecutor(name, spec, context)


def check(name: str, spec: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Ask the scheduler whether it takes jobs, and try the folder for their files."""
    login = login_of(spec)
    tried: list[tuple[str, str]] = []
    try:
        code, out, err = login.run(["sinfo", "-h", "-o", "%P %a %D"])
        tried.append(("sinfo", first_line(err) if code else ""))
        if code:
            return tried
        tried += _partition(spec, out)
        probe = f"{base_of(login, spec)}/.check-{time.time_ns():x}"
        try:
            login.write(probe, bytes(1 << 16))
        finally:
            login.remove(probe)
        return [*tried, ("folder", "")]
    except InfrastructureError as error:
        return [*tried, ("folder" if tried else "sinfo", str(error))]
    finally:
        login.close()


def _partition(spec: Mapping[str, Any], listed: str) -> list[tuple[str, str]]:
    wanted = spec.get("partition")
    known = [line.split()[0].rstrip("*") for line in listed.splitlines() if line.split()]
    if not wanted:
        return []
    if wanted in known:
        return [("partition", "")]
    return [("partition", f"there is no partition {wanted!r}; known are {', '.join(known)}")]


def base_of(login: Login, spec: Mapping[str, Any]) -> str:
    """The folder there for the files of all runs."""
    base = str(spec.get("folder") or f"{login.home()}/{FOLDER}")
    return os.path.expanduser(base) if isinstance(login, Here) else base


def about_of(login: Login, folder: str) -> Mapping[str, Any]:
    """What an array's folder says of it; nothing where the engine died as it wrote that."""
    about: Mapping[str, Any] = {}
    with contextlib.suppress(ValueError):
        about = json.loads(login.read(f"{folder}/about.json"))
    return about


def login_of(spec: Mapping[str, Any]) -> Login:
    """Where the scheduler's commands are given."""
    return There(ssh_hosts(spec)[0]) if spec.get("host") else Here()


def _done(login: Login, command: Sequence[str]) -> None:
    """Run a command.  Raises `InfrastructureError` where it fails."""
    code, _, err = login.run(command)
    if code:
        raise InfrastructureError(f"{command[0]}: {first_line(err)}")


class SchedulerAway(InfrastructureError):
    """The scheduler does not answer; it may, later."""

    kind = "SchedulerLost"
    passing = True


class SlurmExecutor:
    """Submits, watches and cancels jobs, in a thread of its own."""

    def __init__(self, name: str, spec: Mapping[str, Any], context: Context) -> None:
        self.slots: int | None = int(spec.get("slots") or SLOTS)
        self._name, self._spec, self._context = name, spec, context
        self._lock = threading.Condition()
        self._new: list[Job] = []
        self._unwanted: list[Attempt] = []
        self._closing = False
        self._thread: threading.Thread | None = None
        # Of the thread alone:
        self._tasks: dict[Attempt, Task] = {}
        self._programs = Programs()
        self._sent: dict[int | str, str] = {}  # the hashes of programs by number, of runners
        self._shared = ""
        self._sources = ""
        self._found: dict[str, tuple[Array, int, int]] = {}  # by key: jobs of a dead engine
        self._arrays: dict[str, Array] = {}
        self._back: list[Job] = []  # could not be submitted while the scheduler was away
        self._doubtful: dict[str, str] = {}  # arrays that may be there all the same: tag, folder
        self._worked = False  # whether the scheduler has ever answered
        self._away_since = 0.0
        self._pause = ASK_MIN

    def start(self, attempt: Attempt, done: Done) -> None:
        """Submit an attempt, with those that come at the same time."""
        attempt.where = self._name
        with self._lock:
            if not self._closing:
                self._new.append(Job(attempt, done))
                self._lock.notify()
                if self._thread is None:
                    self._thread = threading.Thread(
                        target=self._run, name=f"cloudmesh-flow {self._name}", daemon=True
                    )
                    self._thread.start()
                return
        refuse(attempt, done)

    def cancel(self, attempt: Attempt) -> None:
        """Cancel the attempt's job."""
        attempt.cancelled = True
        with self._lock:
            self._unwanted.append(attempt)
            self._lock.notify()

    def close(self) -> None:
        """Cancel all jobs and wait until they are gone."""
        with self._lock:
            self._closing = True
            self._lock.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(30.0)

    # -- the thread -----------------------------------------------------------------------------

    def _run(self) -> None:
        login = login_of(self._spec)
        try:
            while self._wait():
                try:
                    self._turn(login)
                except Exception as error:  # whatever it is, nobody may wait for ever
                    self._give_up(error)
            self._leave(login)
        finally:
            login.close()

    def _leave(self, login: Login) -> None:
        """End what an engine before this one left and nobody wanted; no empty folder stays."""
        with contextlib.suppress(FlowError):
            self._settle_doubts(login)
            left = [*self._arrays.values(), *(array for array, _, _ in self._found.values())]
            for tag, folder in {array.tag: array.folder for array in left}.items():
                if login.run(["scancel", f"--name={tag}"])[0] == 0:  # else `infra clean` does it
                    login.remove(folder)
                    self._context.release({"tag": tag})
            if self._shared:
                login.run(["rmdir", self._shared])

    def _give_up(self, error: Exception) -> None:
        message = f"{self._name}: {type(error).__name__}: {error}"
        for task in list(self._tasks.values()):
            self._tell(task, task.job.why or problem("SlurmError", message, lost=True))

    def _wait(self) -> bool:
        """Sleep until there is something to do; False at the end."""
        with self._lock:
            if not self._new and not self._unwanted:
                if self._tasks or self._back:
                    self._lock.wait(self._pause)
                elif not self._closing:
                    self._lock.wait()
            until = time.monotonic() + GATHER
            while self._new and not self._closing and (left := until - time.monotonic()) > 0:
                self._lock.wait(left)
            return bool(self._new or self._back or self._tasks or not self._closing)

    def _turn(self, login: Login) -> None:
        with self._lock:
            new, self._new = [*self._back, *self._new], []
            unwanted, self._unwanted = self._unwanted, []
            closing = self._closing
        self._back = []
        wanted = [job for job in new if not job.attempt.cancelled and not closing]
        for job in new:
            if job not in wanted:
                job.done(job.attempt, cancelled())
        try:
            if not self._shared and wanted:
                self._open(login)
            if wanted:
                self._submit_all(login, wanted)
        except Exception as error:  # as in `_run`
            untold = [job for job in wanted if job.why is None and job.attempt not in self._tasks]
            self._refuse(untold, error)
        now = time.monotonic()
        for task in list(self._tasks.values()):
            if closing or task.job.attempt in unwanted:
                task.job.why = task.job.why or cancelled()
            elif now > task.deadline:
                task.job.why = task.job.why or timed_out(task.job.attempt)
        self._watch(login)

    def _refuse(self, jobs: Sequence[Job], error: Exception) -> None:
        """Jobs could not be submitted: later, where the scheduler has worked and is away now."""
        passing = bool(getattr(error, "passing", False))
        if passing and self._worked and self._is_waited_for(error):
            self._back += jobs
            return
        for job in jobs:
            kind = getattr(error, "kind", "SlurmError")
            job.done(job.attempt, problem(kind, f"{self._name}: {error}", lost=passing))

    # -- submitting ------------------------------------------------------------------------------

    def _open(self, login: Login) -> None:
        """Prepare the run's folder; find what an engine before this one has left in it."""
        base = base_of(login, self._spec)
        shared = f"{base}/{self._context.store_id}/{self._context.run}"
        for name in login.names(shared):
            about = about_of(login, f"{shared}/{name}")
            if about:
                self._adopt(login, f"{shared}/{name}", about)
        adopted = {array.tag for array, _, _ in self._found.values()}
        for document in self._context.left:
            tag = str(document["tag"])
            mine = document.get("kind") == "slurm" and document.get("name") == self._name
            if mine and tag not in adopted:
                self._doubtful[tag] = f"{shared}/{tag.rpartition('/')[2]}"
        self._shared, self._sources = shared, f"{base}/sources"

    def _source(self, login: Login, what: int | str, data: Callable[[], bytes]) -> str:
        """The hash of something that jobs need, by which it is kept there from run to run."""
        if what not in self._sent:
            text = data()
            digest = hashlib.sha256(text).hexdigest()
            path = f"{self._sources}/{digest}"
            code, out, _ = login.run(["sha256sum", path])
            if code or out.split()[:1] != [digest]:
                login.write(f"{path}.new", text)
                _done(login, ["mv", f"{path}.new", path])
                old = ["-type", "f", "-mtime", f"+{UNUSED_MAX // 86400}"]
                login.run(["find", self._sources, *old, "-delete"])
            else:
                login.run(["touch", "-c", path])  # it is in use
            self._sent[what] = digest
        return self._sent[what]

    def _adopt(self, login: Login, folder: str, about: Mapping[str, Any]) -> None:
        job = login.read(f"{folder}/job").decode().strip()
        if not job:  # the engine died between the submission and its record
            code, out, _ = login.run(["squeue", "-h", "--name", about["tag"], "-o", "%F"])
            job = out.split()[0] if code == 0 and out.split() else ""
        if not job:
            return
        told = {int(line) for line in login.read(f"{folder}/told").split()}
        array = Array(about["tag"], folder, job, 0, sorted(told), len(told))
        for index, (key, number) in enumerate(about["keys"]):
            if index not in told:
                self._found[key] = (array, index, number)

    def _submit_all(self, login: Login, jobs: Sequence[Job]) -> None:
        if not self._settle_doubts(login):
            self._back += jobs
            return
        fresh = []
        for job in jobs:
            found = self._found.pop(job.attempt.key, None)
            if found is not None and found[2] < job.attempt.number:
                array, index, _ = found
                array.left += 1
                self._arrays[array.tag] = array
                self._tasks[job.attempt] = Task(job, array, index)
            else:
                fresh.append(job)
        for i in range(0, len(fresh), ARRAY_MAX):
            self._submit(login, fresh[i : i + ARRAY_MAX])

    def _settle_doubts(self, login: Login) -> bool:
        """Whether nothing is there of what may have been submitted; what is there is ended."""
        if not self._doubtful:
            return True
        code, out, err = login.run(["squeue", "-h", "--name", ",".join(self._doubtful), "-o", "%F"])
        if code:
            raise SchedulerAway(f"squeue: {first_line(err)}")
        if out.split():
            login.run(["scancel", *sorted(set(out.split()))])
            return False
        for tag, folder in self._doubtful.items():
            login.remove(folder)
            self._context.release({"tag": tag})
        self._doubtful.clear()
        return True

    def _submit(self, login: Login, jobs: Sequence[Job]) -> None:
        """One array.  Raises `FlowError` where the scheduler refuses it."""
        lines, inputs, sendable = [], b"", []
        for job in jobs:
            try:
                number, asked = request(job.attempt, self._programs)
            except Exception as error:
                job.why = problem(type(error).__name__, f"the node cannot be sent: {error}")
                job.done(job.attempt, job.why)
                continue
            last = frame({"kind": "last"})
            asked += last
            # For another runner, where this one is killed: it ends what is left.
            sweep = frame({"kind": "sweep", "key": job.attempt.key}) + last
            program = "-" if number is None else self._program(login, number)
            lines.append(f"{len(inputs)} {len(asked)} {program} {len(sweep)}")
            inputs += asked + sweep
            sendable.append(job)
        if not sendable:
            return
        mark = f"{time.time_ns():x}"
        tag = f"cmflow/{self._context.store_id}/{self._context.run}/{self._name}/{mark}"
        folder = f"{self._shared}/{mark}"
        keys = [[job.attempt.key, job.attempt.number] for job in sendable]
        try:
            login.write(f"{folder}/inputs", inputs)
            login.write(f"{folder}/index", "\n".join([*lines, ""]).encode())
            login.write(f"{folder}/about.json", json.dumps({"tag": tag, "keys": keys}).encode())
            script = self._script(login, folder)
        except InfrastructureError:
            login.remove(folder)
            raise
        document = {"tag": tag, "kind": "slurm", "name": self._name, "jobs": len(sendable)}
        self._context.intent({**document, "until": round(time.time() + JOB_LIFE)})
        self._doubtful[tag] = folder
        code, out, err = login.run(batch.command(self._spec, tag, len(sendable), folder), script)
        if code and _AWAY.search(err):
            login.remove(folder)  # without it the jobs end at once, should they be there
            raise SchedulerAway(first_line(err))
        del self._doubtful[tag]
        if code:
            login.remove(folder)
            self._context.release({"tag": tag})
            raise InfrastructureError(f"the job was refused: {first_line(err)}")
        self._worked, self._away_since = True, 0.0
        array = Array(tag, folder, out.strip().partition(";")[0], len(sendable))
        self._arrays[tag] = array
        for index, job in enumerate(sendable):
            self._tasks[job.attempt] = Task(job, array, index)
        self._pause = ASK_MIN
        login.write(f"{folder}/job", array.job.encode())

    def _program(self, login: Login, number: int) -> str:
        return self._source(login, number, lambda: self._programs.frame(number))

    def _script(self, login: Login, folder: str) -> str:
        requirements = tuple(self._spec.get("requirements") or ())
        python = str(self._spec.get("python") or "python3")
        started = self._source(login, "runner", lambda: runner(requirements))
        sweeper = self._source(login, "sweeper", runner)
        return batch.script(folder, self._sources, started, sweeper, python)

    # -- watching ----------------------------------------------------------------------------------

    def _watch(self, login: Login) -> None:
        """Ask the scheduler once for all jobs, read what they wrote, end what shall end."""
        if not self._tasks:
            return
        try:
            self._cancel_all(login)
            states = self._states(login)
            moved = False
            for task in list(self._tasks.values()):
                state, node = states.get(task.id, ("GONE", ""))
                if state == "PENDING" and task.job.why is None:
                    continue
                if node:
                    task.job.attempt.where = f"{self._name}/{node}"
                moved = self._look(login, task, state) or moved
            self._clean(login)
            self._away_since = 0.0
        except InfrastructureError as error:
            self._outage(error)
            moved = False
        hurried = any(task.job.why for task in self._tasks.values())
        self._pause = ASK_MIN if moved or hurried else min(ASK_MAX, self._pause * 1.2)

    def _states(self, login: Login) -> dict[str, tuple[str, str]]:
        names = ",".join(self._arrays)
        code, out, err = login.run(
            ["squeue", "-h", "-r", "-t", "all", "--name", names, "-o", "%i|%T|%N"]
        )
        if code:
            raise SchedulerAway(f"squeue: {first_line(err)}")
        self._worked = True
        rows = (line.split("|") for line in out.splitlines())
        return {row[0]: (row[1], row[2]) for row in rows if len(row) == 3}

    def _outage(self, error: InfrastructureError) -> None:
        if not self._is_waited_for(error):
            for task in list(self._tasks.values()):
                lost = problem("SchedulerLost", f"{self._name}: {error}", lost=True)
                self._tell(task, task.job.why or lost)

    def _is_waited_for(self, error: Exception) -> bool:
        """Whether a scheduler that is away is waited for; the user is told once."""
        now = time.monotonic()
        if not self._away_since:
            self._away_since = now
            self._context.note(f"{self._name}: {error}; waiting for it")
        return now - self._away_since <= OUTAGE_MAX and not self._closing

    def _look(self, login: Login, task: Task, state: str) -> bool:
        """Read what a job has written; whether it has said anything new."""
        data = login.read(f"{task.array.folder}/{task.index}.out", task.offset)
        task.offset += len(data)
        outcome = task.take(data)
        now = time.monotonic()
        if outcome is not None and task.job.why is None:
            self._tell(task, outcome)
        elif state not in LIVING:
            task.ended = task.ended or now
            code = login.read(f"{task.array.folder}/{task.index}.code").strip()
            if task.job.why is not None:
                self._tell(task, task.job.why)
            elif code or now - task.ended > LAG:
                self._tell(task, death(self._name, login, task, state, int(code or 0)))
        return bool(data)

    def _tell(self, task: Task, outcome: Outcome) -> None:
        del self._tasks[task.job.attempt]
        task.array.left -= 1
        task.array.told.append(task.index)
        task.job.end_lines()
        task.job.done(task.job.attempt, outcome)

    def _cancel_all(self, login: Login) -> None:
        """Ask for the end of what shall end; then insist."""
        now = time.monotonic()
        asked = [t for t in self._tasks.values() if t.job.why is not None and not t.asked]
        if asked:
            for task in asked:
                task.asked = now
            login.run(["scancel", *(task.id for task in asked)])
        for number, (after, word) in enumerate(INSIST):
            late = [
                task
                for task in self._tasks.values()
                if task.asked and task.insisted == number and now - task.asked > after
            ]
            for task in late:
                task.insisted = number + 1
            if late:
                ids = [task.id for task in late]
                login.run(["scancel", "--full", f"--signal={word}", *ids])

    def _clean(self, login: Login) -> None:
        """Remove the folders of arrays of which all has been told; mark what has been told."""
        awaited = {array.tag for array, _, _ in self._found.values()}
        for tag, array in list(self._arrays.items()):
            if array.left == 0 and tag not in awaited:
                del self._arrays[tag]
                login.remove(array.folder)
                self._context.release({"tag": tag})
            elif len(array.told) > array.noted:
                told = "\n".join(map(str, array.told))
                login.write(f"{array.folder}/told", told.encode())
                array.noted = len(array.told)
