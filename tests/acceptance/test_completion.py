"""Completion, in the shells themselves."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from cloudmesh.flow.cli.complete import joined
from cloudmesh.flow.cli.completion import SCRIPTS
from cloudmesh.flow.cli.main import COMMANDS

FLOW = "from cloudmesh.flow import workflow\ndef first(): return 1\ndef second(first): return 2\n"
FLOW += "w = workflow('first; second')\n"

BASH = """
eval "$(cms flow completion bash)"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_cms_complete
printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """
_describe() { local each; for each in "${(@P)3}"; do print -r -- "${each%%:*}"; done }
compadd() { while [[ $1 != -- ]]; do shift; done; shift; print -rl -- "$@" }
compdef() { : }
eval "$(cms flow completion zsh)"
words=("$@")
CURRENT=$#
_cms
"""


@pytest.fixture
def used(cms: Any) -> Any:
    """A folder with a flow that was run, and ``cms`` on the PATH."""
    cms.write("pair-flow.py", FLOW)
    (cms.folder / "sub").mkdir()
    assert cms("flow", "run", "pair-flow.py").returncode == 0
    cms.environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return cms


def shell(used: Any, *command: str) -> list[str]:
    """The lines that a shell prints."""
    if not shutil.which(command[0]):
        pytest.skip(f"NOT TESTED: completion (needs {command[0]}; make test-deps installs it)")
    done = subprocess.run(
        command,
        cwd=used.folder,
        env=used.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return [line for line in done.stdout.splitlines() if line]


def bash(used: Any, *words: str) -> list[str]:
    return shell(used, "bash", "-c", BASH, "bash", "cms", *words)


def zsh(used: Any, *words: str) -> list[str]:
    return shell(used, "zsh", "-fc", ZSH, "zsh", "cms", *words)


def fish(used: Any, *words: str) -> list[str]:
    typed = " ".join(["cms", *words])
    script = f"cms flow completion fish | source; complete -C '{typed}'"
    return [line.split("\t")[0] for line in shell(used, "fish", "-c", script)]


SHELLS = pytest.mark.parametrize("complete", [bash, zsh, fish])


@SHELLS
def test_commands_options_names_runs_and_nodes(complete: Any, used: Any) -> None:
    run = used.json("flow", "runs")[0]["run"]
    assert complete(used, "") == ["flow"]
    assert sorted(complete(used, "flow", "")) == sorted(COMMANDS)
    assert complete(used, "flow", "sta") == ["status"]
    assert complete(used, "flow", "run", "--dry") == ["--dry-run"]
    assert sorted(complete(used, "flow", "run", "--output", "")) == ["json", "table"]
    assert sorted(complete(used, "flow", "run", "p")) == ["pair", "pair-flow.py"]
    assert complete(used, "flow", "run", "s") == ["sub/"]
    assert sorted(complete(used, "flow", "status", "")) == sorted(["latest", "pair", run])
    assert complete(used, "flow", "status", run[:5]) == [run]
    assert sorted(complete(used, "flow", "result", run, "")) == ["first", "second"]
    assert complete(used, "flow", "retry", "--from", "se") == ["second"]
    assert complete(used, "flow", "show", "") == ["pair"]
    assert complete(used, "flow", "run", "pair-flow.py", "--on", "f") == ["first="]
    assert complete(used, "flow", "nothing", "") == []


@pytest.mark.parametrize("complete", [zsh, fish])
def test_a_word_with_an_equals_sign(complete: Any, used: Any) -> None:
    assert complete(used, "flow", "run", "--output=j") == ["--output=json"]
    assert complete(used, "flow", "run", "pair", "--on", "first=pr") == ["first=process"]


def test_bash_splits_words_at_the_equals_sign(used: Any) -> None:
    assert bash(used, "flow", "run", "--output", "=", "j") == ["json"]
    assert bash(used, "flow", "run", "--output", "=") == ["table", "json"]
    assert bash(used, "flow", "run", "pair", "--on", "first", "=", "pr") == ["process"]
    assert joined(["run", "--output", "=", "json", "b"]) == ["run", "--output=json", "b"]


class Terminal:
    """An interactive bash."""

    def __init__(self, used: Any) -> None:
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.chdir(used.folder)
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], used.environment)

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def until(self, wanted: str) -> str:
        """What is shown up to that."""
        shown = ""
        end = monotonic() + 60
        while wanted not in shown:
            ready, _, _ = select.select([self.fd], [], [], max(0.0, end - monotonic()))
            assert ready, f"{wanted!r} did not come: {shown!r}"
            shown += os.read(self.fd, 10_000).decode("utf-8", "replace")
        return shown


@pytest.fixture
def terminal(used: Any) -> Iterator[Terminal]:
    terminal = Terminal(used)
    yield terminal
    os.close(terminal.fd)
    os.kill(terminal.pid, 9)
    os.waitpid(terminal.pid, 0)


def test_tab_in_a_bash_of_ones_own(terminal: Terminal, used: Any) -> None:
    terminal.type("bind 'set enable-bracketed-paste off'; PS1='R'EADY:\n")
    terminal.until("READY:")
    terminal.type('eval "$(cms flow completion bash)"; echo do""ne\n')
    terminal.until("done")
    terminal.type("cms fl\tsta\t--out\tj\t\n")  # cms flow status --output json
    shown = terminal.until('"workflow": "pair"')
    assert "flow status --output json" in re.sub(r"[\x07\r]", "", shown)


def test_nothing_is_made_and_nothing_is_said_where_there_is_no_store(cms: Any) -> None:
    for words in (["flow", "status", ""], ["flow", "list", "--store", "sqlite:///no.db", ""]):
        done = cms("flow", "completion", "bash", "--", *words)
        assert (done.returncode, done.stderr) == (0, "")
    assert not (cms.home / ".cloudmesh").exists()
    assert not (cms.folder / "no.db").exists()


def test_a_name_that_a_shell_would_read_otherwise_is_left_out(cms: Any) -> None:
    cms.write("a b.py", "")
    cms.write("a$(touch x).py", "")
    cms.write("ab.py", "")
    done = cms("flow", "completion", "fish", "--", "flow", "check", "a")
    assert done.stdout == "ab.py\ta file\n"


def test_a_store_that_does_not_answer_gives_nothing(cms: Any) -> None:
    """And not only after the two minutes that a run is patient: `cms` waits for one."""
    url = "mongodb://127.0.0.1:1/db"
    done = cms("flow", "completion", "bash", "--", "flow", "--store", url, "status", "")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_script_says_where_it_belongs(name: str) -> None:
    assert f"cms flow completion {name}" in SCRIPTS[name]


@pytest.mark.parametrize("module", ["asyncio", "ruamel", "pymongo", "fastapi", "rich", "pydantic"])
def test_little_is_loaded(module: str, used: Any) -> None:
    code = (
        "import sys; from cloudmesh.flow.cli.main import main; "
        "main(['flow', 'completion', 'bash', '--', 'flow', 'status', '']); "
        f"assert {module!r} not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], env=used.environment, capture_output=True)
    assert done.returncode == 0, done.stderr
