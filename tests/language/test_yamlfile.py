from __future__ import annotations

import math
from typing import Any

import pytest

from cloudmesh.flow.errors import InputError, NotFound, Problem
from cloudmesh.flow.language.yamlfile import read_yaml, read_yaml_file


def problems(text: str) -> list[Problem]:
    with pytest.raises(InputError) as error:
        read_yaml(text, "x.yaml")
    return error.value.problems


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("No", "No"),
        ("null", None),
        ("~", None),
        ("3", 3),
        ("-3", -3),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2019-05-02", "2019-05-02"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("5m", "5m"),
        ("'3'", "3"),
        ('"true"', "true"),
        ("a: b", {"a": "b"}),
        ("a:", {"a": None}),
        ("on: lab", {"on": "lab"}),
        ("[1, [2], {}]", [1, [2], {}]),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("a: >\n  x\n  y\n", {"a": "x y\n"}),
        ("a: &x [1]\nb: *x\n", {"a": [1], "b": [1]}),
        ("\ufeffa: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
        ("# only\na: 1 # x\n", {"a": 1}),
        ("%YAML 1.2\n---\na: 1\n...\n", {"a": 1}),
        ('{"a":1}', {"a": 1}),
    ],
)
def test_values_by_the_rules_of_yaml_1_2(text: str, value: Any) -> None:
    data = read_yaml(text, "x.yaml").data
    assert data == value
    assert type(data) is type(value)


def test_nan_is_a_number() -> None:
    assert math.isnan(read_yaml(".nan", "x.yaml").data)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("", (1, 1), "empty"),
        ("# nothing\n", (1, 1), "empty"),
        ("a: 1\nb: 2\na: 3\n", (3, 1), "the key 'a' stands twice, first in line 1"),
        ("a: {x: 1, x: 2}\n", (1, 11), "the key 'x' stands twice"),
        ("a: !foo 1\n", (1, 4), "tags like !foo"),
        ("a: !!str 1\n", (1, 4), "tags"),
        ("!!python/object:os.system {}\n", (1, 1), "tags"),
        ("1: x\n", (1, 1), "a key is text; put 1 in quotes"),
        ("? [a]\n: b\n", (1, 3), "a key is a word"),
        ("a: *x\n", (1, 4), "*x stands for nothing"),
        ("a: &x [*x]\n", (1, 8), "inside of &x itself"),
        ("a: 1\n---\nb: 2\n", (2, 1), "a second document"),
        ("a: b\n  c: d\n", (2, 4), "no YAML"),
        ("a: [1, 2\n", (2, 1), "no YAML"),
        ("\ta: 1\n", (1, 1), "no YAML"),
        ("a: \0\n", (1, 4), "a character that YAML does not allow"),
        ("a: " + "9" * 5000, (1, 4), "so many digits"),
        ("[" * 101 + "]" * 101, (1, 101), "more than 100 levels"),
        ("[" * 100_000, (1, 101), "more than 100 levels"),
    ],
)
def test_what_is_refused_has_line_and_column(text: str, place: tuple[int, int], said: str) -> None:
    (problem,) = problems(text)
    assert ((problem.line, problem.column), said in problem.message) == (place, True), problem


def test_a_hundred_levels_are_read() -> None:
    assert read_yaml("[" * 100 + "]" * 100, "x.yaml").data


def test_all_repeated_keys_are_told_at_once() -> None:
    assert [p.line for p in problems("a: 1\na: 2\nb: !x 1\nb: 2\n")] == [2, 3, 4]


def test_aliases_that_would_fill_the_memory_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    assert "aliases" in problems("\n".join(lines))[0].message


def test_more_than_10_mb_is_refused(tmp_path: Any) -> None:
    with pytest.raises(InputError, match="10 MB"):
        read_yaml("a: " + "x" * 10_000_001, "x.yaml")
    path = tmp_path / "big.yaml"
    path.write_text("# " + "x" * 10_000_000)
    with pytest.raises(InputError, match="10 MB"):
        read_yaml_file(str(path))


def test_files_that_cannot_be_read(tmp_path: Any) -> None:
    with pytest.raises(NotFound):
        read_yaml_file(str(tmp_path / "none.yaml"))
    with pytest.raises(InputError):
        read_yaml_file(str(tmp_path))
    path = tmp_path / "latin.yaml"
    path.write_bytes("a: 1\nb: größe\n".encode("latin-1"))
    with pytest.raises(InputError) as error:
        read_yaml_file(str(path))
    assert (error.value.problems[0].line, error.value.problems[0].column) == (2, 6)


def test_every_value_and_key_has_a_place() -> None:
    document = read_yaml("tasks:\n  a: {on: lab, when: 'x > 1'}\n", "x.yaml")
    value = document.problem("m", ("tasks", "a", "on"))
    assert (value.line, value.column, value.length) == (2, 11, 3)
    key = document.problem("m", ("tasks", "a", "on"), key=True)
    assert (key.line, key.column, key.length) == (2, 7, 2)
    nearest = document.problem("m", ("tasks", "a", "missing"))
    assert (nearest.line, nearest.column) == (2, 3)
    assert document.problem("m").line == 1


def test_windows_line_ends_do_not_move_a_place() -> None:
    document = read_yaml("\ufeffa: 1\r\nb:\r\n  c: 2\r\n", "x.yaml")
    problem = document.problem("m", ("b", "c"))
    assert (problem.line, problem.column, problem.text) == (3, 6, "  c: 2")
