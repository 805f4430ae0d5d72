"""The examples that run on other machines: a sweep on Dask and on Slurm, a machine for a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
CMS = Path(sys.executable).with_name("cms")
FEW = ("--param", "densities=3", "--param", "repeats=2", "--param", "size=40")


@pytest.fixture(autouse=True)
def helpers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clusters of the tests' own are started by what lies beside the other real tests."""
    monkeypatch.syspath_prepend(str(ROOT / "tests/real"))


def run(example: str, *words: str) -> dict[str, dict[str, Any]]:
    """Run an example; its nodes' documents by name."""
    command = [CMS, "flow", "run", EXAMPLES / example, *words, "--output", "json"]
    done = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return {node["name"]: node for node in json.loads(done.stdout)["nodes"]}


def running(run: str) -> list[str]:
    """The processes whose command names a run."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:
            continue
        found += [words] if run in words else []
    return found


def check(nodes: dict[str, dict[str, Any]], where: str) -> None:
    """Six forests: a thin one does not burn, a thick one does."""
    forests = [nodes[f"burn[{i}]"] for i in range(6)]
    assert {node["status"] for node in nodes.values()} == {"finished"}
    assert all(node["where"].startswith(where) for node in forests)
    values = [node["result"]["value"] for node in forests]
    assert [v["crossed"] for v in values if v["density"] == 0.45] == [False, False]
    assert [v["crossed"] for v in values if v["density"] == 0.75] == [True, True]
    assert nodes["threshold"]["result"]["value"] in (0.6, 0.75)


def test_the_sweep_in_worker_processes() -> None:
    check(run("sweep/sweep.yaml", "--on", "burn=process", *FEW), "process")


@pytest.mark.real
def test_the_sweep_on_dask() -> None:
    pytest.importorskip("distributed", reason="NOT TESTED: Dask (needs pip install distributed)")
    check(run("sweep/sweep.yaml", *FEW), "")


@pytest.mark.real
def test_the_sweep_on_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from slurm_cluster import running_slurm

    monkeypatch.chdir(tmp_path)  # the folder of its jobs
    with running_slurm(tmp_path) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        check(run("sweep/sweep.yaml", "--on", "burn=cluster", *FEW), "")


@pytest.mark.real
@pytest.mark.slow  # tests/real/test_vm.py holds the same, faster, in make test
def test_a_machine_is_made_used_and_gone(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cloudmesh.flow.providers import image

    packages = image.missing()
    if packages:
        pytest.skip(f"NOT TESTED: virtual machines (needs {packages}; make test-deps installs it)")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    nodes = run("machine/machine.yaml", "--param", "digits=50")
    assert nodes["kernel"]["result"].startswith("Linux")
    assert nodes["pi"]["result"]["value"].startswith("3.14159265358979323846")
    assert "3.14159265358979323846" in nodes["report"]["result"]
    assert running(nodes["pi"]["run"]) == []
