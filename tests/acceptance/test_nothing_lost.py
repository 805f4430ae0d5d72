"""Real processes that die, are stopped, interrupted and taken over: nothing recorded is lost."""

from __future__ import annotations

import json
import os
import signal

import pytest
from scene import FLOW, Scene, nodes


def test_kill_9_then_resume(anywhere: Scene) -> None:
    scene = anywhere
    engine = scene.run("run", "slow-flow.py")
    scene.holds()
    # Documents follow the journal within some 20 ms; a reader sees them as they are.
    scene.until(lambda: nodes(scene.status())["b"] == "running")
    engine.send_signal(signal.SIGKILL)
    engine.wait()
    [run] = scene.cms.json("flow", "runs")
    assert (run["status"], run["engine"]) == ("running", "lost")
    listed = scene.cms("flow", "runs")
    assert f"cms flow resume {run['run']}" in listed.stdout + listed.stderr
    assert nodes(scene.status()) == {"a": "finished", "b": "running", "c": "pending"}
    scene.let_go()
    done = scene.cms("flow", "resume", run["run"])
    assert done.returncode == 0, done.stderr
    assert scene.marks == ["a 1", "b 1", "b 2", "c 1"]
    keys = {line.split()[0]: line.split()[2] for line in scene.lines}
    assert all(key.endswith(f"/{run['run']}/{name}") for name, key in keys.items())
    after = scene.status()
    assert after["status"] == "finished"
    [b] = [node for node in after["nodes"] if node["name"] == "b"]
    assert (b["attempt"], b["result"], b["reason"]) == (2, 4, "was running when the engine died")


DIES = """\
import os, signal
from cloudmesh.flow import BaseWorkFlow

class Dies(BaseWorkFlow):
    flow = "a; b; c"
    def a(self):
        return 1
    def b(self, a):
        return "b" * 100_000
    def c(self, b):
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_recorded_a_moment_before_the_engine_died_is_shown(scene: Scene) -> None:
    """Documents follow the journal by up to 20 ms: of a dead engine's run it is asked itself."""
    scene.cms.write("dies-flow.py", DIES)
    assert scene.cms("flow", "run", "dies-flow.py").returncode == -signal.SIGKILL
    after = scene.status()
    assert after["engine"] == "lost"
    assert nodes(after) == {"a": "finished", "b": "finished", "c": "running"}
    assert after["counts"] == {"pending": 0, "running": 1, "finished": 2, "error": 0}
    assert scene.cms.json("flow", "result", "latest", "a") == 1
    assert scene.cms("flow", "result", "latest", "b").stdout == "b" * 100_000 + "\n"
    assert scene.cms.json("flow", "result", "latest")["b"] == "b" * 100_000
    shown = [scene.cms("flow", "status").stdout.partition(" took ")[2] for _ in range(2)]
    assert shown[0] == shown[1] != ""  # nothing goes on counting


def test_resume_of_an_ended_run_says_so_and_runs_nothing(scene: Scene) -> None:
    scene.let_go()
    assert scene.cms("flow", "run", "slow-flow.py").returncode == 0
    done = scene.cms("flow", "resume")
    assert done.returncode == 0
    assert "finished" in done.stdout + done.stderr
    assert scene.marks == ["a 1", "b 1", "c 1"]


def test_resume_of_a_run_that_ended_in_error_exits_as_it_did(scene: Scene) -> None:
    scene.cms.write("slow-flow.py", FLOW.replace('return a["rows"] + 1', "return a.rows"))
    scene.let_go()
    assert scene.cms("flow", "run", "slow-flow.py").returncode == 1
    done = scene.cms("flow", "resume")
    assert done.returncode == 1
    assert "has ended: error" in done.stderr
    assert scene.marks == ["a 1", "b 1"]


def test_a_retry_of_a_run_that_is_not_over_says_what_can_be_done(scene: Scene) -> None:
    engine = scene.run("run", "slow-flow.py")
    scene.holds()
    done = scene.cms("flow", "retry", "latest")
    assert (done.returncode, "cms flow cancel" in done.stderr) == (2, True), done.stderr
    assert "resume" not in done.stderr
    engine.send_signal(signal.SIGKILL)
    engine.wait()
    done = scene.cms("flow", "retry", "latest")
    assert (done.returncode, "cms flow resume" in done.stderr) == (2, True), done.stderr


def test_a_living_owner_keeps_its_run(scene: Scene) -> None:
    engine = scene.run("run", "slow-flow.py")
    scene.holds()
    done = scene.cms("flow", "resume")
    assert done.returncode == 2
    assert str(engine.pid) in done.stderr
    scene.let_go()
    assert engine.wait(60) == 0
    assert scene.marks == ["a 1", "b 1", "c 1"]


def test_of_two_resumes_at_once_one_goes_on(anywhere: Scene) -> None:
    scene = anywhere
    engine = scene.run("run", "slow-flow.py")
    scene.holds()
    engine.kill()
    engine.wait()
    both = [scene.run("resume") for _ in range(2)]
    scene.holds()
    first_to_end = scene.until(lambda: [p for p in both if p.poll() is not None])
    assert [p.returncode for p in first_to_end] in ([2], [1])
    scene.let_go()
    assert sorted(p.wait(60) for p in both) in ([0, 2], [0, 1])
    assert scene.marks == ["a 1", "b 1", "b 2", "c 1"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_is_resumed(scene: Scene, number: signal.Signals) -> None:
    engine = scene.run("run", "slow-flow.py")
    scene.holds()
    engine.send_signal(number)
    out, err = engine.communicate(timeout=60)
    assert engine.returncode == 130
    status = scene.status()
    assert status["status"] == "interrupted"
    assert f"cms flow resume {status['run']}" in out + err
    assert nodes(status) == {"a": "finished", "b": "pending", "c": "pending"}
    [b] = [node for node in status["nodes"] if node["name"] == "b"]
    assert b["reason"] == "interrupted"
    shown = [scene.cms("flow", "status").stdout.partition(" took ")[2] for _ in range(2)]
    assert shown[0] == shown[1] != ""  # what is left half done does not go on counting
    scene.let_go()
    assert scene.cms("flow", "resume").returncode == 0
    assert scene.marks == ["a 1", "b 1", "b 2", "c 1"]


def test_a_stopped_owner_is_taken_over_by_force_and_writes_nothing_more(scene: Scene) -> None:
    engine = scene.run("run", "slow-flow.py")
    scene.holds()
    engine.send_signal(signal.SIGSTOP)
    assert scene.cms("flow", "resume").returncode == 2
    other = scene.run("resume", "--force")
    scene.holds()
    # Documents follow the journal within some 20 ms.
    scene.until(lambda: scene.status()["nodes"][1]["attempt"] == 2)
    before = scene.status()["nodes"]
    (scene.cms.folder / "talk").touch()
    engine.send_signal(signal.SIGCONT)
    out, err = engine.communicate(timeout=60)
    assert engine.returncode == 1, out + err
    assert "another engine has taken run" in err
    assert scene.status()["nodes"] == before
    scene.until(lambda: "here 2" in scene.cms("flow", "logs", "latest", "b").stdout)
    assert "here 1" not in scene.cms("flow", "logs", "latest", "b").stdout
    scene.let_go()
    assert other.wait(60) == 0
    assert scene.marks == ["a 1", "b 1", "b 2", "c 1"]
    assert scene.status()["status"] == "finished"


def test_cancel_from_another_process(anywhere: Scene) -> None:
    scene = anywhere
    engine = scene.run("run", "slow-flow.py")
    scene.holds()
    done = scene.cms("flow", "cancel", "latest")
    assert done.returncode == 0, done.stderr
    assert engine.wait(60) == 1
    status = scene.status()
    assert status["status"] == "cancelled"
    assert nodes(status) == {"a": "finished", "b": "error", "c": "pending"}
    reasons = {node["name"]: node["reason"] for node in status["nodes"]}
    assert reasons["c"] == "cancelled"
    assert scene.cms("flow", "cancel", "latest").returncode == 2
    resumed = scene.cms("flow", "resume")
    assert resumed.returncode == 1
    assert "has ended: cancelled" in resumed.stderr
    assert scene.marks == ["a 1", "b 1"]


def test_cancel_of_a_lost_run_says_so(scene: Scene) -> None:
    engine = scene.run("run", "slow-flow.py")
    scene.holds()
    engine.kill()
    engine.wait()
    done = scene.cms("flow", "cancel", "latest")
    assert done.returncode == 2
    assert "engine" in done.stderr
    assert "resume" in done.stderr


def test_new_code_is_shown_and_runs(scene: Scene) -> None:
    engine = scene.run("run", "slow-flow.py")
    scene.holds()
    engine.kill()
    engine.wait()
    scene.cms.write("slow-flow.py", FLOW.replace('a["rows"] + 1', 'a["rows"] + 100'))
    scene.let_go()
    done = scene.cms("flow", "resume")
    assert done.returncode == 0, done.stderr
    assert "changed" in done.stdout + done.stderr
    [b] = [node for node in scene.status()["nodes"] if node["name"] == "b"]
    assert b["result"] == 103


def test_a_resumed_run_keeps_its_graph_and_its_parameters(scene: Scene) -> None:
    before = FLOW.replace("def c(self, b):", "def c(self, b, scale=1):")
    before = before.replace("return b\n", "return b * scale\n")
    scene.cms.write("slow-flow.py", before)
    engine = scene.run("run", "slow-flow.py", "--param", "scale=5")
    scene.holds()
    engine.kill()
    engine.wait()
    after = before.replace('"a; b; c"', '"a; b"').replace("scale=1", "scale=7")
    scene.cms.write("slow-flow.py", after)
    scene.let_go()
    done = scene.cms("flow", "resume")
    assert done.returncode == 0, done.stderr
    assert scene.marks == ["a 1", "b 1", "b 2", "c 1"]
    assert [node["result"] for node in scene.status()["nodes"]] == [{"rows": 3}, 4, 20]


def test_a_function_that_is_gone_leaves_the_run_resumable(scene: Scene) -> None:
    engine = scene.run("run", "slow-flow.py")
    scene.holds()
    engine.kill()
    engine.wait()
    scene.let_go()
    scene.cms.write("slow-flow.py", FLOW.replace("def c(", "def gone("))
    for _ in range(3):  # no death of an engine: else b would be in error after them
        done = scene.cms("flow", "resume")
        assert done.returncode == 2
        assert "c" in done.stderr
    scene.cms.write("slow-flow.py", FLOW)
    assert scene.cms("flow", "resume").returncode == 0
    assert scene.marks == ["a 1", "b 1", "b 2", "c 1"]


COMMAND = """\
name: held
flow: a
tasks:
  a: {command: "echo $$ > {folder}/pid; exec sleep 600"}
"""


@pytest.mark.skipif(not os.path.exists("/proc"), reason="NOT TESTED: orphans (needs /proc)")
def test_a_command_of_a_dead_engine_is_ended_before_its_node_runs_again(scene: Scene) -> None:
    folder = scene.cms.folder
    scene.cms.write("held.yaml", COMMAND.replace("{folder}", str(folder)))
    engine = scene.run("run", "held.yaml")
    first = int(scene.until(lambda: (folder / "pid").exists() and (folder / "pid").read_text()))
    engine.kill()
    engine.wait()
    (folder / "pid").unlink()
    other = scene.run("resume")
    second = int(scene.until(lambda: (folder / "pid").exists() and (folder / "pid").read_text()))
    assert scene.gone(first)
    other.send_signal(signal.SIGINT)
    assert other.wait(60) == 130
    assert scene.gone(second)


def test_the_third_death_under_a_node_is_its_error(scene: Scene) -> None:
    scene.cms.write(
        "killer-flow.py",
        "import os, signal\n"
        "from cloudmesh.flow import BaseWorkFlow, task\n"
        "class Killer(BaseWorkFlow):\n"
        "    flow = 'a || b'\n"
        "    @task(on='thread')\n"
        "    def a(self):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    @task(on='thread')\n"
        "    def b(self):\n"
        "        return 1\n",
    )
    assert scene.cms("flow", "run", "killer-flow.py").returncode == -signal.SIGKILL
    assert scene.cms("flow", "resume").returncode == -signal.SIGKILL
    assert scene.cms("flow", "resume").returncode == -signal.SIGKILL
    done = scene.cms("flow", "resume")
    assert done.returncode == 1, done.stderr
    status = scene.status()
    assert nodes(status) == {"a": "error", "b": "finished"}
    [a] = [node for node in status["nodes"] if node["name"] == "a"]
    assert "three" in json.dumps(a["error"]) or "3 deaths" in json.dumps(a["error"])
