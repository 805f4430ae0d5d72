"""``kind: ssh``: commands and functions on other hosts.

One connection a host (a further one where its channels are used up), over which
runners live that take one node after another: a warm node costs a round trip.
Everything here happens on one event loop, in a thread of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.errors import InfrastructureError
from cloudmesh.flow.executors.command import cancelled, problem, refuse
from cloudmesh.flow.executors.far import END_WAIT, FarWorker, Gone, Job, Programs, Unready
from cloudmesh.flow.executors.protocol import Attempt, Done, Outcome
from cloudmesh.flow.executors.sending import started_by

if TYPE_CHECKING:
    from cloudmesh.flow.executors.table import Context

__all__ = [
    "Host",
    "SshExecutor",
    "Unreachable",
    "check",
    "connect",
    "make",
    "ssh_hosts",
    "trouble",
]

Note = Callable[[str], None]  # tells the user one line

SLOTS = 8  # nodes at once on all hosts of an entry, where nothing else is said
CHANNELS = 8  # channels on a connection: sshd takes 10 by default (MaxSessions)
CONNECT_TIMEOUT = 15.0  # seconds
START_TIMEOUT = 60.0  # seconds for a Python to start there
DOWN = 30.0  # seconds for which a host that could not be reached is left alone
BEAT = 10.0  # seconds between two signs of life to each runner
SWEEP_WAIT = 30.0  # seconds for another runner to end what one has left
LOST_WAIT = 5.0  # the same, with a new connection in place of one that was lost
TRIES = 5  # how often a node that did not start is given to another runner


@dataclass(frozen=True)
class Host:
    """A host and how it is reached; ``options`` go to `asyncssh.connect` as they are."""

    name: str
    user: str = ""
    port: int = 0
    identity: str = ""
    jump: str = ""
    python: str = "python3"
    options: Mapping[str, Any] = field(default_factory=dict)
    requirements: tuple[str, ...] = ()  # what its Python must have, as pip reads it
    where: str = ""  # what users see as the place where a node runs; else the name
    here: bool = False  # it is this machine, and is reached without SSH

    @property
    def place(self) -> str:
        return self.where or self.name


def ssh_hosts(spec: Mapping[str, Any]) -> list[Host]:
    """The hosts of a ``kind: ssh`` entry of the configuration."""
    names = spec.get("hosts") or [spec["host"]]
    options: dict[str, Any] = {}
    if spec.get("known_hosts"):
        options["known_hosts"] = str(Path(spec["known_hosts"]).expanduser())
    if spec.get("config"):
        options["config"] = [str(Path(spec["config"]).expanduser())]
    hosts = []
    for text in names:
        user, _, name = str(text).rpartition("@")
        hosts.append(
            Host(
                name=name,
                user=user or str(spec.get("user") or ""),
                port=int(spec.get("port") or 0),
                identity=str(spec.get("identity") or spec.get("key") or ""),
                jump=str(spec.get("jump") or ""),
                python=str(spec.get("python") or "python3"),
                requirements=tuple(spec.get("requirements") or ()),
                options=options,
            )
        )
    return hosts


def make(name: str, spec: Mapping[str, Any], context: Context) -> SshExecutor:
    """The executor of an entry."""
    return SshExecutor(ssh_hosts(spec), int(spec.get("slots") or SLOTS), context.note)


def check(name: str, spec: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Connect to each host and start a runner there."""
    return SshExecutor(ssh_hosts(spec)).check()


class Unreachable(InfrastructureError):
    """A host cannot be used; ``passing``: it may be later, or another host may do."""

    def __init__(self, message: str, kind: str, passing: bool) -> None:
        super().__init__(message)
        self.kind = kind
        self.passing = passing


async def connect(host: Host) -> Any:
    """A connection to a host.  Raises `Unreachable`."""
    if host.here:
        from cloudmesh.flow.executors.beside import Connection

        return Connection()
    import asyncssh

    options: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT,
        "login_timeout": 2 * CONNECT_TIMEOUT,
        "keepalive_interval": 10,
        "keepalive_count_max": 3,
        **host.options,
    }
    if host.user:
        options["username"] = host.user
    if host.port:
        options["port"] = host.port
    if host.identity:
        options["client_keys"] = [str(Path(host.identity).expanduser())]
    if host.jump:
        options["tunnel"] = host.jump
    try:
        return await asyncssh.connect(host.name, **options)
    except Exception as error:
        raise trouble(host, error) from None


def trouble(host: Host, error: Exception) -> Unreachable:
    """What went wrong with a host and what a user can do about it, in one line."""
    import asyncssh

    name = host.place
    if isinstance(error, asyncssh.ChannelOpenError):
        return Unreachable(f"{name}: takes no more sessions", "Busy", True)
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        message = (
            f"{name}: its host key is not the one in known_hosts, or is not there; "
            f"compare it, then log in once with ssh {name}"
        )
        return Unreachable(message, "HostKeyError", False)
    if isinstance(error, asyncssh.PermissionDenied):
        message = f"{name}: the login was refused; check user and key (ssh {name} must work)"
        return Unreachable(message, "LoginRefused", False)
    if isinstance(error, (asyncssh.KeyImportError, FileNotFoundError)):
        return Unreachable(f"{name}: the key cannot be read: {error}", "KeyError", False)
    if isinstance(error, (TimeoutError, asyncio.TimeoutError)):
        return Unreachable(f"{name}: no answer", "Unreachable", True)
    text = " ".join(str(error).split()) or type(error).__name__
    return Unreachable(f"{name}: cannot be reached: {text}", "Unreachable", True)


class Link:
    """A connection, with the number of channels on it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.channels = 0
        self.most = CHANNELS


class Station:
    """A host in use: its connections, and the runners on it."""

    def __init__(self, host: Host, programs: Programs, note: Note) -> None:
        self.host = host
        self._note: Note | None = note  # until the user knows
        self.busy = 0
        self.down_until = 0.0
        self.idle: list[FarWorker] = []
        self.workers: dict[FarWorker, Link] = {}
        self._links: list[Link] = []
        self._programs = programs
        self._connecting = asyncio.Lock()

    async def worker(self) -> FarWorker:
        """An idle runner, or a new one.  Raises `Unreachable`."""
        if self.idle:
            return self.idle.pop()
        process, link = await self._process()
        worker = FarWorker(process, self._programs)
        self.workers[worker] = link
        try:
            await worker.open(START_TIMEOUT, self.host.requirements, self._tell_making)
        except (Gone, TimeoutError):
            raise await self._no_start(worker) from None
        except Unready as error:
            await self.farewell(worker)
            self.down_until = time.monotonic() + DOWN  # another host may do
            message = f"{self.host.place}: {error}"
            raise Unreachable(message, "RequirementsFailed", True) from None
        return worker

    def _tell_making(self) -> None:
        if self._note is not None:
            self._note(f"{self.host.place}: making an environment there, with what is required")
            self._note = None

    async def _process(self) -> tuple[Any, Link]:
        """A started Python, on a connection that may have to be made anew."""
        for fresh in (False, True):
            link = await self._link()
            try:
                process = await link.connection.create_process(
                    started_by(self.host.python), encoding=None, stdin=-1, stdout=-1, stderr=-1
                )
            except Exception as error:
                link.channels -= 1
                if not link.connection.is_closed():  # this host takes fewer channels than others
                    link.most = max(1, link.channels)
                    raise self._trouble(error) from None
                self._drop(link)
                if fresh:
                    raise self._trouble(error) from None
            else:
                return process, link
        raise AssertionError

    def keep(self, starting: asyncio.Task[FarWorker]) -> None:
        """A runner that was started for an attempt which is over: for another one."""
        if not starting.cancelled() and starting.exception() is None:
            self.idle.append(starting.result())

    async def _no_start(self, worker: FarWorker) -> Unreachable:
        """Why a runner did not come up."""
        code = await self.farewell(worker)
        said = ""
        with contextlib.suppress(Exception):
            said = (await asyncio.wait_for(worker.process.stderr.read(4000), 1.0)).decode(
                "utf-8", "replace"
            )
        last = next((x.strip() for x in reversed(said.split("\n")) if x.strip()), "")
        name, python = self.host.place, self.host.python
        if code == 127 or "not found" in last:
            message = f"{name}: there is no {python} there; name one with python: in its entry"
            return Unreachable(message, "NoPython", False)
        if code is None:
            return Unreachable(f"{name}: the connection was lost", "ConnectionLost", True)
        if code < 0:
            return Unreachable(f"{name}: {python} was ended there", "WorkerLost", True)
        message = f"{name}: {python} does not start there: {last or f'exit code {code}'}"
        return Unreachable(message, "NoPython", False)

    async def _link(self) -> Link:
        """A connection with a free channel, which is taken."""
        async with self._connecting:
            for link in self._links:
                if link.channels < link.most:
                    link.channels += 1
                    return link
            link = Link(await self._connect())
            link.channels = 1
            self._links.append(link)
            return link

    async def _connect(self) -> Any:
        try:
            return await connect(self.host)
        except Unreachable as error:
            if error.passing:
                self.down_until = time.monotonic() + DOWN
            raise

    def _trouble(self, error: Exception) -> Unreachable:
        found = trouble(self.host, error)
        if found.kind == "Unreachable":
            self.down_until = time.monotonic() + DOWN
        return found

    async def farewell(self, worker: FarWorker) -> int | None:
        """A runner has ended, or shall: its exit code, -N for a signal, None for a lost connection.

        Closes its channel in any case: after END_WAIT the far side ends by itself.
        """
        link = self.workers.pop(worker, None)
        process = worker.process
        with contextlib.suppress(Exception):
            await asyncio.wait_for(process.channel.wait_closed(), END_WAIT)
        status, name = process.exit_status, process.exit_signal
        with contextlib.suppress(Exception):
            process.channel.abort()
        if link is not None:
            link.channels -= 1
            if link.connection.is_closed():
                self._drop(link)
                self.idle = [w for w in self.idle if self.workers.get(w) is not link]
        if name:
            number = getattr(signal, f"SIG{name[0]}", signal.SIGKILL)
            return -int(number)
        return None if status is None or status < 0 else int(status)

    def _drop(self, link: Link) -> None:
        if link in self._links:
            self._links.remove(link)
        link.connection.abort()

    async def close(self) -> None:
        """End all runners, then the connections."""
        for worker in list(self.workers):
            worker.end()
        await asyncio.gather(*(self.farewell(worker) for worker in list(self.workers)))
        for link in self._links:
            link.connection.close()
        for link in self._links:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(link.connection.wait_closed(), 1.0)


class SshExecutor:
    """Runs commands and functions on hosts; connects at the first attempt."""

    def __init__(
        self, hosts: Sequence[Host], slots: int = SLOTS, note: Note = lambda text: None
    ) -> None:
        self.slots: int | None = slots
        self._note = note
        self._most = slots
        self._hosts = hosts
        self._stations: list[Station] = []
        self._jobs: dict[Attempt, Job] = {}
        self._waiting: deque[Job] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._programs = Programs()
        self._closed = False  # set under the lock, by anybody
        self._closing = False  # set in the loop

    def start(self, attempt: Attempt, done: Done) -> None:
        """Run an attempt on the host with least to do; ``done`` is called in the loop's thread."""
        attempt.where = self._hosts[0].place
        if not self._ask(self._begin, Job(attempt, done)):
            refuse(attempt, done)

    def cancel(self, attempt: Attempt) -> None:
        """End an attempt with all that it started there."""
        attempt.cancelled = True
        self._ask(self._end, attempt)

    def close(self) -> None:
        """End what still runs and close the connections."""
        with self._lock:
            loop, thread = self._loop, self._thread
            already, self._closed = self._closed, True
        if loop is None or thread is None:
            return
        if not already:
            asyncio.run_coroutine_threadsafe(self._close(), loop)
        if threading.current_thread() is not thread:
            thread.join(15.0)

    def check(self) -> list[tuple[str, str]]:
        """Connect to each host and start a runner: pairs of a host and what is wrong ("")."""
        return asyncio.run(self._check())

    # -- in the loop -------------------------------------------------------------------------

    def _ask(self, function: Callable[..., object], *arguments: Any) -> bool:
        """Have something called in the loop, which begins with the first call; not once closed."""
        with self._lock:
            if self._closed:
                return False
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="cloudmesh-flow ssh", daemon=True
                )
                self._thread.start()
                self._loop.call_soon_threadsafe(self._open)
            self._loop.call_soon_threadsafe(function, *arguments)
            return True

    def _open(self) -> None:
        self._stations = [Station(host, self._programs, self._note) for host in self._hosts]
        self._spawn(self._beat())

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            for station in self._stations:
                for worker in station.workers:
                    worker.beat()

    def _begin(self, job: Job) -> None:
        if job.attempt.cancelled or self._closing:
            job.done(job.attempt, cancelled())
            return
        self._jobs[job.attempt] = job
        self._waiting.append(job)
        self._dispatch()

    def _dispatch(self) -> None:
        while self._waiting:
            station = self._roomiest()
            if station is None:
                return
            station.busy += 1
            job = self._waiting.popleft()
            job.task = self._spawn(self._run(job, station))

    def _roomiest(self) -> Station | None:
        """The station with least to do, while there are slots; one that is down only if all are."""
        if sum(s.busy for s in self._stations) >= self._most:
            return None
        now = time.monotonic()
        up = [s for s in self._stations if s.down_until <= now] or self._stations
        return min(up, key=lambda s: (s.busy, -len(s.idle)))

    async def _run(self, job: Job, station: Station) -> None:
        outcome: Outcome | None
        try:
            outcome = await self._attempt(job, station)
        except Unreachable as error:
            job.tries += 1
            others = any(s.down_until <= time.monotonic() for s in self._stations)
            again = error.passing and others and job.why is None and job.tries < TRIES
            outcome = None if again else problem(error.kind, str(error), lost=error.passing)
        except asyncio.CancelledError:  # ended while there was no connection yet
            outcome = job.why or cancelled()
        except Exception as error:
            outcome = problem(type(error).__name__, f"{station.host.place}: {error}", lost=True)
        station.busy -= 1
        if outcome is None:
            self._waiting.appendleft(job)
        else:
            del self._jobs[job.attempt]
            job.done(job.attempt, job.why or outcome)
        self._dispatch()

    async def _attempt(self, job: Job, station: Station) -> Outcome:
        """Run a job on a host; an idle runner that turns out to be gone is replaced."""
        for _ in range(TRIES):
            worker = await self._worker(station)
            if job.why is not None:
                station.idle.append(worker)
                return job.why
            job.worker, job.attempt.where = worker, station.host.place
            try:
                outcome = await worker.run(job)
            except Gone:
                code = await station.farewell(worker)
                if job.started and (job.why is None or code != 0):
                    await self._sweep(station, worker.signature, job.attempt.key, code)
                if job.why is not None:
                    return job.why
                if job.started:
                    return _death(station.host.place, code)
                continue
            finally:
                job.worker = None
            station.idle.append(worker)
            return outcome
        return problem("WorkerLost", f"{station.host.place}: runners die at once", lost=True)

    async def _sweep(self, station: Station, of: str, key: str, code: int | None) -> None:
        """A runner did not end as it should: another one ends what it left of a node.

        Before the node's end is told, as it may run again then. Where the connection was
        lost (no ``code``) there may be no other; then the far side ends it by itself.
        """
        with contextlib.suppress(Unreachable, TimeoutError):
            async with asyncio.timeout(LOST_WAIT if code is None else SWEEP_WAIT):
                for _ in range(TRIES):
                    worker = await self._worker(station)
                    try:
                        await worker.sweep(key, of)
                    except Gone:  # it was idle on the connection that is lost
                        await station.farewell(worker)
                    else:
                        station.idle.append(worker)
                        return

    async def _worker(self, station: Station) -> FarWorker:
        starting = asyncio.get_running_loop().create_task(station.worker())
        try:
            # Never cut in the middle of a start: a channel would be left that nobody counts.
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            starting.add_done_callback(station.keep)
            raise

    def _end(self, attempt: Attempt) -> None:
        job = self._jobs.get(attempt)
        if job is None or job.why is not None:
            return
        job.why = cancelled()
        if job.worker is not None:
            job.worker.end()
        elif job in self._waiting:
            self._waiting.remove(job)
            del self._jobs[attempt]
            job.done(attempt, job.why)
        elif job.task is not None and not job.started:  # else its end is being seen to
            job.task.cancel()

    async def _close(self) -> None:
        self._closing = True
        for attempt in list(self._jobs):
            self._end(attempt)
        running = [job.task for job in self._jobs.values() if job.task is not None]
        if running:
            await asyncio.wait(running, timeout=2 * END_WAIT)
        await asyncio.gather(*(station.close() for station in self._stations))
        for task in self._tasks:
            task.cancel()
        loop = asyncio.get_running_loop()
        await loop.shutdown_default_executor()
        loop.call_soon(loop.stop)

    async def _check(self) -> list[tuple[str, str]]:
        async def one(host: Host) -> tuple[str, str]:
            station = Station(host, self._programs, self._note)
            try:
                await station.worker()
            except Unreachable as error:
                return host.place, str(error)
            finally:
                await station.close()
            return host.place, ""

        return list(await asyncio.gather(*(one(host) for host in self._hosts)))


def _death(host: str, code: int | None) -> Outcome:
    """The outcome of a node whose runner died under it."""
    if code is None:
        return problem("ConnectionLost", f"{host}: the connection was lost", lost=True)
    if code >= 0:
        message = f"{host}: the node ended its process with exit code {code}"
        return problem("WorkerLost", message, code or None, lost=True)
    message = f"{host}: the node's process was ended by {signal.Signals(-code).name}"
    return problem("WorkerLost", message, 128 - code, lost=True)
