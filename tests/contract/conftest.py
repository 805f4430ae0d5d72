"""The servers of tests/real, for the contract of stores."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "real"))

from servers import ferretdb_url, mongodb_url

__all__ = ["ferretdb_url", "mongodb_url"]
