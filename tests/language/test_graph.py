from __future__ import annotations

import pytest

from cloudmesh.flow.errors import InputError
from cloudmesh.flow.language.load import load
from cloudmesh.flow.model.flow import Flow


def flow(*strings: str) -> Flow:
    return load(None, strings).flow


def dependencies(flow: Flow) -> dict[str, list[str]]:
    return {node.name: flow.dependencies(i) for i, node in enumerate(flow.nodes)}


def wide(prefix: str, n: int) -> str:
    return "(" + " || ".join(f"{prefix}{i}" for i in range(n)) + ")"


def test_a_sequence_is_a_full_barrier() -> None:
    assert dependencies(flow("(a || b); (c || d)")) == {
        "a": [],
        "b": [],
        "c": ["a", "b"],
        "d": ["a", "b"],
    }


def test_only_last_nodes_are_waited_for_and_only_first_nodes_wait() -> None:
    assert dependencies(flow("(a; b) || c; (d; e) || f")) == {
        "a": [],
        "b": ["a"],
        "c": [],
        "d": ["b", "c"],
        "e": ["d"],
        "f": ["b", "c"],
    }


def test_the_same_name_in_a_list_is_the_same_node() -> None:
    both = dependencies(flow("a; b || c", "a; d", "c; d", "d; x*", "x; y"))
    assert both == {
        "a": [],
        "b": ["a"],
        "c": ["a"],
        "d": ["a", "c"],
        "x": ["d"],
        "y": ["x"],
    }
    assert flow("x; y", "a; x*").nodes[0].mapped


def test_a_wide_barrier_is_one_junction() -> None:
    big = flow(f"{wide('a', 300)}; {wide('b', 200)}")
    assert len(big.junctions) == 1
    assert len(big.junctions[0]) == 300
    assert all(needs == (500,) for needs in big.needs[300:])
    assert big.dependencies(499) == [f"a{i}" for i in range(300)]


def test_a_small_barrier_and_a_narrow_one_are_written_out() -> None:
    assert not flow("(a || b); (c || d)").junctions
    assert not flow(f"a; {wide('b', 100)}; c").junctions


def test_the_same_barrier_twice_is_one_junction() -> None:
    strings = f"{wide('a', 5)}; {wide('b', 5)}"
    assert len(flow(strings, strings).junctions) == 1


def test_a_cycle_is_named_node_by_node() -> None:
    with pytest.raises(InputError) as error:
        flow("a; b; c", "x; c; a")
    (problem,) = error.value.problems
    assert "a → b → c → a" in problem.message
    assert (problem.file, problem.column, problem.text) == ("flow string 2", 7, "x; c; a")


def test_a_cycle_through_a_junction_and_two_cycles_at_once() -> None:
    with pytest.raises(InputError) as error:
        flow(f"{wide('a', 4)}; {wide('b', 4)}", "b2; a1", "x; y", "y; x")
    messages = [p.message for p in error.value.problems]
    assert "a1 → b2 → a1" in messages[0]
    assert "x → y → x" in messages[1]


def test_the_order_has_everything_after_what_it_needs() -> None:
    mixed = flow("d; e", "c; d", f"{wide('a', 4)}; {wide('b', 4)}; c")
    position = {vertex: n for n, vertex in enumerate(mixed.order)}
    assert len(position) == len(mixed.nodes) + len(mixed.junctions)
    for vertex, needs in enumerate([*mixed.needs, *mixed.junctions]):
        assert all(position[u] < position[vertex] for u in needs)
