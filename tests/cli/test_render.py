"""Tables, times, and text that cannot steer a terminal."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmesh.flow.cli.render import colored, escape, json_text, seconds_of, span, table, took


@given(st.text())
def test_no_control_character_is_left(text: str) -> None:
    shown = escape(text)
    assert all(c == "\t" or not (ord(c) < 32 or 0x7F <= ord(c) < 0xA0) for c in shown)
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "Zs"])))
def test_what_is_no_control_character_stays(text: str) -> None:
    assert escape(text) == text


def test_controls_are_written_out() -> None:
    assert escape("\x1b[31mred\r\n\x07\x9b") == "\\x1b[31mred\\r\\n\\x07\\x9b"
    assert escape("a\nb\tc\x00", keep="\n") == "a\nb\tc\\x00"


@given(st.text())
def test_json_is_the_same_without_control_characters(text: str) -> None:
    shown = json_text({"k": text})
    assert json.loads(shown) == {"k": text}
    assert escape(shown, keep="\n") == shown


def test_a_table_is_aligned_also_with_wide_and_combining_characters() -> None:
    text = table(("node", "x"), [("a", "1"), ("数据", "2"), ("e\u0301", "3")])
    assert text == "node  x\na     1\n数据  2\ne\u0301     3\n"


def test_cells_cannot_break_a_table() -> None:
    text = table(("node",), [("a\nb\x1b[0m",)])
    assert text.split("\n") == ["node", "a\\nb\\x1b[0m", ""]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (-1, "0.0 ms"),
        (0.0005, "0.5 ms"),
        (0.0999, "0.1 s"),
        (0.3, "0.3 s"),
        (14.2, "14.2 s"),
        (59.96, "1 min 0 s"),
        (372, "6 min 12 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_spans(seconds: float | None, text: str) -> None:
    assert span(seconds) == text


def test_stored_times_are_utc() -> None:
    assert seconds_of("1970-01-02 00:00:01.500000") == 86401.5
    times = {"started": "2019-05-02 00:32:11.034870", "ended": "2019-05-02 00:32:13.034870"}
    assert took(times) == "2.0 s"
    assert took({"started": None, "ended": None}) == ""


def test_no_color_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert colored(Terminal())
    assert not colored(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "")
    assert not colored(Terminal())
