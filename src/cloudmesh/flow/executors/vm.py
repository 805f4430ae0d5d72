"""``kind: vm``: nodes in virtual machines that are made for them.

A machine lives for the run, which shares it by ``slots``, or for one node
(``lifetime: node``).  Each is written down before it is made, so that nothing
is left when the engine dies; inside it is reached as any host over SSH.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.errors import FlowError, InfrastructureError, InputError
from cloudmesh.flow.executors.command import cancelled, problem, refuse
from cloudmesh.flow.executors.protocol import Attempt, Done, Outcome
from cloudmesh.flow.executors.ssh import Host, SshExecutor, Unreachable, connect
from cloudmesh.flow.times import seconds

if TYPE_CHECKING:
    from cloudmesh.flow.executors.table import Context
    from cloudmesh.flow.providers.protocol import Machine, Provider, Way

__all__ = ["VmExecutor", "build", "check", "make"]

LIFETIMES = ("run", "node")
ADDRESSES = ("public", "private", "floating")
SLOTS = {"run": 4, "node": 2}  # nodes at once, where nothing else is said
MAX_LIFE = 86400.0  # seconds after which a machine ends itself
CLOSE_WAIT = 60.0  # seconds for machines to go away at the end of a run


def make(name: str, spec: Mapping[str, Any], context: Context) -> VmExecutor:
    """The executor of an entry.  Raises `InputError` for words that it does not know."""
    from cloudmesh.flow.providers.table import provider_of

    lifetime = str(spec.get("lifetime") or "run")
    if lifetime not in LIFETIMES:
        raise InputError(f"{name}: lifetime is run or node, not {lifetime!r}")
    if spec.get("address") not in (None, *ADDRESSES):
        raise InputError(f"{name}: address is public, private or floating, not {spec['address']!r}")
    return VmExecutor(name, spec, context, lifetime, provider_of(name, spec))


def build(name: str, spec: Mapping[str, Any], note: Callable[[str], None]) -> None:
    """Build the image of an entry.  Raises `InfrastructureError`."""
    from cloudmesh.flow.providers.table import provider_of

    if spec.get("provider") != "qemu":
        note(f"{name}: there is nothing to build: the cloud has its images")
        return
    from cloudmesh.flow.providers.image import build as build_image
    from cloudmesh.flow.providers.qemu import Qemu

    provider = provider_of(name, spec)
    assert isinstance(provider, Qemu)
    build_image(provider.image, note)


def check(name: str, spec: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Look at what an entry names; where a machine costs nothing, start one and reach it."""
    from cloudmesh.flow.providers.table import provider_of

    try:
        provider = provider_of(name, spec)
        tried = provider.problems()
    except FlowError as error:
        return [("entry", str(error))]
    if provider.outlives or any(wrong for _, wrong in tried):
        return tried
    tag = f"cmflow/check/{time.time_ns():x}/{name}/1"
    try:
        machine = provider.create(tag, lambda text: None, lambda: False)
    except FlowError as error:
        return [*tried, ("machine", str(error))]
    try:
        machine.wait(reach, lambda: False)
        return [*tried, ("machine", ""), *SshExecutor([_host(name, machine.way(), spec)]).check()]
    except FlowError as error:
        return [*tried, ("machine", str(error))]
    finally:
        machine.destroy()


def reach(way: Way) -> str:
    """Log in once: what is wrong, "" where it works."""

    async def log_in() -> str:
        try:
            connection = await connect(_host(way.host, way, {}))
        except Unreachable as error:
            return _plain(error)
        connection.close()
        return ""

    return asyncio.run(log_in())


def _plain(error: Unreachable) -> str:
    """The trouble with a machine that nobody has logged in to before."""
    if error.kind == "HostKeyError":
        return "another host key than it was given: its image needs cloud-init, and its hour"
    if error.kind == "LoginRefused":
        return "the login is refused: its image needs cloud-init, and its hour"
    return str(error)


def _host(name: str, way: Way, spec: Mapping[str, Any]) -> Host:
    import asyncssh

    keys: list[Any] = [asyncssh.import_private_key(way.client_key)]
    if way.identity:
        keys.append(str(Path(way.identity).expanduser()))
    options: dict[str, Any] = {
        # The user's own settings are for other hosts, where they are not asked for.
        "config": [str(Path(way.config).expanduser())] if way.config else None,
        "known_hosts": ([asyncssh.import_public_key(way.host_key)], [], []),
        "client_keys": keys,
        "agent_path": None,
    }
    return Host(
        way.host,
        user=way.user,
        port=way.port,
        jump=way.jump,
        python=way.python,
        requirements=tuple(spec.get("requirements") or ()),
        options=options,
        where=name,
    )


class _Box:
    """A machine and the way into it."""

    def __init__(self, name: str, machine: Machine, spec: Mapping[str, Any], slots: int) -> None:
        self.machine = machine
        self.lost = False  # whether the way into it was cut
        self.inside = SshExecutor([_host(name, machine.way(), spec)], slots)

    def destroy(self) -> None:
        self.inside.close()
        self.machine.destroy()


class VmExecutor:
    """Makes machines when nodes come, and destroys them at the end."""

    def __init__(
        self,
        name: str,
        spec: Mapping[str, Any],
        context: Context,
        lifetime: str,
        provider: Provider,
    ) -> None:
        self._name, self._spec, self._context = name, spec, context
        self._provider = provider
        self._cleaned = not provider.outlives  # what dead engines left there is destroyed
        self._shared = lifetime == "run"
        self.slots: int | None = int(spec.get("slots") or SLOTS[lifetime])
        self._most = self.slots
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Attempt, Done]] = deque()
        self._boxes: dict[Attempt, _Box] = {}  # of the attempts that are inside
        self._box: _Box | None = None  # the run's own
        self._making = 0
        self._count = 0
        self._closing = False
        self._threads: set[threading.Thread] = set()

    def start(self, attempt: Attempt, done: Done) -> None:
        """Run an attempt in a machine, which may have to be made first."""
        attempt.where = self._name
        with self._lock:
            if not self._closing:
                self._waiting.append((attempt, done))
                self._pump()
                return
        refuse(attempt, done)

    def cancel(self, attempt: Attempt) -> None:
        """End an attempt; a machine that lives for it goes with it."""
        attempt.cancelled = True
        with self._lock:
            waiting = next((pair for pair in self._waiting if pair[0] is attempt), None)
            if waiting is not None:
                self._waiting.remove(waiting)
            box = self._boxes.get(attempt)
        if waiting is not None:
            waiting[1](attempt, cancelled())
        elif box is not None:
            box.inside.cancel(attempt)

    def close(self) -> None:
        """End what runs, and destroy every machine."""
        with self._lock:
            self._closing = True
            waiting, self._waiting = list(self._waiting), deque()
            box, self._box = self._box, None
            inside = list(self._boxes.items())
        for attempt, done in waiting:
            attempt.cancelled = True
            done(attempt, cancelled())
        for attempt, other in inside:
            if other is not box:
                other.inside.cancel(attempt)
        if box is not None:
            self._destroy(box)
        for thread in list(self._threads):
            if thread is not threading.current_thread():
                thread.join(CLOSE_WAIT)

    # -- machines -----------------------------------------------------------------------------

    def _pump(self) -> None:
        """Give what waits its machine; the lock is held."""
        if not self._shared:
            while self._waiting and self._making < self._most:
                self._making += 1
                self._thread(self._run_alone, *self._waiting.popleft())
        elif self._box is not None:
            self._enter(self._box)
        elif self._waiting and not self._making:
            self._making = 1
            self._thread(self._make_shared)

    def _thread(self, function: Callable[..., None], *arguments: Any) -> None:
        def run() -> None:
            try:
                function(*arguments)
            finally:
                self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=run, name=f"cloudmesh-flow vm {self._name}", daemon=True)
        self._threads.add(thread)
        thread.start()

    def _enter(self, box: _Box) -> None:
        """Send in what waits; the lock is held, and the inside calls nobody at once."""
        while self._waiting:
            attempt, done = self._waiting.popleft()
            self._boxes[attempt] = box
            box.inside.start(attempt, partial(self._left, box, done))

    def _left(self, box: _Box, done: Done, attempt: Attempt, outcome: Outcome) -> None:
        with self._lock:
            self._boxes.pop(attempt, None)
        if _is_cut(outcome) and not self._closing:
            self._thread(self._replace, box, done, attempt, outcome)
            return
        wanted = not (self._closing or attempt.cancelled)
        if box.lost and wanted and "Cancelled" in outcome.kinds:  # by us, with its machine
            outcome = _dead(self._name, outcome)
        done(attempt, outcome)

    def _replace(self, box: _Box, done: Done, attempt: Attempt, outcome: Outcome) -> None:
        """The way into the machine was cut: who comes next gets another one."""
        with self._lock:
            ours, self._box = self._box is box, None if self._box is box else self._box
            box.lost = True
        if ours:
            self._destroy(box)
        done(attempt, _dead(self._name, outcome))

    def _tag(self, attempt: Attempt | None) -> str:
        """What a machine carries: no other engine of the run ever gives the same."""
        with self._lock:
            self._count += 1
            engine = self._context.engine
            count = f"{engine}.{self._count}" if engine > 1 else str(self._count)
        last = f"{attempt.node}/{attempt.number}" if attempt else f"{self._name}/{count}"
        return f"cmflow/{self._context.store_id}/{self._context.run}/{last}"

    def _make(self, attempt: Attempt | None) -> _Box:
        """Write down that a machine will be made, make it, reach it.  Raises `FlowError`."""
        self._clean()
        tag = self._tag(attempt)
        until = time.time() + seconds(self._spec.get("max_life") or MAX_LIFE)
        document = {**self._provider.about, "tag": tag, "kind": "vm", "until": round(until)}
        (attempt.intent if attempt else self._context.intent)(document)

        def unwanted() -> bool:
            return self._closing or bool(attempt and attempt.cancelled)

        machine: Machine | None = None
        try:
            machine = self._provider.create(tag, self._context.note, unwanted)
            machine.wait(reach, unwanted)
            return _Box(self._name, machine, self._spec, self._most)
        except BaseException as error:
            if machine is not None:  # by its number: a listing may not have it yet
                self._gone(tag, machine.destroy)
            elif getattr(error, "unsure", not isinstance(error, InputError)):
                self._gone(tag, lambda: self._provider.destroy(tag))
            else:
                self._context.release({"tag": tag})
            raise

    def _clean(self) -> None:
        """Once: destroy what dead engines of this store have left with this provider."""
        with self._lock:
            cleaned, self._cleaned = self._cleaned, True
        if not cleaned:
            self._context.clean(self._provider)

    def _destroy(self, box: _Box) -> None:
        self._gone(box.machine.tag, box.destroy)

    def _gone(self, tag: str, destroy: Callable[[], int | None]) -> None:
        """Destroy, and record that it is gone only when the provider says so."""
        try:
            count = destroy()
        except (InfrastructureError, InputError) as error:
            said = f"{error}; a machine may be left: cms flow infra clean destroys it"
            self._context.note(f"{tag}: {said}")
        else:
            if count != 0 or not self._provider.outlives:  # else it may still come up
                self._context.release({"tag": tag})

    def _make_shared(self) -> None:
        failed: Outcome | None = None
        box: _Box | None = None
        try:
            box = self._make(None)
        except Exception as error:
            failed = _not_made(self._name, error)
        with self._lock:
            self._making = 0
            refused: list[tuple[Attempt, Done]] = []
            if failed is not None:
                refused, self._waiting = list(self._waiting), deque()
            elif box is not None and not self._closing:
                self._box, box = box, None
                self._pump()
        for attempt, done in refused:
            done(attempt, failed or cancelled())
        if box is not None:  # made for a run that has ended meanwhile
            self._destroy(box)

    def _run_alone(self, attempt: Attempt, done: Done) -> None:
        """A machine for one attempt: made, used, destroyed, then the outcome is told."""
        told: list[Outcome] = []
        over = threading.Event()

        def left(_: Attempt, outcome: Outcome) -> None:
            told.append(outcome)
            over.set()

        try:
            box = self._make(attempt)
        except Exception as error:
            unwanted = attempt.cancelled or self._closing
            told.append(cancelled() if unwanted else _not_made(self._name, error))
        else:
            with self._lock:
                self._boxes[attempt] = box
            box.inside.start(attempt, left)
            if attempt.cancelled or self._closing:
                box.inside.cancel(attempt)
            over.wait()
            if _is_cut(told[0]):
                told[0] = _dead(self._name, told[0])
            self._destroy(box)
        with self._lock:
            self._boxes.pop(attempt, None)
            self._making -= 1
            if not self._closing:
                self._pump()
        done(attempt, told[0])


def _not_made(name: str, error: Exception) -> Outcome:
    said = str(error) if str(error).startswith(f"{name}: ") else f"{name}: {error}"
    return problem("MachineFailed", said, lost=not isinstance(error, InputError))


def _is_cut(outcome: Outcome) -> bool:
    """Whether the machine, not only the node's process in it, was lost."""
    return outcome.lost and bool({"ConnectionLost", "Unreachable"} & set(outcome.kinds))


def _dead(name: str, outcome: Outcome) -> Outcome:
    said = "" if "Cancelled" in outcome.kinds else (outcome.error or {}).get("message", "")
    return problem("MachineLost", f"the machine was lost: {said or name}", lost=True)
