"""Whatever is written, it is read or refused: nothing but `InputError` ever comes out."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudmesh.flow.errors import InputError
from cloudmesh.flow.language import calculation
from cloudmesh.flow.language.load import load
from cloudmesh.flow.language.yamlfile import read_yaml
from cloudmesh.flow.model.flow import Flow


def check_shown(error: InputError) -> None:
    """Each problem can be shown, with a place inside its line."""
    for problem in error.problems:
        assert str(problem)
        if problem.line:
            assert 1 <= problem.column <= len(problem.text) + 1


pieces = st.sampled_from(
    [
        "a",
        "b",
        "c-1",
        "_",
        "1x",
        ";",
        "||",
        "|",
        "(",
        ")",
        "*",
        "&",
        " ",
        "\n",
        "->",
        ".",
        "ü",
        "\0",
    ]
)
strings = st.text(max_size=40) | st.lists(pieces, max_size=25).map("".join)


@given(st.lists(strings, min_size=1, max_size=3))
@settings(max_examples=300)
def test_flow_strings(texts: list[str]) -> None:
    try:
        flow = load(None, texts).flow
    except InputError as error:
        check_shown(error)
        return
    assert load(None, flow.text).flow == flow
    assert Flow.from_json(flow.to_json()) == flow


words = st.sampled_from(
    [
        *("name", "flow", "python", "parameters", "edges", "tasks", "infrastructure", "pools"),
        *("workflow", "nodes", "dependencies", "exec", "script", "kind", "host", "user"),
        *("parameter", "calculation", "command", "entry", "return", "error", "value", "on"),
        *("retries", "timeout", "when", "over", "color", "label", "a", "b", "a; b*", "a -> b"),
        *("f(a, 3)", "echo {a}", 'echo "{a}"', "5m", "a > 3", "int", "a,b", "ssh", ""),
    ]
)
scalars = words | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
data = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=5),
    max_leaves=25,
)
indicators = st.sampled_from(
    [
        "a",
        ":",
        " ",
        "\n",
        "  ",
        "- ",
        "? ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "&x",
        "*x",
        "!t",
        "|",
        ">",
        "'",
        '"',
        "%YAML 1.2\n",
        "---",
        "...",
        "#",
        "\t",
        "@",
        "`",
        "\\",
        "\x85",
        "\ufeff",
        "~",
        "1",
    ]
)


def as_yaml(value: Any) -> str:
    """Any data as YAML: JSON, with YAML's words for what JSON has not."""
    import json

    text = json.dumps(value, ensure_ascii=False)
    return text.replace("NaN", ".nan").replace("-Infinity", "-.inf").replace("Infinity", ".inf")


@given(st.text(max_size=60) | st.lists(indicators, max_size=25).map("".join))
@settings(max_examples=300)
def test_yaml(text: str) -> None:
    try:
        document = read_yaml(text, "x.yaml")
    except InputError as error:
        check_shown(error)
        return
    _ = document.data


@given(
    st.dictionaries(words, data, max_size=6)
    | st.fixed_dictionaries({"flow": st.just("a; b*"), "tasks": st.dictionaries(words, data)})
    | st.fixed_dictionaries(
        {"workflow": st.fixed_dictionaries({"nodes": data, "dependencies": data})}
    )
    | data
)
@settings(
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_yaml_flows(tmp_path: Path, value: Any) -> None:
    path = tmp_path / "fuzz.yaml"
    path.write_text(as_yaml(value), encoding="utf-8", errors="replace")
    (tmp_path / "fuzz.py").write_text("def f(a, b): return a\ndef a(): return [1]\n")
    try:
        flow = load(str(path)).flow
    except InputError as error:
        check_shown(error)
        return
    assert Flow.from_json(flow.to_json()) == flow


@given(st.text(max_size=60))
def test_calculations(text: str) -> None:
    with contextlib.suppress(ValueError):
        calculation.parse(text)


@pytest.mark.slow
@given(strings)
@settings(max_examples=20_000, deadline=None)
def test_flow_strings_for_a_minute(text: str) -> None:
    with contextlib.suppress(InputError):
        load(None, [text])
