"""The examples that make pictures: each runs, by the real command, and its pictures are some."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from cloudmesh.flow import open_store
from cloudmesh.flow.server.values import download

EXAMPLES = Path(__file__).parents[2] / "examples"
CMS = Path(sys.executable).with_name("cms")


@pytest.fixture
def image() -> Any:
    """Pillow's ``Image``."""
    try:
        from PIL import Image
    except ImportError:
        pytest.skip("NOT TESTED: pictures of examples (needs pillow; make test-deps installs it)")
    return Image


def run(example: str, folder: Path, *words: str) -> dict[str, dict[str, Any]]:
    """Run an example in a folder; its nodes' documents by name."""
    done = subprocess.run(
        [CMS, "flow", "run", EXAMPLES / example, *words, "--output", "json"],
        cwd=folder,
        env=dict(os.environ),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    nodes = json.loads(done.stdout)["nodes"]
    assert {node["status"] for node in nodes} == {"finished"}
    return {node["name"]: node for node in nodes}


def picture(image: Any, node: dict[str, Any]) -> Any:
    """What the page shows for a node's value."""
    store = open_store()
    data, media_type, _ = download(store, node["run"], node)
    store.close()
    assert media_type == "image/png"
    return image.open(BytesIO(data))


@pytest.mark.slow  # scikit-learn is large: `make test-all` installs it, `make test` does not
def test_five_models_read_digits(image: Any, tmp_path: Path) -> None:
    pytest.importorskip(
        "sklearn",
        reason="NOT TESTED: the example of digits (needs scikit-learn; make bench installs it)",
    )
    nodes = run("digits/digits-flow.py", tmp_path)
    trained = [nodes[f"train[{i}]"] for i in range(5)]
    assert all(node["where"] == "process" for node in trained)
    accuracies = [node["result"]["value"]["accuracy"] for node in trained]
    assert max(accuracies) > 0.97
    assert nodes["best"]["result"]["value"]["accuracy"] == max(accuracies)
    matrix = picture(image, nodes["confusion"])
    assert matrix.size == (440, 440)
    assert len(matrix.getcolors(100_000)) > 10
    assert picture(image, nodes["mistakes"]).width == 512


def test_files_become_thumbnails(image: Any, tmp_path: Path) -> None:
    for number, color in enumerate(("red", "green", "blue")):
        (tmp_path / "in" / str(number)).mkdir(parents=True)
        image.new("RGB", (400, 200 + 100 * number), color).save(tmp_path / f"in/{number}/p.png")
    (tmp_path / "in/broken.jpg").write_bytes(b"no picture")
    (tmp_path / "in/notes.txt").write_text("none either")
    nodes = run("thumbnails/thumbnails-flow.py", tmp_path, "--param", "folder=in")
    labels = {nodes[f"thumbnail[{i}]"]["label"] for i in range(4)}
    assert labels == {"p.png", "broken.jpg: no picture"}
    first = picture(image, nodes["thumbnail[0]"])
    assert first.size == (160, 80)
    assert first.getpixel((80, 40))[:3] == (255, 0, 0)
    sheet = picture(image, nodes["sheet"])
    assert sheet.size == image.open(tmp_path / "thumbnails.png").size == (6 * 168, 168)


def test_no_picture_at_all_is_an_empty_sheet(image: Any, tmp_path: Path) -> None:
    nodes = run("thumbnails/thumbnails-flow.py", tmp_path)
    assert nodes["thumbnail"]["result"] == []
    assert picture(image, nodes["sheet"]).getcolors() == [(6 * 168 * 168, (255, 255, 255))]
