"""An environment for each peer, with what it needs and nothing else, in `.bench/peers`.

The packages are pinned, with hashes, by ``requirements/bench-NAME.txt``; pip
is that of the environment that runs this, so that the sizes are the peer's own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.registry import PEERS
from benchmarks.running import environment, timed

ROOT = Path(__file__).parent.parent
PLACE = ROOT / ".bench" / "peers"
VERSION = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"
SITE = "import sysconfig; print(sysconfig.get_path('purelib'))"


def python_of(name: str) -> Path:
    """The interpreter of an environment."""
    return PLACE / name / "bin" / "python"


def requirements(name: str) -> Path | None:
    """The pinned packages of an environment; the bare one has none."""
    if name == "bare":
        return None
    file = "run.txt" if name == "ours" else f"bench-{name}.txt"
    return ROOT / "requirements" / file


def make(name: str) -> str | None:
    """Make an environment, or leave it where it is up to date; what failed, or None."""
    stamp, pinned = PLACE / name / ".made", requirements(name)
    text = pinned.read_text(encoding="utf-8") if pinned else ""
    if stamp.exists() and stamp.read_text(encoding="utf-8") == text:
        return None
    print(f"bench-peers: making .bench/peers/{name}", file=sys.stderr)
    home = PLACE / name
    steps = [[sys.executable, "-m", "venv", "--clear", "--without-pip", str(home)]]
    pip = [sys.executable, "-m", "pip", "--python", str(python_of(name))]
    pip += ["install", "--quiet", "--disable-pip-version-check", "--no-input"]
    if pinned:
        steps.append([*pip, "--require-hashes", "-r", str(pinned)])
    if name == "ours":
        steps.append([*pip, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)])
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True)
        if done.returncode:
            said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            return f"not installed: {said[-1][:200]}"
    stamp.write_text(text, encoding="utf-8")
    return None


def about(name: str) -> dict[str, Any]:
    """What an environment holds: ``{"mb", "packages"}``."""
    asked = [str(python_of(name)), "-c", SITE]
    site = Path(subprocess.run(asked, capture_output=True, text=True).stdout.strip())
    size = size_of(site)
    if name == "ours":  # installed from where it stands
        size += size_of(ROOT / "src" / "cloudmesh")
    return {"mb": size / 1e6, "packages": len(list(site.glob("*.dist-info")))}


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())


def version_of(key: str) -> str:
    """The installed version of a peer."""
    peer = PEERS[key]
    if not peer.package:
        return "Python's own"
    asked = [str(python_of(peer.environment)), "-c", VERSION, peer.package]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def import_seconds(keys: list[str], rounds: int) -> dict[str, float]:
    """Medians of what an import takes beyond an empty program, interleaved."""
    found: dict[str, list[float]] = {key: [] for key in keys}
    for number in range(rounds + 1):
        for key in keys:
            python = str(python_of(PEERS[key].environment))
            empty = timed([python, "-c", "pass"], env=environment(PLACE))
            full = timed([python, "-c", f"import {PEERS[key].imports}"], env=environment(PLACE))
            if number:  # the first compiles
                found[key].append(full - empty)
    return {key: max(0.0, median(times)) for key, times in found.items()}


def main() -> None:
    """Make the environments that the command line names, or all."""
    wanted = sys.argv[1:] or [*dict.fromkeys(peer.environment for peer in PEERS.values())]
    failed = {name: why for name in wanted if (why := make(name))}
    print(json.dumps({"made": [n for n in wanted if n not in failed], "failed": failed}))


if __name__ == "__main__":
    main()
