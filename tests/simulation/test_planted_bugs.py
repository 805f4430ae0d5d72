"""A proof that cannot fail proves nothing: bugs are planted in a copy, and are found.

The table in docs/guarantees.md has the seeds that each took.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import cloudmesh.flow

SOURCE = Path(cloudmesh.flow.__file__).parent
SEEDS = 500

BUGS = {
    "the fence of the journal is dropped": (
        "store/memory.py",
        "            if len(self._kept.journal) != self.seq:\n"
        "                raise self._fenced()\n",
        "            self.seq = len(self._kept.journal)\n",
    ),
    "nodes start before the commit": (
        "engine/loop.py",
        "        if record:\n"
        "            self._append(record)\n"
        "        for i in starting:\n"
        "            self._launch(i)\n",
        "        for i in starting:\n"
        "            self._launch(i)\n"
        "        if record:\n"
        "            self._append(record)\n",
    ),
    "an outcome counts twice": (
        "engine/loop.py",
        "            if going.over or event is None:",
        "            if event is None:",
    ),
    "documents are forgotten when the store fails": (
        "engine/projector.py",
        "        changed = sorted(i for i in run.changed if not n <= i < base)\n",
        "        changed = sorted(i for i in run.changed if not n <= i < base)\n"
        "        run.changed.clear()\n",
    ),
    "a document that an earlier try has made counts as new": (
        "engine/projector.py",
        "        sure, self._sure = self._sure, False\n",
        "        sure = True\n",
    ),
    "a retry is forgotten": (
        "run/run.py",
        "            heappush(self._due, (retry_at, i))",
        "            pass",
    ),
    "a former owner may write documents": (
        "store/memory.py",
        "        if self._kept.owner is not self._journal:",
        "        if False:",
    ),
    "a run ends while nodes are running": (
        "run/run.py",
        "            return self.running == 0\n",
        "            return True\n",
    ),
    "a pool's rate is forgotten": (
        "run/policy.py",
        "    free = count - len(recent)\n",
        "    free = count\n",
    ),
    "a node is shown as finished before its result": (
        "engine/projector.py",
        "        self.journal.project(list(rows.values()), changes, gone)\n",
        "        self.journal.project([r._replace(result=None) for r in rows.values()], {}, {})\n"
        "        self.journal.project(list(rows.values()), changes, gone)\n",
    ),
    "documents run ahead of the journal": (
        "engine/loop.py",
        "        if record:\n            self._append(record)\n",
        "        if record:\n            self._project()\n            self._append(record)\n",
    ),
    "a batch whose answer was lost is written again": (
        "testing/faults.py",
        "        if self._lost == events:",
        "        if False:",
    ),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: str, tmp_path: Path) -> None:
    name, right, wrong = BUGS[bug]
    copy = tmp_path / "cloudmesh" / "flow"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__", "static"))
    file = copy / name
    text = file.read_text()
    assert text.count(right) == 1, f"{name} has changed: plant the bug anew"
    file.write_text(text.replace(right, wrong))
    done = subprocess.run(
        [sys.executable, "-m", "cloudmesh.flow.testing", "0", "--soak", str(SEEDS)],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert "again: python -m cloudmesh.flow.testing" in done.stderr
