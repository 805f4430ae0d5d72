"""CONTRACT §2, the flow string, clause by clause, through the command."""

from __future__ import annotations

from typing import Any

import pytest

MAP = """\
from cloudmesh.flow import BaseWorkFlow, task

class Map(BaseWorkFlow):
    def split(self): return [1, 2, 3]
    def side(self): return ["x"]
    def text(self): return "abc"
    def none(self): return []
    def pair(self): return (4, 5)
    def work(self, split): return split * 10
    def more(self, work): return work + 1
    def merge(self, work): return work
    def both(self, split, side): return [split, side]
    def plain(self): return 7
    def some(self, split):
        if split == 2:
            raise ValueError("two")
        return split
    def after(self, some): return some
    def chars(self, text): return text
    def pairs(self, pair): return pair
    def nothing(self, none): return none
    @task(over="split")
    def far(self, split, merge): return [split, merge]
    def two(self, split, work): return [split, work]
"""


@pytest.mark.parametrize(
    ("string", "expected"),
    [
        ("a; b", {"a": [], "b": ["a"]}),
        ("a || b", {"a": [], "b": []}),
        ("a | b", {"a": [], "b": []}),
        ("a; b || c", {"a": [], "b": ["a"], "c": ["a"]}),
        ("(a; b || c)", {"a": [], "b": ["a"], "c": ["a"]}),
        ("(a; b) || c", {"a": [], "b": ["a"], "c": []}),
        ("a|b;c|d", {"a": [], "b": [], "c": ["a", "b"], "d": ["a", "b"]}),
        ("\r\n a \t;\r\n b\n\n", {"a": [], "b": ["a"]}),
        ("((a));(((b||(c;d))));e", {"a": [], "b": ["a"], "c": ["a"], "d": ["c"], "e": ["b", "d"]}),
        ("a_1-x; _; Z9", {"a_1-x": [], "_": ["a_1-x"], "Z9": ["_"]}),
        ("a", {"a": []}),
    ],
)
def test_what_a_string_means(here: Any, string: str, expected: dict[str, list[str]]) -> None:
    document = here.json("check", "-e", string)
    assert {n["name"]: n["dependencies"] for n in document["nodes"]} == expected
    assert document["problems"] == []


def test_in_a_list_the_same_name_is_the_same_node(here: Any) -> None:
    document = here.json("check", "a; b || c", "a; d")
    found = {n["name"]: n["dependencies"] for n in document["nodes"]}
    assert found == {"a": [], "b": ["a"], "c": ["a"], "d": ["a"]}


@pytest.mark.parametrize(
    "string",
    [
        "a; a",
        "(a",
        "a)",
        "a;",
        ";a",
        "a;;b",
        "a || ",
        "()",
        "",
        "   ",
        "a & b",
        "a && b",
        "1a",
        "a b",
        "a**",
        "a*b",
        "(a;b)*",
        "ä; b",
        "a; b ||| c",
        "a.b",
        "a[0]; b",
        "\ufeffa;b $",
        "a\u00a0; b!",
        "a, b",
    ],
)
def test_everything_wrong_is_refused_with_its_place(here: Any, string: str) -> None:
    document = here.json("check", "-e", string, code=2)
    assert document["problems"], string
    for problem in document["problems"]:
        assert problem["message"]
        assert problem["line"] >= 1
        assert problem["column"] >= 1
    said = here.refused("check", "-e", string)
    assert "^" in said, said


def test_a_cycle_is_named_node_by_node(here: Any) -> None:
    said = here.refused("check", "a; b", "b; c", "c; a")
    assert "a → b → c → a" in said or "a -> b -> c -> a" in said, said


def test_all_findings_at_once_with_did_you_mean(here: Any) -> None:
    here.write(
        "x-flow.py",
        "from cloudmesh.flow import BaseWorkFlow\nclass X(BaseWorkFlow):\n"
        "    def alpha(self): pass\n    def beta(self): pass\n",
    )
    said = here.refused("run", "x-flow.py", "alhpa; betta;; alpha")
    assert "did you mean alpha" in said.replace("'", "")
    assert "did you mean beta" in said.replace("'", "")
    assert said.count("^") >= 3, said
    assert not here.documents("flow-runs")


def test_where_both_are_mixed_check_shows_all_parentheses(here: Any) -> None:
    assert "a; (b || c)" in here("check", "a; b || c").out
    assert "(b || c)" not in here("check", "a; (b)").out


def test_a_name_with_a_dash_runs_but_is_no_parameter(here: Any) -> None:
    here.write("f.yaml", "flow: a-b; c\ntasks:\n  a-b: {command: echo 1}\n  c: {command: echo 2}\n")
    nodes = here.run("f.yaml")
    assert [nodes[n]["result"] for n in ("a-b", "c")] == ["1", "2"]


@pytest.mark.parametrize(
    "name",
    [
        "1x",
        "-x",
        "a b",
        "sqlite_x",
        "SQLITE_x",
        "system",
        "systemx",
        "System.x",
        "ä",
        "x" * 101,
        "",
    ],
)
def test_names_that_a_flow_cannot_have(here: Any, name: str) -> None:
    here.write("f.yaml", "flow: a\ntasks: {a: {command: 'true'}}\n")
    if name:
        here.refused("run", "f.yaml", "--flowname", name)


@pytest.mark.parametrize("name", ["x" * 100, "a-b_c9", "_", "A"])
def test_names_that_a_flow_can_have(here: Any, name: str) -> None:
    here.write("f.yaml", "flow: a\ntasks: {a: {command: 'true'}}\n")
    here.run("f.yaml", "--flowname", name)
    assert here.last["workflow"] == name
    assert here.documents(f"{name}-flow-active")[0]["status"] == "finished"
    assert here.documents(f"{name}-flow")[0]["status"] == "defined"


def test_names_are_unique_without_regard_to_case(here: Any) -> None:
    here.write("f.yaml", "flow: a\ntasks: {a: {command: 'true'}}\n")
    here.run("f.yaml", "--flowname", "Test")
    said = here.refused("run", "f.yaml", "--flowname", "test")
    assert "Test" in said
    assert len(here.documents("flow-runs")) == 1


# -- maps -------------------------------------------------------------------------


def test_a_map_runs_once_for_each_element(here: Any) -> None:
    here.write("map-flow.py", MAP)
    nodes = here.run("map-flow.py", "split; work*; merge")
    assert list(nodes) == ["split", "work", "merge", "work[0]", "work[1]", "work[2]"]
    assert nodes["work"]["result"] == [10, 20, 30]
    assert nodes["work[2]"]["result"] == 30
    assert nodes["merge"]["result"] == [10, 20, 30]
    assert nodes["merge"]["upstream"] == ["work"]
    assert here("result", "latest", "work[1]").out.strip() == "20"


def test_everyone_elses_parameter_is_the_whole_list(here: Any) -> None:
    here.write("map-flow.py", MAP)
    nodes = here.run("map-flow.py", "side; split; both*")
    assert nodes["both"]["result"] == [[1, ["x"]], [2, ["x"]], [3, ["x"]]]


def test_the_source_is_the_only_direct_predecessor_among_the_parameters(here: Any) -> None:
    here.write("map-flow.py", MAP)
    nodes = here.run("map-flow.py", "split || plain; work*; merge")
    assert nodes["merge"]["result"] == [10, 20, 30]


def test_over_names_a_predecessor_direct_or_not(here: Any) -> None:
    here.write("map-flow.py", MAP)
    nodes = here.run("map-flow.py", "split; work*; merge; far*", code=0)
    assert nodes["far"]["result"] == [[n, [10, 20, 30]] for n in (1, 2, 3)]


@pytest.mark.parametrize("string", ["work*", "split || side; both*", "split || side; plain*"])
def test_any_other_source_is_refused(here: Any, string: str) -> None:
    here.write("map-flow.py", MAP)
    assert "map over" in here.refused("run", "map-flow.py", string)


def test_a_map_over_no_list_is_an_error(here: Any) -> None:
    here.write("map-flow.py", MAP)
    nodes = here.run("map-flow.py", "text; chars*", code=1)
    assert nodes["chars"]["status"] == "error"
    assert "list" in nodes["chars"]["error"]["message"]


def test_a_tuple_is_a_list_and_an_empty_list_is_finished(here: Any) -> None:
    here.write("map-flow.py", MAP)
    nodes = here.run("map-flow.py", "pair; pairs*", "none; nothing*")
    assert nodes["pairs"]["result"] == [4, 5]
    assert (nodes["nothing"]["result"], nodes["nothing"]["status"]) == ([], "finished")


def test_a_map_of_a_map_is_a_barrier(here: Any) -> None:
    here.write("map-flow.py", MAP)
    nodes = here.run("map-flow.py", "split; work*; more*")
    assert nodes["more"]["result"] == [11, 21, 31]
    assert nodes["more[0]"]["upstream"] == nodes["more"]["upstream"] == ["work"]
    assert nodes["more[0]"]["started"] >= nodes["work[2]"]["ended"]


def test_if_an_element_fails_the_others_still_run(here: Any) -> None:
    here.write("map-flow.py", MAP)
    nodes = here.run("map-flow.py", "split; some*; after", code=1)
    assert [nodes[f"some[{i}]"]["status"] for i in range(3)] == ["finished", "error", "finished"]
    assert nodes["some"]["status"] == "error"
    assert nodes["after"]["status"] == "pending"
    assert "some" in nodes["after"]["reason"]


def test_an_element_stands_wherever_a_node_does(here: Any) -> None:
    here.write("map-flow.py", MAP)
    here.run("map-flow.py", "split; some*; after", code=1)
    assert here("result", "latest", "some[2]").out.strip() == "3"
    assert here("logs", "latest", "some[0]").code == 0
    assert here("retry", "latest", "--from", "some[1]", "--dry-run").code == 0
    assert here("result", "latest", "some[7]").code == 2


@pytest.mark.parametrize("string", ["(split; work)*", "split*; work", "a*;b*"])
def test_a_star_stands_behind_a_name_that_something_comes_before(here: Any, string: str) -> None:
    here.write("map-flow.py", MAP)
    here.refused("run", "map-flow.py", string)
