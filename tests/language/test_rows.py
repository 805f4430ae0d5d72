"""The short way of rows, like ``(a || b); c``, gives what the long way of any string gives."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cloudmesh.flow.language import flowstring, graph, printer
from cloudmesh.flow.language.flowstring import Parsed, Tree
from cloudmesh.flow.language.source import Findings, Source

blanks = st.sampled_from(["", "", " ", "\n", "\t ", "\x1c", "\u2003"])
names = st.sampled_from(["a", "b", "c", "d_1", "e-f", "_", "g-", "h--2"])
# One of them is wrong: a sign of its own makes a string almost a row.
pieces = names | st.sampled_from([*";;|()* &.1-ü", "||", "->", "a1", "\n"])


def long_way(text: str) -> tuple[Parsed, Findings]:
    """What the reader makes of a string that need not be rows."""
    findings = Findings()
    source = Source(text, "flow string")
    parser = flowstring._Parser(source, findings)
    tree = parser.run()
    return Parsed(source, parser.names, parser.mapped, tree=tree), findings


def short_way(text: str) -> Parsed | None:
    return flowstring._rows(Source(text, "flow string"))


@st.composite
def rows(draw: st.DrawFn) -> str:
    """A string that is rows, however it is written."""
    words = draw(st.lists(names, min_size=1, max_size=8, unique=True))
    said = []
    while words:
        count = draw(st.integers(1, len(words)))
        row, words = words[:count], words[count:]
        text = draw(st.sampled_from(["||", " || ", "|", "\n|  "])).join(row)
        left, right = draw(st.sampled_from([("", ""), ("(", ")"), ("( ", " )"), (" (\n", ") ")]))
        said.append(f"{left}{text}{right}")
    text = draw(st.sampled_from([";", "; ", " ;\n"])).join(said)
    left, right = draw(st.sampled_from([("", ""), ("(", ")"), (" ( ", " )\n")]))
    return f"{draw(blanks)}{left}{text}{right}{draw(blanks)}"


@given(rows())
@settings(max_examples=300)
@example("(a)")
@example("((a))")
@example("(a || b)")
@example("((a || b); c)")
def test_rows_take_the_short_way(text: str) -> None:
    assert short_way(text) is not None
    same_as_the_long_way(text)


@given(st.lists(pieces | blanks, max_size=12).map("".join))
@settings(max_examples=1000)
@example("a; b; a")
@example("a;")
@example(";a")
@example("(a || b; c")
@example("a); (b")
@example("(a); b || (c)")
@example("a | | b")
@example("a ||| b")
@example("(a; b) || c")
@example("a || (b)")
@example("()")
@example("(")
@example("work*; a")
@example("a->b")
@example("1a; b")
@example("größe; b")
@example("a b")
def test_whatever_takes_the_short_way_is_right_and_says_the_same(text: str) -> None:
    if short_way(text) is not None:
        same_as_the_long_way(text)


def same_as_the_long_way(text: str) -> None:
    short = short_way(text)
    long, findings = long_way(text)
    assert short is not None
    assert not findings
    assert [*short.words] == [*long.words]
    assert (short.tree, short.mapped) == (long.tree, long.mapped)
    assert list(short.names.items()) == list(long.names.items())
    tree: Tree | None = long.tree
    assert tree is not None
    for mapped in (set(), {"a", "e-f"}):
        assert printer.as_text(short, mapped) == printer.normalised(tree, mapped)


def both(texts: list[str]) -> list[graph.Graph]:
    """The graph of a list of strings, of rows as such and of their trees."""
    parsed = [p for text in texts if (p := short_way(text)) is not None]
    trees = [Parsed(p.source, p.names, p.mapped, tree=p.tree) for p in parsed]
    return [graph.build(parsed, Findings()), graph.build(trees, Findings())]


@given(st.lists(rows(), min_size=1, max_size=6))
@settings(max_examples=300)
@example(["(a || b || c); (d_1 || e-f || g-)", "(a || b); d_1", "a; e-f", "(a || b || c); _"])
def test_rows_have_the_edges_of_their_tree(texts: list[str]) -> None:
    by_rows, by_trees = both(texts)
    assert by_rows.index == by_trees.index
    assert by_rows.needs == by_trees.needs
    assert by_rows.junctions == by_trees.junctions


@given(st.lists(rows(), min_size=1, max_size=6))
@settings(max_examples=300)
def test_what_a_node_needs_is_in_order_of_first_mention_each_once(texts: list[str]) -> None:
    drawn, _ = both(texts)
    expected: dict[str, dict[str, None]] = {name: {} for name in drawn.index}
    for text in texts:
        parsed = short_way(text)
        assert parsed is not None
        for before, after in pairwise(parsed.rows or []):
            for name in after:
                expected[name].update(dict.fromkeys(before))
    n, listed = len(drawn.index), list(drawn.index)
    for name, i in drawn.index.items():
        found: dict[str, None] = {}
        for vertex in drawn.needs[i]:
            through = (vertex,) if vertex < n else drawn.junctions[vertex - n]
            found.update(dict.fromkeys(listed[v] for v in through))
        assert set(found) == set(expected[name])
        if all(vertex < n for vertex in drawn.needs[i]):
            assert list(found) == list(expected[name])


def test_nodes_behind_one_barrier_share_what_they_need() -> None:
    by_rows, _ = both(["a; (b || c || d_1)", "a; e-f", "b; e-f"])
    assert by_rows.needs == [(), (0,), (0,), (0,), (0, 1)]
    assert len({id(by_rows.needs[i]) for i in (1, 2, 3)}) == 1


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000 + "$",
        "a;" * 50_000,
        "a || " * 50_000 + "$",
        "(" + "a; " * 50_000 + "b",
        " " * 100_000 + "$",
        "a" + " " * 100_000 + "b",
    ],
    ids=["name", "sequence", "row", "open", "blanks", "between"],
)
def test_what_is_almost_a_row_is_seen_at_once(text: str) -> None:
    begun = time.perf_counter()
    assert short_way(text) is None
    assert time.perf_counter() - begun < 1


def test_a_row_and_a_sequence_of_any_length() -> None:
    many = [f"n{i}" for i in range(100_000)]
    for sign in ("; ", " || "):
        parsed = short_way(sign.join(many))
        assert parsed is not None
        assert [*parsed.words] == many


def interpreters() -> list[str]:
    """This one, and the system's own of those that the package can run on."""
    names = [f"python3.{minor}" for minor in range(11, 15)]
    found = [shutil.which(name, path="/usr/bin:/usr/local/bin") for name in names]
    return [sys.executable, *(path for path in found if path is not None)]


@pytest.mark.parametrize("python", interpreters())
def test_no_short_string_is_told_apart(python: str) -> None:
    """Also on Python 3.11.2, whose possessive repeats are wrong."""
    program = Path(__file__).with_name("all_short_strings.py")
    source = Path(flowstring.__file__).parents[3]
    env = {**os.environ, "PYTHONPATH": str(source)}
    done = subprocess.run([python, str(program)], env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
