"""Every example runs, by the real command, from anywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
CMS = Path(sys.executable).with_name("cms")


def cms(*words: str, folder: Path) -> str:
    done = subprocess.run(
        [CMS, "flow", *words], cwd=folder, env=dict(os.environ), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_standard_library_is_read_and_reported(tmp_path: Path) -> None:
    file = str(EXAMPLES / "stdlib/stdlib-flow.py")
    printed = cms("run", file, "--param", "only=json,re,ast", "--output", "json", folder=tmp_path)
    nodes = {node["name"]: node for node in json.loads(printed)["nodes"]}
    assert {node["status"] for node in nodes.values()} == {"finished"}
    assert {nodes[f"parse[{i}]"]["label"] for i in range(3)} == {"json", "re", "ast"}
    assert nodes["parse[0]"]["progress"] == 100
    page = (tmp_path / "stdlib.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 3
    assert "re/_parser.py" in page or "sre_parse" in page
    assert "http" not in page.replace("http-equiv", "")  # nothing is loaded from elsewhere


@pytest.mark.parametrize("name", ["workflow.py", "sampleflow.yaml"])
def test_the_forms_of_the_seed(name: str, tmp_path: Path) -> None:
    cms("check", str(EXAMPLES / "seed" / name), folder=tmp_path)


def test_the_yaml_of_the_first_version(tmp_path: Path) -> None:
    file = str(EXAMPLES / "original/sampleflow.yaml")
    printed = cms("run", file, "--param", "x=5", "--output", "json", folder=tmp_path)
    nodes = {node["name"]: node for node in json.loads(printed)["nodes"]}
    assert {name: node["result"] for name, node in nodes.items()} == {"a": 7, "c": 3, "b": 10}
    assert nodes["b"]["dependencies"] == []
    assert {node["color"] for node in nodes.values()} == {"green"}


def test_the_yaml_of_cloudmesh_cc(tmp_path: Path) -> None:
    folder = EXAMPLES / "cloudmesh-cc"
    printed = cms("run", "workflow.yaml", "--output", "json", folder=folder)
    nodes = {node["name"]: node for node in json.loads(printed)["nodes"]}
    assert nodes["fetch-data"]["result"] == "12 7 23"
    assert nodes["fetch-data"]["progress"] == 100
    assert nodes["end"]["result"] == nodes["compute"]["result"] == "332833500"


def test_every_example_is_told_of() -> None:
    said = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    folders = [path.name for path in EXAMPLES.iterdir() if path.is_dir()]
    assert [name for name in folders if f"{name}/" not in said] == []


def test_a_module_with_a_workflow_is_a_program_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / "seed/workflow.py"],
        cwd=tmp_path,
        env=dict(os.environ),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("finished {")
