"""No machine is left behind: engines and cleaners are killed at every step, with kill -9.

On EC2's stand-in a kill falls before a request arrives, after it was done and
before its answer, or so that the request arrives only after the death of who
made it; or at any time.  Then `infra clean` runs, and is killed too.  Beside
all this stand machines that must stay: of another store, of nobody, and of a
run whose engine lives.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from clouds import KEY, SECRET, Boots, Ec2Rig, Lost, Request, running_ec2

from cloudmesh.flow.providers import image, qemu
from cloudmesh.flow.store import open_store

pytestmark = pytest.mark.real

FLOW = """\
name: {name}
flow: a
infrastructure: {entries}
tasks:
  a: {{command: "{command}", on: vm}}
"""
# The pauses of `infra clean` are for real clouds.
CLEAN = (
    "from cloudmesh.flow.providers import sweep; sweep.PAUSE = 0.2; "
    "from cloudmesh.flow.cli.main import main; main(['flow', 'infra', 'clean'])"
)


class Scene:
    """A folder with a store, and processes that work with it."""

    def __init__(self, folder: Path, spec: dict[str, Any]) -> None:
        self.folder, self.spec = folder, spec
        self.env = {
            **os.environ,
            "CLOUDMESH_FLOW_STORE": f"sqlite:///{folder}/flow.db",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
        }

    def run(self, name: str, command: str, **more: Any) -> subprocess.Popen[str]:
        entries = json.dumps({"vm": {**self.spec, **more}})
        text = FLOW.format(name=name, entries=entries, command=command)
        (self.folder / f"{name}.yaml").write_text(text)
        return self._start("-m", "cloudmesh.flow", "run", f"{name}.yaml")

    def resume(self) -> subprocess.Popen[str]:
        return self._start("-m", "cloudmesh.flow", "resume")

    def clean(self) -> subprocess.Popen[str]:
        return self._start("-c", CLEAN)

    def _start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *words], cwd=self.folder, env=self.env, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip


def said(process: subprocess.Popen[str]) -> str:
    return process.communicate(timeout=120)[0]


def until(process: subprocess.Popen[str], text: str) -> None:
    """Read what a process says until it says that."""
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    pytest.fail(f"it ended without {text!r}")


class Killer:
    """Kills a process at its n-th request, or its first for something: ``before`` that arrives
    (it never does), ``late`` (it arrives a little after the death), or ``after`` it was done.
    """

    def __init__(self, boots: Boots) -> None:
        self.gate = boots.rig.gate
        self.under_way: list[threading.Thread] = []

    def aim(self, place: int | str, how: str) -> None:
        self.gate.calm()
        self.victim: subprocess.Popen[str] | None = None
        self._aimed = threading.Event()
        self._hit = False

        def kill(request: Request) -> None:
            if place not in (request.number, request.action) or self._hit:
                return
            self._hit = True
            self._aimed.wait(60)
            assert self.victim is not None
            dead = threading.Event()
            if how == "late":  # known to be under way before anybody sees that the victim died
                thread = threading.Thread(target=self._later, args=(request, dead))
                self.under_way.append(thread)
                thread.start()
            self.victim.kill()
            self.victim.wait(60)
            dead.set()
            raise Lost

        if how == "after":
            self.gate.after = kill
        else:
            self.gate.before = kill

    def at(self, victim: subprocess.Popen[str]) -> subprocess.Popen[str]:
        self.victim = victim
        self._aimed.set()
        return victim

    def _later(self, request: Request, dead: threading.Event) -> None:
        dead.wait(60)
        time.sleep(random.uniform(0.0, 1.5))
        self.gate.forward(request)

    def settle(self) -> None:
        """All that was under way has arrived; nobody is killed any more."""
        self.gate.calm()
        while self.under_way:
            self.under_way.pop().join(60)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ec2Rig]:
    with running_ec2(tmp_path_factory.mktemp("ec2")) as rig:
        yield rig


@pytest.fixture
def boots(server: Ec2Rig, tmp_path: Path) -> Iterator[Boots]:
    server.reset()
    (tmp_path / "machines").mkdir()
    made = Boots(server, tmp_path / "machines")
    yield made
    made.close()


class Standing:
    """Machines that must stay, and that they do."""

    def __init__(self, scene: Scene, boots: Boots) -> None:
        self._rig = boots.rig
        boots.rig.make("cmflow-fedcba9876543210-run00001-0123456789ab")
        boots.rig.make("somebody's")
        self._living = scene.run("living", "echo is up; sleep 1000")
        until(self._living, "is up")
        self.machines = dict(boots.rig.machines())
        assert len(self.machines) == 3

    def check(self, told: str) -> None:
        assert self._rig.machines() == self.machines, told
        assert self._living.poll() is None

    def end(self) -> None:
        """Nothing is left running, where the test has failed."""
        if self._living.poll() is None:
            self._living.kill()
            self._living.communicate()

    def close(self) -> None:
        """The run that lives ends its machine itself, and no other."""
        self._living.send_signal(signal.SIGINT)
        self._living.communicate(timeout=60)
        names = set(self._rig.machines().values())
        assert names == {"cmflow-fedcba9876543210-run00001-0123456789ab", "somebody's"}


@pytest.fixture
def scene(tmp_path: Path, boots: Boots) -> Scene:
    return Scene(tmp_path, boots.rig.spec)


@pytest.fixture
def standing(scene: Scene, boots: Boots) -> Iterator[Standing]:
    made = Standing(scene, boots)
    yield made
    made.end()


def requests_of_a_run(scene: Scene, boots: Boots) -> list[str]:
    boots.rig.gate.calm()
    process = scene.run("whole", "true")
    told = said(process)
    assert process.returncode == 0, told
    return list(boots.rig.gate.actions)


def clean_up(
    scene: Scene, killer: Killer, standing: Standing, kills: Sequence[tuple[int | str, str]]
) -> None:
    """Cleaners, the first of which are killed; the last finds nothing."""
    for place, how in kills:
        killer.aim(place, how)
        said(killer.at(scene.clean()))
    said(scene.clean())
    killer.settle()
    for _ in range(3):
        cleaner = scene.clean()
        told = said(cleaner)
        assert cleaner.returncode == 0, told
        if "destroyed cmflow" not in told:
            break
    else:
        pytest.fail(f"there is no end to it: {told}")
    standing.check(told)


def kill_at(
    scene: Scene, killer: Killer, standing: Standing, place: tuple[int, str], *, node: bool
) -> None:
    """A run is killed there; a cleaner, and in every other round one that is killed too."""
    killer.aim(*place)
    more = {"lifetime": "node"} if node else {}
    said(killer.at(scene.run("victim", "true", **more)))
    kills = [(random.randint(1, 4), random.choice(HOW))] if random.random() < 0.5 else []
    clean_up(scene, killer, standing, kills)


HOW = ("before", "late", "after")


def test_killed_in_the_middle_of_what_it_asks_for(
    scene: Scene, boots: Boots, standing: Standing
) -> None:
    """The short form: during the request for a machine, and during that for its end."""
    killer = Killer(boots)
    for place, how, kills in (
        ("RunInstances", "late", []),
        ("TerminateInstances", "before", [("TerminateInstances", "after")]),
    ):
        killer.aim(place, how)
        said(killer.at(scene.run("victim", "true")))
        clean_up(scene, killer, standing, kills)
    standing.close()


def killed_with_a_machine(scene: Scene, boots: Boots) -> None:
    """An engine dies while it waits for the answer to its request for a machine."""
    killer = Killer(boots)
    killer.aim("RunInstances", "after")
    said(killer.at(scene.run("victim", "true")))
    killer.settle()
    assert len(boots.rig.machines()) == 1


def test_resume_destroys_what_its_dead_engine_made(scene: Scene, boots: Boots) -> None:
    killed_with_a_machine(scene, boots)
    resumed = scene.resume()
    told = said(resumed)
    assert resumed.returncode == 0, told
    assert boots.rig.machines() == {}
    assert "nothing was left" in said(scene.clean())


def test_the_next_run_destroys_what_a_dead_one_left(scene: Scene, boots: Boots) -> None:
    killed_with_a_machine(scene, boots)
    following = scene.run("following", "true")
    told = said(following)
    assert following.returncode == 0, told
    assert "which an earlier run had left" in told
    assert boots.rig.machines() == {}


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_at_every_step_a_hundred_times(
    scene: Scene, boots: Boots, standing: Standing
) -> None:
    seed = int.from_bytes(os.urandom(4))
    print(f"seed {seed}")
    random.seed(seed)
    killer = Killer(boots)
    begun = time.monotonic()
    count = len(requests_of_a_run(scene, boots))
    length = time.monotonic() - begun
    places = [(number, how) for number in range(1, count + 1) for how in HOW]
    for turn in range(100):
        print(turn, end=" ", flush=True)
        if turn < 60:
            kill_at(scene, killer, standing, places[turn % len(places)], node=turn % 2 == 1)
            continue
        killer.settle()
        victim = scene.run("victim", "true")
        try:
            victim.wait(random.uniform(0.0, length))
        except subprocess.TimeoutExpired:
            victim.kill()
        said(victim)
        clean_up(scene, killer, standing, [])
    standing.close()


# -- QEMU --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_at_any_time_twenty_times_on_qemu(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = image.missing()
    if packages:
        pytest.skip(f"NOT TESTED: virtual machines (needs {packages}; make test-deps installs it)")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    scene = Scene(tmp_path, {"kind": "vm", "provider": "qemu", "memory": "256M"})
    provider = qemu.Qemu("vm", scene.spec)
    other = provider.create(f"cmflow/{os.urandom(8).hex()}/run00001/a/1")
    store = open_store(scene.env["CLOUDMESH_FLOW_STORE"])
    mine = store.id
    store.close()
    begun = time.monotonic()
    whole = scene.run("whole", "true")
    told = said(whole)
    assert whole.returncode == 0, told
    length = time.monotonic() - begun
    for turn in range(20):
        victim = scene.run("victim", "true", lifetime="node" if turn % 2 else "run")
        try:
            victim.wait(random.uniform(0.2, length))
        except subprocess.TimeoutExpired:
            victim.kill()
        said(victim)
        cleaner = scene.clean()
        if turn % 3 == 0:
            time.sleep(random.uniform(0.0, 1.0))
            cleaner.kill()
            said(cleaner)
            cleaner = scene.clean()
        told = said(cleaner)
        assert cleaner.returncode == 0, told
        deadline = time.monotonic() + 20
        while machines_of(mine) and time.monotonic() < deadline:
            time.sleep(0.05)  # guards end what they guard, at the death of the engine
        assert machines_of(mine) == []
    assert other.alive()
    other.destroy()
    assert not list(qemu._home().glob(f"cmflow_{mine}_*")), "nor what a machine is made of"


def machines_of(store: str) -> list[str]:
    """The machines of a store, as the files and the kernel say."""
    found = [tag for tag, _, _ in qemu.machines() if f"/{store}/" in tag]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            except OSError:
                continue
            found += [word for word in words[:4] if word.startswith(f"cmflow/{store}/")]
    return found
