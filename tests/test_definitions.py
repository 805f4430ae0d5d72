"""Edits of a definition are edits of its graph."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmesh.flow.definitions import (
    Graph,
    add_edge,
    add_node,
    delete_edge,
    delete_node,
    graph_of,
    invert_edge,
    strings_of,
)
from cloudmesh.flow.errors import InputError, NotFound
from cloudmesh.flow.language.load import load
from cloudmesh.flow.model.documents import definition_documents

SEED: Graph = {"a": (), "b": ("a",), "c": ("a",)}


def test_edge_add_makes_the_first_depend_on_the_second() -> None:
    assert add_edge(SEED, "c", "b") == {"a": (), "b": ("a",), "c": ("a", "b")}


def test_edge_delete_and_invert() -> None:
    assert delete_edge(SEED, "c", "a")["c"] == ()
    assert invert_edge(SEED, "c", "a") == {"a": ("c",), "b": ("a",), "c": ()}


def test_node_add_and_delete() -> None:
    assert add_node(SEED, "d") == {**SEED, "d": ()}
    assert delete_node(SEED, "a") == {"b": (), "c": ()}


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda g: add_node(g, "a"), "already"),
        (lambda g: add_node(g, "a*"), "already"),
        (lambda g: delete_node(g, "bb"), "did you mean 'b'"),
        (lambda g: delete_node({"a": ()}, "a"), "only node"),
        (lambda g: add_edge(g, "b", "a"), "already"),
        (lambda g: add_edge(g, "b", "b"), "itself"),
        (lambda g: add_edge(g, "b", "z"), "no node 'z'"),
        (lambda g: delete_edge(g, "a", "b"), "but b depends on a"),
        (lambda g: delete_edge(g, "b", "c"), "does not depend"),
    ],
)
def test_edits_that_make_no_sense(edit: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        edit(SEED)  # type: ignore[operator]


def test_what_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        delete_node(SEED, "z")


def test_a_mapped_node_keeps_its_star() -> None:
    program = load(None, ["split; work*; merge"])
    graph = graph_of(definition_documents(program.flow, 0.0))
    assert graph == {"split": (), "work*": ("split",), "merge": ("work*",)}
    assert add_edge(graph, "merge", "split")["merge"] == ("work*", "split")
    assert delete_node(graph, "work") == {"split": (), "merge": ()}


def test_a_cycle_is_named_when_the_edit_is_checked() -> None:
    with pytest.raises(InputError, match="a cycle: a → b → a"):
        load(None, strings_of(add_edge({"a": (), "b": ("a",)}, "a", "b")))


@given(st.data())
def test_strings_draw_the_same_graph(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 12))
    names = [f"n{i}" for i in range(n)]
    order = data.draw(st.permutations(names))
    graph: Graph = {}
    for name in names:
        earlier = order[: order.index(name)]
        needs = data.draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        graph[name] = tuple(needs)
    again = graph_of(definition_documents(load(None, strings_of(graph)).flow, 0.0))
    assert {k: set(v) for k, v in again.items()} == {k: set(v) for k, v in graph.items()}
