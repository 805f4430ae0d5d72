from __future__ import annotations

import pytest

from cloudmesh.flow.language.flowstring import Parsed, parse
from cloudmesh.flow.language.source import Findings, Source


def read(text: str) -> Parsed:
    findings = Findings()
    parsed = parse(Source(text, "flow string"), findings)
    findings.raise_if_any()
    return parsed


def wrong(text: str) -> list[tuple[str, str]]:
    """What the caret marks, and the message, of each finding."""
    findings = Findings()
    parse(Source(text, "flow string"), findings)
    return [(p.text[p.column - 1 : p.column - 1 + p.length], p.message) for p in findings.problems]


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a", "a"),
        ("a; b", (";", ["a", "b"])),
        ("a || b", ("|", ["a", "b"])),
        ("a | b", ("|", ["a", "b"])),
        ("(a; b || c)", (";", ["a", ("|", ["b", "c"])])),
        ("(a; b) || c", ("|", [(";", ["a", "b"]), "c"])),
        ("((a))", "a"),
        ("a;b;c", (";", ["a", "b", "c"])),
        (" a\n;\tb\r\n|| c ", (";", ["a", ("|", ["b", "c"])])),
        ("fetch-data; _x1", (";", ["fetch-data", "_x1"])),
    ],
)
def test_what_a_string_means(text: str, tree: object) -> None:
    assert read(text).tree == tree


def test_names_stand_in_order_of_first_mention_with_their_places() -> None:
    assert read("b; a || c").names == {"b": 0, "a": 3, "c": 8}


def test_a_star_maps_a_node() -> None:
    parsed = read("split; work*; merge")
    assert parsed.mapped == {"work"}
    assert parsed.tree == (";", ["split", "work", "merge"])


@pytest.mark.parametrize(
    ("text", "marked", "said"),
    [
        ("", " ", "the flow is empty"),
        ("a;", ";", "expected a name or '(' after ';'"),
        ("; a", ";", "expected a name or '(' before ';'"),
        ("a ;; b", ";", "between ';' and ';'"),
        ("a; || b", "||", "between ';' and '||'"),
        ("a ||| b", "|", "between '||' and '|'"),
        ("a b", "b", "expected ';' or '||' before 'b'"),
        ("a (b)", "(", "expected ';' or '||' before '('"),
        ("(a; b", "(", "not closed"),
        ("a; b)", ")", "closes nothing"),
        ("a; ()", "()", "expected a name between"),
        ("(a; )", ";", "expected a name or '(' after ';'"),
        ("a & b", "&", "reserved"),
        ("a && b", "&&", "reserved"),
        ("a -> b", "->", "a; b"),
        ("a->b", "->", "a; b"),
        ("a, b", ",", "';' is one after the other"),
        ("a.b; c", "a.b", "did you mean 'a_b'?"),
        ("1a", "1a", "did you mean '_1a'?"),
        ("größe", "größe", "is no name"),
        ("a; b; a", "a", "stands twice"),
        ("(a; b)*", "*", "maps one node, not a group"),
        ("a; b**", "*", "one '*' is enough"),
        ("*", "*", "expected a name before '*'"),
        ("a; $x", "$", "has no meaning"),
    ],
)
def test_what_is_wrong_is_marked_and_said(text: str, marked: str, said: str) -> None:
    ((where, message),) = wrong(text)
    assert (where or " ", said in message) == (marked, True), message


def test_everything_wrong_is_found_at_once() -> None:
    found = wrong("a;; b) || c d & ( e; a")
    assert [where for where, _ in found] == [";", ")", "d", "&", "a", "("]


def test_what_stands_twice_says_where_it_stood_first() -> None:
    assert "first at column 4" in wrong("x; a; a")[0][1]
    assert "first at line 2, column 3" in wrong("x;\n  a; a")[0][1]


def test_ten_thousand_levels() -> None:
    assert read("(" * 10_000 + "a" + ")" * 10_000).tree == "a"
    deep = "(" * 10_000 + "z" + "".join(f"; a{i} || b{i})" for i in range(10_000))
    assert len(read(deep).names) == 20_001


def test_a_hundred_findings_are_told_and_the_rest_counted() -> None:
    findings = Findings()
    parse(Source("a " * 1000, "flow string"), findings)
    assert len(findings.problems) == 100
    assert findings.count == 999 * 2  # no operator, and the same name
