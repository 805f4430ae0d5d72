"""examples/anywhere: one flow over everything that nodes can be mapped to, all of it real."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from slurm_cluster import running_slurm
from sshd import running_sshd

from cloudmesh.flow.executors.table import build
from cloudmesh.flow.providers import image
from cloudmesh.flow.server.projection import Projection
from cloudmesh.flow.store.opening import open_store

pytestmark = pytest.mark.real

pytest.importorskip("distributed", reason="NOT TESTED: Dask (needs pip install distributed)")

EXAMPLE = Path(__file__).parents[2] / "examples/anywhere/anywhere-flow.yaml"
BOX = {"kind": "vm", "provider": "qemu", "memory": "256M"}


def entry(spec: dict[str, Any]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in spec.items()) + "}"


def test_one_flow_over_all_of_them(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    packages = image.missing()
    if packages:
        pytest.skip(f"NOT TESTED: virtual machines (needs {packages}; make test-deps installs it)")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    build("box", BOX, print)
    with (
        running_sshd(tmp_path_factory.mktemp("sshd")) as server,
        running_slurm(tmp_path_factory.mktemp("slurm")) as environment,
    ):
        python = {"python": sys.executable}
        hpc = {"kind": "slurm", "folder": str(tmp_path / "jobs"), **python}
        lines = {
            "lab": entry({**server.spec, **python}),
            "box": entry(BOX),
            "hpc": entry(hpc),
            "cluster": "{kind: dask, workers: 1}",
        }
        text = "".join(f"  {name}: {spec}\n" for name, spec in lines.items())
        (tmp_path / "config.yaml").write_text(f"infrastructure:\n{text}")
        store = f"sqlite:///{tmp_path}/flow.db"
        env = {**os.environ, **environment, "CLOUDMESH_FLOW_STORE": store}
        words = ["run", str(EXAMPLE), "--config", "config.yaml", "--param", "limit=6000"]
        done = subprocess.run(
            [sys.executable, "-m", "cloudmesh.flow", *words, "--output", "json"],
            cwd=tmp_path, env=env, capture_output=True, text=True, timeout=240,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        shown = subprocess.run(
            [sys.executable, "-m", "cloudmesh.flow", "status"],
            env=env, capture_output=True, text=True, timeout=60,
        ).stdout  # fmt: skip
    run = json.loads(done.stdout)
    nodes = {node["name"]: node for node in run["nodes"]}
    assert nodes["total"]["result"] == 783
    assert nodes["kernel"]["result"].startswith("Linux ")
    assert (nodes["here"]["where"], nodes["worker"]["where"]) == ("thread", "process")
    assert nodes["host"]["where"] == "127.0.0.1"
    assert nodes["machine"]["where"] == nodes["kernel"]["where"] == "box"
    assert nodes["job"]["where"].startswith("hpc/")
    assert nodes["cluster"]["where"].startswith("cluster/127.0.0.1:")
    elsewhere = ("host", "machine", "kernel", "job", "cluster")
    assert all(nodes[name]["waited"] > 0 for name in elsewhere)
    assert nodes["machine"]["waited"] > 1, "a machine is not made in a second"
    head, *rows = shown.splitlines()[1:]
    assert head.split() == ["node", "status", "attempt", "took", "waited", "where", "why"]
    assert any(row.startswith("machine ") and "box" in row for row in rows)
    with contextlib.closing(open_store(store)) as opened:
        first, *others = opened.batches(run["run"])
    projection = Projection(first)
    for batch in others:
        projection.apply(batch)
    page = {d["name"]: d for d in map(projection.document, range(len(projection.flow)))}
    assert {name: page[name]["waited"] for name in elsewhere} == {
        name: nodes[name]["waited"] for name in elsewhere
    }
