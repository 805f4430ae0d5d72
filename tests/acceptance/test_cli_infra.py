"""``infra`` and ``store check``, with the real command."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any


def test_infra_list(cms: Any) -> None:
    cms.write("config.yaml", "infrastructure:\n  lab: {kind: ssh, host: lab.invalid, slots: 4}\n")
    done = cms("flow", "infra", "list")
    assert done.returncode == 0
    assert re.findall(r"^(\w+)", done.stdout, re.M) == ["on", "local", "thread", "process"]
    done = cms("flow", "infra", "list", "--config", "config.yaml")
    assert re.search(r"^lab +ssh +host: lab.invalid, slots: 4$", done.stdout, re.M)
    cms.environment["CLOUDMESH_FLOW_CONFIG"] = "config.yaml"
    assert "lab.invalid" in cms("flow", "infra", "list").stdout
    done = cms("flow", "infra", "check", "labb")
    assert done.returncode == 2
    assert "did you mean 'lab'" in done.stderr


def test_infra_of_a_flows_own_yaml(cms: Any) -> None:
    cms.write(
        "own.yaml",
        "flow: a; b\ninfrastructure: {box: {kind: ssh, host: box.invalid}}\n"
        "tasks: {a: {command: echo, on: box}, b: {command: echo}}\n",
    )
    assert "box.invalid" in cms("flow", "infra", "list", "--flowfile", "own.yaml").stdout


def test_what_does_not_work_is_exit_3(cms: Any) -> None:
    entry = "{kind: ssh, host: 127.0.0.1, port: 1}"
    cms.write("config.yaml", f"infrastructure:\n  lab: {entry}\n")
    done = cms("flow", "infra", "check", "--config", "config.yaml")
    assert done.returncode == 3
    assert re.search(r"^lab +", done.stdout, re.M)
    assert "Traceback" not in done.stderr


def test_a_wrong_configuration(cms: Any) -> None:
    cms.write("config.yaml", "infrastructure:\n  lab: {kind: shs}\n")
    for words in (("infra", "list"), ("run", "x.py"), ("check", "x.py")):
        done = cms("flow", *words, "--config", "config.yaml")
        assert done.returncode == 2
        assert "config.yaml:2:" in done.stderr
        assert "ssh" in done.stderr
    assert cms("flow", "infra", "list", "--config", "nosuch.yaml").returncode == 2


def test_nothing_to_clean(cms: Any) -> None:
    done = cms("flow", "infra", "clean")
    assert (done.returncode, done.stdout) == (0, "")
    assert "nothing was left" in done.stderr


def test_store_check(seed: Any, tmp_path: Path) -> None:
    seed("flow", "run", "test-flow.py", "(a; b || c)")
    before = sorted(p.name for p in (seed.home / ".cloudmesh/flow").iterdir())
    done = seed("flow", "store", "check")
    assert done.returncode == 0, done.stdout
    results = [line.split("  ok")[1:] for line in done.stdout.splitlines()[1:]]
    assert len(results) > 10
    assert all(results)
    assert sorted(p.name for p in (seed.home / ".cloudmesh/flow").iterdir()) == before
    assert len(seed.json("flow", "runs")) == 1
    (tmp_path / "file").write_text("")
    done = seed("flow", "store", "check", "--store", f"sqlite:///{tmp_path}/file/x.db")
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1


def test_a_password_is_nowhere(seed: Any) -> None:
    url = "mongodb://user:hunter2@127.0.0.1:1/db?serverSelectionTimeoutMS=200"
    for words in (("runs",), ("run", "test-flow.py", "a; b"), ("store", "check")):
        done = seed("flow", *words, "--store", url)
        assert done.returncode == 3, done.stderr
        assert "hunter2" not in done.stdout + done.stderr
        assert "127.0.0.1" in done.stderr
