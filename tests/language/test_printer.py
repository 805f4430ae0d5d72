from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudmesh.flow.errors import InputError
from cloudmesh.flow.language.load import load
from cloudmesh.flow.language.printer import parenthesised, strings
from cloudmesh.flow.model.flow import Flow


def graph(flow: Flow) -> dict[str, tuple[bool, frozenset[str]]]:
    return {
        node.name: (node.mapped, frozenset(flow.dependencies(i)))
        for i, node in enumerate(flow.nodes)
    }


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("a; b || c", "a; (b || c)"),
        ("(a; b || c)", "a; (b || c)"),
        ("a|b ; c", "(a || b); c"),
        ("(a;b)||c", "(a; b) || c"),
        ("a;(b;(c))", "a; b; c"),
        ("((a||b)||c)", "a || b || c"),
        ("split;work *;merge", "split; work*; merge"),
    ],
)
def test_the_form_with_all_parentheses(text: str, full: str) -> None:
    assert parenthesised(text) == full
    assert load(None, [text]).flow.text == (full,)


def test_a_wrong_string_has_no_such_form() -> None:
    with pytest.raises(InputError):
        parenthesised("a;;b")


@pytest.mark.parametrize(
    ("given_strings", "printed"),
    [
        (["a; b", "b; c"], ["a; b; c"]),
        (["a; c", "b; c", "b; d"], ["(a || b); c", "b; d"]),
        (["a; b || c", "a; d"], ["a; (b || c || d)"]),
        (["a; b", "c"], ["(a; b) || c"]),
        (["a; b", "a; c", "b; c"], ["a; b", "(a || b); c"]),
        (["a", "b"], ["a || b"]),
    ],
)
def test_a_graph_is_one_string_where_that_is_possible(
    given_strings: list[str], printed: list[str]
) -> None:
    flow = load(None, given_strings).flow
    assert strings(flow) == printed


NAMES = [f"n{i}" for i in range(12)]


@st.composite
def trees(draw: st.DrawFn) -> str:
    """A flow string in which each name stands once."""
    names = iter(NAMES[: draw(st.integers(1, len(NAMES)))])

    def build(depth: int) -> str:
        parts = []
        for _ in range(draw(st.integers(1, 3))):
            if depth and draw(st.booleans()):
                parts.append("(" + build(depth - 1) + ")")
            else:
                parts.append(next(names))
        return draw(st.sampled_from(["; ", " || ", ";\n", "|"])).join(parts)

    try:
        return build(4)
    except StopIteration:
        return "n0; n1 || n2"


@given(trees())
def test_a_string_that_is_printed_and_read_again_is_the_same_flow(text: str) -> None:
    flow = load(None, [text]).flow
    again = load(None, flow.text).flow
    assert again == flow
    printed = strings(flow)
    assert len(printed) == 1, "a flow string is series-parallel"
    assert graph(load(None, printed).flow) == graph(flow)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=25))
@settings(max_examples=200)
def test_any_graph_that_is_printed_and_read_again_is_the_same(
    pairs: list[tuple[int, int]],
) -> None:
    edges = [f"n{min(a, b)}; n{max(a, b)}" if a != b else f"n{a}" for a, b in pairs]
    flow = load(None, edges).flow
    assert load(None, flow.text).flow == flow
    assert graph(load(None, strings(flow)).flow) == graph(flow)


@given(st.lists(trees(), min_size=1, max_size=3))
@settings(max_examples=200)
def test_a_list_of_strings_survives_printing_where_it_has_no_cycle(texts: list[str]) -> None:
    try:
        flow = load(None, texts).flow
    except InputError:
        return
    assert load(None, flow.text).flow == flow
    assert graph(load(None, strings(flow)).flow) == graph(flow)
