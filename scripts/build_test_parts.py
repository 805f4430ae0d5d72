"""Builds what the tests keep in the user's cache, so that no test waits for it: `make test-deps`."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

TESTS = Path(__file__).parent.parent / "tests"


def main() -> None:
    """The FerretDB server."""
    sys.path[:0] = [str(TESTS), str(TESTS / "real")]
    cache: Path = import_module("conftest").CACHE
    cache.mkdir(parents=True, exist_ok=True)
    import_module("servers").ferretdb_program(cache)


if __name__ == "__main__":
    main()
