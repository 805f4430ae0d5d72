from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloudmesh.flow.language.load import load
from cloudmesh.flow.model.flow import Flow, Node, Parameter, Task
from cloudmesh.flow.model.wiring import reachable, wire


def flow(*strings: str, **takes: str) -> Flow:
    """A graph whose nodes take the parameters named (``a="x y"``)."""
    bare = load(None, strings).flow
    nodes = tuple(
        Node(
            n.name,
            Task(parameters=tuple(Parameter(p) for p in takes.get(n.name, "").split())),
            n.mapped,
            n.source,
        )
        for n in bare.nodes
    )
    return Flow(bare.name, nodes, bare.needs, bare.junctions)


def test_where_nobody_takes_anything_each_node_has_its_empty_place() -> None:
    assert wire(flow("a; b || c"), {"n"}) == [(), (), ()]


def test_a_direct_predecessor_fills_the_parameter_of_its_name() -> None:
    assert wire(flow("a; b || c", b="a"), ()) == [(), (("a", 0),), ()]


def test_an_indirect_one_does_too_and_nobody_else() -> None:
    wires = wire(flow("a; b; c || d", c="a b", d="c"), ())
    assert wires[2] == (("a", 0), ("b", 1))
    assert wires[3] == ()


def test_a_run_parameter_fills_what_no_node_does_and_the_rest_is_left() -> None:
    wires = wire(flow("a; b", b="x a y"), {"x", "a"})
    assert wires[1] == (("x", "x"), ("a", 0))


def test_a_secret_comes_from_outside_without_being_given() -> None:
    secret = Task(parameters=(Parameter("token", "secret"),))
    assert wire(Flow("f", (Node("a", secret),), ((),)), ()) == [(("token", "token"),)]


def test_junctions_are_looked_through() -> None:
    left = " || ".join(f"a{i}" for i in range(50))
    right = " || ".join(f"b{i}" for i in range(50))
    wide = flow(f"({left}); ({right}); c", b7="a3 a49", c="a1 b2")
    assert wide.junctions
    wires = wire(wide, ())
    assert wires[wide.index["b7"]] == (("a3", 3), ("a49", 49))
    assert wires[wide.index["c"]] == (("a1", 1), ("b2", 52))


def test_the_source_of_a_map_is_wired_like_any_other() -> None:
    mapped = flow("split; work*; merge", work="split", merge="split work")
    assert wire(mapped, ()) == [(), (("split", 0),), (("split", 0), ("work", 1))]


def test_more_targets_than_are_asked_for_at_once() -> None:
    n = 3000
    chain = flow(
        "; ".join(f"n{i}" for i in range(n)), **{f"n{i}": f"n{i - 2}" for i in range(2, n)}
    )
    wires = wire(chain, ())
    assert all(wires[i] == ((f"n{i - 2}", i - 2),) for i in range(2, n))


@given(
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), min_size=1, max_size=30),
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=20),
)
def test_reachable_is_what_a_walk_finds(
    edges: list[tuple[int, int]], asked: list[tuple[int, int]]
) -> None:
    needs: list[set[int]] = [set() for _ in range(12)]
    for a, b in edges:
        if a != b:
            needs[max(a, b)].add(min(a, b))
    graph = Flow("f", tuple(Node(f"n{i}") for i in range(12)), tuple(map(tuple, needs)))

    def walk(i: int) -> set[int]:
        found = set(needs[i])
        for j in needs[i]:
            found |= walk(j)
        return found

    assert reachable(graph, asked) == {(i, j) for i, j in asked if j in walk(i)}


def test_other_run_parameters_make_other_wires() -> None:
    one = flow("a", a="x y")
    assert wire(one, {"x"}) == [(("x", "x"),)]
    assert wire(one, {"y": 1}) == [(("y", "y"),)]
    assert wire(one, {"x"}) == [(("x", "x"),)]
