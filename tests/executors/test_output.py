"""What nodes print: whole lines, each to its own node's log, progress taken out."""

from __future__ import annotations

import contextlib
import contextvars
import sys
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmesh.flow.executors.call import here
from cloudmesh.flow.executors.output import Lines, flush, install, progress_line, uninstall


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("# cloudmesh status=running progress=40\n", (40.0, "")),
        ("# cloudmesh status=running progress=40 pid=12", (40.0, "")),
        ('# cloudmesh status=running progress=2.5 text="half of it"', (2.5, "half of it")),
        ("# cloudmesh progress=70% msg=go", (70.0, "go")),
        ("# cloudmesh status=done progress=250", (100.0, "")),
        ("# cloudmesh status=running", None),
        ("cloudmesh progress=4", None),
        ("# cloudmeshprogress=4", None),
        ("x # cloudmesh progress=4", None),
    ],
)
def test_progress_lines(line: str, told: Any) -> None:
    assert progress_line(line) == told


class Heard:
    def __init__(self) -> None:
        self.texts: list[tuple[str, str]] = []
        self.percents: list[float] = []
        self.extra: dict[str, Any] = {}

    def log(self, stream: str, text: str) -> None:
        self.texts.append((stream, text))

    def progress(self, percent: float, text: str) -> None:
        self.percents.append(percent)


@given(st.text(), st.lists(st.integers(0, 400)))
def test_however_a_text_is_cut_it_arrives_in_whole_lines(text: str, cuts: list[int]) -> None:
    data = text.encode("utf-8", "replace")
    heard = Heard()
    kept: list[str] = []
    lines = Lines(heard, "out", kept)
    start = 0
    for cut in sorted(cuts):
        lines.feed(data[start:cut])
        start = max(start, cut)
    lines.feed(data[start:])
    lines.end()
    assert "".join(kept) == "".join(text for _, text in heard.texts) == data.decode()
    assert all(text.endswith("\n") for _, text in heard.texts[:-1])


def test_binary_output_is_replaced_not_refused() -> None:
    heard = Heard()
    lines = Lines(heard, "err")
    lines.feed(b"\xff\xfe ok\n\xc3")
    lines.end()
    assert heard.texts == [("err", "\ufffd\ufffd ok\n"), ("err", "\ufffd")]


def test_progress_lines_are_told_and_left_out() -> None:
    heard = Heard()
    lines = Lines(heard, "out")
    lines.feed(b"a\n# cloudmesh status=running progress=10\nb\n# cloudmesh progress=20")
    lines.end()
    assert heard.texts == [("out", "a\nb\n")]
    assert heard.percents == [10.0, 20.0]


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    heard = Heard()
    lines = Lines(heard, "out")
    for _ in range(40):
        lines.feed(b"x" * 100_000)
    assert sum(len(text) for _, text in heard.texts) > 3_000_000
    lines.end()
    assert sum(len(text) for _, text in heard.texts) == 4_000_000


@contextlib.contextmanager
def installed() -> Any:
    """Within the test: between its fixtures and it pytest sets the streams itself."""
    install()
    try:
        yield
    finally:
        uninstall()


def test_each_thread_prints_to_its_own_node(capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [Heard() for _ in range(4)]
    gate = threading.Barrier(4)

    def run(n: int) -> None:
        here.set(nodes[n])
        gate.wait()
        for i in range(100):
            print("node", n, "line", i)
        print("last", end="")
        print("oh", file=sys.stderr)
        flush(nodes[n])

    threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
    with installed():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print("not a node")
    for n, node in enumerate(nodes):
        expected = "".join(f"node {n} line {i}\n" for i in range(100)) + "last"
        assert "".join(text for stream, text in node.texts if stream == "out") == expected
        assert ("err", "oh\n") in node.texts
        assert node.extra == {}
    assert capsys.readouterr().out == "not a node\n"


def test_bytes_lone_surrogates_and_progress() -> None:
    node = Heard()

    def run() -> None:
        here.set(node)
        sys.stdout.buffer.write(b"raw\n")
        print("odd \udcff")
        print("# cloudmesh status=running progress=33")
        with pytest.raises(TypeError):
            sys.stdout.write(b"x")  # type: ignore[arg-type]

    with installed():
        contextvars.copy_context().run(run)
    assert node.texts == [("out", "raw\n"), ("out", "odd ?\n")]
    assert node.percents == [33.0]


def test_the_streams_are_given_back_by_the_last(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout
    install()
    install()
    uninstall()
    assert sys.stdout is not before
    uninstall()
    assert sys.stdout is before
