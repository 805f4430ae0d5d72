"""The processes of an attempt: found by descent, group and session, and by their node's key.

Everything that we start leads a session of its own and carries its node's key
in the environment.  So its children are found even where they have left the
group (``setsid``) and their parent has died.  Where there is no ``/proc``, the
group is what can be ended.

Standard library only, and Python 3.8: this very file is sent to the far sides.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from typing import NamedTuple, NoReturn

__all__ = [
    "GRACE",
    "KEY",
    "STEP",
    "Ending",
    "Process",
    "descendants",
    "end_all",
    "family",
    "leave",
    "processes",
    "send",
    "sign",
    "signature",
]

KEY = "CLOUDMESH_FLOW_KEY"
BY = "CMFLOW_RUNNER"  # which process runs the node: a key is that of all its attempts
_READ = (KEY.encode(), b"SLURM_JOB_ID", BY.encode())

GRACE = 0.5  # seconds between the request (TERM) and the end (KILL)
STEP = 0.03  # seconds between two looks
GIVE_UP = 100  # looks that still find what was killed (a hanging disk), until it is left
LAST = 60.0  # seconds after which what comes again and again, from outside, is left


class Process(NamedTuple):
    """A living process, as far as it matters here."""

    pid: int
    parent: int
    group: int
    session: int
    key: str
    job: str = ""  # of Slurm, that it belongs to
    by: str = ""  # see `sign`


def processes() -> dict[int, Process]:
    """All living processes but this one; zombies are no longer living.  Empty without ``/proc``."""
    found = {}
    me = os.getpid()
    try:
        entries = os.listdir("/proc")
    except OSError:
        return {}
    for entry in entries:
        if entry.isdigit() and int(entry) != me:
            process = _read(int(entry))
            if process is not None:
                found[process.pid] = process
    return found


def _read(pid: int) -> Process | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name, in parentheses, may hold anything.
            state, *rest = file.read().rpartition(b")")[2].split(None, 4)
    except (OSError, ValueError):
        return None
    if state in (b"Z", b"X"):
        return None
    return Process(pid, int(rest[0]), int(rest[1]), int(rest[2]), *_variables(pid))


def _variables(pid: int) -> tuple[str, str, str]:
    """Key, job and runner of a process, from its environment; "" for what it does not have."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            variables = file.read().split(b"\0")
    except OSError:
        return "", "", ""
    found = {}
    for variable in variables:
        name, _, value = variable.partition(b"=")
        if name in _READ:
            found[name] = value.decode("utf-8", "replace")
    return found.get(_READ[0], ""), found.get(_READ[1], ""), found.get(_READ[2], "")


def sign() -> str:
    """Let all that this process starts from now on say so; what they say."""
    os.environ[BY] = signature(os.getpid())
    return os.environ[BY]


def signature(pid: int) -> str:
    """What tells a process from all others on its machine, at any time; "" where it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            began = file.read().rpartition(b")")[2].split()[19].decode()
    except (OSError, IndexError):
        return ""
    return f"{pid}.{began}"


def family(leader: int, key: str, living: dict[int, Process], by: str | None = None) -> set[int]:
    """The living processes of an attempt, its leader among them.

    ``by``: only this runner's, not those of another attempt with the same key.
    """
    found = {
        process.pid
        for process in living.values()
        if leader in (process.pid, process.group, process.session)
        or (key and process.key == key and by in (None, process.by))
    }
    return found | descendants([leader, *found], living)


def descendants(of: Iterable[int], living: dict[int, Process]) -> set[int]:
    """The living processes that descend from some."""
    children: dict[int, list[int]] = {}
    for process in living.values():
        children.setdefault(process.parent, []).append(process.pid)
    found: set[int] = set()
    waiting = list(of)
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found


def send(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except OSError:
            continue


class Ending:
    """What is due, look by look, for processes that shall end: to ask (TERM), then to kill.

    A look is no picture of one moment: what is born while its parent dies can be
    missed once. So it takes two looks in a row that find nothing.
    """

    def __init__(self, grace: float = GRACE) -> None:
        self.asked = set()  # type: set[int]
        self._killed = {}  # type: dict[int, int]  # how often
        self._begun = time.monotonic()
        self._grace = grace
        self._empty = 0  # looks in a row that found nothing

    def step(self, left: set[int]) -> bool:
        """Do what is due for those that a look has found; whether it is over."""
        now = time.monotonic()
        # Not by the clock: on a busy machine one look may take as long as all of it should.
        there = {pid for pid in left if self._killed.get(pid, 0) < GIVE_UP}
        if not there or now - self._begun > LAST:
            self._empty += 1
            return self._empty > 1
        self._empty = 0
        if now - self._begun < self._grace:
            send(there - self.asked, signal.SIGTERM)
        else:
            send(left, signal.SIGKILL)
            for pid in left:
                self._killed[pid] = self._killed.get(pid, 0) + 1
        self.asked |= left
        return False


def end_all(find: Callable[[], set[int]], grace: float = GRACE) -> int:
    """Ask (TERM) and then kill all that ``find`` gives, until it gives nothing; how many."""
    ending = Ending(grace)
    while not ending.step(find()):
        time.sleep(STEP)
    return len(ending.asked)


def leave(key: str, grace: float = GRACE, meanwhile: Callable[[], None] = lambda: None) -> NoReturn:
    """End all that this process has started for that key, then this, with exit code 0.

    Threads of this process may go on starting others, so a child does it, while a
    shell takes this one's place: its threads are gone at once, its number stays, and
    who waits for its end learns of it when nothing is left. ``meanwhile`` is called
    in the child, in a thread.
    """
    leader, by = os.getpid(), os.environ.get(BY, "")
    if not os.path.isdir("/proc"):  # there the group is what can be ended
        os.killpg(0, signal.SIGKILL)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # who asks again is heard already
    warnings.simplefilter("ignore")  # to fork where there are threads
    replaced, mine = os.pipe()  # ends as the shell takes over
    over, held = os.pipe()  # ends with the child
    try:
        if _forks():
            os.dup2(over, 0)
            os.close(held)
            os.execv("/bin/sh", ["/bin/sh", "-c", "read none; exit 0"])
        if os.getpid() != leader:
            os.close(mine)
            threading.Thread(target=meanwhile, daemon=True).start()
            select.select([replaced], [], [], GRACE)
        end_all(lambda: family(leader, key, processes(), by) - {leader}, grace)
    finally:
        os._exit(0)


def _forks() -> bool:
    """Whether this is the parent now; not where there was no room for another process."""
    try:
        return os.fork() > 0
    except OSError:
        return False
