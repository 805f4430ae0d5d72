"""What is built: a wheel with the package alone, a source distribution with all of the repository.

Both are installed into environments that were empty before.  Beside the
cloudmesh shell: tests/command/test_plugin.py.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(*words: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tracked() -> list[str]:
    """The files of the repository, as they are now: those under version control that are there."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("NOT TESTED: the source distribution (needs a git clone)")
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def build(what: str, source: Path, out: Path) -> Path:
    """Build ``wheel`` or ``sdist`` from a folder, with nothing fetched; the file."""
    out.mkdir(exist_ok=True)
    code = f"import setuptools.build_meta as b; b.build_{what}({str(out)!r})"
    run(sys.executable, "-c", code, cwd=source)
    return next(iter(out.iterdir()))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository, so that building leaves nothing in it."""
    folder = tmp_path_factory.mktemp("source")
    for name in tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def sdist(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", source, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, as an installer makes it: from the source distribution."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return build("wheel", next(folder.iterdir()), tmp_path_factory.mktemp("wheel"))


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_source_distribution_is_the_repository(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        held = {m.name.partition("/")[2] for m in archive.getmembers() if m.isfile()}
    made = {"PKG-INFO", "setup.cfg"}
    assert {name for name in held if "egg-info" not in name} == set(tracked()) | made


def test_the_wheel_is_the_package_with_the_files_of_the_page_and_nothing_else(wheel: Path) -> None:
    package = {n.removeprefix("src/") for n in tracked() if n.startswith("src/cloudmesh/")}
    about = {name for name in names(wheel) if ".dist-info/" in name}
    assert names(wheel) - about == package
    assert "cloudmesh/__init__.py" not in package
    assert {"cloudmesh/flow/py.typed", "cloudmesh/flow/view/static/index.html"} <= package
    assert {Path(name).name for name in about} >= {"LICENSE", "entry_points.txt", "METADATA"}
    assert not [name for name in package if name.endswith((".map", ".ts", ".md"))]


def empty(folder: Path) -> Path:
    """The Python of a new environment, without even pip."""
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    return folder / "bin/python"


def pip(python: Path) -> tuple[str | Path, ...]:
    """The tests' own pip, for another environment."""
    return (sys.executable, "-m", "pip", "--python", python)


def use(python: Path, folder: Path) -> None:
    """What a user does first."""
    shutil.copy(ROOT / "examples/seed/test-flow.py", folder)
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    cms = python.with_name("cms")
    printed = run(cms, "flow", "run", "test-flow.py", "(a; b || c)", cwd=folder, env=env)
    assert "a | in a!" in printed
    code = "import cloudmesh.flow as f; print(f.__file__); from cloudmesh.flow.WorkFlow import *"
    assert str(python.parent.parent) in run(python, "-c", code, cwd=folder, env=env)
    run(cms, "flow", "openapi", cwd=folder, env=env)  # loads the web side


@pytest.mark.parametrize("what", ["wheel", "sdist"])
def test_it_installs_into_an_empty_environment(
    what: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Without the network: what we need ourselves is that of the environment of the tests."""
    python = empty(tmp_path / "venv")
    purelib = "import sysconfig; print(sysconfig.get_path('purelib'))"
    theirs = run(sys.executable, "-c", purelib, cwd=tmp_path)
    site = Path(run(python, "-c", purelib, cwd=tmp_path).strip())
    (site / "zz-needs.pth").write_text(theirs)
    words = ("install", "-q", "--no-deps", "--no-build-isolation")
    run(*pip(python), *words, request.getfixturevalue(what), cwd=tmp_path)
    assert (site / "cloudmesh/flow/view/static/index.html").is_file()
    use(python, tmp_path)


@pytest.mark.slow
@pytest.mark.real
def test_it_brings_all_that_it_needs(wheel: Path, tmp_path: Path) -> None:
    """With the network: nothing is there but what the wheel says that it needs."""
    python = empty(tmp_path / "venv")
    done = subprocess.run([*pip(python), "install", "-q", wheel], capture_output=True)
    if done.returncode:
        pytest.skip("NOT TESTED: what the wheel needs (needs the package index; it is online)")
    use(python, tmp_path)
    run(*pip(python), "check", cwd=tmp_path)
