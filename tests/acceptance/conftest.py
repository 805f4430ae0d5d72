"""The real command, in a folder and a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pytest

TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(TESTS / "acceptance"), str(TESTS / "real")]

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


class Here:
    """``cms`` in this process, for what needs no process of its own; in a folder of its own.

    ``here("flow", "list")`` gives ``code``, ``out`` and ``err``; ``here.python``
    runs a program in the folder, as a user's script.
    """

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys
        self.store = f"sqlite:///{folder}/store.db"

    def __call__(self, *words: str) -> SimpleNamespace:
        from cloudmesh.flow.cli.main import main

        self.capsys.readouterr()
        code = main(["flow", *words])
        out, err = self.capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    def json(self, *words: str, code: int = 0) -> Any:
        """Run it with ``--output json``, and read what it says."""
        done = self(*words, "--output", "json")
        assert done.code == code, done.err
        return json.loads(done.out)

    def run(self, *words: str, code: int = 0) -> dict[str, Any]:
        """``cms flow run …``: the nodes' documents by name."""
        self.last = self.json("run", *words, code=code)
        return {node["name"]: node for node in self.last["nodes"]}

    def refused(self, *words: str) -> str:
        """Run what is wrong: exit 2, nothing on stdout, no traceback; what it says."""
        done = self(*words)
        assert done.code == 2, (done.code, done.out, done.err)
        assert "Traceback" not in done.err
        return str(done.err)

    def documents(self, collection: str, **where: Any) -> list[dict[str, Any]]:
        """The stored documents of a collection."""
        from cloudmesh.flow import open_store

        store = open_store(self.store)
        try:
            return list(store.documents(collection, **where))
        finally:
            store.close()

    def write(self, name: str, text: str) -> Path:
        """Write a file in the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8", newline="")
        return path

    def python(self, text: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a program in the folder, with the same store."""
        self.write("program.py", text)
        return subprocess.run(
            [sys.executable, "program.py", *words],
            cwd=self.folder,
            env={**os.environ, **more},
            capture_output=True,
            text=True,
            timeout=60,
        )


@pytest.fixture
def here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Here]:
    """The command in this process, in an empty folder, with a store in it."""
    path, modules = list(sys.path), set(sys.modules)
    monkeypatch.chdir(tmp_path)
    here = Here(tmp_path, capsys)
    monkeypatch.setenv("CLOUDMESH_FLOW_STORE", here.store)
    yield here
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file.startswith(str(tmp_path)):
            del sys.modules[name]


from scene import anywhere, scene  # noqa: E402, F401
from servers import ferretdb_url  # noqa: E402, F401
