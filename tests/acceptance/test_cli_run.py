"""``cms flow run`` and what can be asked of a run afterwards, with the real command."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FAILS = """\
from cloudmesh.flow import BaseWorkFlow, task

class Fails(BaseWorkFlow):
    flow = "a; b || c; d"

    def a(self, n: int = 2):
        print("one\\ntwo \\x1b[31mred")
        return list(range(n))

    @task(retries=1, retry_delay="1ms")
    def b(self, a):
        raise ValueError("bad\\nindeed")

    def c(self, a):
        return {"status": "done", "color": "green", "value": sum(a)}

    def d(self, b, c):
        return b
"""

WAITS = """\
from cloudmesh.flow import BaseWorkFlow, current

class Waits(BaseWorkFlow):
    flow = "a; b; c"

    def a(self):
        return 1

    def b(self, a):
        print("waiting", flush=True)
        while not current().cancelled:
            current().sleep(0.05)

    def c(self, b):
        return b
"""


def test_the_seed(seed: Any) -> None:
    done = seed("flow", "run", "test-flow.py", "(a; b || c)")
    assert done.returncode == 0, done.stderr
    assert {"a | in a!", "b | in b!", "c | in c!"} <= set(done.stdout.splitlines())
    assert re.search(r"^a +finished +1 ", done.stdout, re.M)
    assert re.search(r"^run \w{8} of test: 3 nodes$", done.stderr, re.M)
    assert "in a!" not in done.stderr
    assert (seed.home / ".cloudmesh/flow/flow.db").exists()


def test_json_holds_the_documents_alone(seed: Any) -> None:
    done = seed("flow", "run", "test-flow.py", "(a; b || c)", "--output", "json")
    document = json.loads(done.stdout)
    assert done.returncode == 0
    assert list(document)[:3] == ["run", "workflow", "status"]
    assert (document["workflow"], document["status"]) == ("test", "finished")
    assert [n["name"] for n in document["nodes"]] == ["a", "b", "c"]
    assert [n["upstream"] for n in document["nodes"]] == [[], ["a"], ["a"]]
    assert {n["status"] for n in document["nodes"]} == {"finished"}
    assert document["counts"]["finished"] == 3
    assert "a | in a!" in done.stderr
    assert seed.json("flow", "status")["run"] == document["run"]
    assert seed.json("flow", "status", "test")["nodes"] == document["nodes"]


def test_what_programs_of_nodes_print_is_not_in_the_json(cms: Any) -> None:
    cms.write(
        "loud-flow.py",
        "import os, subprocess\n"
        "from cloudmesh.flow import BaseWorkFlow\n"
        "class Loud(BaseWorkFlow):\n"
        "    flow = 'a; b'\n"
        "    def a(self):\n"
        "        subprocess.run(['echo', 'from a program'])\n"
        "        os.write(1, b'raw')\n"
        "    def b(self):\n"
        "        print('printed')\n",
    )
    done = cms("flow", "run", "loud-flow.py", "--output", "json")
    assert json.loads(done.stdout)["status"] == "finished"
    assert "from a program" in done.stderr
    assert "b | printed" in done.stderr
    done = cms("flow", "run", "loud-flow.py")
    assert "from a program" in done.stdout


def test_an_error(cms: Any) -> None:
    cms.write("fails-flow.py", FAILS)
    done = cms("flow", "run", "fails-flow.py")
    assert done.returncode == 1
    out, err = done.stdout, done.stderr
    assert "a | one\na | two \\x1b[31mred\n" in out
    assert re.search(r"^b +error +2 .*ValueError: bad$", out, re.M)
    assert re.search(r"^d +pending .*blocked by b$", out, re.M)
    assert 'line 12, in b\n    raise ValueError("bad\\nindeed")\nValueError: bad\nindeed' in err
    assert "cloudmesh/flow/" not in err.replace("fails-flow.py", "")
    assert re.search(r"cms flow retry \w{8}$", err, re.M)
    assert cms("flow", "status").returncode == 0
    assert cms("flow", "resume").returncode == 1


def test_parameters(cms: Any) -> None:
    cms.write("fails-flow.py", FAILS)
    document = cms.json("flow", "run", "fails-flow.py", "a; c", "--param", "n=4")
    assert document["parameters"] == {"n": 4}
    assert cms.json("flow", "result", "latest", "c")["value"] == 6
    for wrong, message in (
        ("n=x", "n: 'x' is no whole number"),
        ("m=1", "no node takes the run parameter 'm'"),
        ("n", "expected NAME=VALUE"),
    ):
        done = cms("flow", "run", "fails-flow.py", "a; c", "--param", wrong)
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
    assert len(cms.json("flow", "runs")) == 1


def test_a_flow_is_found_by_its_name_also_where_runs_begin_so(cms: Any) -> None:
    source = "from cloudmesh.flow import workflow\ndef f(): pass\n"
    source += "w = workflow('x; y', functions={'x': f, 'y': f})\n"
    first = cms.write("some-flow.py", source)
    run = cms.json("flow", "run", str(first))["run"]
    other = cms.json("flow", "run", str(first), "--flowname", run[:1])["run"]
    assert cms.json("flow", "status", run[:1])["run"] == other
    assert cms.json("flow", "status", "latest")["run"] == other
    assert cms.json("flow", "status", "some")["run"] == run


def test_options_may_stand_between_the_words(seed: Any) -> None:
    done = seed("flow", "--store", "sqlite:///x.db", "run", "--parallel", "2", "test-flow.py",
                "--flowname", "other", "a; b", "--output", "json", "a; c")  # fmt: skip
    document = json.loads(done.stdout)
    assert document["workflow"] == "other"
    assert [n["name"] for n in document["nodes"]] == ["a", "b", "c"]
    assert (seed.folder / "x.db").exists()


def test_what_can_be_asked(cms: Any) -> None:
    cms.write("fails-flow.py", FAILS)
    first = cms.json("flow", "run", "fails-flow.py", code=1)["run"]
    second = cms.json("flow", "run", "fails-flow.py", "--param", "n=3", code=1)["run"]
    assert [r["run"] for r in cms.json("flow", "runs")] == [second, first]
    assert [r["run"] for r in cms.json("flow", "runs", "fails")] == [second, first]
    assert cms.json("flow", "status", first[:7])["run"] == first
    assert cms.json("flow", "result", first) == {
        "a": [0, 1],
        "b": None,
        "c": {"status": "done", "color": "green", "value": 1},
        "d": None,
    }
    assert cms("flow", "logs", first, "a").stdout == "one\ntwo \\x1b[31mred\n"
    assert cms("flow", "logs", first).stdout.startswith("a | one\na | two")
    past = cms.json("flow", "status", first, "--at", "1")
    assert {n["status"] for n in past["nodes"]} == {"pending"}
    assert past["nodes"][3]["dependencies"] == ["b", "c"]
    differs = {n["name"]: n for n in cms.json("flow", "diff", first, second)["nodes"]}
    assert differs["c"]["result"] != []
    assert "d" not in differs


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("status", "nosuch"), "nosuch"),
        (("result", "latest", "aa"), "no node 'aa'"),
        (("logs", "latest", "zz"), "no node 'zz'"),
        (("show", "tests"), "did you mean 'test'"),
        (("delete", "tests"), "did you mean 'test'"),
        (("run", "tests"), "did you mean 'test'"),
        (("runs", "tests"), "did you mean 'test'"),
        (("status", "--at", "999"), "ends at"),
        (("status", "--at", "0"), "first number"),
        (("retry",), "every node has finished"),
        (("cancel",), "nothing to cancel"),
        (("statsu",), "did you mean 'status'"),
        (("status", "--nosuch"), "--nosuch"),
        (("run", "no-such-flow.py"), "no such file"),
        (("run", "test-flow.py", "a; bb"), "bb"),
        (
            ("run", "test-flow.py", "a; b", "--on", "b=moon"),
            "no infrastructure 'moon'; `cms flow infra list` ",
        ),
        (("run", "test-flow.py", "a; b", "--on", "z=local"), "no node 'z'"),
        (("run",), "workflow-flow.py"),
        (("list", "--store", "ftp://x"), "is no URL of a store"),
    ],
)
def test_wrong_input_is_one_line_and_exit_2(
    seed: Any, words: tuple[str, ...], message: str
) -> None:
    seed("flow", "run", "test-flow.py", "(a; b || c)")
    done = seed("flow", *words)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(seed.json("flow", "runs")) == 1


def test_ctrl_c_and_resume(cms: Any) -> None:
    cms.write("waits-flow.py", WAITS)
    process = cms.start("flow", "run", "waits-flow.py")
    assert process.stdout.readline() == "b | waiting\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert re.search(r"^b +pending +1 .*interrupted$", out, re.M)
    run = re.search(r"cms flow resume (\w{8})$", err, re.M).group(1)
    cms.write("waits-flow.py", WAITS.replace("while not", "while False and not"))
    document = cms.json("flow", "resume", run)
    assert document["status"] == "finished"
    assert [n["attempt"] for n in document["nodes"]] == [1, 2, 1]


def test_an_engine_that_is_lost(cms: Any) -> None:
    cms.write("waits-flow.py", WAITS)
    process = cms.start("flow", "run", "waits-flow.py")
    assert process.stdout.readline() == "b | waiting\n"
    done = cms("flow", "resume")
    assert (done.returncode, done.stdout) == (2, "")
    assert "alive" in done.stderr
    process.kill()
    process.communicate()
    run = cms.json("flow", "runs")[0]
    assert (run["status"], run["engine"]) == ("running", "lost")
    assert f"cms flow resume {run['run']}" in cms("flow", "runs").stderr
    status = cms("flow", "status")
    assert status.returncode == 0
    assert "engine: lost" in status.stdout
    done = cms("flow", "cancel")
    assert done.returncode == 2
    assert "gone" in done.stderr


def test_cancel_and_follow(cms: Any) -> None:
    cms.write("waits-flow.py", WAITS)
    process = cms.start("flow", "run", "waits-flow.py")
    assert process.stdout.readline() == "b | waiting\n"
    follow = cms.start("flow", "logs", "latest", "b", "--follow")
    assert follow.stdout.readline() == "waiting\n"
    done = cms("flow", "cancel")
    assert (done.returncode, done.stdout) == (0, "")
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.search(r"^b +error +1 .*Cancelled", out, re.M)
    assert re.search(r"^c +pending .*cancelled$", out, re.M)
    assert follow.wait(timeout=60) == 0
    follow.communicate()


def test_retry(cms: Any) -> None:
    cms.write("fails-flow.py", FAILS)
    old = cms.json("flow", "run", "fails-flow.py", code=1)["run"]
    cms.write("fails-flow.py", FAILS.replace("raise ValueError", "return str"))
    done = cms("flow", "retry", old, "--dry-run")
    assert done.returncode == 0
    assert "2 nodes will run: b, d; 2 results kept" in done.stderr
    assert len(cms.json("flow", "runs")) == 1
    document = cms.json("flow", "retry", old)
    assert document["status"] == "finished"
    assert document["run"] != old
    assert cms.json("flow", "result", "latest", "d") == "bad\nindeed"
    done = cms("flow", "retry", "latest", "--from", "d", "--from", "b", "--dry-run")
    assert "2 nodes will run: b, d; 2 results kept" in done.stderr


def test_a_pipe_closed_early_does_not_end_a_run(cms: Any) -> None:
    cms.write(
        "loud-flow.py",
        "from cloudmesh.flow import BaseWorkFlow\n"
        "class Loud(BaseWorkFlow):\n"
        "    flow = 'a; b'\n"
        "    def a(self):\n"
        "        for i in range(20000):\n"
        "            print('line', i)\n"
        "    def b(self):\n"
        "        return 1\n",
    )
    process = cms.start("flow", "run", "loud-flow.py")
    assert process.stdout.readline() == "a | line 0\n"
    process.stdout.close()
    err = process.stderr.read()
    assert process.wait(timeout=60) == 0
    assert "Broken" not in err
    assert "Traceback" not in err
    assert cms.json("flow", "status")["status"] == "finished"


def test_closed_streams(seed: Any) -> None:
    command = f"{sys.executable} -m cloudmesh.flow"
    for closed in (">&-", "2>&-", ">&- 2>&-", "<&-"):
        line = f"{command} run test-flow.py '(a; b || c)' {closed}"
        done = subprocess.run(line, shell=True, cwd=seed.folder, env=seed.environment, timeout=60)
        assert done.returncode == 0, closed
    line = f"{command} runs | head -n 1"
    done = subprocess.run(
        line, shell=True, cwd=seed.folder, env=seed.environment, capture_output=True, text=True
    )
    assert done.stdout.startswith("run ")
    assert done.stderr == ""


def test_a_full_device_is_one_line(seed: Any) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("NOT TESTED: a full device (needs /dev/full; Linux has it)")
    with open("/dev/full", "w") as full:
        done = seed("flow", "check", "a; b", stdout=full)
    assert done.returncode == 1
    assert done.stderr == "cms flow: No space left on device (--debug shows where)\n"


def test_a_folder_that_is_gone_is_one_line(seed: Any) -> None:
    line = f"mkdir gone; cd gone; rmdir ../gone; {sys.executable} -m cloudmesh.flow run x-flow.py"
    done = subprocess.run(
        line, shell=True, cwd=seed.folder, env=seed.environment, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert "folder is gone" in done.stderr


def test_no_home(seed: Any, tmp_path: Path) -> None:
    del seed.environment["HOME"]
    store = f"sqlite:///{tmp_path}/x.db"
    done = seed("flow", "run", "test-flow.py", "(a; b || c)", "--store", store)
    assert done.returncode == 0, done.stderr
    assert len(seed.json("flow", "runs", "--store", store)) == 1


def test_a_store_of_ones_own(seed: Any, tmp_path: Path) -> None:
    seed.environment["CLOUDMESH_FLOW_STORE"] = f"sqlite:///{tmp_path}/by environment.db"
    assert seed("flow", "run", "test-flow.py", "a; b").returncode == 0
    assert (tmp_path / "by environment.db").exists()
    done = seed("flow", "--store", f"sqlite:///{tmp_path}/other.db", "runs")
    assert "no runs yet" in done.stderr
    assert not (seed.home / ".cloudmesh/flow/flow.db").exists()


def test_a_store_that_cannot_be_reached_is_exit_3(seed: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = seed("flow", "runs", "--store", f"sqlite:///{tmp_path}/file/x.db")
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1


def test_crlf_unicode_and_huge_files(cms: Any) -> None:
    text = (
        "from cloudmesh.flow import BaseWorkFlow\r\n"
        "class Größe(BaseWorkFlow):\r\n"
        '    flow = """\r\n    a;\r\n    b || c\r\n    """\r\n'
        "    def a(self):\r\n        print('grüße 数据')\r\n        return 'ü'\r\n"
        "    def b(self, a):\r\n        return a * 2\r\n"
        "    def c(self):\r\n        pass\r\n"
    )
    (cms.folder / "crlf-flow.py").write_bytes(text.encode())
    done = cms("flow", "run", "crlf-flow.py")
    assert done.returncode == 0, done.stderr
    assert "a | grüße 数据\n" in done.stdout
    assert cms("flow", "result", "latest", "b").stdout == "üü\n"
    cms.environment.update(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    done = cms("flow", "run", "crlf-flow.py", encoding="ascii")
    assert done.returncode == 0, done.stderr
    assert "a | gr\\xfc\\xdfe \\u6570\\u636e\n" in done.stdout


def test_a_secret_is_read_from_the_environment_and_not_shown(cms: Any) -> None:
    cms.write(
        "secret-flow.py",
        "from cloudmesh.flow import BaseWorkFlow, Secret\n"
        "class S(BaseWorkFlow):\n"
        "    flow = 'a; b'\n"
        "    def a(self, token: Secret):\n"
        "        return len(token)\n"
        "    def b(self, a):\n"
        "        return a\n",
    )
    done = cms("flow", "run", "secret-flow.py")
    assert done.returncode == 2
    assert "token is a secret" in done.stderr
    done = cms("flow", "run", "secret-flow.py", "--param", "token=hunter2")
    assert done.returncode == 2
    assert "hunter2" not in done.stderr + done.stdout
    cms.environment["TOKEN"] = "hunter2"
    document = cms.json("flow", "run", "secret-flow.py")
    assert document["nodes"][0]["result"] == 7
    assert "hunter2" not in json.dumps(document)
    data = b"".join(p.read_bytes() for p in cms.home.rglob("*") if p.is_file())
    assert b"hunter2" not in data


def test_a_definition_of_somebody_else_is_not_run_without_being_asked(seed: Any) -> None:
    store = ("--store", f"sqlite:///{seed.folder}/shared.db")
    assert seed("flow", "add", "test-flow.py", *store).returncode == 2  # it has no string
    assert seed("flow", "run", "test-flow.py", "(a; b || c)", *store).returncode == 0
    assert seed("flow", "run", "test", *store).returncode == 0
    other = seed.folder / "home of another"
    other.mkdir()
    seed.environment["HOME"] = str(other)
    done = seed("flow", "run", "test", *store)
    assert done.returncode == 2
    assert "--trust" in done.stderr
    assert seed("flow", "run", "test", "--trust", *store).returncode == 0
    assert seed("flow", "show", "test", *store).returncode == 0


def test_a_node_whose_place_is_not_here_runs_where_on_says(cms: Any) -> None:
    cms.write(
        "far-flow.py",
        "from cloudmesh.flow import task, workflow\n"
        "@task(on='lab')\n"
        "def a():\n    return 1\n"
        "@task(on='lab')\n"
        "def b():\n    return 2\n"
        "w = workflow('a; b')\n",
    )
    done = cms("flow", "run", "far-flow.py", "--on", "a=local")
    assert done.returncode == 2
    assert "@task(on='lab')" in done.stderr
    assert done.stderr.count("no infrastructure that is known") == 1
    for flow in ("far-flow.py", "far"):  # the file, and what is stored of it
        done = cms("flow", "run", flow, "--on", "a=local", "--on", "b=thread")
        assert done.returncode == 0, done.stderr
    done = cms("flow", "run", "far-flow.py", "--on", "a=local", "--on", "b=labb")
    assert done.returncode == 2
    assert "no infrastructure 'labb'" in done.stderr


def test_a_node_that_takes_the_engine_with_it_at_the_very_start_is_shown(cms: Any) -> None:
    """Its documents are not written yet: of so many nodes they come a moment later."""
    cms.write(
        "fatal-flow.py",
        """\
import os, signal
from cloudmesh.flow import workflow

def fatal():
    print("about to die", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

NAMES = [f"n{i}" for i in range(200)]
w = workflow("; ".join(NAMES), functions=dict.fromkeys(NAMES, fatal))
""",
    )
    cms("flow", "run", "fatal-flow.py")
    table = cms("flow", "status").stdout
    assert "engine: lost" in table
    assert [line.split()[1] for line in table.splitlines()[2:4]] == ["running", "pending"], table
    assert len(json.loads(cms("flow", "status", "--output", "json").stdout)["nodes"]) == 200
    assert "n0 has not finished: running" in cms("flow", "result", "latest", "n0").stderr
    assert cms("flow", "logs").stdout == "n0 | about to die\n"
    assert cms("flow", "logs", "latest", "n0").stdout == "about to die\n"
    assert cms("flow", "logs", "latest", "n200").returncode == 2


def test_a_file_that_is_misspelt_is_shown(cms: Any) -> None:
    cms.write("fails-flow.py", FAILS)
    for words, meant in (
        ("run fails-flow", "fails-flow.py"),
        ("run fails_flow.py", "fails-flow.py"),
        ("check ./fail-flow.py", "fails-flow.py"),
        ("check fails-flow.pyy", "fails-flow.py"),
    ):
        done = cms("flow", *words.split())
        assert done.returncode == 2
        assert done.stderr.endswith(f"; did you mean {meant!r}?\n")


def test_what_is_always_there_is_there(cms: Any) -> None:
    assert cms("flow", "infra", "check", "process").stdout == "process is always there\n"
