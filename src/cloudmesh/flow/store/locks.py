"""Locks on files: one writer at a time, and who owns a run.

`flock` of the kernel: free again when its process is gone, however it went.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from collections.abc import Callable

from cloudmesh.flow.errors import StoreUnavailable

__all__ = ["FileLock", "hurry", "is_locked"]

NOTICE_SECONDS = 5.0
LIMIT_SECONDS = 120.0
#: How often who waits looks whether somebody is in a hurry.
LOOK_SECONDS = 0.25
#: How long a lock is tried again and again before its queue is joined.
SPIN_SECONDS = 0.001
#: How long `FileLock.acquire_soon` tries.
SOON_SECONDS = 0.2

if sys.platform == "win32":
    import msvcrt

    _NOW, _SHARED_NOW, _WAITING, _FREE = range(4)

    def _lock(fd: int, how: int) -> None:
        if how == _FREE:
            return msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)
        while True:
            try:
                return msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
            except OSError as error:
                if how != _WAITING:
                    raise BlockingIOError from error
            time.sleep(0.01)
else:
    from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN
    from fcntl import flock as _lock

    _NOW, _SHARED_NOW, _WAITING, _FREE = LOCK_EX | LOCK_NB, LOCK_SH | LOCK_NB, LOCK_EX, LOCK_UN


_held: weakref.WeakSet[FileLock] = weakref.WeakSet()
_hurried = False


def hurry(asked: bool = True) -> None:
    """Have who waits for a lock say so now: the user has asked this process to end.

    A signal handler may call this in any line.
    """
    global _hurried
    _hurried = asked


def _forget_in_child() -> None:
    """A forked child shares its parent's locks; closing its copies leaves them to the parent."""
    for lock in list(_held):
        lock.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)


class FileLock:
    """An exclusive lock on a file, between processes.  Not for several threads at once.

    ``notice`` is told, once, who holds the lock when that takes long.
    """

    def __init__(self, path: str, notice: Callable[[str], None] = lambda text: None) -> None:
        self.path = path
        self._notice = notice
        self._fd = _open(path)
        _held.add(self)

    def acquire(self) -> None:
        """Hold the lock.  Raises `StoreUnavailable` after two minutes."""
        try:
            _lock(self._fd, _NOW)
        except BlockingIOError:
            self._acquire_busy()

    def try_acquire(self) -> bool:
        """Hold the lock if it is free."""
        try:
            _lock(self._fd, _NOW)
        except BlockingIOError:
            return False
        return True

    def acquire_soon(self) -> bool:
        """Hold the lock if it becomes free within a moment."""
        end = time.monotonic() + SOON_SECONDS
        while not self.try_acquire():
            if time.monotonic() > end:
                return False
            time.sleep(0.0005)
        return True

    def release(self) -> None:
        """Let the lock go."""
        _lock(self._fd, _FREE)

    def touch(self) -> None:
        """Set the file's time to now."""
        os.utime(self._fd if os.utime in os.supports_fd else self.path)

    def close(self) -> None:
        """Let go of the file, and so of the lock."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        """Who forgets a store gives its file back; a program may open a thousand of them."""
        if hasattr(self, "_fd"):
            self.close()

    def _acquire_busy(self) -> None:
        end = time.monotonic() + SPIN_SECONDS
        while time.monotonic() < end:
            time.sleep(0.00005)
            if self.try_acquire():
                return
        queue = _Place(self.path)
        try:
            if not self._queued(queue):
                raise StoreUnavailable(
                    f"{self.path} has been held for two minutes by {_holder(self.path)};"
                    " end or continue that process"
                )
            os.close(self._fd)
            self._fd = queue.take()
        finally:
            queue.leave()

    def _queued(self, queue: _Place) -> bool:
        """Wait for one's turn, and say so where it takes long; False where it takes too long."""
        began = time.monotonic()
        told = hurried = False
        while (waited := time.monotonic() - began) < LIMIT_SECONDS:
            if _hurried and not hurried:
                told = hurried = True
                self._notice(
                    f"waiting for {self.path}, held by {_holder(self.path)}; "
                    "Ctrl-C again ends this at once"
                )
            elif waited >= NOTICE_SECONDS and not told:
                told = True
                self._notice(f"waiting for {self.path}, held by {_holder(self.path)}")
            if queue.wait(min(LOOK_SECONDS, NOTICE_SECONDS, LIMIT_SECONDS - waited)):
                return True
        return False


class _Place:
    """A place in the queue for a lock, kept by a thread: only so can waiting end in time."""

    def __init__(self, path: str) -> None:
        self._fd = _open(path)
        self._mutex = threading.Lock()
        self._got = threading.Event()
        self._left = False
        threading.Thread(target=self._queue, name="store-lock", daemon=True).start()

    def _queue(self) -> None:
        _lock(self._fd, _WAITING)
        with self._mutex:
            if self._left:
                os.close(self._fd)
            else:
                self._got.set()

    def wait(self, seconds: float) -> bool:
        return self._got.wait(seconds)

    def take(self) -> int:
        """The file that holds the lock; it is the caller's from now on."""
        fd, self._fd = self._fd, -1
        return fd

    def leave(self) -> None:
        with self._mutex:
            if self._got.is_set():
                if self._fd >= 0:
                    os.close(self._fd)
            else:
                self._left = True


def is_locked(path: str) -> bool:
    """Whether anybody holds the lock on a file; False where there is none."""
    try:  # who may only read may ask as well
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        return False
    try:
        _lock(fd, _SHARED_NOW)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def _open(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)


def _holder(path: str) -> str:
    """Which process holds a lock, as far as the system tells."""
    try:
        inode = os.stat(path).st_ino
        with open("/proc/locks", encoding="ascii") as table:
            for line in table:
                words = line.split()
                if words[1] == "FLOCK" and words[5].endswith(f":{inode}"):
                    pid = words[4]
                    with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as comm:
                        return f"process {pid} ({comm.read().strip()})"
    except (OSError, IndexError):
        pass
    return "another process"
