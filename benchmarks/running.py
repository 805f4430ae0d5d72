"""Running a command for a while: its time, what it prints, the memory of it and its children."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6
EVERY = 0.05  # seconds between two looks at the memory


@dataclass(frozen=True)
class Ended:
    """How a command ended; ``code`` is None where its time was over.

    ``peak_mb``: the most that it and all its descendants held at one moment,
    pages that several share counted for each.
    """

    code: int | None
    seconds: float
    out: str
    err: str
    peak_mb: float


def run(
    command: Sequence[str],
    limit: float,
    env: Mapping[str, str] | None = None,
    folder: Path = ROOT,
) -> Ended:
    """Run a command for at most ``limit`` seconds; whatever it has started ends with it."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        child = subprocess.Popen(
            command, cwd=folder, env=env, stdout=out, stderr=err, start_new_session=True
        )
        watch = Watch(child.pid, limit)
        try:
            code = child.wait()  # without a time limit, which would look now and then
            seconds = time.perf_counter() - start
        finally:
            watch.stop()
            kill_group(child.pid)
            child.wait()
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode(errors="replace"))
    said, complained = texts
    return Ended(None if watch.over else code, seconds, said, complained, watch.peak_mb)


class Watch(threading.Thread):
    """Looks at the memory of a command, and kills it when its time is over."""

    def __init__(self, pid: int, limit: float) -> None:
        super().__init__(daemon=True)
        self.pid, self.until = pid, time.monotonic() + limit
        self.peak_mb = 0.0
        self.over = False
        self.stopped = threading.Event()
        self.start()

    def run(self) -> None:
        """Until it is stopped, or the time is over."""
        while not self.stopped.wait(EVERY):
            self.peak_mb = max(self.peak_mb, held_mb(self.pid))
            if time.monotonic() > self.until:
                self.over = True
                kill_group(self.pid)
                return

    def stop(self) -> None:
        """Stop, and wait until it has."""
        self.stopped.set()
        self.join()


def kill_group(pid: int) -> None:
    """Kill what is left of a session that this process has started."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def held_mb(pid: int) -> float:
    """The resident memory of a process and its descendants; 0 where there is no /proc."""
    total = 0.0
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        try:
            total += int(Path(f"/proc/{one}/statm").read_text().split()[1]) * PAGE_MB
            for thread in os.listdir(f"/proc/{one}/task"):
                text = Path(f"/proc/{one}/task/{thread}/children").read_text()
                waiting += [int(word) for word in text.split()]
        except (OSError, IndexError):
            continue
    return total


def timed(
    command: Sequence[str], folder: str | Path = ROOT, env: Mapping[str, str] | None = None
) -> float:
    """Seconds that a command takes from start to exit.  Raises where it fails."""
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, env=env, capture_output=True, check=True)
    return time.perf_counter() - start


def scratch() -> tempfile.TemporaryDirectory[str]:
    """An empty folder in the clone: the temporary folder of a machine may be memory."""
    base = ROOT / ".bench"
    base.mkdir(exist_ok=True)
    return tempfile.TemporaryDirectory(dir=base, ignore_cleanup_errors=True)


def environment(home: str | Path) -> dict[str, str]:
    """The user's environment with a home of its own, no store named, and Python as it comes."""
    left = ("CLOUDMESH_FLOW_", "PYTHON")
    return {k: v for k, v in os.environ.items() if not k.startswith(left)} | {"HOME": str(home)}


def machine() -> dict[str, Any]:
    """What the figures come from."""
    model = platform.processor() or platform.machine()
    if shutil.which("lscpu"):
        text = subprocess.run(["lscpu"], capture_output=True, text=True).stdout
        named = [line for line in text.splitlines() if line.startswith("Model name")]
        model = named[0].partition(":")[2].strip() if named else model
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }
