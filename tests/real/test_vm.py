"""Real virtual machines under QEMU: built from packages alone, made, used, gone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import executor_kit as kit
import pytest
from executor_kit import nodes

from cloudmesh.flow.executors.protocol import Executor, Outcome
from cloudmesh.flow.executors.table import Context, build, check, make
from cloudmesh.flow.model.flow import Code
from cloudmesh.flow.providers import image, qemu

pytestmark = pytest.mark.real

SPEC = {"kind": "vm", "provider": "qemu", "image": "debian", "memory": "256M"}


@pytest.fixture(scope="module", autouse=True)
def built(cache: Path) -> Iterator[None]:
    """The image, built from packages when there is none in the tests' cache."""
    packages = image.missing()
    if packages:
        pytest.skip(f"NOT TESTED: virtual machines (needs {packages}; make test-deps installs it)")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        said: list[str] = []
        build("vm", SPEC, said.append)
        if said:
            print("\n".join(said))
        yield


def book() -> tuple[Context, list[tuple[str, str]]]:
    lines: list[tuple[str, str]] = []
    context = Context(
        "0123456789abcdef",
        f"run{os.getpid()}",
        intent=lambda document: lines.append(("intent", document["tag"])),
        release=lambda document: lines.append(("release", document["tag"])),
    )
    return context, lines


def start(made: Executor, function: Any, arguments: Any = None, **task: Any) -> kit.Told:
    code = Code(nodes.__file__, "", function.__name__, "")
    return kit.start(made, kit.make_attempt(function, arguments, code=code, **task))


def command(made: Executor, text: Any, **task: Any) -> kit.Told:
    return kit.start(made, kit.make_attempt(None, command=text, **task))


def machines(run: str) -> list[str]:
    """What runs of a run's machines, as the kernel sees it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            found += [w.decode() for w in words[:3] if f"/{run}/".encode() in w]
    return found


def gone(run: str, wait: float = 60.0) -> bool:
    deadline = time.monotonic() + wait
    while machines(run) or any(f"/{run}/" in tag for tag, _, _ in qemu.machines()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.slow  # make test has the seed's own case, and examples/anywhere
def test_a_machine_for_the_run(tmp_path: Path) -> None:
    context, lines = book()
    made = make("vm", SPEC, context)
    try:
        uname = command(made, "uname -a").result(240)
        assert uname.status == "finished", uname.error
        assert uname.value.startswith("Linux flow ")
        assert "cloud-amd64" in uname.value
        assert lines == [("intent", f"cmflow/{context.store_id}/{context.run}/vm/1")]
        assert machines(context.run)

        told = start(made, nodes.prints, {"text": "größe ☃"})
        assert told.result() == Outcome("finished", "größe ☃", None, 0)
        assert told.attempt.where == "vm"
        assert "out größe ☃" in told.text("out")
        assert start(made, nodes.point, {"x": 5}).result().value == nodes.Point(5)
        value = bytes(10_000_000)
        assert start(made, nodes.same, {"value": value}).result(120).value == value
        failed = start(made, nodes.fails, {"text": "bad"}).result()
        assert "in fails" in (failed.error or {})["traceback"]
        assert command(made, "exit 7").result().exit_code == 7

        sleeper = start(made, nodes.sleeps, {"seconds": 300})
        sleeper.until(lambda t: "asleep" in t.text("out"))
        made.cancel(sleeper.attempt)
        assert (sleeper.result().error or {})["type"] == "Cancelled"
        left = "grep -lz CLOUDMESH_FLOW_KEY={} /proc/[0-9]*/environ | grep -v $$ | wc -l"
        text = left.format(sleeper.attempt.key)
        assert command(made, text).result().value == "0"
        assert len(lines) == 1, "one machine for all of them"
    finally:
        made.close()
    assert lines[1:] == [("release", lines[0][1])]
    assert gone(context.run)


@pytest.mark.slow
def test_a_machine_for_each_node(tmp_path: Path) -> None:
    context, lines = book()
    made = make("vm", {**SPEC, "lifetime": "node"}, context)
    try:
        told = [command(made, "echo $(hostname)$(cat /left 2>/dev/null) > /left; cat /left")]
        told.append(command(made, "echo $(hostname)$(cat /left 2>/dev/null) > /left; cat /left"))
        assert [one.result(300).value for one in told] == ["flow", "flow"]
        assert gone(context.run)
        tags = {f"cmflow/{context.store_id}/{context.run}/{t.attempt.node}/1" for t in told}
        assert {told_of["tag"] for t in told for told_of in t.attempt.extra["intents"]} == tags
        assert {tag for what, tag in lines if what == "release"} == tags
    finally:
        made.close()


@pytest.mark.slow
def test_a_machine_that_dies_is_replaced() -> None:
    context, lines = book()
    made = make("vm", SPEC, context)
    try:
        first = command(made, "echo up; sleep 300")
        first.until(lambda t: "up" in t.text("out"), 240)
        for tag, guard, _ in list(qemu.machines()):
            if f"/{context.run}/" in tag:
                os.kill(guard, signal.SIGKILL)
        outcome = first.result()
        assert (outcome.lost, (outcome.error or {})["type"]) == (True, "MachineLost")
        assert command(made, "hostname").result(240).value == "flow"
        assert len([tag for what, tag in lines if what == "intent"]) == 2
    finally:
        made.close()
    assert gone(context.run)


@pytest.mark.slow
def test_a_machine_ends_at_its_deadline() -> None:
    run = f"deadline{os.getpid()}"
    begun = time.monotonic()
    provider = qemu.Qemu("vm", {**SPEC, "max_life": "20s"})
    machine = provider.create(f"cmflow/store/{run}/n/1")
    machine.guard.wait(60)
    assert time.monotonic() - begun < 60
    assert gone(run)
    assert not machine.folder.exists()


def test_an_unwanted_machine_is_not_waited_for() -> None:
    context, _ = book()
    made = make("vm", SPEC, context)
    told = command(made, "true")
    deadline = time.monotonic() + 60
    while not machines(context.run) and time.monotonic() < deadline:
        time.sleep(0.02)
    made.close()
    assert (told.result().error or {})["type"] == "Cancelled"
    assert gone(context.run)


def test_a_machine_that_does_not_boot_says_the_last_of_its_console(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(qemu, "BOOT_TIMEOUT", 3.0)
    context, lines = book()
    made = make("vm", {**SPEC, "memory": "16M"}, context)
    try:
        outcome = command(made, "true").result(60)
    finally:
        made.close()
    error = outcome.error or {}
    assert (error["type"], outcome.lost) == ("MachineFailed", True)
    assert "did not answer within 3 s" in error["message"] or "ended while" in error["message"]
    assert "\n" not in error["message"]
    assert [what for what, _ in lines] == ["intent", "release"]
    assert gone(context.run)


@pytest.mark.slow
def test_check_says_that_it_works() -> None:
    assert check("vm", SPEC) == [("programs", ""), ("machine", ""), ("vm", "")]


FLOW = """\
name: away
flow: a; b
infrastructure:
  vm: {kind: vm, provider: qemu, memory: 256M}
tasks:
  a: {command: "echo 20"}
  b: {command: "uname -n; echo {a}; sleep 0", on: vm}
"""


def test_the_seeds_own_case(tmp_path: Path, cache: Path) -> None:
    """Starting a VM and executing a command in it, as the command line does it."""
    (tmp_path / "away.yaml").write_text(FLOW)
    env = {**os.environ, "CLOUDMESH_FLOW_STORE": f"sqlite:///{tmp_path}/flow.db"}
    done = subprocess.run(
        [sys.executable, "-m", "cloudmesh.flow", "run", "away.yaml", "--output", "json"],
        cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    documents = {document["name"]: document for document in told["nodes"]}
    assert documents["b"]["result"] == "flow\n20"
    assert documents["b"]["where"] == "vm"
    assert gone(told["run"])


@pytest.mark.slow
def test_a_killed_engine_leaves_no_machine(tmp_path: Path) -> None:
    (tmp_path / "away.yaml").write_text(FLOW.replace("sleep 0", "echo up; sleep 300"))
    env = {**os.environ, "CLOUDMESH_FLOW_STORE": f"sqlite:///{tmp_path}/flow.db"}
    engine = subprocess.Popen(
        [sys.executable, "-m", "cloudmesh.flow", "run", "away.yaml"],
        cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert engine.stdout is not None
    while "up" not in engine.stdout.readline():
        pass
    run = next(tag.split("/")[2] for tag, _, _ in qemu.machines())
    engine.kill()
    engine.wait()
    assert gone(run)
