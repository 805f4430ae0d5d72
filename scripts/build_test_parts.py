"""Builds what the tests keep in the user's cache, so that none waits for it: `make test-deps`."""

from __future__ import annotations

import os
import shutil
import sys
from importlib import import_module
from pathlib import Path

TESTS = Path(__file__).parent.parent / "tests"


def main() -> None:
    """The FerretDB server and the disk of the virtual machines, where the tools are here."""
    sys.path[:0] = [str(TESTS), str(TESTS / "real")]
    cache: Path = import_module("conftest").CACHE
    cache.mkdir(parents=True, exist_ok=True)
    if shutil.which("go"):
        import_module("servers").ferretdb_program(cache)
    image = import_module("cloudmesh.flow.providers.image")
    if not image.missing():
        os.environ["XDG_CACHE_HOME"] = str(cache)
        image.build("debian", print)


if __name__ == "__main__":
    main()
