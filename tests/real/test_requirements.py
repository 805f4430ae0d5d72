"""``requirements:`` on a far side: an environment there, made once; and why there is none."""

from __future__ import annotations

import contextlib
import socket
import stat
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import executor_kit as kit
import pytest
from executor_kit import nodes
from faulty import full_disk
from sshd import Sshd, running_sshd
from wheel import tiny_wheel

from cloudmesh.flow.executors.protocol import Executor
from cloudmesh.flow.executors.table import Context, check, make
from cloudmesh.flow.model.flow import Code
from cloudmesh.flow.providers import image

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
        server.spec["python"] = sys.executable
        yield server


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_wheel(tmp_path_factory.mktemp("wheel"))


@contextlib.contextmanager
def executor(spec: dict[str, Any], notes: list[str] | None = None) -> Iterator[Executor]:
    made = make("lab", spec, Context(note=(notes if notes is not None else []).append))
    try:
        yield made
    finally:
        made.close()


def start(made: Executor, function: Any, arguments: Any = None, **task: Any) -> kit.Told:
    code = Code(nodes.__file__, "", function.__name__, "")
    return kit.start(made, kit.make_attempt(function, arguments, code=code, **task))


def environments(sshd: Sshd) -> list[Path]:
    folder = sshd.home / ".cloudmesh" / "flow" / "environments"
    return [path for path in folder.glob("*") if path.is_dir()]


def test_what_is_required_is_there_and_made_once(sshd: Sshd, tiny: str) -> None:
    notes: list[str] = []
    with executor({**sshd.spec, "requirements": [tiny]}, notes) as made:
        told = [start(made, nodes.needs_tiny) for _ in range(4)]
        assert [one.result(120).value for one in told] == [42] * 4
        command = "python -c 'import cmflow_tiny; print(cmflow_tiny.ANSWER)'"
        attempt = kit.make_attempt(None, {}, command=command)
        assert kit.start(made, attempt).result().value == "42"
    assert notes == ["127.0.0.1: making an environment there, with what is required"]
    (folder,) = environments(sshd)
    made_at = (folder / "bin" / "python").lstat().st_ctime_ns
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    assert check("lab", {**sshd.spec, "requirements": [tiny]}) == [("127.0.0.1", "")]
    assert [(p / "bin" / "python").lstat().st_ctime_ns for p in environments(sshd)] == [made_at]
    with executor(sshd.spec) as made:
        assert (start(made, nodes.needs_tiny).result().error or {})["type"] == "ModuleNotFoundError"


@pytest.mark.slow
def test_what_a_process_of_this_machine_requires(tiny: str, home: Path) -> None:
    notes: list[str] = []
    with executor({"kind": "process", "requirements": [tiny]}, notes) as made:
        assert start(made, nodes.needs_tiny).result(120).value == 42
        command = "python -c 'import cmflow_tiny; print(cmflow_tiny.ANSWER)'"
        attempt = kit.make_attempt(None, {}, command=command)
        assert kit.start(made, attempt).result().value == "42"
    assert notes == ["lab: making an environment there, with what is required"]
    assert len(list((home / ".cloudmesh/flow/environments").glob("*/ready"))) == 1
    assert check("lab", {"kind": "process", "requirements": [tiny]}) == [("lab", "")]


def test_a_process_of_this_machine_with_a_python_of_its_own(tmp_path: Path) -> None:
    python = tmp_path / "a python"
    python.write_text(f'#!/bin/sh\nMARK=here exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    with executor({"kind": "process", "python": str(python)}) as made:
        assert kit.start(made, kit.make_attempt(command="echo $MARK")).result().value == "here"
        failed = start(made, nodes.needs_tiny)
        assert (failed.result().error or {})["type"] == "ModuleNotFoundError"
        assert failed.attempt.where == "lab"
        sleeper = start(made, nodes.sleeps, {"seconds": 300})
        sleeper.until(lambda t: "asleep" in t.text("out"))
        made.cancel(sleeper.attempt)
        assert (sleeper.result().error or {})["type"] == "Cancelled"
        assert not kit.left(sleeper.attempt.key)
    [(_, wrong)] = check("lab", {"kind": "process", "python": "/no/such/python"})
    assert "there is no /no/such/python there; name one with python:" in wrong


@pytest.mark.slow
def test_an_old_python_makes_environments_too(sshd: Sshd, tiny: str) -> None:
    old = next(iter(Path(sys.base_prefix).parent.glob("3.8*/bin/python")), None)
    if old is None:
        pytest.skip("NOT TESTED: requirements on Python 3.8 (needs it beside this one)")
    with executor({**sshd.spec, "python": str(old), "requirements": [tiny]}) as made:
        assert start(made, nodes.needs_tiny).result(120).value == 42


@pytest.mark.slow
def test_what_was_cut_while_it_was_made_is_made_anew(sshd: Sshd, tiny: str) -> None:
    spec = {**sshd.spec, "requirements": [tiny]}
    assert check("lab", spec) == [("127.0.0.1", "")]
    folder = max(environments(sshd), key=lambda path: (path / "ready").stat().st_mtime)
    (folder / "ready").unlink()
    (folder / "bin" / "python").unlink()
    assert check("lab", spec) == [("127.0.0.1", "")]
    assert (folder / "ready").exists()


@pytest.mark.slow
def test_making_ends_with_its_engine(sshd: Sshd) -> None:
    making = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as silent:  # an index that never answers
        index = f"--index-url http://127.0.0.1:{silent.getsockname()[1]}/simple"
        spec = {**sshd.spec, "requirements": [index, "cmflow-tiny"]}
        made = make("lab", spec, Context(note=lambda text: making.set()))
        try:
            told = start(made, nodes.needs_tiny)
            assert making.wait(60)
            silent.accept()[0].close()  # pip has come, and will come again
            made.cancel(told.attempt)
            assert (told.result().error or {})["type"] == "Cancelled"
        finally:
            made.close()
        deadline = time.monotonic() + 60
        while makers(sshd):
            assert time.monotonic() < deadline, makers(sshd)
            time.sleep(0.05)


def makers(sshd: Sshd) -> list[str]:
    """The command lines of what makes an environment in the home there."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
    return [line for line in lines if f"{sshd.home}/.cloudmesh/flow/environments" in line]


@pytest.mark.parametrize(
    ("requirements", "says"),
    [
        (["--index-url http://me:secret@127.0.0.1:1/simple", "no-such"], "cannot reach its index"),
        (["not a requirement"], "pip install failed: Invalid requirement"),
    ],
    ids=["no-network", "wrong"],
)
def test_why_there_is_no_environment_is_one_clear_line(
    sshd: Sshd, requirements: list[str], says: str
) -> None:
    before = environments(sshd)
    with executor({**sshd.spec, "requirements": requirements}) as made:
        error = start(made, nodes.needs_tiny).result(120).error or {}
    assert error["type"] == "RequirementsFailed"
    assert error["message"].startswith("127.0.0.1: ")
    assert says in error["message"]
    assert "\n" not in error["message"]
    assert "secret" not in error["message"]
    assert environments(sshd) == before, "nothing half-made is left"


def test_a_python_that_makes_no_environments_is_named(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['ensurepip'] = None\n")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    tried = check("lab", {**sshd.spec, "python": str(python), "requirements": ["tiny"]})
    assert "has no ensurepip" in tried[0][1]
    assert "python3-venv" in tried[0][1]


def test_a_full_disk_is_one_clear_line(sshd: Sshd, tiny: str) -> None:
    with full_disk(sshd.home):
        with executor({**sshd.spec, "requirements": [tiny]}) as made:
            message = (start(made, nodes.needs_tiny).result(60).error or {})["message"]
        assert "no environment can be made" in message
        assert "No space left" in message or "disk there is full" in message
        with executor(sshd.spec) as made:  # what needs no disk there goes on
            assert start(made, nodes.add, {"a": 1}).result().value == 2


@pytest.mark.slow
@pytest.mark.timeout(900)  # pip takes its time where the processor is emulated
def test_what_is_required_is_there_in_a_machine(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = image.missing()
    if packages:
        pytest.skip(f"NOT TESTED: virtual machines (needs {packages}; make test-deps installs it)")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    file = tiny_wheel(tmp_path).rpartition("/")[2]
    serve = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        tiny = f"cmflow-tiny @ http://10.0.2.2:{server.server_port}/{file}"  # this machine, from it
        spec = {"kind": "vm", "provider": "qemu", "memory": "256M", "requirements": [tiny]}
        with executor(spec) as made:
            outcome = start(made, nodes.needs_tiny).result(600)
        server.shutdown()
    assert outcome.value == 42, outcome


# -- the sources that are kept there ------------------------------------------------------


def test_a_warm_host_is_not_sent_the_same_source_again(
    sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cloudmesh.flow.executors.far import Programs

    sent: list[int] = []
    plain = Programs.sources

    def counted(self: Programs, number: int, wanted: Any) -> bytes:
        sent.append(len(wanted))
        return plain(self, number, wanted)

    monkeypatch.setattr(Programs, "sources", counted)
    for _ in range(2):
        with executor({**sshd.spec, "slots": 1}) as made:
            assert start(made, nodes.add, {"a": 1}).result().value == 2
    assert len(sent) <= 1
    folder = sshd.home / ".cloudmesh" / "flow" / "sources"
    source = Path(nodes.__file__).read_text("utf-8")
    (file,) = [path for path in folder.iterdir() if path.read_text("utf-8") == source]
    file.write_text("raise OSError('changed by somebody')\n")
    with executor({**sshd.spec, "slots": 1}) as made:
        assert start(made, nodes.add, {"a": 1}).result().value == 2
    assert sent[-1] == 1, "the one that was changed is sent again"
    assert file.read_text("utf-8") == source
