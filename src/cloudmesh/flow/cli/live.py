"""The live table and the progress bar of a run on a terminal.

It appears only when a run takes longer than a moment, and ``rich`` is imported
only then: a short run prints what its nodes print, and its table.
"""

from __future__ import annotations

from queue import Empty
from time import monotonic, time
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.cli.render import escape, span
from cloudmesh.flow.cli.screen import Screen

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

__all__ = ["LiveScreen"]

#: A run of less than this many seconds is over before anybody could read a live table.
MOMENT = 0.4
#: The picture is drawn anew so often, in seconds.
REDRAW = 0.125
#: So many lines are written above the picture before it is drawn anew.
LINES_AT_ONCE = 500
#: Rows of running nodes, at most.
ROWS = 10


class LiveScreen(Screen):
    """What nodes print above, what runs and how far it is below."""

    def __init__(self) -> None:
        super().__init__()
        self.running: dict[int, float] = {}
        self.live: Live | None = None
        self.began = monotonic()

    def batch(self, seq: int, events: list[tuple[Any, ...]]) -> None:
        """Keep what runs; say what has failed."""
        running = self.running
        for event in events:
            kind = event[0]
            if kind == "started":
                running[event[1]] = event[2]
            elif kind in ("finished", "failed", "reset"):
                running.pop(event[1], None)
                if kind == "failed":
                    self.say(self.failure(event))

    def write_all(self) -> None:
        """The thread that writes and draws."""
        broken: set[int] = set()
        drawn = 0.0
        open_ = True
        try:
            while open_:
                open_ = self.write_some(broken)
                now = monotonic()
                if open_ and now - self.began > MOMENT and now - drawn >= REDRAW:
                    self.draw()
                    drawn = now
        finally:
            if self.live is not None:
                self.live.stop()

    def write_some(self, broken: set[int]) -> bool:
        """Write what has come, or wait a little for it; False at the end."""
        above: list[str] = []
        wait: float | None = REDRAW
        try:
            while len(above) < LINES_AT_ONCE:
                item = self.queue.get(timeout=wait) if wait else self.queue.get_nowait()
                if item is None:
                    self.write_above(above)
                    return False
                wait = None
                stream, line = item
                if self.live is not None and stream.isatty():
                    above.append(line)
                else:
                    self.write(stream, line, broken)
        except Empty:
            pass
        self.write_above(above)
        return True

    def write_above(self, lines: list[str]) -> None:
        """Write lines above the picture."""
        if lines and self.live is not None:
            from rich.text import Text

            text = Text("".join(lines).removesuffix("\n"))
            self.live.console.print(text, soft_wrap=True)

    def draw(self) -> None:
        """Draw how far the run is."""
        if self.state is None:
            return
        if self.live is None:
            from rich.console import Console
            from rich.live import Live

            # Not sys.stderr: while an engine runs, that tells which node has written.
            console = Console(file=self.err, highlight=False)
            self.live = Live(
                console=console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self.live.start()
        self.live.update(self.picture(), refresh=True)

    def picture(self) -> Group:
        """The running nodes, longest first, and the bar."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        state = self.state
        assert state is not None
        now = time()
        nodes = Table.grid(padding=(0, 2))
        running = sorted(self.running.copy().items(), key=lambda item: item[1])
        for i, started in running[:ROWS]:
            percent, text = state.progress.get(i, (None, ""))
            nodes.add_row(
                Text(state.names[i], style="blue"),
                Text(span(now - started)),
                Text("" if percent is None else f"{percent:.3g} % {escape(text)}"),
            )
        if len(running) > ROWS:
            nodes.add_row(Text(f"… and {len(running) - ROWS} more"))
        counts = state.counts_by_status()
        total = sum(counts.values())
        ended = counts["finished"] + counts["error"]
        bar = Table.grid(padding=(0, 2))
        words = f"{ended:,} of {total:,}, {len(running)} running"
        bar.add_row(
            ProgressBar(total=total or 1, completed=ended, width=30, complete_style="blue"),
            Text(words),
            Text(f"{counts['error']} error" if counts["error"] else "", style="bold red"),
            Text(span(monotonic() - self.began)),
        )
        return Group(nodes, bar)
