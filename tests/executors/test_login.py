"""Files on the login host of a scheduler."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cloudmesh.flow.executors import login


def test_a_folder_is_gone_though_a_job_wrote_into_it_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "array"
    folder.mkdir()
    late = ["0.code", "1.code"]
    remove = shutil.rmtree

    def busy(path: str, **options: Any) -> None:
        remove(path, **options)
        if late:
            folder.mkdir()
            (folder / late.pop()).touch()

    monkeypatch.setattr(login.shutil, "rmtree", busy)
    login.Here().remove(str(folder))
    assert not folder.exists()
    login.Here().remove(str(folder))  # what is not there is no error


def test_the_same_on_a_host(tmp_path: Path) -> None:
    """As `rm` says: Directory not empty."""
    folder = tmp_path / "it's an array"
    folder.mkdir()
    program = tmp_path / "rm"
    program.write_text(
        f"#!/bin/sh\ncd {shlex.quote(str(tmp_path))}\n"
        '[ -e seen ] || { touch seen; exit 1; }\nexec /bin/rm "$@"\n'
    )
    program.chmod(0o755)

    class There(login.There):
        def __init__(self) -> None:
            pass

        def run(self, command: Any, given: str = "") -> login.Answer:
            env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
            done = subprocess.run(shlex.join(command), shell=True, env=env, check=False)
            return done.returncode, "", ""

    There().remove(str(folder))
    assert (tmp_path / "seen").exists()
    assert not folder.exists()
