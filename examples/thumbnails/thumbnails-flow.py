"""A thumbnail of every picture in a folder, and a sheet of them all.

    pip install pillow
    cms flow run examples/thumbnails/thumbnails-flow.py --param folder=docs/images --view

``thumbnail*`` runs once for each file that ``pictures`` lists, in worker
processes: as many at once as ``--parallel`` says.  A file that is no picture
stands grey on the page and stops nobody.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from cloudmesh.flow import task, workflow

ENDINGS = {".gif", ".jpeg", ".jpg", ".png", ".webp"}
COLUMNS = 6


def pictures(folder: str = ".") -> list[str]:
    """The pictures in a folder, and in those below it."""
    found = (path for path in Path(folder).rglob("*") if path.suffix.lower() in ENDINGS)
    return sorted(str(path) for path in found)


@task(on="process", timeout="1m", retries=1)
def thumbnail(pictures: str, size: int = 160) -> dict[str, Any]:
    """One picture, made small: PNG as bytes, which the page shows."""
    file = Path(pictures)
    try:
        with Image.open(file) as picture:
            small = picture.convert("RGBA")
    except UnidentifiedImageError:
        return {"color": "gray", "label": f"{file.name}: no picture", "value": None}
    small.thumbnail((size, size))
    out = BytesIO()
    small.save(out, "PNG")
    return {"color": "green", "label": file.name, "value": out.getvalue()}


def sheet(thumbnail: list[bytes | None], size: int = 160, out: str = "thumbnails.png") -> bytes:
    """All of them on one sheet, which is also written to a file."""
    small = [Image.open(BytesIO(data)) for data in thumbnail if data is not None]
    rows = max(1, -(-len(small) // COLUMNS))
    whole = Image.new("RGB", (COLUMNS * (size + 8), rows * (size + 8)), "white")
    for place, picture in enumerate(small):
        left = place % COLUMNS * (size + 8) + (size + 8 - picture.width) // 2
        top = place // COLUMNS * (size + 8) + (size + 8 - picture.height) // 2
        whole.paste(picture, (left, top), picture)
    whole.save(out)
    print(f"{len(small)} of {len(thumbnail)} files are in {out}")
    return Path(out).read_bytes()


w = workflow("pictures; thumbnail*; sheet")

if __name__ == "__main__":
    w.run().raise_for_error()
