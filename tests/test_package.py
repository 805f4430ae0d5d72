"""The wheel: what `pip install` brings is all of it, and nothing of other packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy, with nothing fetched."""
    source = tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", str(source / "out"), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return next((source / "out").glob("cloudmesh_flow-*.whl"))


def test_it_holds_every_file_of_the_package_and_the_license(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.startswith("cloudmesh/")}
        licenses = [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]
    files = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src/cloudmesh").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == files
    assert "cloudmesh/__init__.py" not in held
    assert licenses


def test_it_runs_from_where_it_is_installed(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    shutil.copy(ROOT / "examples/seed/test-flow.py", tmp_path)
    code = (
        "import sys; sys.path.insert(0, 'installed')\n"
        "import cloudmesh.flow; assert 'installed' in cloudmesh.flow.__file__\n"
        "from cloudmesh.flow.cli.main import main\n"
        "sys.exit(main(['flow', 'run', 'test-flow.py', '(a; b || c)']))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env=dict(os.environ),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "in a!" in done.stdout
