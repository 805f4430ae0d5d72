"""The user's configuration: where it is found, what it says, what is wrong with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cloudmesh.flow.config import Config, check_pools, load_config
from cloudmesh.flow.errors import InputError, NotFound
from cloudmesh.flow.model.flow import Flow, Node, Task


def test_where_there_is_none_nothing_is_loaded(home: Path) -> None:
    assert load_config(None) == Config()
    loaded = (
        "import sys; from cloudmesh.flow.config import load_config; load_config(None);"
        "print([m for m in ('ruamel', 'asyncio', 'asyncssh', 'difflib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_option_comes_before_the_variable_and_that_before_the_home(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_home = home / ".cloudmesh" / "flow" / "config.yaml"
    at_home.parent.mkdir(parents=True)
    at_home.write_text("parallel: 1\n")
    assert load_config(None).parallel == 1
    (tmp_path / "b.yaml").write_text("parallel: 2\n")
    monkeypatch.setenv("CLOUDMESH_FLOW_CONFIG", str(tmp_path / "b.yaml"))
    assert load_config(None).parallel == 2
    (tmp_path / "c.yaml").write_text("parallel: 3\n")
    assert load_config(str(tmp_path / "c.yaml")).parallel == 3
    with pytest.raises(NotFound):
        load_config(str(tmp_path / "d.yaml"))


def test_what_it_says(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        "durability: power\npools: {gpu: 1}\n"
        "infrastructure:\n  lab: {kind: ssh, hosts: [node1, node2], slots: 4}\n"
        "  vm: {kind: vm, provider: qemu, image: debian, memory: 512M, lifetime: run}\n"
    )
    config = load_config(str(file))
    assert config.durability == "power"
    assert config.pools == {"gpu": 1}
    assert config.infrastructure["lab"]["hosts"] == ["node1", "node2"]
    file.write_text("# parallel: 3\n\n")
    assert load_config(str(file)).infrastructure == {}


def test_everything_wrong_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        "parallel: 0\nparalel: 3\npools: {gpu: x}\ndurability: po\ninfrastructure:\n"
        "  lab: {kind: ssh, hosts: [a], slot: 3}\n  b: {kind: shh}\n  c: {kind: ssh}\n"
        "  vm: {kind: vm, provider: qemu, memory: 5X}\n  local: {kind: ssh, host: a}\n"
    )
    with pytest.raises(InputError) as wrong:
        load_config(str(file))
    told = {(p.line, p.column): p.message for p in wrong.value.problems}
    assert "did you mean 'parallel'" in told[2, 1]
    assert told[1, 11] == "parallel is a whole number from 1"
    assert told[4, 13] == "durability is process or power"
    assert "did you mean slots" in told[6, 32]
    assert "did you mean ssh" in told[7, 7]
    assert told[8, 3] == "c: ssh needs host or hosts"
    assert told[9, 34] == "vm: memory is a size like 512M or 2G, not '5X'"
    assert told[10, 3] == "local is a word that is always there"
    assert len(told) == 9


@pytest.mark.parametrize("text", ["- a\n", "infrastructure: 3\n", "pools: [1]\n", "a: [\n"])
def test_other_forms_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(text)
    with pytest.raises(InputError):
        load_config(str(file))


def test_patience_and_pools_with_a_rate(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("patience: 90s\npools: {api: {slots: 2, rate: 10/s}}\n")
    config = load_config(str(file))
    assert config.patience == 90.0
    assert config.pools["api"]["rate"] == "10/s"
    file.write_text("patience: soon\npools: {api: {rate: often}}\n")
    with pytest.raises(InputError) as wrong:
        load_config(str(file))
    assert {(p.line, p.message.partition(":")[0]) for p in wrong.value.problems} == {
        (1, "patience"),
        (2, "pools"),
    }


def test_a_pool_that_nobody_has_said_the_size_of_is_refused_before_a_run() -> None:
    nodes = (Node("a"), Node("b", Task(pool="gpu")), Node("c", Task(pool="api")))
    flow = Flow("f", nodes, ((),) * 3, pools={"api": 1})
    check_pools(flow, Config(pools={"gpu": 2}))
    check_pools(Flow("f", nodes[:1], ((),)), Config())
    with pytest.raises(InputError, match=r"^b: there is no pool 'gpu'"):
        check_pools(flow, Config())
