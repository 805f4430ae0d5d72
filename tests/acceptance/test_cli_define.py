"""``check``, definitions, their edits and exports, with the real command."""

from __future__ import annotations

import json
import os
import re
from typing import Any
from xml.etree import ElementTree

import pytest


def test_a_bare_string_is_the_graph_alone(cms: Any) -> None:
    done = cms("flow", "check", "a; b || c")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "a; (b || c)"
    assert re.search(r"^c +a ", done.stdout, re.M)
    document = cms.json("flow", "check", "(a; b || c)")
    assert set(document) == {"workflow", "flow", "nodes", "problems"}
    assert document["problems"] == []
    assert {n["name"]: n["dependencies"] for n in document["nodes"]} == {
        "a": [],
        "b": ["a"],
        "c": ["a"],
    }
    assert not (cms.home / ".cloudmesh").exists()


def test_what_is_wrong_has_its_place(cms: Any) -> None:
    done = cms("flow", "check", "a; b ||\n c &")
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert re.match(r".*2:4: .*&", lines[0])
    assert lines[1:3] == ["   c &", "     ^"]
    document = cms.json("flow", "check", "a; (b", "c;", code=2)
    assert document["nodes"] == []
    assert [(p["line"], p["column"]) for p in document["problems"]] == [(1, 4), (1, 2)]
    assert document["problems"][0]["text"] == "a; (b"


def test_a_file_is_checked_with_its_functions(cms: Any) -> None:
    cms.write(
        "wrong-flow.py",
        "from cloudmesh.flow import BaseWorkFlow\n"
        "class Wrong(BaseWorkFlow):\n"
        "    flow = 'a; b'\n"
        "    def a(self):\n"
        "        pass\n"
        "    def b(self, x, *more):\n"
        "        pass\n",
    )
    problems = cms.json("flow", "check", "wrong-flow.py", code=2)["problems"]
    assert {p["line"] for p in problems} == {6}
    assert len(problems) == 2
    done = cms("flow", "check", "wrong-flow.py")
    assert "wrong-flow.py:6:17: " in done.stderr
    assert done.stderr.count("^") >= 2
    assert not (cms.home / ".cloudmesh").exists()


def test_several_strings_are_one_list(seed: Any) -> None:
    document = seed.json("flow", "check", "test-flow.py", "a; b", "a; c")
    assert [n["dependencies"] for n in document["nodes"]] == [[], ["a"], ["a"]]
    assert document["flow"] == ["a; b", "a; c"]
    document = seed.json("flow", "check", "-e", "a")
    assert [n["name"] for n in document["nodes"]] == ["a"]


def test_default_file_and_names(seed: Any) -> None:
    done = seed("flow", "run", "a; b", "--flowname", "test")
    assert done.returncode == 0, done.stderr
    assert [f["workflow"] for f in seed.json("flow", "list")] == ["test"]
    done = seed("flow", "run", "test-flow.py", "a", "--flowname", "sqlite_x")
    assert done.returncode == 2
    done = seed("flow", "run", "test-flow.py", "-e", "a", "--flowname", "other")
    assert done.returncode == 0
    assert [f["workflow"] for f in seed.json("flow", "list")] == ["other", "test"]
    (seed.folder / "test-flow.py").rename(seed.folder / "1 2.py")
    done = seed("flow", "run", "1 2.py", "-e", "a")
    assert done.returncode == 2
    assert "--flowname" in done.stderr


def test_add_list_show_delete(seed: Any) -> None:
    done = seed("flow", "add", "test-flow.py", "(a; b || c)")
    assert (done.returncode, done.stdout) == (0, "")
    flow = seed.json("flow", "show", "test")
    assert set(flow) == {"workflow", "flow", "nodes", "problems"}
    assert flow["problems"] == []
    assert flow["nodes"][1]["dependencies"] == ["a"]
    assert flow["nodes"][1]["status"] == "defined"
    assert flow["nodes"][1]["cm"]["collection"] == "test-flow"
    assert seed.json("flow", "list") == [flow]
    assert re.search(r"^test +3 ", seed("flow", "list").stdout, re.M)
    assert seed("flow", "run", "test").returncode == 0
    (seed.folder / "test-flow.py").unlink()
    assert "does not exist" in seed.json("flow", "show", "test")["problems"][0]["message"]
    done = seed("flow", "run", "test")
    assert done.returncode == 2
    assert "test-flow.py" in done.stderr
    assert seed("flow", "delete", "test").returncode == 0
    assert seed.json("flow", "list") == []
    assert len(seed.json("flow", "runs", "test")) == 1


def test_edits_of_a_definition(seed: Any) -> None:
    seed("flow", "add", "test-flow.py", "(a; b || c)")
    name = ("--flowname", "test")
    done = seed("flow", "edge", "add", "c", "b", *name)
    assert done.returncode == 0, done.stderr
    nodes = {n["name"]: n["dependencies"] for n in seed.json("flow", "show", "test")["nodes"]}
    assert nodes == {"a": [], "b": ["a"], "c": ["a", "b"]} or nodes["c"] == ["b", "a"]
    for words, message in (
        (("edge", "add", "a", "c"), "cycle"),
        (("edge", "add", "a", "z"), "no node 'z'"),
        (("node", "add", "z"), "z"),
        (("node", "add", "not a name"), "name"),
        (("edge", "delete", "a", "b"), "but b depends on a"),
    ):
        before = seed.json("flow", "show", "test")
        done = seed("flow", *words, *name)
        assert done.returncode == 2, words
        assert message in done.stderr
        assert seed.json("flow", "show", "test") == before
    done = seed("flow", "run", "test-flow.py", "(a; b || c)")
    assert done.returncode == 2
    assert "--redefine" in done.stderr
    assert seed.json("flow", "run", "test")["nodes"][2]["attempt"] == 1
    assert seed("flow", "edge", "invert", "c", "b", *name).returncode == 0
    assert seed("flow", "node", "delete", "b", *name).returncode == 0
    assert seed.json("flow", "show", "test")["flow"] == "a; c"
    done = seed("flow", "run", "test-flow.py", "(a; b || c)", "--redefine")
    assert done.returncode == 0, done.stderr
    assert len(seed.json("flow", "show", "test")["nodes"]) == 3


def test_a_flow_from_nothing_as_in_the_original(seed: Any) -> None:
    os.rename(seed.folder / "test-flow.py", seed.folder / "workflow-flow.py")
    for words in (("node", "add", "a"), ("node", "add", "b"), ("edge", "add", "b", "a")):
        done = seed("flow", *words)
        assert done.returncode == 0, done.stderr
    assert seed.json("flow", "show", "workflow")["flow"] == "a; b"
    assert [n["name"] for n in seed.json("flow", "run", "workflow")["nodes"]] == ["a", "b"]


@pytest.mark.parametrize("form", ["yaml", "json", "dot", "mermaid", "svg"])
def test_export_of_a_flow_and_of_a_run(seed: Any, form: str) -> None:
    seed("flow", "run", "test-flow.py", "(a; b || c)")
    for what in ("test", "latest"):
        done = seed("flow", "export", what, "--format", form)
        assert done.returncode == 0, done.stderr
        if form == "json":
            assert len(json.loads(done.stdout)["nodes"]) == 3
        elif form == "yaml":
            seed.write("again.yaml", done.stdout)
            again = seed.json("flow", "check", "again.yaml")
            assert again["workflow"] == "test"
            assert [n["dependencies"] for n in again["nodes"]] == [[], ["a"], ["a"]]
            assert seed("flow", "run", "again.yaml").returncode == 0
        else:
            first = {"dot": 'digraph "test"', "mermaid": "flowchart", "svg": "<svg"}[form]
            assert done.stdout.startswith(first)
            if form == "svg":
                names = {e.text for e in ElementTree.fromstring(done.stdout).iter()}
                assert {"a", "b", "c"} <= names


def test_help(cms: Any) -> None:
    from cloudmesh.flow.cli.main import COMMANDS

    done = cms("flow", "--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert re.search(rf"^  {command} +\w", done.stdout, re.M), command
    assert "examples:" in done.stdout
    for words in (("flow", "run", "--help"), ("flow", "help", "run")):
        done = cms(*words)
        assert done.returncode == 0
        assert 'cms flow run test-flow.py "(a; b || c)"' in done.stdout
    assert cms("flow").returncode == 2
    assert cms("flow", "--version").stdout.startswith("cloudmesh-flow ")


def test_words_that_are_the_shells(cms: Any) -> None:
    done = cms("banner", "hello")
    assert (done.returncode, done.stdout) == (2, "")
    assert "cloudmesh-cmd5" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_unreadable_file(cms: Any) -> None:
    cms.write("secret-flow.py", "")
    (cms.folder / "folder-flow.py").mkdir()
    done = cms("flow", "check", "folder-flow.py")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    (cms.folder / "bytes-flow.py").write_bytes(b"\xff\xfe\x00 = 1\n")
    assert cms("flow", "check", "bytes-flow.py").returncode == 2
    if os.geteuid() != 0:
        (cms.folder / "secret-flow.py").chmod(0)
        assert cms("flow", "check", "secret-flow.py").returncode == 2


def test_arguments_that_are_no_text(cms: Any) -> None:
    for word in ("\udcff", "a; \udcff", "\udcff.py"):
        done = cms("flow", "run", word)
        assert done.returncode == 2
        assert done.stderr == f"cms flow: an argument is no UTF-8: {word}\n".replace(
            "\udcff", "\\udcff"
        )


def test_a_huge_string(cms: Any) -> None:
    text = "; ".join(f"({' || '.join(f'n{i}_{k}' for k in range(40))})" for i in range(80))
    document = cms.json("flow", "check", text)
    assert len(document["nodes"]) == 3200
    done = cms("flow", "check", "(" * 20_000)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
