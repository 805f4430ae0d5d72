"""Where the helpers of these tests lie."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(TESTS / "executors"), str(TESTS / "real")]
