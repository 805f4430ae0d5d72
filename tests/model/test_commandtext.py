from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmesh.flow.model.commandtext import names, references, render, variable


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("echo {a} {b} {a}", ("a", "b")),
        ("echo {{a} {{b}}", ()),
        ("echo ${HOME} {a,b} {1..3} {} { x; } {a.b} {print $1}", ()),
        (["cp", "{a}", "x/{b}.txt", "{{c}"], ("a", "b")),
        (r"echo \{a}", ()),
        ("if [ {a} = '{b}' ]", ("a", "b")),
    ],
)
def test_the_names_of_a_command(command: Any, found: tuple[str, ...]) -> None:
    assert names(command) == found


@pytest.mark.parametrize(
    ("command", "quoted"),
    [
        ("echo {a}", ""),
        ('echo "{a}"', "quotes"),
        ("echo '{a}'", "quotes"),
        ("echo 'x' {a} \"y\"", ""),
        (r"echo \"{a}", ""),
        (r'echo "\"{a}"', "quotes"),
        ("echo 'it''s' {a}", ""),
        ("# it's a comment\necho {a}", ""),
        ("echo x#'{a}'", "quotes"),
        ("cat << EOF\n{a}\nEOF", "a here-document"),
        ("cat <<< {a}", ""),
        ('echo "$(cat {a})"', "quotes"),
    ],
)
def test_what_a_reference_stands_in(command: str, quoted: str) -> None:
    assert [r.quoted for r in references(command, shell=True)] == [quoted]


def test_a_string_never_holds_the_value() -> None:
    command, environment = render("cat {file} | head -{n} > {{out}", {"file": "a; rm b", "n": 3})
    assert command == (f'cat "${{{variable("file")}}}" | head -"${{{variable("n")}}}" > {{out}}')
    assert environment == {variable("file"): "a; rm b", variable("n"): "3"}


def test_a_list_holds_it_within_its_argument() -> None:
    command, environment = render(["echo", "x{a}y", "{{a}}", "{b}"], {"a": "$HOME; {b}"})
    assert command == ["echo", "x$HOME; {b}y", "{a}", "{b}"]
    assert environment == {}


@pytest.mark.parametrize(
    ("written", "stands"),
    [
        ("{{x}} {{{{x}}}} {{ x }} {{.Names}}", "{x} {{x}} { x } {.Names}"),
        ("{{x} {{{{x}} {{x} }}", "{x} {{x}} {x} }}"),
        ("awk '{{if (y) {{print $1}}}}'", "awk '{if (y) {print $1}}'"),
        ('{{"k": {a}}} {"k": {a}}', '{"k": 1} {"k": 1}'),
        ("}} }}}} { {1} {} {a.b} {a!r} {a-b} { a } {a:>3}",) * 2,
        ("${a} ${{a}} ${a:-{b}} @{1}", "${a} ${a} ${a:-{b}} @{1}"),
    ],
)
def test_braces(written: str, stands: str) -> None:
    assert render([written], {"a": 1}) == ([stands], {})
    assert render(written, {"a": 1})[0].replace(f'"${{{variable("a")}}}"', "1") == stands


@pytest.mark.skipif(sys.platform == "win32", reason="NOT TESTED: a shell (needs sh)")
def test_what_stands_in_quotes_all_the_same_stays_in_them() -> None:
    text, environment = render("printf '%s|{a}|' \"x {a}\" {a}; cat << E\n{a}\nE", {"a": '* "$"'})
    ran = subprocess.run(
        ["sh", "-c", text], env={**os.environ, **environment}, capture_output=True, check=True
    )
    assert ran.stdout.decode() == 'x * "$"|{a}|* "$"|{a}|* "$"\n'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x y", "x y"),
        (3, "3"),
        (1.5, "1.5"),
        (True, "true"),
        (None, "null"),
        ([1, "ü"], '[1, "ü"]'),
        ({"a": [1]}, '{"a": [1]}'),
    ],
)
def test_values_as_text(value: Any, text: str) -> None:
    assert render(["{a}"], {"a": value})[0] == [text]


@pytest.mark.skipif(sys.platform == "win32", reason="NOT TESTED: a shell (needs sh)")
@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("echo $(({n} * (2 + {n}))) {n}", "15 3"),
        ("echo $((1 << {n}))", "8"),
        ("echo $( (echo {n}) ) `echo {n}`", "3 3"),
    ],
)
def test_a_shell_calculates_with_a_number(command: str, said: str) -> None:
    text, environment = render(command, {"n": 3})
    ran = subprocess.run(
        ["sh", "-c", text], env={**os.environ, **environment}, capture_output=True, check=True
    )
    assert ran.stdout.decode().strip() == said


@pytest.mark.parametrize("value", ["a[$(id)]", "1+1", "", True, 1.5, None, [1], "٣"])
def test_a_shell_calculates_with_nothing_else(value: Any) -> None:
    with pytest.raises(ValueError, match="no whole number"):
        render("echo $(({n} + 1))", {"n": value})


@pytest.mark.skipif(sys.platform == "win32", reason="NOT TESTED: a shell (needs sh)")
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40))
def test_a_shell_receives_any_text_as_it_is(value: str) -> None:
    command, environment = render("printf %s {a}; printf %s {{a}}", {"a": value})
    ran = subprocess.run(
        ["sh", "-c", command], env={**os.environ, **environment}, capture_output=True, check=True
    )
    assert ran.stdout.decode() == value + "{a}"
