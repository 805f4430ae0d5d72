"""The JSON Schema of the YAML form: what the reader takes, it takes; no key is missing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cloudmesh.flow.errors import InputError
from cloudmesh.flow.executors.table import KINDS
from cloudmesh.flow.export import to_yaml
from cloudmesh.flow.language.load import load
from cloudmesh.flow.language.schema import BY_READER, BY_WORD, SAID, TASK_SAID, schema
from cloudmesh.flow.language.taskwords import TASK_WORDS
from cloudmesh.flow.language.yamlfile import read_yaml
from cloudmesh.flow.language.yamlforms import TOP_KEYS
from cloudmesh.flow.language.yamltask import TASK_KEYS
from cloudmesh.flow.model.documents import definition_documents

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def fits() -> Callable[[Any], bool]:
    """Whether data fits the schema."""
    try:
        from jsonschema_rs import Draft202012Validator
    except ImportError:
        pytest.skip("NOT TESTED: the JSON Schema (needs schemathesis; make test-deps installs it)")
    validator = Draft202012Validator(schema())
    return lambda data: bool(validator.is_valid(data))


def test_no_key_is_missing() -> None:
    made = schema()["$defs"]
    assert set(made["flow"]["properties"]) == set(TOP_KEYS) == set(SAID)
    assert set(made["task"]["properties"]) == set(TASK_KEYS) == set(TASK_SAID)
    assert set(BY_READER) == set(TASK_WORDS.values())
    assert {what for kind in KINDS.values() for what in kind.keys.values()} <= set(BY_WORD)


def test_the_committed_copy_is_equal() -> None:
    committed = json.loads((ROOT / "docs/flow.schema.json").read_text(encoding="utf-8"))
    assert committed == schema(), "cms flow schema > docs/flow.schema.json"


def test_what_the_pages_and_examples_show_fits(fits: Callable[[Any], bool]) -> None:
    texts = [p.read_text(encoding="utf-8") for p in sorted((ROOT / "examples").rglob("*.yaml"))]
    for page in ("flows.md", "infrastructure.md"):
        parts = (ROOT / "docs" / page).read_text(encoding="utf-8").split("```yaml\n")[1:]
        texts += [text for part in parts if "flow:" in (text := part.split("```")[0])]
    assert len(texts) >= 3
    for text in texts:
        assert fits(read_yaml(text, "page").data), text


RIGHT = [
    "flow: [a, b]\ntasks:\n  a:\n  b: {command: [echo, 1, true, null]}\n",
    "- {name: a, command: x}\n- b: {calculation: f(x)}\n- c:\n",
    "flow: a\ntasks: [{name: a, parameter: [x, {y: int}], return: [{color: red}, {value: x}]}]\n",
    "tasks: {a: {timeout: null, retry_on: [OSError], edges: {b: {label: x}, c: y}, label: 3}}\n",
    "infrastructure: {x: {kind: ssh, host: h}, y: {kind: vm, provider: qemu, memory: 2GiB}}\n",
    "infrastructure: {x: {kind: slurm, time: 1h30m, memory: 512, options: [-x]}}\n",
    "workflow: {nodes: {a-1.x: {exec: hostname, kind: slurm, more: 1}}, dependencies: ['a,b']}\n",
    "pools: {gpu: 1, api: {slots: 2, rate: 10/s}, b: {rate: 100/5m}}\n",
    "name:\nflow:\nparameters:\nedges:\npools:\ninfrastructure:\n",
]
WRONG = [
    "flwo: a\n",
    "flow: 3\n",
    "tasks: {a: {comand: x}}\n",
    'tasks: {"9": {command: x}}\n',
    "tasks: {a: {retries: -1}}\n",
    "tasks: {a: {timeout: soon}}\n",
    "tasks: {a: {error: {value: x}}}\n",
    "tasks: [{command: x}]\n",
    "edges: {a to b: x}\n",
    "infrastructure: {local: {kind: ssh, host: h}}\n",
    "infrastructure: {x: {kind: shh, host: h}}\n",
    "infrastructure: {x: {kind: ssh}}\n",
    "infrastructure: {x: {kind: ssh, host: h, cpus: 2}}\n",
    "pools: {gpu: 0}\n",
    "pools: {api: {rate: 10}}\n",
    "pools: {api: {}}\n",
    "workflow: {nodes: {a: {kind: cloud}}}\n",
    "just text\n",
]


@pytest.mark.parametrize("text", RIGHT)
def test_right(text: str, fits: Callable[[Any], bool]) -> None:
    assert fits(read_yaml(text, "right").data)


@pytest.mark.parametrize("text", WRONG)
def test_wrong(text: str, fits: Callable[[Any], bool]) -> None:
    assert not fits(read_yaml(text, "wrong").data)


VALUES = st.sampled_from(
    [None, True, 0, 1, 2.5, -1, "", "a", "f()", "x > 1", "5m", "1h30m", "30m1h", "512M", "a b"]
)
LOOKS = st.dictionaries(st.sampled_from(["color", "label", "shape", "size"]), VALUES)
ENTRIES = st.dictionaries(
    st.sampled_from(sorted({"kind", *(key for kind in KINDS.values() for key in kind.keys)})),
    VALUES | st.sampled_from([*KINDS, ["h"]]),
    max_size=4,
)
PLAUSIBLE: dict[str, list[Any]] = {
    "parameter": [{"x": "int"}, ["x", {"y": None}], None],
    "command": ["x", ["x", 1, None]],
    "on": ["local", "process", " thread "],
    "retries": [0, 3],
    "retry_delay": [0, 2.5, "5m", " 1h 30m "],
    "retry_on": ["OSError", ["OSError", "a.b"], []],
    "timeout": [None, 1, "500ms"],
    "when": ["1 > 0"],
    "edges": [{}, {"a": "x"}],
    "pool": ["a"],
}
TASKS = st.dictionaries(
    st.sampled_from(sorted({*TASK_KEYS} - {"calculation", "name", "over"})), VALUES, max_size=4
).flatmap(
    lambda drawn: st.fixed_dictionaries(
        {
            key: st.sampled_from(PLAUSIBLE[key])
            if key in PLAUSIBLE and value != -1
            else LOOKS | st.lists(LOOKS, max_size=2)
            if key in ("entry", "return", "error")
            else st.just(value)
            for key, value in drawn.items()
        }
    )
)
POOLS = VALUES | st.fixed_dictionaries(
    {}, optional={"slots": VALUES, "rate": VALUES | st.sampled_from(["1/s", "5 / 2 min"])}
)
FILES = st.fixed_dictionaries(
    {
        "flow": st.just("a"),
        "tasks": st.fixed_dictionaries({"a": TASKS.map(lambda task: {"command": "x", **task})}),
    },
    optional={
        "pools": st.dictionaries(st.sampled_from(["gpu", "b"]), POOLS, max_size=2),
        "infrastructure": st.dictionaries(st.sampled_from(["lab", "x"]), ENTRIES, max_size=2),
        "edges": st.dictionaries(st.sampled_from(["a -> a", "a", "b→a"]), VALUES | LOOKS),
        "parameters": VALUES | st.dictionaries(st.sampled_from(["x", "a"]), VALUES),
        "name": VALUES,
    },
)


@settings(
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=FILES)
@example(
    data={
        "flow": "a",
        "tasks": {"a": {"command": "x", "entry": [{"color": None}, {"color": "red"}]}},
    }
)
def test_what_the_reader_takes_fits(
    data: dict[str, Any], fits: Callable[[Any], bool], tmp_path: Path
) -> None:
    file = tmp_path / "flow.yaml"
    file.write_text(json.dumps(data), encoding="utf-8")
    try:
        load(str(file), later=True)
    except InputError:
        return
    assert fits(data)


def test_what_is_exported_fits(fits: Callable[[Any], bool], tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples/seed", tmp_path / "seed")
    flow = load(str(tmp_path / "seed/sampleflow.yaml")).flow
    assert fits(read_yaml(to_yaml(flow, definition_documents(flow, 0.0)), "export").data)
