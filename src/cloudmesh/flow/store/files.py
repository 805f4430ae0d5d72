"""What the embedded store keeps as files: large values and the logs of nodes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from cloudmesh.flow.errors import NotFound, StoreError, StoreRefused, StoreUnavailable
from cloudmesh.flow.store.names import LOG_HEAD, LOG_TAIL, boundary, left_out

__all__ = ["Blobs", "Logs", "file_error", "make_folder", "sync_folder"]

#: A large value that was written again so lately may be about to be named by another run.
BLOB_SECONDS = 3600.0

_LASTING = frozenset(("EACCES", "EDQUOT", "EFBIG", "ENOSPC", "ENOTDIR", "EPERM", "EROFS"))


def file_error(error: OSError, what: str) -> StoreError:
    """What an error of the file system means to a run."""
    import errno

    word = errno.errorcode.get(error.errno or 0, "")
    if word in ("EDQUOT", "ENOSPC"):
        return StoreRefused(f"{what}: the disk or the quota is full: make room, then resume")
    kind = StoreRefused if word in _LASTING else StoreUnavailable
    return kind(f"{what}: {error.strerror or error}")


@contextmanager
def _mapped(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise file_error(error, what) from error


def make_folder(path: str) -> None:
    """Make a folder that only this user may read, with those above it."""
    if not os.path.isdir(path):
        os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
        os.makedirs(path, mode=0o700, exist_ok=True)


class Blobs:
    """Bytes by their hash, each in a file of its own."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def put(self, data: bytes) -> str:
        """Keep bytes, on the disk when this returns; returns their reference."""
        reference = _sha256(data)
        path = self._path(reference)
        with _mapped(path):
            try:
                os.utime(path)
            except FileNotFoundError:
                self._write(path, data)
        return reference

    def _write(self, path: str, data: bytes) -> None:
        make_folder(os.path.dirname(path))
        temporary = f"{path}.{os.getpid()}.{os.urandom(4).hex()}"
        try:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(fd, "wb") as file:
                file.write(data)
                file.flush()
                _sync(fd)
            os.replace(temporary, path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
        sync_folder(os.path.dirname(path))

    def get(self, reference: str) -> bytes:
        """The bytes of a reference.  Raises `NotFound`."""
        path = self._path(reference)
        with _mapped(path):
            try:
                with open(path, "rb") as file:
                    return file.read()
            except FileNotFoundError:
                raise NotFound(f"the store has no value {reference}") from None

    def remove(self, reference: str, now: float) -> None:
        """Forget bytes, unless somebody put them again in the last hour."""
        path = self._path(reference)
        with _mapped(path), suppress(FileNotFoundError):
            if now - os.stat(path).st_mtime > BLOB_SECONDS:
                os.unlink(path)

    def _path(self, reference: str) -> str:
        if len(reference) != 64 or not reference.isalnum():
            raise NotFound(f"{reference!r} is no reference to a value")
        return os.path.join(self._folder, reference[:2], reference)


def _sha256(data: bytes) -> str:
    from hashlib import sha256  # costs 6 ms, and most runs need none

    return sha256(data).hexdigest()


def _sync(fd: int) -> None:
    """Have a file on the disk itself; on macOS `os.fsync` alone leaves it in the disk's cache."""
    if sys.platform == "darwin":
        import fcntl

        with suppress(OSError):  # some file systems do not know it
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
            return
    os.fsync(fd)


def sync_folder(path: str) -> None:
    """A new name is on the disk only when its folder is."""
    if os.name == "nt":
        return
    fd = os.open(path, os.O_RDONLY)
    try:
        _sync(fd)
    finally:
        os.close(fd)


class Logs:
    """The logs of nodes, one file each, in a folder a run.

    A log that grows beyond `LOG_HEAD` goes on in a folder beside it, in files
    named by the offset at which they begin; only the last two are kept.  An
    offset counts the bytes of all that was ever written.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def append(self, run: str, node: str, data: bytes) -> None:
        """Add to the log of a node."""
        path = self._path(run, node)
        with _mapped(path):
            try:
                fd = _open_end(path)
            except FileNotFoundError:
                make_folder(os.path.dirname(path))
                fd = _open_end(path)
            try:
                room = LOG_HEAD - os.fstat(fd).st_size
                if room > 0:
                    cut = boundary(data, room)
                    _write(fd, data[:cut])
                    data = data[cut:]
                    if data:  # the head is full, also where a character did not fit
                        _write(fd, b"\n" * (room - cut))
            finally:
                os.close(fd)
            if data:
                self._append_tail(path + ".more", data)

    def _append_tail(self, folder: str, data: bytes) -> None:
        make_folder(folder)
        pieces = _pieces(folder)
        start = pieces[-1] if pieces else LOG_HEAD
        while data:
            path = os.path.join(folder, str(start))
            fd = _open_end(path)
            try:
                size = os.fstat(fd).st_size
                cut = boundary(data, max(0, LOG_TAIL - size))
                _write(fd, data[:cut])
            finally:
                os.close(fd)
            data = data[cut:]
            if data:
                start += size + cut
                for old in pieces[:-1]:
                    os.unlink(os.path.join(folder, str(old)))
                pieces = [*pieces[-1:], start]

    def read(self, run: str, node: str, after: int, limit: int) -> tuple[str, int]:
        """Text from offset ``after``, at most ``limit`` bytes, and where to go on."""
        path = self._path(run, node)
        with _mapped(path):
            pieces = [(0, path)]
            if os.path.isdir(path + ".more"):
                pieces += [
                    (k, os.path.join(path + ".more", str(k))) for k in _pieces(path + ".more")
                ]
            out: list[bytes] = []
            for start, file in pieces:
                if limit < 4:  # no room for every character
                    break
                try:
                    size = os.stat(file).st_size
                except FileNotFoundError:
                    continue
                if after < start:
                    out.append(left_out(start - after).encode())
                    after = start
                if after < start + size:
                    data = _read(file, after - start, limit)
                    out.append(data)
                    after += len(data)
                    limit -= len(data)
        return b"".join(out).decode("utf-8", "replace"), after

    def remove(self, run: str) -> None:
        """Forget the logs of a run."""
        import shutil

        shutil.rmtree(os.path.join(self._folder, run), ignore_errors=True)

    def _path(self, run: str, node: str) -> str:
        # Some systems have one file for both cases, none has names of any length.
        if node != node.lower() or len(node) > 150:
            node = f"{node[:100]}.{_sha256(node.encode())[:12]}"
        return os.path.join(self._folder, run, node + ".log")


def _write(fd: int, data: bytes) -> None:
    """Write all of it: a disk that is nearly full takes a part, and refuses the rest."""
    while data:
        data = data[os.write(fd, data) :]


def _open_end(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _pieces(folder: str) -> list[int]:
    return sorted(int(name) for name in os.listdir(folder) if name.isdigit())


def _read(path: str, offset: int, limit: int) -> bytes:
    with open(path, "rb") as file:
        file.seek(offset)
        data = file.read(limit + 4)
    return data[: boundary(data, limit)]
