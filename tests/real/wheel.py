"""A package of the tests' own, which pip can install without any index."""

from __future__ import annotations

import zipfile
from pathlib import Path

__all__ = ["tiny_wheel"]


def tiny_wheel(folder: Path) -> str:
    """Write the wheel of `cmflow_tiny`, whose ``ANSWER`` is 42; gives what pip is told."""
    about = "cmflow_tiny-1.0.dist-info"
    files = {
        "cmflow_tiny.py": "ANSWER = 42\n",
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: cmflow-tiny\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{about}/RECORD"])
    path = folder / "cmflow_tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in {**files, f"{about}/RECORD": record}.items():
            wheel.writestr(name, text)
    return f"cmflow-tiny @ file://{path}"
