"""What a clone can do: the Makefile and its scripts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    shutil.which("make") is None, reason="NOT TESTED: the Makefile (needs make)"
)


def run(*command: str | Path, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def test_make_alone_says_what_there_is() -> None:
    said = run("make").stdout
    text = (ROOT / "Makefile").read_text()
    targets = set(re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)[1].split()) - {"help"}  # type: ignore[index]
    assert set(re.findall(r"^make ([\w-]+)", said, re.MULTILINE)) == targets


def test_without_a_python_there_is_one_clear_line(tmp_path: Path) -> None:
    done = run(ROOT / "scripts/find-python.sh", PYTHON=str(tmp_path / "python3"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "needs Python 3.11 or newer" in done.stderr


def test_an_older_python_is_passed_over(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")  # what the question for 3.11 is answered with
    old.chmod(0o755)
    done = run(ROOT / "scripts/find-python.sh", PYTHON=str(old))
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.skipif(not shutil.which("setpriv"), reason="NOT TESTED: make test-deps as nobody")
def test_test_deps_without_root_is_one_clear_line() -> None:
    as_nobody = ["setpriv", "--reuid=65534", "--clear-groups"] if os.getuid() == 0 else []
    script = (ROOT / "scripts/test-deps.sh").read_text()  # nobody may not read it where it is
    done = subprocess.run(
        [*as_nobody, "sh", "-s"], input=script, cwd="/", capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "needs root" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_fresh_clone_with_an_empty_home_runs_the_demo(tmp_path: Path, home: Path) -> None:
    clone = tmp_path / "clone"
    done = run("git", "clone", "--quiet", ROOT, clone)
    if done.returncode:
        pytest.skip("NOT TESTED: a fresh clone (needs a git clone)")
    for _ in range(2):
        done = run("make", "demo", cwd=clone, CI="true")
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(r"run \w+ finished", done.stderr)
    assert (clone / ".demo/stdlib.html").read_text(encoding="utf-8").count("<svg") == 3
    assert run("git", "status", "--porcelain", cwd=clone).stdout == ""
    assert not (home / ".cloudmesh/flow/flow.db").exists()  # the demo keeps to its own store
