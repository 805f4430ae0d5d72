"""``kind: dask``: nodes on the workers of a Dask cluster, one that is there or one of our own.

Keys, retries and timeouts are ours: a node goes to one worker once, and a
worker that dies costs an attempt.  Beside each worker live runners, as on a
host over SSH, so that a node can be ended and what it prints is its own.
"""

from __future__ import annotations

import contextlib
import pickle
import signal
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.errors import InfrastructureError, InputError
from cloudmesh.flow.executors import carrier
from cloudmesh.flow.executors.command import cancelled, problem, refuse, timed_out
from cloudmesh.flow.executors.daskcluster import CONNECT_TIMEOUT, Cluster, faults_of_jobs
from cloudmesh.flow.executors.far import Job, Programs, outcome_of, request
from cloudmesh.flow.executors.protocol import Attempt, Done, Outcome
from cloudmesh.flow.executors.sending import BOOT, runner

if TYPE_CHECKING:
    from cloudmesh.flow.executors.table import Context

__all__ = ["DaskExecutor", "check", "make"]

SLOTS = 1000  # nodes at once, where nothing else is said
FETCH_MAX = 100  # results that are fetched at once
ONE_TIMEOUT = 2.0  # seconds for one result, where not all of many came
PAUSE = 10.0  # seconds for which a scheduler that did not answer is not asked again
LAG = 5.0  # seconds for which output may still be on its way when its node has ended
END_WAIT = 15.0  # seconds, at the end, for nodes to be ended on their workers

Given = tuple[dict[str, Any] | None, bytes, int, list[dict[str, Any]]]  # see `carrier.carry`


def make(name: str, spec: Mapping[str, Any], context: Context) -> DaskExecutor:
    """The executor of an entry.  Raises `InputError` for words that it does not know."""
    wrong = faults_of_jobs(spec)
    if wrong:
        raise InputError(f"{name}: {wrong}")
    return DaskExecutor(name, spec, context)


def check(name: str, spec: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Connect to the cluster and count its workers."""
    wrong = faults_of_jobs(spec)
    if wrong:
        return [("slurm", wrong)]
    cluster = Cluster(name, spec)
    try:
        client = cluster.connect()
        client.wait_for_workers(1, timeout=CONNECT_TIMEOUT)
        client.close()
    except InfrastructureError as error:
        return [("scheduler", str(error))]
    except TimeoutError:
        return [("scheduler", ""), ("workers", "no worker has come")]
    finally:
        cluster.close()
    return [("scheduler", ""), ("workers", "")]


class _Ride:
    """An attempt on the cluster."""

    __slots__ = ("awaited", "future", "job", "name", "seen", "worker")

    def __init__(self, job: Job, name: str) -> None:
        self.job, self.name = job, name
        self.future: Any = None
        self.worker = ""  # the address of the one that began it
        self.seen = 0  # frames that have come
        self.awaited = 0  # frames that must have come before its end is told; 0: not known yet


class DaskExecutor:
    """Submits attempts from a thread of its own; what they say comes in the client's."""

    def __init__(self, name: str, spec: Mapping[str, Any], context: Context) -> None:
        self.slots: int | None = int(spec.get("slots") or SLOTS)
        self._name, self._context = name, context
        self._cluster = Cluster(name, spec, context)
        self._lock = threading.Lock()
        self._rides: dict[Attempt, _Ride] = {}
        self._named: dict[str, _Ride] = {}
        self._asked: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._arrived: list[_Ride] = []  # whose result is there
        self._late: dict[_Ride, tuple[float, Given]] = {}  # whose output is not; until when
        self._unwanted: list[tuple[Attempt, Outcome]] = []  # that shall end, and why
        self._enders: set[threading.Thread] = set()
        self._client: Any = None
        self._away: tuple[float, str] = (0.0, "")  # when a scheduler did not answer, and why
        self._programs = Programs()
        self._there: dict[str | int, Any] = {}  # what the workers have, programs by number
        self._topic = f"cloudmesh-flow-{time.time_ns():x}"

    def start(self, attempt: Attempt, done: Done) -> None:
        """Submit an attempt; ``done`` is called in a thread of the client."""
        attempt.where = self._name
        with self._lock:
            if not self._closing:
                self._ask(lambda: self._submit(Job(attempt, done)))
                return
        refuse(attempt, done)

    def cancel(self, attempt: Attempt) -> None:
        """End an attempt on its worker, with all that it started."""
        attempt.cancelled = True
        with self._lock:
            self._want_end(attempt, cancelled())

    def close(self) -> None:
        """End what still runs, then the client and a cluster of our own."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
            thread = self._thread
            self._asked.put(self._close)
            self._asked.put(None)
        if thread is not None and thread is not threading.current_thread():
            thread.join(30.0)

    def _ask(self, function: Callable[[], None]) -> None:
        """Have something called in our thread; the lock is held."""
        self._asked.put(function)
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, name=f"cloudmesh-flow {self._name}", daemon=True
            )
            self._thread.start()

    def _want_end(self, attempt: Attempt, why: Outcome) -> None:
        """Have an attempt ended, with all others that shall be; the lock is held."""
        self._unwanted.append((attempt, why))
        if len(self._unwanted) == 1:
            self._ask(self._end_unwanted)

    # -- in our thread --------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            try:
                function = self._asked.get(timeout=self._patience())
            except Empty:
                self._complete(self._overdue())
                continue
            if function is None:
                return
            function()

    def _patience(self) -> float | None:
        """For how long nothing is due but what is asked."""
        if not self._late:
            return None
        return max(0.0, min(until for until, _ in self._late.values()) - time.monotonic())

    def _overdue(self) -> list[_Ride]:
        now = time.monotonic()
        return [ride for ride, (until, _) in self._late.items() if until <= now]

    def _submit(self, job: Job) -> None:
        attempt = job.attempt
        if attempt.cancelled or self._closing:
            job.done(attempt, cancelled())
            return
        try:
            client = self._connected()
            from dask.utils import apply  # where it is not installed, the line above says so

            number, asked = request(attempt, self._programs)
            there = (
                self._shared(client, "carry", _carry),
                self._shared(client, "runner", runner),
                number if number is None else self._shared(client, number, self._frame(number)),
            )
        except InfrastructureError as error:
            job.done(attempt, problem("Unreachable", str(error), lost=True))
            return
        except Exception as error:
            message = f"the node cannot be sent: {error}"
            job.done(attempt, problem(type(error).__name__, message))
            return
        name = f"cmflow/{attempt.key}/{attempt.number}"
        ride = _Ride(job, name)
        with self._lock:
            self._rides[attempt] = self._named[name] = ride
        carry, sources, program = there
        given = [name, self._topic, BOOT, sources, number, program, asked]
        key = f"{name}-{self._topic}"
        try:
            ride.future = client.submit(apply, carry, given, key=key, pure=False, retries=0)
            ride.future.add_done_callback(lambda _: self._came(ride))
        except Exception as error:  # the client has closed itself meanwhile
            message = f"{self._name}: the scheduler is gone, or the way to it: {error}"
            self._tell(ride, problem("SchedulerLost", message, lost=True))
            self._lose(client)

    def _frame(self, number: int) -> Callable[[], bytes]:
        return partial(self._programs.frame, number)

    def _connected(self) -> Any:
        if self._client is None:
            since, why = self._away
            if why and time.monotonic() - since < PAUSE:
                raise InfrastructureError(why)
            try:
                self._client = self._cluster.connect()
            except InfrastructureError as error:
                self._away = (time.monotonic(), str(error))
                raise
            self._client.subscribe_topic(self._topic, self._heard)
        return self._client

    def _lose(self, client: Any) -> None:
        """The scheduler is gone, or the way to it: the next node looks for it anew."""
        if client is not None and self._client is client:
            self._client = None
            self._there.clear()
            with contextlib.suppress(Exception):
                client.close(timeout=1)
            self._cluster.close()

    def _shared(self, client: Any, what: str | int, data: Callable[[], bytes]) -> Any:
        """What many nodes need goes to the workers once.

        As results, not as scattered data: those Dask makes again when a worker dies.
        """
        if what not in self._there:
            make = pickle.loads if what == "carry" else zlib.decompress
            packed = data() if what == "carry" else zlib.compress(data())
            self._there[what] = client.submit(make, packed, key=f"{self._topic}/{what}")
        return self._there[what]

    def _end_unwanted(self) -> None:
        with self._lock:
            unwanted, self._unwanted = self._unwanted, []
        self._end(unwanted)

    def _end(self, unwanted: Iterable[tuple[Attempt, Outcome]]) -> None:
        """End attempts, all at once; in a thread of its own, as a worker may take long."""
        rides = []
        for attempt, why in unwanted:
            ride = self._rides.get(attempt)
            if ride is not None and ride.job.why is None:
                ride.job.why = why
                rides.append(ride)
        if rides:
            thread = threading.Thread(
                target=self._end_there, args=(self._client, rides), daemon=True
            )
            self._enders.add(thread)
            thread.start()

    def _end_there(self, client: Any, rides: Sequence[_Ride]) -> None:
        """Have workers end what runs beside them; they answer when all of it is gone."""
        with contextlib.suppress(Exception):  # workers may be gone, or the scheduler
            workers = {ride.worker for ride in rides if ride.worker}
            unheard = {ride.future.key for ride in rides if not ride.worker}
            if unheard:  # it may have begun all the same
                given = client.processing().items()
                workers.update(worker for worker, keys in given if not unheard.isdisjoint(keys))
            client.cancel([ride.future for ride in rides])
            if workers:
                names = [ride.name for ride in rides]
                client.run(carrier.end, names, workers=sorted(workers), on_error="ignore")
        for ride in rides:
            self._tell(ride, ride.job.why or cancelled())
        self._enders.discard(threading.current_thread())

    def _fetch(self) -> None:
        """Get the results that have come, many at once."""
        with self._lock:
            arrived, self._arrived = self._arrived, []
        for i in range(0, len(arrived), FETCH_MAX):
            rides = [ride for ride in arrived[i : i + FETCH_MAX] if ride.job.why is None]
            try:
                results = self._client.gather([ride.future for ride in rides])
            except Exception:  # one of them is lost, with its worker
                results = [self._one(ride) for ride in rides]
            for ride, given in zip(rides, results, strict=True):
                if given is None:
                    message = f"{self._name}: the worker died with the value"
                    self._tell(ride, problem("WorkerLost", message, lost=True))
                elif self._has_all(ride, given):
                    self._conclude(ride, given)

    @staticmethod
    def _one(ride: _Ride) -> Given | None:
        """A result by itself; None where it is lost.  Dask would make it again: that is ours."""
        if ride.future.status != "finished":
            return None
        with contextlib.suppress(Exception):
            given: Given = ride.future.result(ONE_TIMEOUT)
            return given
        return None

    def _has_all(self, ride: _Ride, given: Given) -> bool:
        """Whether all that a node said is there; else its end is told later."""
        header, _, number, _ = given
        with self._lock:
            ride.awaited = number
            if header is None or ride.seen >= number:
                return True
        self._late[ride] = (time.monotonic() + LAG, given)
        return False

    def _complete(self, rides: Iterable[_Ride]) -> None:
        """Tell the ends of nodes whose output is there by now, or will not come."""
        for ride in rides:
            late = self._late.pop(ride, None)
            if late is not None and ride.job.why is None:
                self._conclude(ride, late[1])

    def _conclude(self, ride: _Ride, given: Given) -> None:
        try:
            outcome = self._result(ride, *given)
        except Exception as error:
            outcome = problem("WorkerLost", f"{self._name}: {error}", lost=True)
        self._tell(ride, outcome)

    def _close(self) -> None:
        self._end([(attempt, cancelled()) for attempt in list(self._rides)])
        until = time.monotonic() + END_WAIT
        for thread in list(self._enders):
            thread.join(max(0.0, until - time.monotonic()))
        if self._client is not None:
            self._there.clear()
            with contextlib.suppress(Exception):  # the scheduler may be gone
                self._client.close(timeout=5)
        self._cluster.close()

    # -- in the client's threads -----------------------------------------------------------------

    def _heard(self, event: tuple[float, dict[str, Any]]) -> None:
        """A frame of a node that runs."""
        ride = self._named.get(event[1]["name"])
        if ride is None:
            return
        if self._take(ride, **event[1]) and event[1]["header"]["kind"] == "started":
            self._watch(ride)
        with self._lock:
            ride.seen += 1
            if ride.seen == ride.awaited and not self._closing:
                self._ask(lambda: self._complete([ride]))

    def _take(
        self, ride: _Ride, header: dict[str, Any], payload: bytes, worker: str, name: str
    ) -> bool:
        """Take a frame; False where it tells that the node runs for the second time."""
        job = ride.job
        if header["kind"] == "started":
            if ride.worker:  # Dask gave it to another worker when the first one died
                lost = problem("WorkerLost", f"{self._name}: the worker died", lost=True)
                with self._lock:
                    self._want_end(job.attempt, lost)
                return False
            ride.worker = worker
            job.attempt.began = time.monotonic()
            job.attempt.where = f"{self._name}/{worker.rpartition('/')[2]}"
        elif header["kind"] == "log":
            job.take(header["stream"], payload)
        elif header["kind"] == "progress":
            job.attempt.progress(header["percent"], header["text"])
        return True

    def _watch(self, ride: _Ride) -> None:
        """A node has begun, and goes on: its time counts."""
        attempt = ride.job.attempt
        if attempt.task.timeout is not None:
            timer = threading.Timer(attempt.task.timeout, self._expire, [attempt])
            timer.daemon = True
            timer.start()

    def _expire(self, attempt: Attempt) -> None:
        with self._lock:
            if not self._closing:
                self._want_end(attempt, timed_out(attempt))

    def _came(self, ride: _Ride) -> None:
        """The future has its result, or never will."""
        future = ride.future
        if ride.job.why is not None:
            return  # told by `_end`, when all of it is gone
        if future.status == "finished":
            with self._lock:
                if not self._closing:
                    self._arrived.append(ride)
                    if len(self._arrived) == 1:
                        self._ask(self._fetch)
            return
        if future.status == "error":
            what = type(future.exception()).__name__
            outcome = problem("WorkerLost", f"{self._name}: the worker died: {what}", lost=True)
        else:
            message = f"{self._name}: the scheduler is gone, or the way to it"
            outcome = problem("SchedulerLost", message, lost=True)
            with self._lock:
                if not self._closing:
                    client = future.client
                    self._ask(lambda: self._lose(client))
        self._tell(ride, outcome)

    def _result(
        self,
        ride: _Ride,
        header: dict[str, Any] | None,
        payload: bytes,
        number: int,
        held: list[dict[str, Any]],
    ) -> Outcome:
        if not all(self._take(ride, **said) for said in held):
            return problem("WorkerLost", f"{self._name}: the worker died", lost=True)
        if header is None:
            return _death(self._name, number)
        return outcome_of(ride.job, header, payload)

    def _tell(self, ride: _Ride, outcome: Outcome) -> None:
        with self._lock:
            if self._rides.pop(ride.job.attempt, None) is None:
                return
            self._named.pop(ride.name, None)
        ride.job.end_lines()
        ride.future = None if ride.future is None else ride.future.release()
        ride.job.done(ride.job.attempt, outcome)


def _carry() -> bytes:
    """Our function by value: whether our package is installed with the workers is not asked."""
    import cloudpickle

    cloudpickle.register_pickle_by_value(carrier)
    pickled: bytes = cloudpickle.dumps(carrier.carry)
    return pickled


def _death(name: str, code: int) -> Outcome:
    if code >= 0:
        message = f"{name}: the node ended its process with exit code {code}"
        return problem("WorkerLost", message, code or None, lost=True)
    message = f"{name}: the node's process was ended by {signal.Signals(-code).name}"
    return problem("WorkerLost", message, 128 - code, lost=True)
