"""The plugin, in the real cloudmesh shell, whichever of the two was installed last."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SHELL = ("cloudmesh-cmd5==5.0.20", "setuptools", "pip")


def run(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, timeout=120, **options)  # type: ignore[call-overload,no-any-return]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python of its own with the cloudmesh shell, and with us from this tree."""
    folder = tmp_path_factory.mktemp("shell")
    assert run(sys.executable, "-m", "venv", str(folder / "venv")).returncode == 0
    python = folder / "venv/bin/python"
    pip = (str(python), "-m", "pip", "--timeout", "20", "--retries", "2")
    wheels = ("-q", "--no-deps", "-w", str(folder / "wheels"), SHELL[0])
    for words in (("wheel", *wheels), ("install", "-q", "-U", *SHELL)):
        try:  # the only time that the index is asked
            failed = run(*pip, *words).returncode != 0
        except subprocess.TimeoutExpired:
            failed = True
        if failed:
            pytest.skip("NOT TESTED: the cloudmesh shell (needs the package index; it is online)")
    # What we need ourselves comes from the environment that runs the tests.
    purelib = run(str(python), "-c", "import sysconfig as s; print(s.get_path('purelib'))")
    here = run(sys.executable, "-c", "import sysconfig as s; print(s.get_path('purelib'))")
    Path(purelib.stdout.strip(), "zz-ours.pth").write_text(here.stdout)
    return python


@pytest.fixture(params=["shell last", "flow last"])
def cms(request: pytest.FixtureRequest, python: Path, tmp_path: Path) -> str:
    """The command ``cms`` as it is when that one was installed last."""
    root = Path(__file__).parents[2]
    flow = ("install", "-q", "--no-deps", "--no-build-isolation", "--force-reinstall", str(root))
    wheel = next((python.parents[2] / "wheels").glob("cloudmesh*.whl"))
    shell = ("install", "-q", "--no-deps", "--no-index", "--force-reinstall", str(wheel))
    order = (flow, shell) if request.param == "shell last" else (shell, flow)
    source = tmp_path / "source"
    for words in order:
        if words is flow:  # a copy: building leaves files beside the sources
            run("git", "clone", "-q", str(root), str(source))
            words = (*flow[:-1], str(source))
        done = run(str(python), "-m", "pip", *words)
        assert done.returncode == 0, done.stderr
    text = (python.parent / "cms").read_text()
    assert ("cloudmesh.shell.shell" in text) == (request.param == "shell last")
    return str(python.parent / "cms")


@pytest.mark.real
@pytest.mark.timeout(900)  # the index may be slow
def test_whichever_was_installed_last(cms: str, tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path)}
    (tmp_path / "test-flow.py").write_text(
        "from cloudmesh.flow.WorkFlow import BaseWorkFlow\n"
        "class MyFlow(BaseWorkFlow):\n"
        "    def a(self): print('in a!')\n"
        "    def b(self): print('in b!')\n"
        "    def c(self): raise SystemExit(7)\n"
    )

    def here(*words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        return run(cms, *words, cwd=tmp_path, env=environment, input=text)

    done = here("flow", "run", "test-flow.py", "(a; b)")
    assert done.returncode == 0, done.stderr
    assert "a | in a!" in done.stdout
    assert here("flow", "run", "test-flow.py", "a; c").returncode == 1
    assert here("flow", "check", "a; b ||").returncode == 2
    assert here("flow", "check", 'a  ;   b # "').returncode == 2  # quotes and blanks arrive
    done = here("flow", "run", "--help")
    assert done.returncode == 0
    assert 'cms flow run test-flow.py "(a; b || c)"' in done.stdout
    assert "commands:" in here("flow", "--help").stdout

    done = here("help")
    assert done.returncode == 0
    assert "flow" in done.stdout.split()
    assert "banner" in done.stdout.split()
    assert "hello" in here("banner", "hello").stdout
    assert "flow run" in here("help", "flow").stdout
    done = here(text='flow check "a; b || c"\nflow check "a;"\nbanner still\nquit\n')
    assert "a; (b || c)" in done.stdout
    assert "still" in done.stdout
