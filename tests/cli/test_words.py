"""What the words of a command line mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudmesh.flow.cli.words import (
    Words,
    default_file,
    in_place,
    is_file,
    is_string,
    understand,
)
from cloudmesh.flow.errors import NotFound


@pytest.mark.parametrize(
    "word",
    ["a.py", "a.yaml", "a.yml", "a.py:My", "x/y", "./a", "my flow.py", "a.yaml:My", "d/a;b.py"],
)
def test_a_flow_ends_in_py_yaml_yml_or_contains_a_slash(word: str) -> None:
    assert is_file(word)
    assert understand([word, "a; b"]) == Words(file=word, strings=("a; b",))


@pytest.mark.parametrize("word", ["a; b", "a;b", "a|b", "(a)", "work*", "a b", "a\tb", "a\n", ""])
def test_a_string_holds_a_sign_of_the_language_or_white_space(word: str) -> None:
    assert not is_file(word)
    assert is_string(word)
    assert understand([word, "c"]) == Words(strings=(word, "c"))


@pytest.mark.parametrize("word", ["test", "a", "my-flow", "py", "a.pyx", "x:y"])
def test_anything_else_is_the_name_of_a_defined_flow(word: str) -> None:
    assert not is_file(word)
    assert not is_string(word)
    assert understand([word]) == Words(name=word)


def test_minus_e_forces_a_string() -> None:
    assert understand([], ["a"]) == Words(strings=("a",))
    assert understand(["f.py"], ["a"]) == Words(file="f.py", strings=("a",))


def test_the_default_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFound, match=r"workflow-flow\.py"):
        default_file(None)
    (tmp_path / "workflow-flow.yaml").touch()
    assert default_file(None) == "workflow-flow.yaml"
    (tmp_path / "workflow-flow.py").touch()
    assert default_file(None) == "workflow-flow.py"
    with pytest.raises(NotFound, match=r"test-flow\.py"):
        default_file("test")
    with pytest.raises(NotFound, match=r"definition of test names no file.*--flowfile"):
        default_file("test", stored=True)


def test_a_forced_string_keeps_its_place() -> None:
    for given, wanted in (
        (["-e", "a; c", "b; c"], Words(strings=("a; c", "b; c"))),
        (["f.py", "-e", "a", "b", "-e", "-c"], Words(file="f.py", strings=("a", "b", "-c"))),
        (["a;b", "-e", "c"], Words(strings=("a;b", "c"))),
        (["-e", "a", "name"], Words(name="name", strings=("a",))),
        (["", "-e", "a"], Words(strings=("", "a"))),
    ):
        assert understand(in_place(given)) == wanted
    assert in_place(["a", "-e"]) == ["a", "-e"]
    assert in_place(["--", "-e", "a"]) == ["--", "-e", "a"]
