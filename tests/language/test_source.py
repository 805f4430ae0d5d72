from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmesh.flow.errors import InputError
from cloudmesh.flow.language.source import Findings, Source, did_you_mean


def marked(source: Source, start: int, end: int) -> tuple[int, int, str]:
    p = source.problem("x", start, end)
    return p.line, p.column, p.text[p.column - 1 : p.column - 1 + p.length]


def test_lines_and_columns_count_from_one_for_every_line_end() -> None:
    source = Source("ab\ncd\r\nef\rgh", "f")
    assert [source.place(i) for i in (0, 1, 3, 7, 8, 10)] == [
        (1, 1),
        (1, 2),
        (2, 1),
        (3, 1),
        (3, 2),
        (4, 1),
    ]
    assert [source.line(n) for n in (1, 2, 3, 4)] == ["ab", "cd", "ef", "gh"]


def test_a_text_inside_another_is_shown_there() -> None:
    outer = Source('flow = "a; b"\n', "x.py")
    inner = Source.inside(outer, 7, 13, "a; b")
    assert marked(inner, 3, 4) == (1, 12, "b")


def test_folded_lines_and_escapes_are_looked_through() -> None:
    outer = Source("flow: a;\n   bb ||\n   c\n", "x.yaml")
    inner = Source.inside(outer, 6, 22, "a; bb || c")
    assert marked(inner, 3, 5) == (2, 4, "bb")
    assert marked(inner, 9, 10) == (3, 4, "c")
    escaped = Source.inside(Source('x = "a;\\tbb"', "x.py"), 5, 12, "a;\tbb")
    assert marked(escaped, 3, 5)[2].startswith("bb")


def test_a_place_is_sought_only_when_it_is_needed() -> None:
    asked = []

    def find() -> Source:
        asked.append(1)
        return Source.inside(Source("  a;b", "x.py"), 2, 5, "a;b")

    source = Source.sought("a;b", "flow string", find)
    assert not asked
    assert source.problem("x", 2).file == "x.py"
    assert source.problem("x", 2).column == 5
    assert asked == [1]
    lost = Source.sought("a;b", "flow string", lambda: None)
    assert lost.problem("x", 2).file == "flow string"


@given(st.text(max_size=50), st.integers(0, 60), st.integers(0, 60))
def test_any_place_of_any_text_can_be_shown(text: str, start: int, end: int) -> None:
    problem = Source(text, "f").problem("x", start, end)
    assert problem.line >= 1
    assert problem.column >= 1
    assert "\n" not in problem.text
    assert str(problem)


def test_findings_are_told_from_top_to_bottom_each_once() -> None:
    source = Source("abc\ndef", "f")
    findings = Findings()
    for place in (5, 1, 5):
        findings.add(source.problem("x", place))
    with pytest.raises(InputError) as error:
        findings.raise_if_any()
    assert [(p.line, p.column) for p in error.value.problems] == [(1, 2), (2, 2)]


def test_did_you_mean() -> None:
    assert did_you_mean("retrys", ["retries", "timeout"]) == "; did you mean 'retries'?"
    assert did_you_mean("A", ["a"]) == "; did you mean 'a'?"
    assert did_you_mean("zzz", ["retries"]) == ""
    assert did_you_mean("a", ["a"]) == ""


def test_of_a_long_line_only_the_part_around_the_place_is_shown() -> None:
    text = "; ".join(f"n{i}" for i in range(1000)) + ";;"
    shown = str(Source(text, "f").problem("x", len(text) - 1))
    lines = shown.split("\n")
    assert max(map(len, lines)) < 200
    assert lines[1][lines[2].index("^")] == ";"
