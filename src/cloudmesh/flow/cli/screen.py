"""What is shown while a run goes on: plain lines in a pipe, a live table on a terminal.

The engine tells a `Screen` what happens, under its lock.  So a screen only
puts lines into a queue; one thread of its own writes them, and a reader that
is slow or gone holds up nothing and nobody.
"""

from __future__ import annotations

import sys
from queue import SimpleQueue
from threading import Thread
from time import monotonic, time
from typing import TYPE_CHECKING, Any, TextIO

from cloudmesh.flow.cli.render import escape, is_live, span
from cloudmesh.flow.cli.summary import count

if TYPE_CHECKING:
    from cloudmesh.flow.run.run import Run as RunState

__all__ = ["Screen", "screen_for"]

#: A run of at most so many nodes says of each that it has finished; a larger one of errors alone …
EACH_MAX = 50
#: … and in so many seconds once how far it is.
SUMMARY_SECONDS = 5.0


def screen_for(json: bool) -> Screen:
    """The screen that suits where stdout and stderr go."""
    if not json and is_live(sys.stderr):
        from cloudmesh.flow.cli.live import LiveScreen

        return LiveScreen()
    return Screen(json)


class Screen:
    """Plain lines: what nodes print to stdout (with ``json`` to stderr), the rest to stderr."""

    def __init__(self, json: bool = False) -> None:
        self.out: TextIO = sys.stderr if json else sys.stdout
        self.err: TextIO = sys.stderr
        self.run_id = ""
        self.state: RunState | None = None
        self.queue: SimpleQueue[tuple[TextIO, str] | None] = SimpleQueue()
        self.thread: Thread | None = None
        self.said_at = 0.0

    # -- what the engine tells ----------------------------------------------

    def begun(self, run: str, state: RunState) -> None:
        """The run is recorded."""
        self.run_id = run
        self.state = state
        self.said_at = monotonic()
        flow = state.flow
        self.say(f"run {run} of {flow.name}: {count(len(flow.nodes), 'node')}")

    def batch(self, seq: int, events: list[tuple[Any, ...]]) -> None:
        """Say what has ended."""
        state = self.state
        if state is None:
            return
        few = len(state.names) <= EACH_MAX
        for event in events:
            kind = event[0]
            if kind == "finished":
                if few:
                    self.say(f"{state.names[event[1]]} finished, {self.duration(event)}")
            elif kind == "failed":
                self.say(self.failure(event))
            elif kind == "skipped" and few:
                self.say(f"{state.names[event[1]]} {event[3]}")
            elif kind == "progress" and few:
                text = f" {event[4]}" if len(event) > 4 and event[4] else ""
                self.say(f"{state.names[event[1]]} {event[3]:.3g} %{text}")
        if not few:
            self.summary()

    def output(self, node: str, stream: str, text: str) -> None:
        """A node has printed whole lines."""
        name = escape(node)
        for line in text.removesuffix("\n").split("\n"):
            self.put(self.out, f"{name} | {escape(line.removesuffix(chr(13)))}\n")

    def note(self, text: str) -> None:
        """Something that the user should know."""
        self.say(text)

    def ended(self, status: str) -> None:
        """The end is told by the table that follows."""

    # -- lines ---------------------------------------------------------------

    def say(self, text: str) -> None:
        """Put a line of our own."""
        self.put(self.err, f"{escape(text)}\n")

    def put(self, stream: TextIO, line: str) -> None:
        """Hand a line to the thread that writes."""
        if self.thread is None:
            self.thread = Thread(target=self.write_all, name="screen", daemon=True)
            self.thread.start()
        self.queue.put((stream, line))

    def duration(self, event: tuple[Any, ...]) -> str:
        """How long the attempt took that ends with this event."""
        assert self.state is not None
        started = self.state.started[event[1]]
        return span(event[2] - started if started else 0.0)

    def failure(self, event: tuple[Any, ...]) -> str:
        """A line about an attempt that failed."""
        assert self.state is not None
        error = event[3]
        extra = event[4] if len(event) > 4 and event[4] else {}
        first = str(error.get("message", "")).split("\n", 1)[0]
        text = f"{self.state.names[event[1]]} error, {error.get('type', '')}: {first}"
        if extra.get("retry_at") is None:
            return text
        wait = max(0.0, extra["retry_at"] - time())
        again = str(extra.get("reason") or "tried again").partition(" at ")[0]
        return f"{text}; {again} in {span(wait)}"

    def summary(self) -> None:
        """How far a large run is, now and then."""
        now = monotonic()
        if now - self.said_at >= SUMMARY_SECONDS and self.state is not None:
            self.said_at = now
            counts = self.state.counts_by_status()
            self.say(f"{counts['finished']} of {sum(counts.values())} finished")

    def write_all(self) -> None:
        """The thread that writes."""
        broken: set[int] = set()
        while (item := self.queue.get()) is not None:
            stream, line = item
            self.write(stream, line, broken)

    def write(self, stream: TextIO, line: str, broken: set[int]) -> None:
        """Write a line; a stream whose reader has gone gets no more, and nobody is troubled."""
        if id(stream) in broken:
            return
        try:
            stream.write(line)
            if self.queue.empty():
                stream.flush()
        except (OSError, ValueError):
            from cloudmesh.flow.cli.main import silence

            broken.add(id(stream))
            silence(stream)

    def close(self) -> None:
        """Write what is left."""
        if self.thread is not None:
            self.queue.put(None)
            self.thread.join()
            self.thread = None
