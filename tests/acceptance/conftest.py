"""The real command, in a folder and a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SEED = """\
from cloudmesh.flow.WorkFlow import BaseWorkFlow

class MyFlow(BaseWorkFlow):

    def a(self):
        print("in a!")

    def b(self):
        print("in b!")

    def c(self):
        print("in c!")
"""


class Cms:
    """``cms`` in a folder: ``cms("flow", "list")`` gives the finished process."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.home = home
        self.environment = {**os.environ, "HOME": str(home)}
        self.environment.pop("NO_COLOR", None)

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        """Start it; stdout and stderr are pipes of text."""
        options = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "env": self.environment,
            "cwd": self.folder,
            "text": True,
            "encoding": "utf-8",
            **options,
        }
        command = [sys.executable, "-c", "from cloudmesh.flow.cli.main import main; main()"]
        return subprocess.Popen([*command, *words], **options)

    def __call__(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        process = self.start(*words, **options)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def json(self, *words: str, code: int = 0) -> Any:
        """Run it with ``--output json``, and read what it says."""
        done = self(*words, "--output", "json")
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    def write(self, name: str, text: str) -> Path:
        """Write a file in the folder."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture
def cms(tmp_path: Path, home: Path) -> Cms:
    """The command, in an empty folder."""
    return Cms(tmp_path, home)


@pytest.fixture
def seed(cms: Cms) -> Cms:
    """The command, in a folder with the class of the seed as ``test-flow.py``."""
    cms.write("test-flow.py", SEED)
    return cms
