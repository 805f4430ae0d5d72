"""``on: process``: nodes in worker processes of this machine that live on from node to node.

Workers are spawned, not forked: a fork of a process with threads is unsafe.
One thread (a `Reactor`) holds all their pipes.  There are as many as there are
processors; more come while nodes wait and none ends, up to ``limit``.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
import time
from collections import deque
from functools import partial
from typing import Any

from cloudmesh.flow.executors.command import cancelled, problem, timed_out
from cloudmesh.flow.executors.ending import Endings
from cloudmesh.flow.executors.output import Lines
from cloudmesh.flow.executors.protocol import Attempt, Done, Outcome
from cloudmesh.flow.executors.reactor import Reactor, Timer
from cloudmesh.flow.executors.tickets import Tickets
from cloudmesh.flow.executors.worker import dumps, frame, has_ended, unread

__all__ = ["ProcessExecutor"]

LIMIT = 64  # workers at once, where nothing else is said
STALL = 0.02  # seconds that nodes run, on average, before those that wait get more workers
AHEAD = 8  # short nodes that a worker is given at once
SHORT = 0.001  # seconds; a node that takes longer, on average, is given alone
STARTS = 3  # workers in a row that die before they are ready, and nobody waits any longer
READ_MAX = 1 << 18  # bytes read at once
_length = struct.Struct(">Q")

_PROGRAM = """\
import sys
sys.path[:] = {path!r}
from cloudmesh.flow.executors.worker import main
def loading():
    from cloudmesh.flow.language.pythonclass import loading
    return loading()
main({channel}, {tickets}, {life}, loading)
"""


class _Function:
    """A function as workers get to know it, once each."""

    __slots__ = ("frame", "function", "number")

    def __init__(self, number: int, attempt: Attempt) -> None:
        self.number = number
        self.function = attempt.function  # held, so that its id stays its own
        modules = _homes(attempt)
        if "__main__" in modules:
            sys.modules.setdefault("__mp_main__", sys.modules["__main__"])
        pickled = dumps(attempt.function)
        self.frame = frame(("function", number, modules, list(sys.path), pickled))


def _homes(attempt: Attempt) -> dict[str, str]:
    """The modules that a worker must load first, with their files: the flow's, the function's."""
    function: Any = attempt.function
    for _ in range(100):
        inner = getattr(function, "__wrapped__", None) or getattr(function, "func", None)
        if inner is None:
            break
        function = inner
    names = [getattr(function, "__module__", None) or ""]
    if attempt.task.code.file:
        wanted = os.path.abspath(attempt.task.code.file)
        loaded = list(sys.modules.items())
        names[:0] = [n for n, m in loaded if getattr(m, "__file__", None) == wanted][:1]
    files = {name: getattr(sys.modules.get(name), "__file__", None) for name in names}
    return {n: os.path.abspath(f) for n, f in files.items() if f and os.path.isfile(f)}


class _Job:
    """An attempt on its way."""

    __slots__ = ("attempt", "data", "done", "function", "timer", "why", "worker")

    def __init__(self, attempt: Attempt, done: Done, function: _Function, data: bytes) -> None:
        self.attempt, self.done, self.function, self.data = attempt, done, function, data
        self.timer: Timer | None = None
        self.why: Outcome | None = None  # why we end it ourselves
        self.worker: _Worker | None = None


class _Worker:
    """A worker process and what is on its pipes."""

    __slots__ = (
        "begun", "channel", "complaint", "exact", "full", "incoming", "jobs", "known", "life",
        "lines", "most", "outgoing", "pace", "process", "ready", "streams",
    )  # fmt: skip

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        channel: socket.socket,
        jobs: Tickets[_Job],
        life: int,
    ) -> None:
        self.process, self.channel, self.jobs, self.life = process, channel, jobs, life
        self.incoming = bytearray()
        self.outgoing: deque[memoryview] = deque()
        self.full = False  # whether the channel takes no more for the moment
        self.known: set[int] = set()
        self.streams: dict[int, str] = {}  # by file descriptor
        self.lines: dict[int, Lines] = {}  # of those that its node has printed to
        self.complaint = b""  # what it said on stderr while it ran no node
        self.ready = False
        self.begun = 0.0  # when its node was given to it, or could begin
        self.exact = False  # whether it waits with an answer until all was read
        self.pace = 1.0  # seconds that its nodes take, on average, the last ones most
        self.most = 1  # nodes that it can be given at once

    @property
    def job(self) -> _Job | None:
        """The attempt that it runs, or is about to."""
        return self.jobs.first


class ProcessExecutor:
    """Runs functions in worker processes; cheap until the first one."""

    slots: int | None = None

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._at_once = min(limit, os.cpu_count() or 1)
        self._reactor = Reactor("cloudmesh-flow workers")
        self._endings = Endings(self._reactor)
        self._functions: dict[int, _Function] = {}
        self._jobs: dict[Attempt, _Job] = {}
        self._waiting: deque[_Job] = deque()
        self._workers: set[_Worker] = set()
        self._idle: list[_Worker] = []
        self._watching = False
        self._minding = False  # whether those that were given ahead are looked after
        self._failed_starts = 0  # since a worker was ready
        self._closing = False

    def start(self, attempt: Attempt, done: Done) -> None:
        """Run a function; ``done`` is called in this executor's own thread."""
        attempt.where = "process"
        self._reactor.call(self._begin, attempt, done)

    def cancel(self, attempt: Attempt) -> None:
        """End the worker that runs the attempt, with all its children."""
        attempt.cancelled = True
        self._reactor.call(self._end, attempt, cancelled())

    def close(self) -> None:
        """End all workers; returns when nothing is left."""
        if self._reactor.running:
            self._reactor.call(self._close)
            self._reactor.join(5.0)
        self._closing = True

    # -- attempts, in the loop ---------------------------------------------------------------

    def _begin(self, attempt: Attempt, done: Done) -> None:
        if attempt.cancelled or self._closing:
            done(attempt, cancelled())
            return
        try:
            job = self._job(attempt, done)
        except Exception as error:
            done(attempt, _cannot_send(attempt, error))
            return
        self._jobs[attempt] = job
        self._waiting.append(job)
        self._dispatch()

    def _job(self, attempt: Attempt, done: Done) -> _Job:
        function = self._functions.get(id(attempt.function))
        if function is None:
            function = _Function(len(self._functions), attempt)
            self._functions[id(attempt.function)] = function
        task = attempt.task
        calculation = None
        if task.calculation is not None:
            arguments = [
                {"name": item.name, "literal": item.literal, "keyword": item.keyword}
                for item in task.calculation.arguments
            ]
            calculation = {"arguments": arguments}
        message = (
            "node", function.number, attempt.key, attempt.number, calculation, task.value_of,
            task.is_async, task.timeout is not None, dumps(dict(attempt.arguments)),
        )  # fmt: skip
        return _Job(attempt, done, function, frame(message))

    def _dispatch(self) -> None:
        if self._closing:
            return
        while self._waiting and self._idle:
            self._give(self._idle.pop(), self._waiting.popleft())
        if self._waiting:
            self._give_ahead()
        if self._waiting:
            self._grow()

    def _give_ahead(self) -> None:
        """Let workers that are busy with short nodes have more of them."""
        short = [w for w in self._workers if w.ready and w.jobs.count and w.pace < SHORT]
        for worker in short:
            share = min(worker.most, 1 + len(self._waiting) // len(short))
            while self._waiting and worker.jobs.count < share:
                self._add(worker, self._waiting.popleft())
            self._push(worker)
        if short and not self._minding:
            self._minding = True
            self._reactor.later(STALL, self._mind)

    def _mind(self) -> None:
        """Who waits behind a node that turns out to be long is taken back."""
        now = time.monotonic()
        several = [worker for worker in self._workers if worker.jobs.count > 1]
        for worker in several:
            if now - worker.begun > STALL:
                worker.pace = STALL
                self._take_back(worker)
        self._minding = bool(several)
        if several:
            self._reactor.later(STALL, self._mind)
            self._dispatch()

    def _take_back(self, worker: _Worker) -> list[_Job]:
        """Let the jobs that a worker has not begun wait again, before all others."""
        taken = worker.jobs.take_back()
        for job in taken:
            job.worker = None
        self._waiting.extendleft(reversed(taken))
        if taken and worker.most and not worker.jobs.count:  # it had not begun any of them
            self._idle.append(worker)
        return taken

    def _give(self, worker: _Worker, job: _Job) -> None:
        self._add(worker, job)
        self._push(worker)

    def _add(self, worker: _Worker, job: _Job) -> None:
        if not worker.jobs.count:
            worker.begun = time.monotonic()
        job.worker = worker
        worker.jobs.give(job)
        if job.function.number not in worker.known:
            worker.known.add(job.function.number)
            worker.outgoing.append(memoryview(job.function.frame))
        worker.outgoing.append(memoryview(job.data))

    def _end(self, attempt: Attempt, why: Outcome) -> None:
        job = self._jobs.get(attempt)
        if job is None or job.why is not None:
            return
        if job.worker is not None:
            self._leave_one(job.worker)
        if attempt in self._jobs:  # else its own answer had come
            job.why = why
            self._reactor.take_back(job.timer)
            if job.worker is None:
                self._waiting.remove(job)
                self._tell(job, why)
            else:
                self._end_worker(job.worker)
        self._dispatch()

    def _leave_one(self, worker: _Worker) -> None:
        """Let a worker have no job but the one that it runs.

        Of several that it has begun all but the last have been answered, and
        their answers are here, unread: who ends the worker for one of those
        would end the last one, which is another's.
        """
        most, worker.most = worker.most, 0  # it is given nothing meanwhile
        self._take_back(worker)
        while worker.jobs.count > 1 and self._receive(worker):
            pass
        worker.most = most
        if most and not worker.jobs.count and worker not in self._idle:
            self._idle.append(worker)

    def _tell(self, job: _Job, outcome: Outcome) -> None:
        del self._jobs[job.attempt]
        self._reactor.take_back(job.timer)
        job.done(job.attempt, outcome)

    # -- workers -----------------------------------------------------------------------------

    def _grow(self) -> None:
        """Start workers for what waits: at once up to the processors, then as nodes take long."""
        if len(self._workers) < self._at_once:
            starting = sum(not worker.ready for worker in self._workers)
            while starting < len(self._waiting) and len(self._workers) < self._at_once:
                self._spawn()
                starting += 1
        if not self._watching and len(self._workers) < self._limit:
            self._watching = True
            self._reactor.later(STALL, self._unstall)

    def _unstall(self) -> None:
        self._watching = False
        starting = sum(not worker.ready for worker in self._workers)
        if self._waiting and not starting and self._age() >= STALL:
            room = self._limit - len(self._workers)
            for _ in range(min(len(self._waiting), max(1, len(self._workers)), room)):
                self._spawn()
        if self._waiting and not self._closing:
            self._grow()

    def _age(self) -> float:
        """For how long the nodes that run now have run, on average."""
        begun = [worker.begun for worker in self._workers if worker.job is not None]
        return time.monotonic() - sum(begun) / len(begun) if begun else STALL

    def _spawn(self) -> None:
        ours, theirs = socket.socketpair()
        life_read, life_write = os.pipe()
        jobs: Tickets[_Job] = Tickets()
        program = _PROGRAM.format(
            path=sys.path, channel=theirs.fileno(), tickets=jobs.theirs, life=life_read
        )
        try:
            process = subprocess.Popen(
                [sys.executable, "-c", program],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                pass_fds=(theirs.fileno(), jobs.theirs, life_read),
                start_new_session=True,
            )
        except OSError as error:
            os.close(life_write)
            jobs.close()
            ours.close()
            self._fail_waiting(f"a worker process cannot be started: {error}")
            return
        finally:
            theirs.close()
            os.close(life_read)
        ours.setblocking(False)
        worker = _Worker(process, ours, jobs, life_write)
        self._workers.add(worker)
        for pipe, stream in ((process.stdout, "out"), (process.stderr, "err")):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            worker.streams[pipe.fileno()] = stream
            self._reactor.watch(pipe.fileno(), partial(self._read_text, worker, pipe.fileno()))
        self._reactor.watch(ours.fileno(), partial(self._traffic, worker))

    def _fail_waiting(self, message: str) -> None:
        """Nothing can be run: say so to those who wait, unless others still take them."""
        if any(worker.ready for worker in self._workers):
            return
        while self._waiting:
            self._tell(self._waiting.popleft(), problem("WorkerLost", message, lost=True))

    def _push(self, worker: _Worker) -> None:
        """Write what the socket takes; the rest when it can be written again."""
        outgoing = worker.outgoing
        while outgoing:
            try:
                sent = worker.channel.sendmsg([outgoing[i] for i in range(min(len(outgoing), 64))])
            except BlockingIOError:
                self._mark_full(worker, True)
                return
            except OSError:  # it died; its end is read from the same socket
                outgoing.clear()
                return
            while sent:
                length = len(outgoing[0])
                if sent < length:
                    outgoing[0] = outgoing[0][sent:]
                    break
                sent -= length
                outgoing.popleft()
        self._mark_full(worker, False)

    def _mark_full(self, worker: _Worker, full: bool) -> None:
        if worker.full != full:
            worker.full = full
            self._reactor.watch_writing(
                worker.channel.fileno(), full, partial(self._traffic, worker)
            )

    def _traffic(self, worker: _Worker) -> None:
        if worker.outgoing:
            self._push(worker)
        if self._receive(worker) is False:
            self._reactor.unwatch(worker.channel.fileno())
            self._end_worker(worker)

    def _receive(self, worker: _Worker) -> bool | None:
        """Take what has come; None where nothing has, False where nothing ever will."""
        try:
            data = worker.channel.recv(READ_MAX)
        except BlockingIOError:
            return None
        except OSError:
            data = b""
        worker.incoming += data
        while len(worker.incoming) >= 8:
            length = _length.unpack_from(worker.incoming)[0] + 8
            if len(worker.incoming) < length:
                break
            message = pickle.loads(memoryview(worker.incoming)[8:length].tobytes())
            del worker.incoming[:length]
            self._take(worker, *message)
        return bool(data)

    def _take(self, worker: _Worker, kind: str, *rest: Any) -> None:
        job = worker.job
        if kind == "ready":
            worker.ready = True
            worker.exact = rest[0]
            worker.most = AHEAD if worker.exact else 1
            self._failed_starts = 0
            self._rest(worker)
        elif job is None or job.why is not None:
            return  # a late word of something that is being ended
        elif kind == "started":
            timeout = job.attempt.task.timeout
            if timeout is not None:
                job.timer = self._reactor.later(
                    timeout, partial(self._end, job.attempt, timed_out(job.attempt))
                )
        elif kind == "progress":
            job.attempt.progress(*rest)
        else:
            if worker.exact:
                self._end_lines(worker)
            else:
                self._drain(worker)
            now = time.monotonic()
            worker.pace += (now - worker.begun - worker.pace) / 4
            worker.begun = now
            worker.jobs.answered()
            self._rest(worker)  # it goes on while the engine records this end
            self._tell(job, _outcome(rest[0]))

    def _rest(self, worker: _Worker) -> None:
        if not worker.jobs.count and worker.most:
            self._idle.append(worker)
        self._dispatch()

    # -- what it prints ------------------------------------------------------------------------

    def _read_text(self, worker: _Worker, fd: int) -> bool:
        """Take what there is; whether there may be more at once.

        A worker answers only when all that its node printed was read.  So from the
        moment in which something is unread, the node that printed it is the first
        that has no answer, once the answers that have come are taken.
        """
        if worker.exact:
            if not unread((fd,)):
                if has_ended(fd):
                    self._reactor.unwatch(fd)
                return False
            self._receive(worker)
        try:
            data = os.read(fd, READ_MAX)
        except BlockingIOError:
            return False
        if not data:
            self._reactor.unwatch(fd)
            return False
        job = worker.job
        if job is None:
            worker.complaint = (worker.complaint + data)[-2000:]
            return True
        if fd not in worker.lines:
            worker.lines[fd] = Lines(job.attempt, worker.streams[fd])
        worker.lines[fd].feed(data)
        return True

    def _drain(self, worker: _Worker) -> None:
        """All that was printed before the result: it is in the pipes already."""
        for fd in worker.streams:
            while self._read_text(worker, fd):
                pass
        self._end_lines(worker)

    def _end_lines(self, worker: _Worker) -> None:
        for lines in worker.lines.values():
            lines.end()
        worker.lines.clear()

    # -- ends ----------------------------------------------------------------------------------

    def _end_worker(self, worker: _Worker) -> None:
        """End a worker with all its children, also where it died by itself."""
        worker.most = 0
        if worker in self._idle:
            self._idle.remove(worker)
        key = worker.job.attempt.key if worker.job else ""
        self._endings.end(worker.process.pid, key, partial(self._gone, worker))

    def _gone(self, worker: _Worker) -> None:
        if worker not in self._workers:
            return  # buried while it was ending
        while self._receive(worker):
            pass
        self._drain(worker)
        taken = self._take_back(worker)
        job = worker.job
        code = self._bury(worker)
        if job is None and taken:  # it died of what it was about to begin, or of loading it
            self._waiting.remove(taken[0])
            job = taken[0]
        if job is not None:
            self._tell(job, job.why or _death(code))
        elif not worker.ready and self._stillborn():
            said = worker.complaint.decode("utf-8", "replace").strip().split("\n")[-1]
            self._fail_waiting(f"a worker process did not start: {said or f'exit code {code}'}")
        if self._closing and not self._workers:
            self._reactor.stop()
        self._dispatch()

    def _stillborn(self) -> bool:
        """A worker died before it was ready; whether that has happened too often by now."""
        self._failed_starts += 1
        return self._failed_starts >= STARTS

    def _bury(self, worker: _Worker) -> int:
        """Reap it and close its pipes; its exit code."""
        self._workers.discard(worker)
        self._reactor.unwatch(worker.channel.fileno())
        worker.channel.close()
        worker.jobs.close()
        os.close(worker.life)
        for pipe in (worker.process.stdout, worker.process.stderr):
            if pipe is not None:
                self._reactor.unwatch(pipe.fileno())
                pipe.close()
        try:
            return worker.process.wait(0.5)
        except subprocess.TimeoutExpired:
            return -signal.SIGKILL

    def _close(self) -> None:
        self._closing = True
        for attempt in list(self._jobs):
            self._end(attempt, cancelled())
        for worker in list(self._workers):
            if worker.job is None:
                if worker in self._idle:
                    self._idle.remove(worker)
                with contextlib.suppress(OSError):
                    os.killpg(worker.process.pid, signal.SIGKILL)
                self._bury(worker)
        if not self._workers:
            self._reactor.stop()


def _outcome(plain: tuple[Any, ...]) -> Outcome:
    if plain[0] != "finished":
        return Outcome(*plain)
    try:
        return Outcome(plain[0], pickle.loads(plain[1]), *plain[2:])
    except Exception as error:
        message = f"the value that came back cannot be read: {type(error).__name__}: {error}"
        return problem(type(error).__name__, message)


def _death(code: int) -> Outcome:
    """The outcome of a node whose worker died under it."""
    if code >= 0:
        message = f"the worker process ended itself with exit code {code}"
        return problem("WorkerLost", message, code or None, lost=True)
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return problem("WorkerLost", f"the worker process was ended by {name}", 128 - code, lost=True)


def _cannot_send(attempt: Attempt, error: Exception) -> Outcome:
    for name, value in attempt.arguments.items():
        try:
            dumps(value)
        except Exception as why:
            message = f"the value of {name!r} cannot be sent to a worker process: {why}"
            return problem(type(why).__name__, message)
    return problem(
        type(error).__name__, f"the function cannot be sent to a worker process: {error}"
    )
