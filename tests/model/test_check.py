from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmesh.flow.model.check import Finding, check, map_source
from cloudmesh.flow.model.flow import Flow, Node, Parameter, Task


def task(takes: str = "", **more: object) -> Task:
    """A task that takes the parameters named; one with ``?`` has a default."""
    parameters = tuple(
        Parameter(p[:-1], "", False, "1") if p[-1] == "?" else Parameter(p) for p in takes.split()
    )
    return Task(parameters=parameters, **more)  # type: ignore[arg-type]


def chain(**tasks: Task) -> Flow:
    """Nodes one after the other."""
    needs = tuple((i - 1,) if i else () for i in range(len(tasks)))
    return Flow("f", tuple(Node(n, t) for n, t in tasks.items()), needs)


def about(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(f.kind, f.node, f.name) for f in findings]


def test_a_sound_flow() -> None:
    flow = chain(a=task("x?"), b=task("a n"), c=task("a b", when="a > 1 and n", on="lab"))
    assert check(flow, {"n"}, ["lab"]) == []


@pytest.mark.parametrize(
    ("flow", "given", "expected"),
    [
        (chain(a=task("x")), (), [("parameter", "a", "x")]),
        (chain(a=task("b?"), b=task()), (), [("parameter", "a", "b")]),
        (chain(a=task("a")), (), [("parameter", "a", "a")]),
        (chain(a=task(on="lab2")), (), [("word", "a", "on")]),
        (chain(a=task(when="b"), b=task()), (), [("word", "a", "when")]),
        (chain(a=task(when="x > 1")), (), [("word", "a", "when")]),
        (chain(a=task(when="x > 1")), ("x",), []),
        (chain(a=task("x?", when="x > 1")), (), []),
        (chain(a=task(over="b")), (), [("word", "a", "over")]),
        (chain(a=task()), ("x",), [("run", "", "x")]),
        (chain(a=task("x")), ("x", "a"), [("run", "", "a")]),
    ],
)
def test_findings(flow: Flow, given: tuple[str, ...], expected: list[object]) -> None:
    assert about(check(flow, given, ["lab"])) == expected


def test_later_leaves_room_for_run_parameters_but_not_for_nodes() -> None:
    flow = chain(a=task("x b", when="y"), b=task())
    assert about(check(flow, (), (), later=True)) == [("parameter", "a", "b")]


def test_defaults_of_the_flow_fill_parameters_and_need_no_taker() -> None:
    flow = chain(a=task("x"))
    with_defaults = Flow("f", flow.nodes, flow.needs, parameters={"x": 1, "unused": 2})
    assert check(with_defaults, (), ()) == []
    wrong = Flow("f", flow.nodes, flow.needs, parameters={"x": 1, "a": 2})
    assert about(check(wrong, (), ())) == [("run", "", "a")]


def test_labels_belong_to_edges_that_are_there() -> None:
    flow = chain(a=task(), b=task(), c=task())
    labels = {("a", "b"): "x", ("a", "c"): "y", ("z", "a"): "z"}
    labelled = Flow("f", flow.nodes, flow.needs, labels=labels)
    assert about(check(labelled, (), ())) == [("edge", "c", "a"), ("edge", "a", "z")]


def graph(needs: list[tuple[int, ...]], task: Task) -> Flow:
    names = "abcdef"[: len(needs)]
    nodes = tuple(Node(n, task, n == names[-1]) for n in names)
    return Flow("f", nodes, tuple(needs))


@pytest.mark.parametrize(
    ("needs", "work", "source"),
    [
        ([(), (0,)], task(), "a"),
        ([(), (), (0, 1)], task("b"), "b"),
        ([(), (), (0, 1)], task("a b", over="a"), "a"),
        ([(), (0,), (1,)], task("a", over="a"), "a"),
    ],
)
def test_the_source_of_a_map(needs: list[tuple[int, ...]], work: Task, source: str) -> None:
    assert map_source(graph(needs, work), len(needs) - 1, True) == (source, None)


@pytest.mark.parametrize(
    ("needs", "work"),
    [
        ([()], task()),
        ([(), (), (0, 1)], task()),
        ([(), (), (0, 1)], task("a b")),
        ([(), (), (0,)], task(over="b")),
        ([(), (0,)], task(over="z")),
    ],
)
def test_no_source(needs: list[tuple[int, ...]], work: Task) -> None:
    source, finding = map_source(graph(needs, work), len(needs) - 1, True)
    assert source is None
    assert finding is not None


def test_where_functions_are_not_known_a_choice_is_left_open() -> None:
    assert map_source(graph([(), (), (0, 1)], task()), 2, False) == (None, None)


tasks_of_any_kind = st.builds(
    task,
    st.sampled_from(["", "", "a", "b?", "x", "y?"]),
    on=st.sampled_from(["local", "local", "lab", "labb"]),
    pool=st.sampled_from([None, None, "gpu", "cpu"]),
    when=st.sampled_from([None, None, "a > 1", "x"]),
    over=st.sampled_from([None, None, "a"]),
)


@given(
    st.lists(tasks_of_any_kind, min_size=1, max_size=3),
    st.lists(st.integers(0, 2), min_size=1, max_size=5),
    st.sets(st.sampled_from("axyz")),
)
def test_nodes_whose_task_says_nothing_are_passed_over_and_no_other(
    tasks: list[Task], which: list[int], given: set[str]
) -> None:
    flow = chain(**{"abcde"[i]: tasks[k % len(tasks)] for i, k in enumerate(which)})

    def found() -> list[Finding]:
        return check(flow, given, ["lab"], pools={"gpu"}, moved=["b"], pending=["c"])

    short = found()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cloudmesh.flow.model.check._silent", lambda tasks, words: set())
        assert found() == short
