"""The store is full, read-only, away for a while or for good: nothing is lost, and it is said."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scene import FLOW, Scene, alive, nodes
from servers import ferretdb
from sshd import free_port

from cloudmesh.flow.store.locks import FileLock

FULL = """\
import os
from pathlib import Path
from cloudmesh.flow import current

HERE = Path(__file__).parent

def mark(name):
    with open(HERE / "marks", "a") as file:
        file.write(f"{name} {current().attempt}\\n")

def a():
    mark("a")
    return "x" * 10_000

def b(a):
    mark("b")
    if current().attempt > 1:
        return RETURNED
    while not (HERE / "pid").exists():  # until the other node runs
        current().sleep(0.01)
    try:
        with open(os.environ["DISK"] + "/filler", "xb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
    except OSError:
        (HERE / "full").touch()
    return RETURNED

def c(b):
    mark("c")
    return len(b)
"""

YAML = """\
name: full
flow: [a; b; c, a; side]
python: full.py
tasks:
  side:
    command: "test -e {folder}/full || (echo $$ > {folder}/pid; setsid sleep 600 & sleep 600)"
"""


def mount(folder: Path, *options: str) -> None:
    """A small file system in memory."""
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", ",".join(["size=3m", *options]), "cmflow-test"]
    done = subprocess.run([*words, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("NOT TESTED: a full disk (needs root, to mount a small one)")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("NOT TESTED: a full disk (needs root, to mount a small one)")
    folder = tmp_path / "disk"
    mount(folder)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def processes_in(folder: Path) -> list[int]:
    """Processes whose working folder is there."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and os.readlink(f"/proc/{entry}/cwd") == str(folder):
                found.append(int(entry))
        except OSError:
            continue
    return [pid for pid in found if alive(pid)]


@pytest.fixture
def embedded(cms: Any) -> Iterator[Scene]:
    """A scene on the embedded store."""
    made = Scene(cms)
    yield made
    made.end()


@pytest.mark.parametrize(
    "returned", ["'y' * 20_000", "'y' * 1_000_000"], ids=["in the journal", "a large value"]
)
def test_a_full_disk(cms: Any, disk: Path, returned: str) -> None:
    cms.environment |= {"DISK": str(disk), "CLOUDMESH_FLOW_STORE": f"sqlite:///{disk}/flow.db"}
    cms.write("full.py", FULL.replace("RETURNED", returned))
    cms.write("full.yaml", YAML.replace("{folder}", str(cms.folder)))
    done = cms("flow", "run", "full.yaml")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "make room, then resume" in done.stderr
    assert "cms flow resume" in done.stderr
    assert "Traceback" not in done.stderr
    Scene(cms).until(lambda: not processes_in(cms.folder))
    os.unlink(disk / "filler")
    run = cms.json("flow", "runs")[0]
    assert (run["status"], run["engine"]) == ("running", "lost")
    resumed = cms("flow", "resume", run["run"])
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    marks = (cms.folder / "marks").read_text().splitlines()
    assert marks == ["a 1", "b 1", "b 2", "c 1"]
    [c] = [node for node in cms.json("flow", "status")["nodes"] if node["name"] == "c"]
    assert c["result"] == eval(f"len({returned})")


def test_a_read_only_store(cms: Any, disk: Path) -> None:
    cms.environment["CLOUDMESH_FLOW_STORE"] = f"sqlite:///{disk}/flow.db"
    cms.write("t-flow.yaml", "name: t\nflow: a\ntasks: {a: {command: 'touch ran'}}\n")
    assert cms("flow", "run", "t-flow.yaml").returncode == 0
    (cms.folder / "ran").unlink()
    written = cms("flow", "status").stdout.splitlines()[1:]
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert cms("flow", "status").stdout.splitlines()[1:] == written
    for words in (("runs",), ("logs",), ("result", "latest", "a"), ("export", "t"), ("list",)):
        done = cms("flow", *words)
        assert (done.returncode, done.stderr) == (0, ""), words
    done = cms("flow", "run", "t-flow.yaml")
    assert done.returncode == 3, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "ead-only" in done.stderr
    assert not (cms.folder / "ran").exists()
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    assert len(cms.json("flow", "runs")) == 1
    assert cms("flow", "run", "t-flow.yaml").returncode == 0


@pytest.mark.parametrize("how", ["moved", "replaced", "its folder moved"])
def test_a_store_that_is_taken_away_in_the_middle(embedded: Scene, how: str) -> None:
    home = embedded.cms.home
    embedded.cms.environment["CLOUDMESH_FLOW_STORE"] = f"sqlite:///{home}/folder/flow.db"
    engine = embedded.run("run", "slow-flow.py")
    embedded.holds()
    file, aside = home / "folder/flow.db", home / "folder/aside.db"
    if how == "its folder moved":
        (home / "folder").rename(home / "elsewhere")
    else:
        file.rename(aside)
        if how == "replaced":
            shutil.copy(aside, file)
    _, err = engine.communicate(timeout=60)
    assert engine.returncode == 3, err
    assert "flow.db is gone: it was moved, removed or replaced" in err
    assert err.rstrip().count("\n") < 6
    if how == "its folder moved":
        (home / "elsewhere").rename(home / "folder")
    else:
        aside.rename(file)
    embedded.let_go()
    assert embedded.cms("flow", "resume").returncode == 0
    assert embedded.marks == ["a 1", "b 1", "b 2", "c 1"]
    assert nodes(embedded.status()) == dict.fromkeys("abc", "finished")


def test_a_disk_that_turns_read_only_in_the_middle(embedded: Scene, tmp_path: Path) -> None:
    """As the kernel does with a file system that it finds damaged; what was not written is lost."""
    image, folder = tmp_path / "image", tmp_path / "disk"
    folder.mkdir()
    image.touch()
    os.truncate(image, 20 << 20)
    made = ["mke2fs", "-q", "-t", "ext4", str(image)]
    mounted = ["mount", "-o", "loop", str(image), str(folder)]
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    command = f"{' '.join(made)} && {' '.join(mounted)}"
    if subprocess.run(command, shell=True, capture_output=True, env={"PATH": path}).returncode:
        pytest.skip("NOT TESTED: a disk that turns read-only (needs root, for a loop device)")
    try:
        config = embedded.cms.write("config.yaml", "durability: power\n")
        embedded.cms.environment["CLOUDMESH_FLOW_CONFIG"] = str(config)
        embedded.cms.environment["CLOUDMESH_FLOW_STORE"] = f"sqlite:///{folder}/flow.db"
        engine = embedded.run("run", "slow-flow.py")
        embedded.holds()
        subprocess.run(["mount", "-o", "remount,abort", str(folder)], check=True)
        _, err = engine.communicate(timeout=60)
        assert engine.returncode == 3, err
        assert "Read-only file system" in err
        assert "cms flow resume" in err
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
    subprocess.run(mounted, check=True)
    try:
        embedded.let_go()
        assert embedded.cms("flow", "resume").returncode == 0
        assert embedded.marks == ["a 1", "b 1", "b 2", "c 1"]
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


# -- a file that somebody holds -----------------------------------------------------------------
@pytest.fixture(params=["the node's thread", "a node that prints", "the watch"])
def held(embedded: Scene, request: pytest.FixtureRequest) -> tuple[FileLock, Any]:
    """A run whose store another process (this one) holds, and where it is to wait for it:

    in the thread of a node that has ended, in that of one that goes on and prints,
    or where Ctrl-C ends a node that goes on.
    """
    embedded.cms.write("slow-flow.py", FLOW.replace('mark("c")', 'mark("c"); hold("c")'))
    engine = embedded.run("run", "slow-flow.py")
    embedded.holds()
    lock = FileLock(f"{embedded.cms.home}/.cloudmesh/flow/flow.db.lock")
    lock.acquire()
    if request.param == "the node's thread":
        embedded.let_go()
    if request.param == "a node that prints":
        (embedded.cms.folder / "talk").touch()
    if request.param != "the watch":
        embedded.until(lambda: waited_for(lock))
    return lock, engine


def waited_for(lock: FileLock) -> bool:
    """Whether somebody is in the queue for a lock, as the system tells."""
    table = Path("/proc/locks").read_text().splitlines()
    return any(
        "->" in line and line.split()[6].endswith(f":{os.stat(lock.path).st_ino}") for line in table
    )


def heard(engine: subprocess.Popen[str], text: str) -> str:
    """What an engine has said on stderr, once it has said ``text``."""
    assert engine.stderr is not None
    said = ""
    while text not in said and (more := os.read(engine.stderr.fileno(), 10_000)):
        said += more.decode()
    assert text in said, said
    return said


def test_ctrl_c_says_what_is_waited_for_and_a_second_one_ends_it(
    embedded: Scene, held: tuple[FileLock, Any]
) -> None:
    lock, engine = held
    engine.send_signal(signal.SIGINT)
    said = heard(engine, "Ctrl-C again ends this at once")
    assert f"held by process {os.getpid()} " in said
    engine.send_signal(signal.SIGINT)
    _, err = engine.communicate(timeout=60)
    assert engine.returncode == 130, err
    assert "killed; go on with it: cms flow resume" in err
    lock.close()
    embedded.let_go("b")
    embedded.let_go("c")
    assert embedded.cms("flow", "resume").returncode == 0
    assert embedded.marks == ["a 1", "b 1", "b 2", "c 1"]


def test_ctrl_c_ends_the_run_when_the_store_is_free_again(
    embedded: Scene, held: tuple[FileLock, Any]
) -> None:
    lock, engine = held
    engine.send_signal(signal.SIGINT)
    heard(engine, "Ctrl-C again ends this at once")
    lock.close()
    _, err = engine.communicate(timeout=60)
    assert engine.returncode == 130, err
    assert embedded.status()["status"] == "interrupted"
    embedded.let_go("b")
    embedded.let_go("c")
    assert embedded.cms("flow", "resume").returncode == 0
    assert nodes(embedded.status()) == dict.fromkeys("abc", "finished")


# -- a server that goes away ------------------------------------------------------------------
class Server:
    """A FerretDB server that can be killed and started again at the same place."""

    def __init__(self, cache: Path, folder: Path) -> None:
        self.cache, self.folder = cache, folder
        self.address = f"127.0.0.1:{free_port()}"
        self.start()

    def start(self) -> None:
        self.context = ferretdb(self.cache, self.folder, self.address)
        self.url = self.context.__enter__()
        self.address = self.url.removeprefix("mongodb://")

    def stop(self) -> None:
        self.context.__exit__(None, None, None)


@pytest.fixture
def server(cache: Path, tmp_path_factory: pytest.TempPathFactory, cms: Any) -> Iterator[Server]:
    made = Server(cache, tmp_path_factory.mktemp("server"))
    options = "serverSelectionTimeoutMS=1000&connectTimeoutMS=10000"
    cms.environment["CLOUDMESH_FLOW_STORE"] = f"{made.url}/away?{options}"
    yield made
    made.stop()


@pytest.fixture
def away(server: Server, cms: Any) -> Iterator[Scene]:
    """A run on the server, with node b in its middle."""
    scene = Scene(cms)
    yield scene
    scene.end()


def test_a_server_that_comes_back(away: Scene, server: Server) -> None:
    engine = away.run("run", "slow-flow.py")
    away.holds()
    server.stop()
    away.let_go()
    said = heard(engine, "the store is away")
    server.start()
    _, err = engine.communicate(timeout=60)
    err = said + err
    assert engine.returncode == 0, err
    assert err.count("is away") == 1
    assert err.count("the store is back") == 1
    assert away.marks == ["a 1", "b 1", "c 1"]
    status = away.status()
    assert status["status"] == "finished"
    assert [node["result"] for node in status["nodes"]] == [{"rows": 3}, 4, 4]


@pytest.mark.slow
@pytest.mark.parametrize(
    "nodes_end",
    [pytest.param(True, id="at a commit"), pytest.param(False, id="while a node runs")],
)
def test_a_server_that_stays_away(away: Scene, server: Server, nodes_end: bool) -> None:
    away.cms.environment["CLOUDMESH_FLOW_CONFIG"] = str(
        away.cms.write("config.yaml", "patience: 2s\n")
    )
    engine = away.run("run", "slow-flow.py")
    away.holds()
    server.stop()
    if nodes_end:
        away.let_go()
    _, err = engine.communicate(timeout=60)
    assert engine.returncode == 3, err
    assert err.count("is away") == 1
    assert "cms flow resume" in err
    server.start()
    away.let_go()
    assert away.cms("flow", "resume").returncode == 0
    assert away.marks == ["a 1", "b 1", "b 2", "c 1"]
    assert away.status()["status"] == "finished"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_while_the_server_is_away(
    away: Scene, server: Server, number: signal.Signals
) -> None:
    engine = away.run("run", "slow-flow.py")
    away.holds()
    server.stop()
    engine.send_signal(number)
    _, err = engine.communicate(timeout=60)
    assert engine.returncode == 130, err
    assert "cms flow resume" in err
    server.start()
    away.let_go()
    assert away.cms("flow", "resume").returncode == 0
    assert away.marks == ["a 1", "b 1", "b 2", "c 1"]
    assert nodes(away.status()) == dict.fromkeys("abc", "finished")
