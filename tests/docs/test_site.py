"""`make site`: every page becomes HTML, in its strict mode, and asks nobody else for anything."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages as HTML."""
    if not all(find_spec(name) for name in ("sphinx", "myst_parser", "furo")):
        pytest.skip("NOT TESTED: the site (needs sphinx; make test-deps installs it)")
    folder = tmp_path_factory.mktemp("site")
    strict = ("-q", "-W", "--keep-going", "-d", str(folder / "trees"))
    command = [sys.executable, "-m", "sphinx", *strict, str(DOCS), str(folder / "out")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "out"


def test_each_page_is_there_and_in_the_contents(site: Path) -> None:
    contents = (site / "index.html").read_text(encoding="utf-8")
    for page in DOCS.rglob("*.md"):
        html = page.relative_to(DOCS).with_suffix(".html").as_posix()
        assert (site / html).exists()
        assert html == "README.html" or f'href="{html}"' in contents


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    loaded = re.compile(r"""(?:src=|<link[^>]*href=|url\(|@import )["']?(https?:)?//""")
    files = [f for f in site.rglob("*") if f.suffix in (".html", ".css")]
    assert [f.name for f in files if loaded.search(f.read_text(encoding="utf-8"))] == []


def test_a_diagram_of_states_is_a_table(site: Path) -> None:
    text = (site / "design.html").read_text(encoding="utf-8")
    assert "stateDiagram" not in text
    assert re.search(r"<td><p>pending</p></td>\s*<td><p>running</p></td>", text)
