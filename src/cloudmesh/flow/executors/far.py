"""Our end of a channel to a far side, where `runner` runs: one node at a time.

The transport is whatever has asyncio's stdin, stdout and stderr: an SSH channel.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from cloudmesh.flow.executors.blob import HEAD, frame, lengths, pack, unpack
from cloudmesh.flow.executors.command import (
    cannot_start,
    ended,
    problem,
    rendered,
    timed_out,
)
from cloudmesh.flow.executors.output import Lines
from cloudmesh.flow.executors.protocol import Attempt, Done, Outcome
from cloudmesh.flow.executors.sending import Program, home_of, program_key, runner

__all__ = ["FarWorker", "Gone", "Job", "Programs", "Unready", "outcome_of", "request"]

END_WAIT = 4.0  # seconds for which a far side may take to end what it started
FRAME_MAX = 1 << 32  # bytes of one value


class Gone(Exception):
    """The far side has ended, or cannot be reached any more."""


class Unready(Exception):
    """The far side has not what was required of it; the text says why."""


class Job:
    """An attempt on its way."""

    __slots__ = ("attempt", "done", "kept", "lines", "started", "task", "tries", "why", "worker")

    def __init__(self, attempt: Attempt, done: Done) -> None:
        self.attempt, self.done = attempt, done
        self.why: Outcome | None = None  # why we end it ourselves
        self.started = False
        self.tries = 0  # how often it was given to a host that could not take it
        self.worker: FarWorker | None = None
        self.task: asyncio.Task[None] | None = None
        self.kept: list[str] = []
        keep = self.kept if attempt.task.command is not None else None
        self.lines = {"out": Lines(attempt, "out", keep), "err": Lines(attempt, "err")}
        self.lines["err"].kept = [] if keep is not None else None

    def take(self, stream: str, data: bytes) -> None:
        """Take what was printed."""
        self.lines[stream].feed(data)
        kept = self.lines["err"].kept
        if isinstance(kept, list):
            del kept[:-3]

    def end_lines(self) -> None:
        """Nothing more will be printed."""
        for lines in self.lines.values():
            lines.end()

    def complaint(self) -> str:
        """The last line on stderr."""
        lines = "".join(self.lines["err"].kept or ()).split("\n")
        return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "")


class Programs:
    """The programs of all attempts, numbered, each made once."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, int], int] = {}
        self._programs: list[Program] = []

    def number(self, attempt: Attempt) -> int:
        """The number of an attempt's program."""
        key = program_key(attempt)
        if key not in self._numbers:
            self._programs.append(Program(attempt))
            self._numbers[key] = len(self._programs) - 1
        return self._numbers[key]

    def frame(self, number: int, known: bool = False) -> bytes:
        """The frame that teaches a runner a program; ``known``: by the hashes of its sources."""
        program = self._programs[number]
        return frame(program.header(number, known), program.payload)

    def sources(self, number: int, wanted: Sequence[str]) -> bytes:
        """The frame with those sources of a program that a runner wanted."""
        found = self._programs[number].sources(wanted)
        return frame({"kind": "sources"}, json.dumps(dict(found)).encode())


def request(attempt: Attempt, programs: Programs) -> tuple[int | None, bytes]:
    """The frame that asks a runner for an attempt, and the number of the program that it needs.

    Raises what cannot be sent.
    """
    task = attempt.task
    if task.command is not None:
        command, env = rendered(attempt)
        asked = {"kind": "command", "key": attempt.key, "command": command, "env": env}
        return None, frame(asked)
    number = programs.number(attempt)
    packed, payload = pack(dict(attempt.arguments))
    calculation = None
    if task.calculation is not None:
        arguments = [
            {"name": item.name, "literal": item.literal, "keyword": item.keyword}
            for item in task.calculation.arguments
        ]
        calculation = {"arguments": arguments}
    home = home_of(attempt)
    header: dict[str, Any] = {
        "kind": "node",
        "program": number,
        "cls": home.cls if home else "",
        "function": home.function if home else "",
        "key": attempt.key,
        "number": attempt.number,
        "calculation": calculation,
        "value_of": task.value_of,
        "is_async": task.is_async,
        "packed": packed,
    }
    return number, frame(header, payload)


def _silent() -> None:
    """Tell nobody."""


class FarWorker:
    """A runner on a far side that lives on from node to node."""

    def __init__(self, process: Any, programs: Programs) -> None:
        self.process = process
        self.signature = ""  # what tells it from all other processes there
        self._programs = programs
        self._known: set[int] = set()

    async def open(
        self, wait: float, requirements: tuple[str, ...] = (), making: Callable[[], None] = _silent
    ) -> None:
        """Start the runner, in an environment that has the requirements.

        ``wait``: seconds for which the far side may say nothing; ``making`` is called while it
        makes the environment.  Raises `Gone`, `Unready`, `TimeoutError`.
        """
        self._write(runner(requirements))
        while True:
            header, _ = await asyncio.wait_for(self._frame(), wait)
            if "unready" in header:
                raise Unready(header["unready"])
            if header["kind"] == "ready":
                self.signature = header["signature"]
                return
            making()

    def beat(self) -> None:
        """Let the far side know that the engine is alive."""
        self._write(frame({"kind": "beat"}))

    def end(self) -> None:
        """Have the far side end all that it started, and itself."""
        self._write(frame({"kind": "end"}))

    async def sweep(self, key: str, of: str) -> None:
        """End what is left of a node of the runner of that signature, and that.  Raises `Gone`."""
        self._write(frame({"kind": "sweep", "key": key, "signature": of}))
        while (await self._frame())[0]["kind"] != "swept":
            pass

    async def run(self, job: Job) -> Outcome:
        """Run an attempt.  Raises `Gone` where the far side dies under it."""
        try:
            self._send_job(job)
        except Exception as error:
            return problem(type(error).__name__, f"the node cannot be sent: {error}")
        timer = None
        try:
            while True:
                header, payload = await self._frame()
                kind = header["kind"]
                if kind == "started":
                    job.started = True
                    job.attempt.began = time.monotonic()
                    timer = self._arm(job)
                elif kind == "log":
                    job.take(header["stream"], payload)
                elif kind == "progress":
                    job.attempt.progress(header["percent"], header["text"])
                elif kind == "wanted":
                    self._write(self._programs.sources(header["program"], header["hashes"]))
                elif kind == "result":
                    return outcome_of(job, header, payload)
        finally:
            if timer is not None:
                timer.cancel()
            job.end_lines()

    def _arm(self, job: Job) -> asyncio.TimerHandle | None:
        timeout = job.attempt.task.timeout
        if timeout is None:
            return None

        def expire() -> None:
            if job.why is None:
                job.why = timed_out(job.attempt)
                self.end()

        return asyncio.get_running_loop().call_later(timeout, expire)

    def _send_job(self, job: Job) -> None:
        number, asked = request(job.attempt, self._programs)
        if number is not None and number not in self._known:
            self._write(self._programs.frame(number, known=True))
            self._known.add(number)
        self._write(asked)

    def _write(self, data: bytes) -> None:
        try:
            self.process.stdin.write(data)
        except OSError:  # it is gone; its end is read from the same channel
            return

    async def _frame(self) -> tuple[dict[str, Any], bytes]:
        try:
            length, rest = lengths(await self.process.stdout.readexactly(HEAD))
            if length + rest > FRAME_MAX:
                raise Gone("what came back is no answer of ours")
            header = json.loads(await self.process.stdout.readexactly(length))
            return header, await self.process.stdout.readexactly(rest)
        except Gone:
            raise
        except Exception as error:  # the transport's own errors too
            raise Gone(str(error)) from None


def outcome_of(job: Job, header: dict[str, Any], payload: bytes) -> Outcome:
    """The outcome that a runner's ``result`` tells."""
    job.end_lines()
    if "unready" in header:
        return problem("RequirementsFailed", f"{job.attempt.where}: {header['unready']}")
    if "code" in header:
        return ended(header["code"], job.kept, job.complaint())
    if "refused" in header:
        kind: Callable[..., OSError] = OSError  # of the errno's own kind
        refused = kind(header["errno"] or 0, header["refused"])
        return cannot_start(job.attempt, refused)
    plain = header["outcome"]
    if plain[0] != "finished":
        plain[-1:] = [tuple(plain[-1])]
        return Outcome(*plain)
    try:
        value = unpack(header["packed"], payload)
    except Exception as error:
        message = f"the value that came back cannot be read: {type(error).__name__}: {error}"
        return problem(type(error).__name__, message)
    if header["raw"]:
        from cloudmesh.flow.model.value import Value

        value = Value(value)
    return Outcome(plain[0], value, *plain[2:])
