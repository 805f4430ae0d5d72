from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloudmesh.flow.errors import InputError, NotFound, Problem
from cloudmesh.flow.language.load import (
    convert_parameters,
    load,
    load_functions,
    load_object,
    rebind,
    rebind_object,
)
from cloudmesh.flow.language.program import Program
from cloudmesh.flow.language.pythonclass import BaseWorkFlow
from cloudmesh.flow.model.flow import Parameter

SEED = """
    from cloudmesh.flow.WorkFlow import BaseWorkFlow

    class MyFlow(BaseWorkFlow):

        def a(self):
            print("in a!")

        def b(self):
            print("in b!")

        def c(self):
            print("in c!")
"""


def test_the_class_of_the_seed_with_its_string(
    program: Callable[..., Program], capsys: pytest.CaptureFixture[str]
) -> None:
    loaded = program(SEED, "(a; b || c)")
    assert loaded.flow.name == "test"
    assert [n.name for n in loaded.flow.nodes] == ["a", "b", "c"]
    assert loaded.flow.text == ("a; (b || c)",)
    assert loaded.cls == "MyFlow"
    for name in "abc":
        loaded.functions[name]()
    assert capsys.readouterr().out == "in a!\nin b!\nin c!\n"


def test_bare_strings_are_a_graph_of_unknown_nodes() -> None:
    loaded = load(None, ["a; b*", "b; c"])
    assert loaded.flow.name == "workflow"
    assert not loaded.functions
    assert loaded.file is None


def test_a_file_without_a_flow_says_how_to_give_one(problems: Callable[..., Any]) -> None:
    (problem,) = problems(SEED)
    assert "MyFlow has no flow" in problem.message


def test_strings_replace_the_flow_of_the_class(program: Callable[..., Program]) -> None:
    text = SEED + '\n        flow = "a; b; c"\n'
    assert program(text).flow.text == ("a; b; c",)
    assert program(text, "b", "c").flow.text == ("b", "c")


def test_a_flow_may_be_a_list(program: Callable[..., Program]) -> None:
    loaded = program(SEED + '\n        flow = ["a; b", "a; c"]\n')
    assert loaded.flow.dependencies(2) == ["a"]


# -- names ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "cls_name", "flowname", "expected"),
    [
        ("test-flow.py", None, None, "test"),
        ("my_job.py", None, None, "my_job"),
        ("test-flow.py", "other", None, "other"),
        ("test-flow.py", "other", "third", "third"),
        ("5 things.py", None, "five", "five"),
    ],
)
def test_the_name_of_a_flow(
    program: Callable[..., Program], file: str, cls_name: str, flowname: str, expected: str
) -> None:
    extra = f"\n        name = {cls_name!r}\n" if cls_name else ""
    assert program(SEED + extra, "a", name=file, flowname=flowname).flow.name == expected


@pytest.mark.parametrize("file", ["5things.py", "a b.py", "sqlite_x.py", "System1.py"])
def test_a_file_whose_name_is_none_needs_flowname(problems: Callable[..., Any], file: str) -> None:
    (problem,) = problems(SEED, "a", name=file)
    assert "--flowname" in problem.message


@pytest.mark.parametrize("name", ["", "5x", "a b", "x" * 101, "sqlite_a", "SYSTEM", "a/b"])
def test_wrong_names(problems: Callable[..., Any], name: str) -> None:
    extra = f"\n        name = {name!r}\n"
    if not name:
        return
    assert "name" in problems(SEED + extra, "a")[0].message
    with pytest.raises(InputError):
        load(None, ["a"], flowname=name)


# -- what is found wrong, and where --------------------------------------------


def test_names_that_are_no_methods(shown: Callable[..., Any]) -> None:
    text = """
        from cloudmesh.flow import BaseWorkFlow

        class MyFlow(BaseWorkFlow):
            flow = '''
                fetch; parze
                || run; store-all
            '''
            limit = 3
            def fetch(self): ...
            def parse(self): ...
            def store_all(self): ...
    """
    assert shown(text) == [
        (6, "parze", "MyFlow has no method 'parze'; did you mean 'parse'?"),
        (7, "run", "'run' is what BaseWorkFlow itself has; a node needs another name"),
        (7, "store-all", "MyFlow has no method 'store-all'; did you mean 'store_all'?"),
    ]
    assert shown(text, "fetch; limit")[0][2] == "MyFlow.limit is no method"


def test_every_public_attribute_is_refused_as_a_node(shown: Callable[..., Any]) -> None:
    public = [n for n in dir(BaseWorkFlow) if not n.startswith("_")]
    assert sorted(public) == sorted(
        [
            "flow",
            "name",
            "run",
            "define",
            "resume",
            "retry",
            "cancel",
            "key",
            "attempt",
            "progress",
            "cancelled",
            "runCommand",
        ]
    )
    for name in public:
        text = SEED + f"\n        def {name}(self): ...\n"
        assert "BaseWorkFlow itself" in shown(text, f"a; {name}")[0][2]


WIRING = """
    from cloudmesh.flow import BaseWorkFlow, task

    class MyFlow(BaseWorkFlow):
        flow = "a; b || c; d"

        def a(self): return 1

        def b(self, a, c): return 2

        @task(on="labb", when="a > 1 and x")
        def c(self, aa, *, scale=3): return 3

        def d(self, a, b, c=1, **rest): return 4
"""


def test_wiring_is_checked_before_the_run(shown: Callable[..., Any]) -> None:
    assert shown(WIRING, infrastructure=["lab"]) == [
        (9, "c", "b takes the value of c, which does not come before it: write c; b"),
        (
            11,
            '"labb"',
            "on: 'labb' is no infrastructure that is known here; did you mean 'lab'?",
        ),
        (
            11,
            '"a > 1 and x"',
            "when: 'x' is neither a parameter nor a node before c",
        ),
        (
            12,
            "aa",
            "nothing fills the parameter 'aa' of c: it is no node before it, has no default, and "
            "is not given (--param aa=…); did you mean 'a'?",
        ),
    ]


def test_a_place_that_nothing_is_near_to_has_its_remedy(shown: Callable[..., Any]) -> None:
    text = "from cloudmesh.flow import task, workflow\n@task(on='moon')\ndef a(): ...\n"
    ((_, _, message),) = shown(text + "w = workflow('a')\n")
    assert message.endswith("; `cms flow infra list` shows those that are, --config FILE says more")


def test_a_definition_may_leave_run_parameters_for_later(program: Callable[..., Program]) -> None:
    text = SEED + "\n        def d(self, size): ...\n"
    assert program(text, "a; d", later=True).flow.nodes[1].task.parameters == (Parameter("size"),)
    assert program(text, "a; d", parameters={"size": "3"})


@pytest.mark.parametrize(
    ("signature", "marked"),
    [("self, *args", "args"), ("self, a, /", "a"), ("self, /", None), ("self, **rest", None)],
)
def test_values_come_by_name(shown: Callable[..., Any], signature: str, marked: str) -> None:
    text = SEED + f"\n        def d({signature}): ...\n"
    if marked is None:
        with pytest.raises(pytest.fail.Exception):
            shown(text, "a; d")
        return
    found = shown(text, "a; d")
    assert [(m, "by name" in s) for _, m, s in found] == [(marked, True)]


def test_a_method_without_self(shown: Callable[..., Any]) -> None:
    text = SEED + "\n        def d(): ...\n"
    assert shown(text, "a; d") == [(15, "d", "a method takes self first: def d(self)")]
    assert not load_object(InMemory, "still").flow.nodes[0].task.parameters


def test_run_parameters_that_no_node_takes(shown: Callable[..., Any]) -> None:
    text = SEED + "\n        def d(self, scale=1): ...\n"
    found = [m for _, _, m in shown(text, "a; d", parameters={"scal": "1", "a": "2"})]
    assert found == [
        "no node takes the run parameter 'scal'; did you mean 'scale'?",
        "the run parameter 'a' has the name of a node, whose value it cannot be",
    ]


def test_task_words_are_checked_with_their_place(shown: Callable[..., Any]) -> None:
    text = """
        from cloudmesh.flow import BaseWorkFlow, task

        class MyFlow(BaseWorkFlow):
            flow = "a; b"

            @task(
                retrys=2,
                timeout="5 minutes",
            )
            def a(self): ...

            @task(retries=-1, when="import os", retry_on=3, edges=[])
            def b(self): ...
    """
    found = shown(text)
    assert [(line, marked) for line, marked, _ in found] == [
        (8, "retrys"),
        (9, "timeout"),
        (13, "retries"),
        (13, "when"),
        (13, "retry_on"),
        (13, "edges"),
    ]
    assert "did you mean 'retries'?" in found[0][2]


def test_a_node_that_the_string_does_not_name_is_not_checked(
    program: Callable[..., Program],
) -> None:
    assert program(SEED + "\n        def helper(self, *anything): ...\n", "a; b")


# -- maps ----------------------------------------------------------------------

MAP = """
    from cloudmesh.flow import BaseWorkFlow, task

    class MyFlow(BaseWorkFlow):
        def split(self): return [1]
        def other(self): return [2]
        def x(self): return 3
        def work(self, split): return split
        def free(self): return 0
        @task(over="split")
        def far(self, split, x): return split
        @task(over="x")
        def plain(self): return 0
"""


@pytest.mark.parametrize(
    ("string", "source"),
    [
        ("split; work*", "split"),
        ("split || other; work*", "split"),
        ("split; x; far*", "split"),
        ("split; free*", "split"),
        ("split; work*; free*", "work"),
    ],
)
def test_the_source_of_a_map(program: Callable[..., Program], string: str, source: str) -> None:
    flow = program(MAP, string).flow
    assert flow.nodes[-1].mapped
    assert flow.nodes[-1].source == source


@pytest.mark.parametrize(
    ("string", "marked", "said"),
    [
        ("work*", "work", "nothing to map over"),
        ("split || other; free*", "free", "could map over any of split, other"),
        ("far*; split", '"split"', "does not come before it"),
        ("x; other; far*", '"split"', "over: far* maps over split, which is no node"),
        ("x; plain", '"x"', "over: plain is not mapped"),
    ],
)
def test_a_map_without_a_source(
    shown: Callable[..., Any], string: str, marked: str, said: str
) -> None:
    found = shown(MAP, string, later=True)
    assert any(m == marked and said in s for _, m, s in found), found


# -- functions -----------------------------------------------------------------

FUNCTIONS = """
    from cloudmesh.flow import workflow

    def a(): return 1
    async def b(a): return a + 1
    def c(a, scale=3): return a * scale

    w = workflow("a; b | c")
"""


def test_functions_of_a_module(program: Callable[..., Program]) -> None:
    loaded = program(FUNCTIONS)
    assert loaded.flow.text == ("a; (b || c)",)
    assert [n.task.is_async for n in loaded.flow.nodes] == [False, True, False]
    assert loaded.functions["c"](a=2) == 6
    assert program(FUNCTIONS, "a").flow.text == ("a",)


def test_functions_without_workflow_take_a_string(program: Callable[..., Program]) -> None:
    assert program("def a(): ...\ndef b(a): ...\n", "a; b").flow.name == "test"


def test_a_mistake_in_the_text_of_workflow_is_shown_there(shown: Callable[..., Any]) -> None:
    assert shown(FUNCTIONS.replace("b | c", "b | cc")) == [
        (8, "cc", "there is no function 'cc'; did you mean 'c'?")
    ]


def test_functions_in_memory() -> None:
    def a() -> int:
        return 1

    def b(a: int) -> int:
        return a + 1

    loaded = load_functions("a; b", {"a": a, "b": b})
    assert loaded.flow.name == "workflow"
    assert loaded.functions == {"a": a, "b": b}
    with pytest.raises(InputError, match="nothing fills the parameter 'a' of b"):
        load_functions("b", {"b": b})


# -- objects -------------------------------------------------------------------


class InMemory(BaseWorkFlow):
    name = "memory"
    flow = "a; b"

    def __init__(self, *arguments: Any) -> None:
        self.base = 5

    def a(self) -> int:
        return self.base

    def b(self, a: int) -> int:
        return a + 1

    @staticmethod
    def still() -> int:
        return 0


def test_an_object_keeps_what_it_was_made_with() -> None:
    thing = InMemory()
    thing.base = 7
    loaded = load_object(thing)
    assert loaded.flow.name == "memory"
    assert loaded.functions["a"]() == 7
    assert load_object(InMemory, "a").flow.text == ("a",)


# -- resume --------------------------------------------------------------------


def test_functions_are_read_anew_for_a_flow_from_the_journal(
    program: Callable[..., Program], write: Callable[..., str]
) -> None:
    old = program(SEED, "(a; b || c)")
    kept = type(old.flow).from_json(old.flow.to_json())
    changed = SEED.replace('print("in b!")', "return 'new'") + '\n        flow = "a"\n'
    path = write(changed.replace("def c(", "async def c("))
    new = rebind(kept, path, "MyFlow")
    assert new.flow.text == kept.text
    assert new.functions["b"]() == "new"
    assert new.flow.nodes[2].task.is_async
    hashes = [
        before.task.code.sha256 == after.task.code.sha256
        for before, after in zip(kept.nodes, new.flow.nodes, strict=True)
    ]
    assert hashes == [True, False, False]


def test_a_function_that_is_gone_cannot_be_resumed(
    program: Callable[..., Program], write: Callable[..., str]
) -> None:
    kept = program(SEED, "(a; b || c)").flow
    path = write(SEED.replace("def b(", "def renamed("))
    with pytest.raises(InputError, match="calls b, which is gone from") as error:
        rebind(kept, path, "MyFlow")
    assert error.value.exit_code == 2
    Path(path).unlink()
    with pytest.raises(InputError, match="no such file"):
        rebind(kept, path, "MyFlow")


def test_functions_in_memory_can_be_bound_again() -> None:
    kept = load_object(InMemory).flow
    thing = InMemory()
    thing.base = 9
    assert rebind_object(kept, thing).functions["a"]() == 9
    functions = load_functions("a; b", {"a": lambda: 1, "b": lambda a: a}).flow
    again = rebind_object(functions, {"a": lambda: 2, "b": lambda a: a})
    assert again.functions["a"]() == 2
    with pytest.raises(NotFound):
        rebind_object(functions, {"a": lambda: 2})


# -- run parameters ------------------------------------------------------------


def test_parameters_are_converted_by_the_annotation(program: Callable[..., Program]) -> None:
    text = SEED + "\n        def d(self, n: int, s: str, loose, many: list[int]): ...\n"
    given = {"n": "3", "s": "3", "loose": "3", "many": "[1, 2]"}
    loaded = program(text, "d", parameters=given)
    assert convert_parameters(loaded, given) == {"n": 3, "s": "3", "loose": 3, "many": [1, 2]}


def test_a_parameter_of_the_wrong_type_is_found_when_it_is_loaded(
    problems: Callable[..., list[Problem]],
) -> None:
    text = SEED + "\n        def d(self, n: int): ...\n"
    (problem,) = problems(text, "d", parameters={"n": "many"})
    assert problem.message == "--param n: 'many' is no whole number"


def test_a_file_is_shown_as_short_as_it_can_be(
    problems: Callable[..., list[Problem]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = """
        from cloudmesh.flow import BaseWorkFlow, task

        class MyFlow(BaseWorkFlow):
            flow = "a; bb"
            @task(on=3)
            def a(self, /, x): ...
    """
    assert {p.file for p in problems(text)} == {"test-flow.py"}


def test_two_nodes_that_read_a_text_differently(program: Callable[..., Program]) -> None:
    text = SEED + "\n        def d(self, n: int): ...\n        def e(self, n: str): ...\n"
    with pytest.raises(InputError, match="d takes it as int, e as str"):
        program(text, "d; e", parameters={"n": "3"})
    text = text.replace("n: str", "n")
    assert convert_parameters(program(text, "d; e", later=True), {"n": "3"}) == {"n": 3}


def test_a_pydantic_model(program: Callable[..., Program]) -> None:
    pytest.importorskip(
        "pydantic",
        reason="NOT TESTED: pydantic models (needs pydantic; make test-deps installs it)",
    )
    text = """
        from __future__ import annotations
        from pydantic import BaseModel
        from cloudmesh.flow import BaseWorkFlow

        class Job(BaseModel):
            size: int

        class MyFlow(BaseWorkFlow):
            flow = "a"
            def a(self, job: Job): return job.size
    """
    given = {"job": '{"size": 3}'}
    loaded = program(text, parameters=given)
    assert loaded.functions["a"](**convert_parameters(loaded, given)) == 3
    with pytest.raises(InputError, match="is no Job"):
        program(text, parameters={"job": '{"size": "big"}'})


def test_a_secret_is_never_given_as_a_parameter(
    program: Callable[..., Program], shown: Callable[..., Any]
) -> None:
    text = """
        from cloudmesh.flow import BaseWorkFlow, Secret

        class MyFlow(BaseWorkFlow):
            flow = "a"
            def a(self, token: Secret): ...
    """
    assert program(text).flow.nodes[0].task.parameters == (Parameter("token", "secret"),)
    assert "is a secret" in shown(text, parameters={"token": "x"})[0][2]


def test_a_condition_may_read_a_parameter_that_is_left_to_its_default(
    program: Callable[..., Program], shown: Callable[..., Any]
) -> None:
    text = """
        from cloudmesh.flow import BaseWorkFlow, task

        class MyFlow(BaseWorkFlow):
            flow = "a"
            @task(when="limit > 2 and other")
            def a(self, *, other, limit=3, free=1): ...
    """
    parameters = program(text, parameters={"other": "1"}).flow.nodes[0].task.parameters
    assert parameters == (
        Parameter("other"),
        Parameter("limit", "", False, "3"),
        Parameter("free", "", False),
    )
    found = shown(text.replace("limit=3", "limit=object()"), parameters={"other": "1"})
    assert "when: 'limit' is neither" in found[0][2]
