"""CONTRACT §4 to §6 as a hostile reader takes them: odd pipes, passwords, other users."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

FLOW = """\
from cloudmesh.flow import BaseWorkFlow

class F(BaseWorkFlow):
    flow = "a; b"
    def a(self, x: int = 1):
        print("in a")
        return {"x": [x, None, "ü"]}
    def b(self, a, bad: bool = False):
        if bad: raise ValueError("bad")
        return len(a)
"""

DEADLY = """\
import os, signal
from cloudmesh.flow import BaseWorkFlow, current

class F(BaseWorkFlow):
    flow = "a; b"
    def a(self): return 1
    def b(self):
        if current().attempt == 1: os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def test(here: Any) -> Any:
    """The command, in a folder with a flow as ``test-flow.py``."""
    here.write("test-flow.py", FLOW)
    return here


# -- documents ----------------------------------------------------------------------


def test_a_run_of_several_strings_says_them_as_its_definition_does(here: Any) -> None:
    here.write("test-flow.py", FLOW.replace('"a; b"', '["a; b", "a; c"]') + "    def c(self): pass")
    here.run("test-flow.py")
    strings = ["a; b", "a; c"]
    assert here.last["flow"] == strings
    assert here.json("status")["flow"] == here.json("show", "test")["flow"] == strings
    assert here.json("runs")[0]["flow"] == here.documents("flow-runs")[0]["flow"] == strings


def test_diff_has_results_and_errors_as_the_documents_do(test: Any) -> None:
    one = test.run("test-flow.py")
    first = test.last["run"]
    other = test.run("test-flow.py", "--param", "x=2", "--param", "bad=true", code=1)
    differ = {n["name"]: n for n in test.json("diff", first, "latest")["nodes"]}
    assert differ["a"]["result"] == [one["a"]["result"], other["a"]["result"]]
    assert differ["b"]["result"] == [1, None]
    assert differ["b"]["error"] == [None, other["b"]["error"]]
    table = test("diff", first, "latest").out
    assert '{"x": [2, null, "ü"]}' in table
    assert "ValueError: bad" in table


def test_how_long_nodes_had_taken_at_a_number(test: Any) -> None:
    test.run("test-flow.py")
    for seq in range(1, 20):
        shown = test("status", "--at", str(seq))
        if shown.code:
            break
        document = test.json("status", "--at", str(seq))
        assert document["started"] <= document["at"] <= (document["ended"] or document["at"])
        if "b     running" in shown.out:
            row = next(line for line in shown.out.splitlines() if line.startswith("b "))
            assert "took" in shown.out
            assert row.split()[3:5] == ["0.0", "ms"]
            return
    raise AssertionError("b is never seen running")


# -- who may have which file loaded ----------------------------------------------------


def test_to_go_on_with_somebody_elses_run_needs_trust(test: Any, home: Path) -> None:
    test.run("test-flow.py", "--param", "bad=true", code=1)
    assert test("retry", "--dry-run").code == 0
    (home / ".cloudmesh/flow/key").write_bytes(b"x" * 32)  # from here on another user's
    for words in (["retry"], ["retry", "--dry-run"], ["retry", "--from", "a"]):
        assert "--trust" in test.refused(*words)
    assert test("retry", "--trust").code == 1
    assert test("retry", "--dry-run").code == 0  # that one is this user's
    test("resume")  # of a run that has ended loads nothing
    assert test("run", "test-flow.py").code == 0  # and who has defined it runs it by its name
    assert test("run", "test").code == 0


def test_resume_of_somebody_elses_run_needs_trust(cms: Any) -> None:
    cms.write("test-flow.py", DEADLY)
    assert cms("flow", "run", "test-flow.py").returncode == -9
    status = cms("flow", "status", "--output", "json")
    assert json.loads(status.stdout)["engine"] == "lost"
    assert "cms flow resume" in status.stderr
    assert "cms flow resume" in cms("flow", "logs", "--follow").stderr
    key = cms.home / ".cloudmesh/flow/key"
    own = key.read_bytes()
    key.write_bytes(b"x" * 32)
    refused = cms("flow", "resume")
    assert refused.returncode == 2
    assert "--trust" in refused.stderr
    key.write_bytes(own)
    assert cms("flow", "resume").returncode == 0


# -- names ---------------------------------------------------------------------------------


def test_an_empty_name_is_none(test: Any) -> None:
    test.run("test-flow.py")
    for words in (
        ["runs", ""],
        ["prune", "", "--keep", "1"],
        ["status", ""],
        ["result", ""],
        ["export", ""],
        ["retry", ""],
    ):
        assert "''" in test.refused(*words)


def test_a_name_that_nothing_has(test: Any) -> None:
    test.run("test-flow.py")
    assert "did you mean 'test'" in test.refused("prune", "tset", "--keep", "0")
    test("delete", "test")
    assert "1 run removed" in test("prune", "test", "--keep", "0").err
    assert "no command 'nope'" in test.refused("help", "nope")
    assert "a value is needed" in test.refused("--store")


def test_one_file_is_run_and_not_another(test: Any) -> None:
    test.write("other-flow.py", FLOW)
    assert "other-flow.py" in test.refused("run", "test-flow.py", "--flowfile", "other-flow.py")
    assert test("run", "--flowfile", "other-flow.py").code == 0


# -- streams and exit codes --------------------------------------------------------------


def deaf(cms: Any, *words: str) -> int:
    """The exit code where nobody reads what the command says, on either stream."""
    process = cms.start("flow", *words, stderr=subprocess.STDOUT)
    process.stdout.close()
    return int(process.wait(60))


def test_exit_codes_stay_where_nobody_listens(cms: Any) -> None:
    cms.write("test-flow.py", FLOW)
    assert deaf(cms, "run", "test-flow.py", "--param", "bad=true") == 1
    assert deaf(cms, "run", "test-flow.py") == 0
    assert deaf(cms, "status") == 0
    assert deaf(cms, "status", "nope") == 2
    assert deaf(cms, "nonsense") == 2
    assert deaf(cms, "status", "--nonsense") == 2
    assert deaf(cms, "check", "a; (b") == 2
    assert deaf(cms, "check", "a; (b", "--output", "json") == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="NOT TESTED: a full disk as stdout")
def test_a_run_s_exit_code_says_how_it_ended_though_its_table_cannot_be_written(cms: Any) -> None:
    cms.write("test-flow.py", FLOW.replace('print("in a")', "pass"))
    with open("/dev/full", "w") as full:
        done = cms("flow", "run", "test-flow.py", stdout=full)
    assert done.returncode == 0
    assert "No space left" in done.stderr


# -- passwords -----------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="NOT TESTED: needs /proc")
@pytest.mark.parametrize("joined", [False, True])
def test_a_password_is_not_in_the_list_of_processes(cms: Any, joined: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # who asks it waits
        port = silent.getsockname()[1]
        url = f"mongodb://me:hunter2@127.0.0.1:{port}/db"
        option = [f"--store={url}"] if joined else ["--store", url]
        process = cms.start("flow", "runs", *option)
        try:
            silent.accept()  # the command asks: it is as it stays
            words = Path(f"/proc/{process.pid}/cmdline").read_text()
        finally:
            process.kill()
            process.wait()
    assert "hunter2" not in words
    assert f"mongodb://127.0.0.1:{port}/db" in words  # the same process, as itself


def test_a_url_with_a_password_is_whole_where_it_is_used(cms: Any) -> None:
    """What the command is given is what the store is asked with, and no node sees it."""
    code = (
        "import os, sys\n"
        "import cloudmesh.flow.store as store\n"
        "def opened(url=None):\n"
        "    hidden = [v for v in os.environ.values() if 'hunter2' in v]\n"
        "    print('asked', url == 'mongodb://me:hunter2@h:1/db?tls=true', hidden)\n"
        "    raise SystemExit(0)\n"
        "store.open_store = opened\n"
        "from cloudmesh.flow.cli.main import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "flow", "list",
         "--store", "mongodb://me:hunter2@h:1/db?tls=true"],
        env=cms.environment, cwd=cms.folder, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == "asked True []\n", done.stderr


def test_an_option_that_mongodb_has_not_is_said_in_a_line(here: Any) -> None:
    url = "mongodb://me:hunter2@127.0.0.1:1/db?serverSelectionTimeoutMS=100&tsl=hunter2"
    done = here("runs", "--store", url)
    assert done.code == 3
    assert len(done.err.splitlines()) == 2
    assert "option" in done.err
    assert "hunter2" not in done.err


# -- resume reads the functions anew --------------------------------------------------------


@pytest.mark.parametrize("text", ["class F: pass", "F = 5", "def F(): pass", "class F(int): pass"])
def test_a_class_that_is_none_any_more_is_exit_2_and_the_run_can_still_go_on(
    test: Any, text: str
) -> None:
    test.run("test-flow.py", "--param", "bad=true", code=1)
    test.write("test-flow.py", text)
    assert "class F" in test.refused("retry")
    test.write("test-flow.py", FLOW)
    assert test("retry", "--dry-run").code == 0


def test_who_ends_the_prompt_for_a_secret_is_told_how_to_give_it(
    here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.write(
        "test-flow.py",
        "from cloudmesh.flow import BaseWorkFlow, Secret\n"
        "class F(BaseWorkFlow):\n"
        "    flow = 'a'\n"
        "    def a(self, tok: Secret): pass\n",
    )

    def ended(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("getpass.getpass", ended)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    assert "set TOK in the environment" in here.refused("run", "test-flow.py")
    assert here.json("runs") == []
