"""Nodes over a real sshd on loopback: bad luck, several hosts, a network that is cut."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import executor_kit as kit
import pytest
from executor_kit import nodes
from faulty import Proxy
from sshd import Sshd, running_sshd

from cloudmesh.flow.errors import InputError
from cloudmesh.flow.executors.protocol import Executor, Outcome
from cloudmesh.flow.executors.table import Context, check, make
from cloudmesh.flow.model.flow import Code

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
        server.spec["python"] = sys.executable
        yield server


@contextlib.contextmanager
def executor(spec: dict[str, Any]) -> Iterator[Executor]:
    made = make("lab", spec, Context())
    try:
        yield made
    finally:
        made.close()


def start(made: Executor, function: Any, arguments: Any = None, **task: Any) -> kit.Told:
    code = Code(nodes.__file__, "", function.__name__, "")
    return kit.start(made, kit.make_attempt(function, arguments, code=code, **task))


def add(made: Executor) -> Outcome:
    return start(made, nodes.add, {"a": 1}).result()


# -- bad luck -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "kind", "lost", "says"),
    [
        ({"port": 1}, "Unreachable", True, "cannot be reached"),
        ({"host": "no-such-host.invalid"}, "Unreachable", True, "cannot be reached"),
        ({"identity": "{folder}/host_key"}, "LoginRefused", False, "the login was refused"),
        ({"identity": "/no/such/key"}, "KeyError", False, "the key cannot be read"),
        ({"known_hosts": "/dev/null"}, "HostKeyError", False, "known_hosts"),
        ({"known_hosts": "{folder}/wrong_hosts"}, "HostKeyError", False, "known_hosts"),
        ({"python": "no-such-python"}, "NoPython", False, "there is no no-such-python there"),
        ({"python": "false"}, "NoPython", False, "false does not start there: exit code 1"),
    ],
)
def test_bad_luck_is_one_clear_line(
    sshd: Sshd, wrong: dict[str, Any], kind: str, lost: bool, says: str
) -> None:
    other = (sshd.folder / "user_key.pub").read_text().split()[:2]
    (sshd.folder / "wrong_hosts").write_text(f"[127.0.0.1]:{sshd.port} {' '.join(other)}\n")
    wrong = {
        key: value.format(folder=sshd.folder) if isinstance(value, str) else value
        for key, value in wrong.items()
    }
    spec = {**sshd.spec, **wrong}
    with executor(spec) as made:
        outcome = add(made)
    error = outcome.error or {}
    assert (error["type"], outcome.lost) == (kind, lost), error
    assert says in error["message"]
    assert "\n" not in error["message"]
    tried = check("lab", spec)
    assert says in tried[0][1]


def test_an_old_python_is_named(sshd: Sshd, tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text(
        "#!/bin/sh\ncat > /dev/null & echo 'Python 3.8 or newer is needed' >&2; exit 1\n"
    )
    old.chmod(0o755)
    with executor({**sshd.spec, "python": str(old)}) as made:
        assert "Python 3.8 or newer is needed" in (add(made).error or {})["message"]


def test_what_works_is_checked_too(sshd: Sshd) -> None:
    assert check("lab", sshd.spec) == [("127.0.0.1", "")]


def test_a_wrong_entry_is_refused(sshd: Sshd) -> None:
    with pytest.raises(InputError, match="did you mean slots"):
        make("lab", {**sshd.spec, "slot": 3}, Context())


# -- the user's own settings ---------------------------------------------------------------


def test_the_users_ssh_config_is_honoured(sshd: Sshd, home: Path) -> None:
    folder = home / ".ssh"
    folder.mkdir(mode=0o700)
    (folder / "config").write_text(
        f"Host lab1\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User {sshd.spec['user']}\n"
        f"  IdentityFile {sshd.spec['identity']}\n  UserKnownHostsFile {sshd.spec['known_hosts']}\n"
    )
    with executor({"kind": "ssh", "host": "lab1", "python": sys.executable}) as made:
        told = start(made, nodes.add, {"a": 1})
        assert told.result().value == 2
        assert told.attempt.where == "lab1"


def test_known_hosts_of_the_home_are_honoured(sshd: Sshd, home: Path) -> None:
    spec = {key: value for key, value in sshd.spec.items() if key != "known_hosts"}
    with executor(spec) as made:
        assert (add(made).error or {})["type"] == "HostKeyError"
    (home / ".ssh").mkdir(mode=0o700)
    known = Path(sshd.spec["known_hosts"]).read_text()
    (home / ".ssh" / "known_hosts").write_text(known)
    with executor(spec) as made:
        assert add(made).value == 2


def test_a_jump_host(sshd: Sshd, home: Path) -> None:
    folder = home / ".ssh"
    folder.mkdir(mode=0o700)
    common = (
        f"  HostName 127.0.0.1\n  Port {sshd.port}\n  User {sshd.spec['user']}\n"
        f"  IdentityFile {sshd.spec['identity']}\n  UserKnownHostsFile {sshd.spec['known_hosts']}\n"
    )
    (folder / "config").write_text(f"Host gate\n{common}Host inner\n{common}  ProxyJump gate\n")
    with executor({"kind": "ssh", "host": "inner", "python": sys.executable}) as made:
        assert add(made).value == 2


def test_a_function_of_a_module_that_is_not_the_flows_goes_with_that(sshd: Sshd) -> None:
    import executor_beside

    attempt = kit.make_attempt(executor_beside.doubled, {"a": 4}, code=Code(__file__, "", "n", ""))
    with executor(sshd.spec) as made:
        assert kit.start(made, attempt).result().value == 8


# -- several hosts, many channels -------------------------------------------------------------


def test_hosts_share_nodes_and_a_dead_one_is_left_out(sshd: Sshd) -> None:
    user = sshd.spec["user"]
    hosts = [f"{user}@127.0.0.1", f"{user}@localhost", f"{user}@no-such-host.invalid"]
    known = Path(sshd.spec["known_hosts"])
    both = sshd.folder / "both_hosts"
    both.write_text(known.read_text().replace("[127.0.0.1]", "[127.0.0.1]", 1))
    line = known.read_text().split(" ", 1)[1]
    both.write_text(f"[127.0.0.1]:{sshd.port} {line}[localhost]:{sshd.port} {line}")
    spec = {**sshd.spec, "hosts": hosts, "slots": 6, "known_hosts": str(both)}
    del spec["host"]
    with executor(spec) as made:
        told = [start(made, nodes.add, {"a": n}) for n in range(30)]
        assert [one.result().value for one in told] == list(range(1, 31))
        assert {one.attempt.where for one in told} == {"127.0.0.1", "localhost"}


def test_more_nodes_at_once_than_a_connection_has_channels(sshd: Sshd, tmp_path: Path) -> None:
    with executor({**sshd.spec, "slots": 20}) as made:
        told = [start(made, nodes.waits, {"file": str(tmp_path / "go")}) for _ in range(20)]
        for one in told:
            one.until(lambda t: "waiting" in t.text("out"))
        (tmp_path / "go").touch()
        assert [one.result().value for one in told] == ["seen"] * 20


def test_a_cancel_while_a_runner_starts_costs_the_others_nothing(sshd: Sshd) -> None:
    with executor({**sshd.spec, "slots": 8}) as made:
        for _ in range(3):
            told = [start(made, nodes.add, {"a": n}) for n in range(8)]
            for one in told[::2]:
                made.cancel(one.attempt)
            for one in told[1::2]:
                assert one.result().status == "finished"
            for one in told[::2]:
                one.result()


# -- a network that is cut -----------------------------------------------------------------------


@pytest.fixture
def proxy(sshd: Sshd) -> Iterator[Proxy]:
    with Proxy(sshd.port) as made:
        yield made


def through(sshd: Sshd, proxy: Proxy) -> dict[str, Any]:
    return sshd.behind(proxy.port)


def test_a_cut_connection_loses_the_node_and_leaves_nothing_there(sshd: Sshd, proxy: Proxy) -> None:
    with executor(through(sshd, proxy)) as made:
        told = start(made, nodes.sleeps, {"seconds": 300})
        told.until(lambda t: "asleep" in t.text("out"))
        proxy.cut()
        outcome = told.result()
        assert (outcome.lost, (outcome.error or {})["type"]) == (True, "ConnectionLost")
        assert not kit.left(told.attempt.key), "else it may run twice at once"
        assert add(made).value == 2


@pytest.mark.slow
def test_a_network_that_swallows_everything_is_noticed_on_both_sides(
    sshd: Sshd, proxy: Proxy
) -> None:
    with executor(through(sshd, proxy)) as made:
        told = start(made, nodes.sleeps, {"seconds": 300})
        told.until(lambda t: "asleep" in t.text("out"))
        proxy.freeze()
        outcome = told.result(90)
        assert (outcome.lost, (outcome.error or {})["type"]) == (True, "ConnectionLost")
        assert kit.nothing_left(told.attempt.key, 90)
        proxy.cut()
        assert add(made).value == 2


def test_a_connection_that_is_cut_while_nothing_runs_is_made_anew(sshd: Sshd, proxy: Proxy) -> None:
    with executor({**through(sshd, proxy), "slots": 8}) as made:
        told = [start(made, nodes.add, {"a": n}) for n in range(50)]
        assert [one.result().value for one in told] == list(range(1, 51))
        proxy.cut()
        told = [start(made, nodes.add, {"a": n}) for n in range(50)]
        assert [one.result().value for one in told] == list(range(1, 51))


# -- as a user does it -------------------------------------------------------------------------


FLOW = """\
from cloudmesh.flow import BaseWorkFlow, current, task

class Away(BaseWorkFlow):
    flow = "a; b || c"

    def a(self):
        return 20

    @task(on="lab")
    def b(self, a):
        print("here is", current().key.split("/")[-1])
        return a + 1

    @task(on="lab", retries=1)
    def c(self, a):
        if self.attempt == 1:
            raise OSError("not yet")
        return {"status": "done", "color": "green", "value": a * 2}
"""


def test_a_flow_with_nodes_on_a_host(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "away-flow.py").write_text(FLOW)
    words = ", ".join(f"{key}: {value}" for key, value in sshd.spec.items())
    (tmp_path / "config.yaml").write_text(f"infrastructure:\n  lab: {{{words}}}\n")
    done = subprocess.run(
        [sys.executable, "-m", "cloudmesh.flow", "run", "away-flow.py", "--config", "config.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "CLOUDMESH_FLOW_STORE": f"sqlite:///{tmp_path}/flow.db"},
    )
    assert done.returncode == 0, done.stderr
    assert "b | here is b" in done.stdout
    assert "127.0.0.1" in done.stdout


def test_a_killed_engine_leaves_nothing_there_and_the_run_resumes(
    sshd: Sshd, tmp_path: Path
) -> None:
    flow = FLOW.replace(
        "return a + 1",
        "import time, os\n        "
        + (
            f"open({str(tmp_path / 'log')!r}, 'a').write(f'{{self.attempt}}\\n')\n        "
            "time.sleep(300 if self.attempt == 1 else 0)\n        return a + 1"
        ),
    )
    (tmp_path / "away-flow.py").write_text(flow)
    words = ", ".join(f"{key}: {value}" for key, value in sshd.spec.items())
    (tmp_path / "config.yaml").write_text(f"infrastructure:\n  lab: {{{words}}}\n")
    env = {
        **os.environ,
        "CLOUDMESH_FLOW_STORE": f"sqlite:///{tmp_path}/flow.db",
        "CLOUDMESH_FLOW_CONFIG": str(tmp_path / "config.yaml"),
    }
    cms = [sys.executable, "-m", "cloudmesh.flow"]
    engine = subprocess.Popen(
        [*cms, "run", "away-flow.py"], cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True
    )
    assert engine.stdout is not None
    while "here is b" not in engine.stdout.readline():
        pass
    engine.send_signal(signal.SIGKILL)
    engine.wait()
    done = subprocess.run(
        [*cms, "resume"], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "log").read_text() == "1\n2\n"
    keys = [p for p in kit.processes().values() if p.key.endswith("/b")]
    assert not keys
