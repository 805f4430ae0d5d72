"""A flow in other forms."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmesh.flow.export import to_dot, to_mermaid, to_yaml, yaml_flat, yaml_scalar
from cloudmesh.flow.language.load import load
from cloudmesh.flow.model.documents import definition_documents
from cloudmesh.flow.model.flow import Flow


def flow_of(*strings: str) -> Flow:
    return load(None, strings, flowname="test").flow


def test_dot() -> None:
    text = to_dot(flow_of("a; b || c"), {"a": "finished", "b": "error"})
    assert text.startswith('digraph "test" {\n')
    assert '"a" -> "b";' in text
    assert '"a" -> "c";' in text
    assert '"b" [label="b", fillcolor="#FCE8EA", color="#B5102B", tooltip="error"];' in text


def test_a_large_barrier_is_a_point() -> None:
    flow = flow_of("(a || b || c); (d || e || f)")
    assert to_dot(flow).count("->") == 6
    assert to_mermaid(flow).count("-->") == 6
    assert "shape=point" in to_dot(flow)


def test_mermaid_does_not_stumble_over_its_own_words() -> None:
    text = to_mermaid(flow_of("end; subgraph || class"), {"end": "running"})
    assert text.split("\n")[:4] == [
        "flowchart LR",
        '  n0["end"]',
        '  n1["subgraph"]',
        '  n2["class"]',
    ]
    assert "n0 --> n1" in text
    assert "class n0 running" in text


def test_yaml_is_read_again_as_the_same_flow(tmp_path) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("ruamel.yaml")
    source = tmp_path / "flow.yaml"
    source.write_text(
        "name: sample\nflow: [a; c || b, a; d]\n"
        'edges: {"a -> b": {label: "rows: 1"}}\n'
        "tasks:\n"
        '  a: {command: "echo hi # no comment", entry: {color: orange, label: "a…"}}\n'
        "  b: {command: [echo, '{a}'], retries: 2, timeout: 5m, on: process}\n"
        "  c: {command: 'true'}\n"
        "  d: {command: 'echo {a}', when: a == 'hi'}\n"
    )
    first = load(str(source), ()).flow
    again = tmp_path / "again.yaml"
    again.write_text(to_yaml(first, definition_documents(first, 0.0)))
    second = load(str(again), ()).flow
    assert json.dumps(second.to_json(), default=str) == json.dumps(first.to_json(), default=str)


DATA = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("aß:,[]{}# -'\"/"),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("ab:,{}# "), inner),
    max_leaves=8,
)


@given(DATA)
def test_data_on_a_line_is_read_again(data: object) -> None:
    yaml = pytest.importorskip("ruamel.yaml").YAML(typ="safe", pure=True)
    assert yaml.load(f"k: {yaml_flat(data)}") == {"k": data}


@given(st.text())
def test_a_scalar_is_read_again_as_the_same_text(text: str) -> None:
    yaml = pytest.importorskip("ruamel.yaml").YAML(typ="safe", pure=True)
    scalar = yaml_scalar(text)
    if not scalar.isprintable() or "\x7f" in text:
        return
    assert yaml.load(f"k: {scalar}") == {"k": text}
