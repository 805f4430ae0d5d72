"""Machines of our own on this one: QEMU, with an overlay of the image for each.

A machine has a host key and a client key that were made for it alone; they
reach it on a small second disk.  Its sshd is reached on a forwarded port of
loopback.  It ends when it is destroyed, when the engine is gone (`guard`), and
at its deadline, which it knows itself too.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cloudmesh.flow.errors import InfrastructureError, InputError
from cloudmesh.flow.providers.image import (
    IMAGES,
    RUN_TOOLS,
    TOOLS,
    Image,
    build,
    cache,
    find,
    missing,
    require,
)
from cloudmesh.flow.providers.keys import Keys, new_keys
from cloudmesh.flow.providers.protocol import Found, Note, Reach, Stop, Unwanted, Way, run_of
from cloudmesh.flow.providers.sizes import megabytes
from cloudmesh.flow.times import seconds

__all__ = ["Qemu", "QemuMachine", "machines"]

BOOT_TIMEOUT = 180.0  # seconds from the start to the first answer of sshd, on a busy machine
PROBE_TIMEOUT = 25.0  # seconds for the one trial whether KVM boots
PORT_TRIES = 5
LOOKS = 500  # at a process that has no words; a kernel's own never has
LIFE = 86400.0  # seconds
ACCELERATORS = ("auto", "kvm", "tcg")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a machine shall be.  ``tag`` is ``cmflow/STORE/RUN/NODE/ATTEMPT``; times in seconds."""

    tag: str
    image: str = "debian"
    memory: int = 512  # megabytes
    cpus: int = 1
    life: float = LIFE
    accelerator: str = "auto"


class Qemu:
    """The provider (see `protocol`).  Its machines end with the engine, so that none is found
    but while their guards end them, or where somebody has stopped those.
    """

    outlives = False

    def __init__(self, name: str, spec: Mapping[str, Any]) -> None:
        self.name = name
        self.about: Mapping[str, Any] = {"provider": "qemu", "name": name}
        self.image = str(spec.get("image") or "debian")
        if self.image not in IMAGES:
            raise InputError(f"there is no image {self.image!r}; known are {', '.join(IMAGES)}")
        accelerator = str(spec.get("accelerator") or "auto")
        if accelerator not in ACCELERATORS:
            raise InputError(f"accelerator is auto, kvm or tcg, not {accelerator!r}")
        self._wanted = Wanted(
            "",
            self.image,
            megabytes(spec.get("memory") or 512),
            int(spec.get("cpus") or 1),
            seconds(spec.get("max_life") or LIFE),
            accelerator,
        )
        self._boot = seconds(spec["boot"]) if spec.get("boot") else None

    def create(
        self,
        tag: str,
        note: Note = lambda text: None,
        stop: Stop = lambda: False,
    ) -> QemuMachine:
        """See `Provider`; builds the image where there is none."""
        require(RUN_TOOLS)
        image = build(self.image, note)
        wanted = replace(self._wanted, tag=tag)
        if stop():
            raise Unwanted("the machine is no longer wanted")
        machine = _start(wanted, image, _accelerator(wanted, image, note))
        machine.patience = self._boot
        return machine

    def mark(self, tag: str) -> str:
        """See `Provider`."""
        return tag

    def listed(self, store: str) -> list[Found]:
        """See `Provider`."""
        _tidy()
        return [
            Found(str(folder), tag, run_of(tag))
            for tag, _, folder in machines()
            if tag.startswith(f"cmflow/{store}/")
        ]

    def destroy(self, tag: str) -> int:
        """See `Provider`."""
        return _destroy(tag)

    def problems(self) -> list[tuple[str, str]]:
        """See `Provider`."""
        packages = missing(tuple(TOOLS))
        tools = f"not all is here: apt-get install {packages}" if packages else ""
        found = [("programs", tools)]
        if find(self.image) is None:
            said = "not built yet: cms flow infra build, or the first run, builds it"
            found.append(("image", said))
        return found


@dataclass(slots=True)
class QemuMachine:
    """A machine that answers, and how: SSH as root on ``port`` of loopback with these keys."""

    tag: str
    folder: Path
    port: int
    keys: Keys
    accelerator: str
    guard: subprocess.Popen[bytes] = field(repr=False)
    patience: float | None = None  # seconds

    def way(self) -> Way:
        """See `Machine`."""
        return Way("127.0.0.1", self.port, "root", self.keys.client, self.keys.host_public)

    def wait(self, reach: Reach, stop: Stop) -> None:
        """See `Machine`; sshd's first word is enough, as nobody else can be at that port."""
        _await_answer(self, BOOT_TIMEOUT if self.patience is None else self.patience, stop)

    def alive(self) -> bool:
        """Whether it still runs."""
        return self.guard.poll() is None

    def destroy(self) -> None:
        """End it, and what else carries its tag; returns when it is gone with its disk."""
        if self.guard.stdin is not None:
            with contextlib.suppress(OSError):
                self.guard.stdin.close()
        try:
            self.guard.wait(10.0)
        except subprocess.TimeoutExpired:
            self.guard.kill()  # takes the machine with it
            self.guard.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        _destroy(self.tag)

    def console(self) -> str:
        """The last lines of its console."""
        return _tail(self.folder / "console")


# -- starting ----------------------------------------------------------------------------


def _home() -> Path:
    return cache() / "machines"


def _start(wanted: Wanted, image: Image, accelerator: str) -> QemuMachine:
    """Start QEMU under its guard; another port where somebody was quicker."""
    said = ""
    for _ in range(PORT_TRIES):
        machine = _launch(wanted, image, accelerator, _free_port())
        # QEMU ends at once where the port is taken, and else opens it at once.
        while machine.alive() and not _listens(machine.port):
            time.sleep(0.02)
        if machine.alive():
            return machine
        said = _tail(machine.folder / "qemu")
        shutil.rmtree(machine.folder, ignore_errors=True)
        if "forward" not in said:
            break
    raise InfrastructureError(f"the machine does not start: {said or 'qemu says nothing'}")


def _launch(wanted: Wanted, image: Image, accelerator: str, port: int) -> QemuMachine:
    folder = _new_folder(wanted)
    keys = new_keys()
    (folder / "seed").write_bytes(_seed(keys, wanted.life))
    (folder / "seed").chmod(0o600)
    overlay = [
        "qemu-img", "create", "-q", "-f", "qcow2", "-b", str(image.disk), "-F", "qcow2",
        str(folder / "disk"),
    ]  # fmt: skip
    made = subprocess.run(overlay, capture_output=True, text=True)
    if made.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        raise InfrastructureError(f"no disk for a machine: {made.stderr.strip()}")
    guard = Path(__file__).with_name("guard.py")
    words = [sys.executable, "-I", "-S", str(guard), str(folder), str(wanted.life)]
    command = [*words, *_qemu(wanted, image, accelerator, port, folder)]
    with open(folder / "qemu", "wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
        )
    about = {"tag": wanted.tag, "pid": process.pid, "until": time.time() + wanted.life}
    (folder / "machine.json").write_text(json.dumps(about))
    return QemuMachine(wanted.tag, folder, port, keys, accelerator, process)


def _new_folder(wanted: Wanted) -> Path:
    _home().mkdir(parents=True, exist_ok=True, mode=0o700)
    stem = wanted.tag.replace("/", "_")[-100:]
    for number in range(1000):
        folder = _home() / f"{stem}-{os.getpid()}-{number}"
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            return folder
    raise InfrastructureError(f"{_home()} is full of machines: remove what is old there")


def _qemu(wanted: Wanted, image: Image, accelerator: str, port: int, folder: Path) -> list[str]:
    drive = "if=virtio,file={},format={},cache=unsafe"
    return [
        "qemu-system-x86_64", "-name", wanted.tag, "-nodefaults", "-no-user-config",
        "-accel", accelerator, "-cpu", "host" if accelerator == "kvm" else "max",
        "-M", "q35", "-m", str(wanted.memory), "-smp", str(wanted.cpus),
        "-kernel", str(image.kernel), "-initrd", str(image.initrd),
        # On a busy host the timer comes late, which a kernel takes for a broken one at its start.
        "-append", "console=ttyS0 quiet net.ifnames=0 panic=1 no_timer_check",
        "-drive", drive.format(folder / "disk", "qcow2"),
        "-drive", drive.format(folder / "seed", "raw"),
        "-nic", f"user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:{port}-:22",
        "-device", "virtio-rng-pci", "-display", "none", "-monitor", "none",
        "-serial", f"file:{folder / 'console'}", "-no-reboot",
    ]  # fmt: skip


def _seed(keys: Keys, life: float) -> bytes:
    """The second disk, which takes its keys and its deadline to a machine."""
    files = {
        "host_key": keys.host.encode(),
        "authorized_keys": keys.client_public.encode() + b"\n",
        "hostname": b"flow\n",
        "life": b"%d\n" % max(1, int(life)),
    }
    disk = io.BytesIO()
    with tarfile.open(fileobj=disk, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o600
            archive.addfile(entry, io.BytesIO(data))
    return disk.getvalue()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    """Whether a port of loopback is taken, without a connection that the guest would see."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False


def _await_answer(machine: QemuMachine, patience: float, stop: Stop = lambda: False) -> None:
    """Wait until sshd sends its banner."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if stop():
            raise Unwanted("the machine is no longer wanted")
        if not machine.alive():
            raise InfrastructureError(f"the machine ended while it started{_last(machine)}")
        with contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", machine.port), 5.0) as probe:
                if _banner(probe, deadline, stop):
                    return
        time.sleep(0.1)
    raise InfrastructureError(f"the machine did not answer within {patience:.0f} s{_last(machine)}")


def _banner(probe: socket.socket, deadline: float, stop: Stop) -> bool:
    """Whether the other end says that it is an sshd; QEMU itself takes a connection at once."""
    probe.settimeout(0.2)
    until = min(deadline, time.monotonic() + 10.0)
    while time.monotonic() < until and not stop():
        with contextlib.suppress(TimeoutError):
            return probe.recv(4) == b"SSH-"
    return False


def _last(machine: QemuMachine) -> str:
    said = machine.console() or _tail(machine.folder / "qemu")
    return f"; the last that it said: {said}" if said else ""


def _tail(file: Path) -> str:
    """The last lines of a file, as one."""
    try:
        text = file.read_bytes()[-2000:].decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [" ".join(line.split()) for line in text.split("\n") if line.strip()]
    return " | ".join(lines[-3:])[-500:]


# -- KVM -----------------------------------------------------------------------------------


def _accelerator(wanted: Wanted, image: Image, note: Note) -> str:
    """``kvm`` where a machine has been seen to boot with it, else ``tcg``."""
    if wanted.accelerator != "auto":
        return wanted.accelerator
    if not _may_have_kvm():
        return "tcg"
    verdict = image.disk.with_name(f"kvm-{_boot_id()}")
    if not verdict.exists():
        note("trying whether virtual machines boot with KVM here, once")
        verdict.write_text(_probe(wanted, image))
    return verdict.read_text().strip() or "tcg"


def _may_have_kvm() -> bool:
    """Whether a trial is worth its time: ``/dev/kvm`` alone may be there and boot nothing."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return os.access("/dev/kvm", os.R_OK | os.W_OK) and (" vmx" in flags or " svm" in flags)


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"


def _probe(wanted: Wanted, image: Image) -> str:
    try:
        machine = _start(wanted, image, "kvm")
    except InfrastructureError:
        return "tcg"
    try:
        _await_answer(machine, PROBE_TIMEOUT)
    except InfrastructureError:
        return "tcg"
    finally:
        machine.destroy()
    return "kvm"


# -- what is left --------------------------------------------------------------------------


def machines() -> Iterator[tuple[str, int, Path]]:
    """The machines of this user on this host: tag, the guard's process, folder."""
    for folder in sorted(_home().glob("*/machine.json")):
        try:
            about: dict[str, Any] = json.loads(folder.read_text())
            yield about["tag"], int(about["pid"]), folder.parent
        except (OSError, ValueError, KeyError):  # being made or removed at this moment
            continue


def _tidy() -> None:
    """Remove folders whose engine died before a guard was there to do it."""
    for folder in _home().glob("*-*-*"):
        maker = folder.name.rsplit("-", 2)[1]
        if not (folder / "machine.json").exists() and not Path(f"/proc/{maker}").exists():
            shutil.rmtree(folder, ignore_errors=True)  # a guard that has begun ends by itself


def _destroy(tag: str) -> int:
    """End all machines of a tag, also those of an engine that is gone; how many there were."""
    count = 0
    for known, guard, folder in machines():
        if known != tag:
            continue
        count += 1
        if _is_guard(guard, folder):
            with contextlib.suppress(OSError):
                os.kill(guard, 15)
            while _is_guard(guard, folder):
                time.sleep(0.02)
        shutil.rmtree(folder, ignore_errors=True)
    return count


def _is_guard(pid: int, folder: Path) -> bool:
    """Whether a process is the guard of a folder; its number may be another's by now."""
    for _ in range(LOOKS):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
        except OSError:
            return False
        if words or state in (b"Z", b"X"):
            return os.fsencode(folder) in words.split(b"\0")
        time.sleep(0.01)  # it has no words for a moment: before its first step, after its last
    return False
