"""`infra clean` and Slurm: what a scheduler in trouble says is not taken for an answer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cloudmesh.flow.cli import jobs
from cloudmesh.flow.cli.jobs import clean
from cloudmesh.flow.run import events as ev
from cloudmesh.flow.store import open_store
from cloudmesh.flow.store.protocol import RunHead, Store


class Cluster:
    """A login host with one job; ``says`` is what it answers to the question whether it is gone."""

    def __init__(self, tag: str, folder: str, says: tuple[int, str, str]) -> None:
        self.tag, self.folder, self.says = tag, folder, says
        self.removed: list[str] = []

    def run(self, command: Sequence[str], given: str = "") -> tuple[int, str, str]:
        if "%F|%j" in command:
            return 0, f"7|{self.tag}\n", ""
        return self.says if command[0] == "squeue" else (0, "", "")

    def home(self) -> str:
        return "/home"

    def names(self, path: str) -> list[str]:
        inside = f"{self.folder}/m1/about.json".removeprefix(path + "/")
        return [inside.split("/")[0]] if "/" in inside and not inside.startswith("/") else []

    def read(self, path: str, offset: int = 0) -> bytes:
        return f'{{"tag": "{self.tag}", "keys": []}}'.encode()

    def write(self, path: str, data: bytes) -> None:
        raise AssertionError(path)

    def remove(self, path: str) -> None:
        self.removed.append(path)

    def close(self) -> None:
        pass


@pytest.fixture
def store() -> Store:
    made = open_store("memory://jobs")
    if made.run("aaaaaaaa") is None:
        tag = f"cmflow/{made.id}/aaaaaaaa/hpc/m1"
        head = RunHead("aaaaaaaa", "test", "a", {}, "2026-01-01 00:00:00.000000", {})
        journal = made.create(head, "[]")
        journal.append(ev.encode([ev.intent(1.0, {"tag": tag, "kind": "slurm"})], str))
        journal.close()
    return made


FORGOTTEN = (1, "", "slurm_load_jobs error: Invalid job id specified\n")
AWAY = (1, "", "slurm_load_jobs error: Unable to contact slurm controller\n")


@pytest.mark.parametrize("says", [FORGOTTEN, (0, "", ""), AWAY])
def test_a_job_is_gone_when_the_scheduler_says_so(
    store: Store, says: tuple[int, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = f"cmflow/{store.id}/aaaaaaaa/hpc/m1"
    cluster = Cluster(tag, f"/jobs/{store.id}/aaaaaaaa", says)
    monkeypatch.setattr(jobs, "login_of", lambda spec: cluster)
    monkeypatch.setattr(jobs, "base_of", lambda login, spec: "/jobs")
    swept = clean(store, {"hpc": {"kind": "slurm"}})
    if says is AWAY:
        assert (swept.gone, cluster.removed) == ([], [])
        assert swept.failed == [f"hpc: squeue: {AWAY[2].strip()}"]
    else:
        assert (swept.gone, swept.failed) == ([tag], [])
        assert cluster.removed == [f"/jobs/{store.id}/aaaaaaaa/m1"]
