from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from cloudmesh.flow.model.flow import (
    Argument,
    Calculation,
    Code,
    Flow,
    Look,
    Node,
    Parameter,
    Task,
    topological,
)

words = st.text("abcxyz_", min_size=1, max_size=6)
maybe = st.none() | words
looks = st.builds(Look, maybe, maybe, maybe)
arguments = st.builds(Argument, maybe, words, maybe)
tasks = st.builds(
    Task,
    parameters=st.lists(st.builds(Parameter, words, words, st.booleans()), max_size=3).map(tuple),
    code=st.builds(Code, words, words, words, words),
    calculation=st.none()
    | st.builds(Calculation, words, st.lists(arguments, max_size=3).map(tuple)),
    value_of=maybe,
    command=st.none() | words | st.lists(words, min_size=1, max_size=3).map(tuple),
    is_async=st.booleans(),
    on=words,
    retries=st.integers(0, 5),
    retry_delay=st.floats(0, 100),
    retry_on=st.lists(words, max_size=2).map(tuple),
    timeout=st.none() | st.floats(0.1, 100),
    when=maybe,
    over=maybe,
    pool=maybe,
    look=looks,
    entry=looks,
    done=looks,
    failed=looks,
    host=words,
    user=words,
)


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    names = draw(st.lists(words, min_size=1, max_size=8, unique=True))
    few = draw(st.lists(tasks, min_size=1, max_size=3))
    n = len(names)
    junctions = draw(st.lists(st.lists(st.integers(0, n - 1), min_size=1).map(tuple), max_size=2))
    vertices = st.integers(0, n + len(junctions) - 1)
    return Flow(
        name=draw(words),
        nodes=tuple(
            Node(name, draw(st.sampled_from(few)), mapped, draw(maybe) if mapped else None)
            for name in names
            for mapped in [draw(st.booleans())]
        ),
        needs=tuple(draw(st.lists(vertices, max_size=3).map(tuple)) for _ in names),
        junctions=tuple(junctions),
        text=tuple(draw(st.lists(words, max_size=2))),
        labels=draw(st.dictionaries(st.tuples(words, words), words, max_size=2)),
        parameters=draw(st.dictionaries(words, st.integers() | words, max_size=2)),
        infrastructure=draw(st.dictionaries(words, st.just({"kind": "ssh"}), max_size=2)),
        pools=draw(st.dictionaries(words, st.integers(1, 9), max_size=2)),
    )


@given(flows())
def test_a_flow_written_as_json_and_read_again_is_the_same(flow: Flow) -> None:
    assert Flow.from_json(json.loads(json.dumps(flow.to_json()))) == flow


def test_equal_tasks_are_written_once() -> None:
    flow = Flow("f", tuple(Node(f"n{i}", Task(retries=2)) for i in range(9)), ((),) * 9)
    assert flow.to_json()["tasks"] == [{"retries": 2}]


def test_of_a_task_is_written_what_differs_from_its_defaults() -> None:
    said = Task(
        parameters=(Parameter("a"), Parameter("b", "int", False)),
        code=Code(file="f.py", function="f"),
        calculation=Calculation("f", (Argument(None, "3"),)),
        command=("echo", "a"),
        retry_delay=float("1"),  # the default, and another object
        timeout=5.0,
        look=Look(color="red"),
        done=Look(None, None, None),
    )
    assert Flow("f", (Node("a", said),), ((),)).to_json()["tasks"] == [
        {
            "parameters": [{"name": "a"}, {"name": "b", "type": "int", "required": False}],
            "code": {"file": "f.py", "function": "f"},
            "calculation": {"function": "f", "arguments": [{"literal": "3"}]},
            "command": ["echo", "a"],
            "timeout": 5.0,
            "look": {"color": "red"},
        }
    ]


def test_each_task_stands_once_among_the_tasks_by_identity() -> None:
    shared, alike = Task(retries=2), Task(retries=2)
    flow = Flow("f", (Node("a", shared), Node("b", alike), Node("c", shared)), ((),) * 3)
    assert [id(task) for task in flow.tasks] == [id(shared), id(alike)]


def test_a_junction_stands_for_all_that_it_waits_for() -> None:
    nodes = tuple(Node(n) for n in "abcd")
    flow = Flow("f", nodes, ((), (), (4,), (4, 1)), ((0, 1),))
    assert flow.dependencies(2) == ["a", "b"]
    assert flow.dependencies(3) == ["a", "b"]
    assert list(flow.edges()) == [("a", "c"), ("b", "c"), ("a", "d"), ("b", "d")]
    assert flow.successors == [[4], [3, 4], [], [], [2, 3]]


def test_an_order_and_what_it_cannot_reach() -> None:
    assert topological([(), (0,), (1,), (0, 2)]) == ([0, 1, 2, 3], set())
    assert topological([(), (2,), (1,), (2,)]) == ([0], {1, 2, 3})
