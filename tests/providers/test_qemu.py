"""Machines of our own: who is the guard of one, at the moments when that is hard to tell."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cloudmesh.flow.providers import qemu


def test_a_guard_is_known_from_its_first_moment_to_its_last(tmp_path: Path) -> None:
    """Else another process would leave it, or call it ended while its parent sees it alive."""
    command = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(300)", str(tmp_path)]
    for _ in range(50):
        guard = subprocess.Popen(command, start_new_session=True)
        try:
            assert qemu._is_guard(guard.pid, tmp_path)
            guard.send_signal(signal.SIGTERM)
            while qemu._is_guard(guard.pid, tmp_path):
                time.sleep(0)
            assert guard.poll() == -signal.SIGTERM
        finally:
            guard.kill()
            guard.wait()


def test_other_processes_are_no_guards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not qemu._is_guard(os.getpid(), tmp_path)
    monkeypatch.setattr(qemu, "LOOKS", 1)
    assert not qemu._is_guard(2, tmp_path), "a kernel's own, or none"
