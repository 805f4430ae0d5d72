"""Runs are started as engine processes of their own: they outlive the server, and it runs no node.

A process gets the store by its environment, so that no password is ever an
argument; what it says on stderr is kept until the run is recorded, and is the
answer where it never is.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from typing import IO, Any

from cloudmesh.flow.errors import InputError, StoreUnavailable
from cloudmesh.flow.server.problems import Conflict
from cloudmesh.flow.store.protocol import Store, every_batch

__all__ = ["Engines"]

START_SECONDS = 60.0  # for a process to record its run
LOOK_SECONDS = 0.03  # how often it is looked whether it has
SAID_MAX = 4_000
ARGUMENT_MAX = 100_000  # bytes; Linux takes 131,071 in one argument
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Engines:
    """Starts engine processes.  ``url`` is the store's, with user and password."""

    def __init__(self, store: Store, url: str) -> None:
        self._store = store
        self._url = url
        self._lock = threading.Lock()

    def run(
        self,
        flow: str,
        types: Mapping[str, str],
        parameters: Mapping[str, Any],
        on: Mapping[str, str],
        parallel: int | None,
    ) -> str:
        """Run a defined flow; returns the run once it is recorded.

        ``types`` maps parameters to their annotations.  Raises `InputError`
        with what the command line would say.
        """
        words = ["run", flow]
        for name, value in parameters.items():
            if not NAME.fullmatch(name):
                raise InputError(f"{name!r} is no name of a parameter")
            text = parameter_text(value, types.get(name, ""))
            words += ["--param", _argument(f"{name}={text}", f"parameter {name}")]
        for name, where in on.items():
            words += ["--on", _argument(f"{name}={where}", f"the infrastructure of {name}")]
        return self._new_run(flow, [*words, *_parallel(parallel)])

    def retry(self, run: str, flow: str, node: str | None, parallel: int | None) -> str:
        """Run again what failed; returns the new run."""
        words = ["retry", run, *(["--from", node] if node else [])]
        return self._new_run(flow, [*words, *_parallel(parallel)])

    def resume(self, run: str, force: bool, parallel: int | None) -> None:
        """Go on with a run; returns when its new engine has taken it."""
        last = self._last_seq(run)
        words = ["resume", run, *(["--force"] if force else []), *_parallel(parallel)]
        self._start(words, lambda: self._last_seq(run) > last or None)

    # -- starting ------------------------------------------------------------------
    def _new_run(self, flow: str, words: list[str]) -> str:
        # One start at a time: the run that is new is then the one that was asked for.
        with self._lock:
            known = {doc["run"] for doc in self._store.runs(flow, limit=50)}

            def found() -> str | None:
                for doc in self._store.runs(flow, limit=5):
                    if doc["run"] not in known:
                        return str(doc["run"])
                return None

            return str(self._start(words, found))

    def _start(self, words: list[str], recorded: Callable[[], Any]) -> Any:
        """Start a process and wait until ``recorded`` gives something."""
        said = tempfile.TemporaryFile()  # noqa: SIM115 - the process holds it
        process = subprocess.Popen(
            [sys.executable, "-m", "cloudmesh.flow", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            env={**os.environ, "CLOUDMESH_FLOW_STORE": self._url},
            start_new_session=True,
        )
        end = time.monotonic() + START_SECONDS
        while True:
            code = process.poll()
            found = recorded()
            if found is not None:
                self._reap(process, said)
                return found
            if code is not None:
                raise _refusal(code, said)
            if time.monotonic() > end:
                process.terminate()
                self._reap(process, said)
                raise StoreUnavailable(f"the engine recorded no run within {START_SECONDS:g} s")
            time.sleep(LOOK_SECONDS)

    @staticmethod
    def _reap(process: subprocess.Popen[bytes], said: IO[bytes]) -> None:
        """Wait for the process in a thread, so that no zombie is left."""

        def wait() -> None:
            process.wait()
            said.close()

        threading.Thread(target=wait, name="engine", daemon=True).start()

    def _last_seq(self, run: str) -> int:
        last = 0
        for batch in every_batch(self._store, run):
            last = batch.seq
        return last


def _parallel(parallel: int | None) -> list[str]:
    return [] if parallel is None else ["--parallel", str(parallel)]


def _argument(text: str, what: str) -> str:
    """A word of a command line, where it can be one."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InputError(f"{what} holds half of a surrogate pair, which is no text") from None
    if "\0" in text:
        raise InputError(f"{what} holds a NUL character, which no command takes")
    if size > ARGUMENT_MAX:
        raise InputError(
            f"{what} has {size:,} bytes, and {ARGUMENT_MAX:,} at most: give the name of a file"
        )
    return text


def _refusal(code: int, said: IO[bytes]) -> Exception:
    """What a process said before it ended without a run, as an error."""
    said.seek(0)
    text = said.read().decode("utf-8", "replace").strip()[-SAID_MAX:]
    said.close()
    text = text.removeprefix("cms flow: ") or f"the engine ended with exit code {code}"
    if code == 3:
        return StoreUnavailable(text)
    if code == 2:
        return InputError(text)
    return Conflict(text)


def parameter_text(value: Any, annotation: str) -> str:
    """A JSON value as ``--param`` takes it: text is converted back by the annotation."""
    if not isinstance(value, str):
        try:
            return json.dumps(value, ensure_ascii=False, allow_nan=False)
        except ValueError:
            raise InputError("NaN and Infinity are no JSON") from None
    if annotation:
        return value
    try:
        json.loads(value)
    except ValueError:
        return value
    return json.dumps(value, ensure_ascii=False)  # text that would be read as JSON
