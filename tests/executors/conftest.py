"""``kit``: attempts that remember what was told of them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import executor_kit


@pytest.fixture
def kit() -> ModuleType:
    return executor_kit
