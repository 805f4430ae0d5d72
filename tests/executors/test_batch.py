"""The script of a Slurm array, run by a shell as Slurm would."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from cloudmesh.flow.executors.batch import script


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of an array with one job; its Python says what it was given."""
    (tmp_path / "sources").mkdir()
    (tmp_path / "inputs").write_bytes(b"nodesw")
    (tmp_path / "index").write_text("0 4 - 2\n")
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\ncat\n")
    python.chmod(0o755)
    return tmp_path


def run(folder: Path, **more: str) -> int:
    """Run the script; ``SCRIPT`` is its process, for programs that it starts."""
    names = []
    for text in (b"runner ", b"sweeper "):
        names.append(hashlib.sha256(text).hexdigest())
        (folder / "sources" / names[-1]).write_bytes(text)
    text = script(str(folder), str(folder / "sources"), *names, str(folder / "python"))
    (folder / "script").write_text(text)
    command = ["sh", "-c", f"SCRIPT=$$; export SCRIPT; exec sh {folder}/script"]
    environment = {**os.environ, "SLURM_ARRAY_TASK_ID": "0", **more}
    return subprocess.run(command, env=environment, check=False).returncode


def test_the_runner_reads_its_job_and_its_exit_code_is_kept(folder: Path) -> None:
    assert run(folder) == 0
    assert (folder / "0.out").read_bytes() == b"runner node"
    assert (folder / "0.code").read_text() == "0\n"


def test_another_runner_ends_what_is_left_of_one_that_is_killed(folder: Path) -> None:
    (folder / "python").write_text(f"#!/bin/sh\ncat >> {folder}/seen\nkill -KILL $$\n")
    run(folder)
    assert (folder / "seen").read_bytes() == b"runner nodesweeper sw"
    assert (folder / "0.code").read_text() == "137\n"


def test_a_job_that_is_ended_before_its_runner_is_there_starts_none(folder: Path) -> None:
    early = folder / "bin"
    early.mkdir()
    (early / "sed").write_text('#!/bin/sh\nkill -TERM "$SCRIPT"\nexec /bin/sed "$@"\n')
    (early / "sed").chmod(0o755)
    run(folder, PATH=f"{early}:{os.environ['PATH']}")
    assert not (folder / "0.out").exists()
    assert not (folder / "0.code").exists(), "what became of it is Slurm's to say"


def test_a_source_that_is_not_what_it_was_runs_nothing(folder: Path) -> None:
    (folder / "python").write_text("#!/bin/sh\nexit 3\n")
    text = script(str(folder), str(folder / "sources"), "0" * 64, "1" * 64, "sh")
    (folder / "sources" / ("0" * 64)).write_bytes(b"something else")
    (folder / "script").write_text(text)
    subprocess.run(
        ["sh", folder / "script"], env={**os.environ, "SLURM_ARRAY_TASK_ID": "0"}, check=False
    )
    assert (folder / "0.code").read_text() == "1\n"
    assert "is not what it was" in (folder / "0.err").read_text()
