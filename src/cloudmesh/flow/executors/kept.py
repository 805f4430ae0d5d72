"""What a far side keeps from run to run, in folders of its user's own: the sources of flows.

A source is found by its hash, and hashed again before it is used, so that a
host that is warm is not sent the same source twice and runs no other.

Standard library only, and Python 3.8: this very file is sent to the far sides.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import time

__all__ = ["Sources", "private_folder"]

UNUSED_MAX = 90 * 86400  # seconds after which what nobody has used is removed
DAY = 86400


def private_folder(name: str) -> str:
    """A folder that only this user can open, made where it is not there.  Raises `OSError`."""
    path = os.path.join(os.path.expanduser("~"), ".cloudmesh", "flow", name)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(f"{path} is not a folder of this user's own")
    if found.st_mode & 0o077:
        os.chmod(path, 0o700)
    return path


class Sources:
    """Sources by their hash (SHA-256, hexadecimal); where nothing can be kept, nothing is."""

    def __init__(self) -> None:
        self._folder = None  # type: str | None
        with contextlib.suppress(OSError):
            self._folder = private_folder("sources")

    def get(self, digest: str) -> str | None:
        """A source; None where it is not here, or is not what it was."""
        if self._folder is None:
            return None
        path = os.path.join(self._folder, digest)
        try:
            with open(path, "rb") as file:
                data = file.read()
            if hashlib.sha256(data).hexdigest() != digest:
                os.unlink(path)
                return None
            if time.time() - os.stat(path).st_mtime > DAY:
                os.utime(path)  # it is in use
            return data.decode("utf-8")
        except (OSError, ValueError):
            return None

    def put(self, source: str) -> None:
        """Keep a source for the next time."""
        if self._folder is None:
            return
        data = source.encode("utf-8")
        path = os.path.join(self._folder, hashlib.sha256(data).hexdigest())
        part = f"{path}.{os.getpid()}"
        with contextlib.suppress(OSError):
            try:
                with open(part, "wb") as file:
                    file.write(data)
                os.replace(part, path)
            except OSError:  # the disk is full: the next runner is sent it again
                os.unlink(part)

    def forget_old(self) -> None:
        """Remove what was not used for long."""
        if self._folder is None:
            return
        with contextlib.suppress(OSError):
            for entry in os.scandir(self._folder):
                if time.time() - entry.stat().st_mtime > UNUSED_MAX:
                    os.unlink(entry.path)
