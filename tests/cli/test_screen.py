"""Plain lines while a run goes on."""

from __future__ import annotations

import io
import sys

import pytest

from cloudmesh.flow.cli.screen import Screen
from cloudmesh.flow.language.load import load
from cloudmesh.flow.run import events as ev
from cloudmesh.flow.run.run import Run


class Gone(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def begun(screen: Screen, *strings: str) -> Run:
    state = Run(load(None, strings or ("a; b",)).flow)
    state.apply(ev.begin(100.0, {}))
    screen.begun("k7q2m9xd", state)
    return state


def tell(screen: Screen, state: Run, *events: ev.Event) -> None:
    for event in events:
        state.apply(event)
    screen.batch(2, list(events))


def test_lines_of_nodes_go_to_stdout_and_the_rest_to_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    screen = Screen()
    state = begun(screen)
    screen.output("a", "out", "one\ntwo\r\n")
    screen.output("a", "err", "\x1b[2Jthree\n")
    tell(
        screen, state, ev.started(0, 100.0, 1, "first", "local"), ev.progress(0, 100.5, 40, "x\ny")
    )
    tell(screen, state, ev.finished(0, 102.0, "1"))
    tell(screen, state, ev.skipped(1, 102.0, "skipped: when a > 1"))
    screen.note("new code")
    screen.close()
    out, err = capsys.readouterr()
    assert out == "a | one\na | two\na | \\x1b[2Jthree\n"
    assert err == (
        "run k7q2m9xd of workflow: 2 nodes\n"
        "a 40 % x\\ny\n"
        "a finished, 2.0 s\n"
        "b skipped: when a > 1\n"
        "new code\n"
    )


def test_with_json_everything_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(json=True)
    begun(screen)
    screen.output("a", "out", "one\n")
    screen.close()
    out, err = capsys.readouterr()
    assert out == ""
    assert "a | one\n" in err


def test_failures_say_whether_they_are_tried_again(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    state = begun(screen)
    error = {"type": "OSError", "message": "away\nmore", "traceback": ""}
    again = {"retry_at": 0.0, "reason": "retry 2 of 3 at 1970-01-01"}
    tell(
        screen, state, ev.started(0, 100.0, 1, "first", "local"), ev.failed(0, 101.0, error, again)
    )
    tell(screen, state, ev.started(0, 102.0, 2, "first", "local"), ev.failed(0, 103.0, error))
    screen.close()
    lines = capsys.readouterr().err.splitlines()
    assert lines[1:] == ["a error, OSError: away; retry 2 of 3 in 0.0 ms", "a error, OSError: away"]


def test_of_many_nodes_only_errors_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    state = begun(screen, " || ".join(f"n{i}" for i in range(100)))
    for i in range(100):
        tell(screen, state, ev.started(i, 100.0, 1, "first", "local"))
        if i == 7:
            tell(screen, state, ev.failed(i, 101.0, {"type": "E", "message": "m", "traceback": ""}))
        else:
            tell(screen, state, ev.finished(i, 101.0, "1"))
    screen.close()
    assert capsys.readouterr().err.splitlines()[1:] == ["n7 error, E: m"]


def test_a_reader_that_is_gone_troubles_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    err = io.StringIO()
    monkeypatch.setattr(sys, "stdout", Gone())
    monkeypatch.setattr(sys, "stderr", err)
    screen = Screen()
    state = begun(screen)
    screen.output("a", "out", "one\n")
    screen.output("a", "out", "two\n")
    tell(screen, state, ev.started(0, 100.0, 1, "first", "local"), ev.finished(0, 102.0, "1"))
    screen.close()
    assert "a finished" in err.getvalue()
