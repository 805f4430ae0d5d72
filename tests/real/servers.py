"""Database servers for the tests: each started by the test, on loopback, in a fresh folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sshd import free_port

SOURCE = Path(__file__).parent / "ferretdb"
FERRETDB_MISSING = (
    "NOT TESTED: stores on FerretDB (needs Go 1.24 and its modules; make test-deps installs it)"
)
MONGODB_MISSING = (
    "NOT TESTED: stores on MongoDB (needs a MongoDB server: mongod on the PATH, or its URL in "
    "CLOUDMESH_FLOW_TEST_MONGODB; no package of Debian or Python has one)"
)


def ferretdb_program(cache: Path) -> Path:
    """The FerretDB server, built once and kept in the cache."""
    digest = hashlib.sha256()
    for name in ("main.go", "go.mod", "go.sum"):
        digest.update((SOURCE / name).read_bytes())
    program = cache / f"ferretdb-{digest.hexdigest()[:16]}"
    if not program.exists():
        partial = program.with_suffix(f".{os.getpid()}")
        _go(cache, "mod", "download", missing=FERRETDB_MISSING)
        _go(cache, "build", "-tags", "ferretdb_no_postgresql", "-o", str(partial), ".")
        partial.replace(program)
    return program


def _go(cache: Path, *arguments: str, missing: str = "") -> None:
    """Run Go in the server's folder; where that fails, skip with ``missing``, else fail."""
    go = shutil.which("go")
    if go is None:
        pytest.skip(FERRETDB_MISSING)
    environment = {**os.environ, "GOFLAGS": "-mod=readonly -buildvcs=false"}
    # The home of a test is empty: what Go keeps for the next time goes into the cache.
    environment.setdefault("GOCACHE", str(cache / "go-build"))
    environment.setdefault("GOPATH", str(cache / "go"))
    done = subprocess.run(
        [go, *arguments], cwd=SOURCE, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode and missing:
        pytest.skip(missing)
    if done.returncode:
        pytest.fail(f"FerretDB does not build:\n{done.stderr[-3000:]}")


@contextlib.contextmanager
def ferretdb(cache: Path, folder: Path, address: str = "127.0.0.1:0") -> Iterator[str]:
    """The URL of a FerretDB server, without a database; it ends with the block."""
    program = ferretdb_program(cache)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [program, address, folder],
            stdin=subprocess.PIPE,  # closed when this process ends, and then the server ends
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            if not url:
                pytest.fail(f"FerretDB does not start:\n{(folder / 'log').read_text()[-3000:]}")
            yield url.rstrip("/")
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


@contextlib.contextmanager
def mongodb(folder: Path) -> Iterator[str]:
    """The URL of a real MongoDB server, without a database."""
    named = os.environ.get("CLOUDMESH_FLOW_TEST_MONGODB")
    if named:
        yield named.rstrip("/")
        return
    mongod = shutil.which("mongod")
    if mongod is None:
        pytest.skip(MONGODB_MISSING)
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [mongod, "--dbpath", folder, "--port", str(port), "--bind_ip", "127.0.0.1"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait_for_port(port, server)
            yield f"mongodb://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(30)


def _wait_for_port(port: int, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    pytest.fail("mongod does not answer")


@pytest.fixture(scope="session")
def ferretdb_url(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A FerretDB server for the whole session."""
    with ferretdb(cache, tmp_path_factory.mktemp("ferretdb")) as url:
        yield url


@pytest.fixture(scope="session")
def mongodb_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A MongoDB server for the whole session."""
    with mongodb(tmp_path_factory.mktemp("mongodb")) as url:
        yield url
