"""The disk image of our virtual machines: built once from Debian's packages, kept in the cache.

`mmdebstrap` installs the packages; a few files of ours are put over them (an
init that mounts, sets the network up, and starts sshd); `mke2fs` and `qemu-img`
make the disk.  With it goes a tiny initrd with the modules that the disk needs.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from cloudmesh.flow.errors import InfrastructureError

__all__ = ["IMAGES", "Image", "build", "cache", "find", "missing"]

#: The images by name: the Debian release that each is made of.
IMAGES = {"debian": "bookworm"}

PACKAGES = "openssh-server,python3,python3-venv,iproute2,busybox-static,linux-image-cloud-amd64"
DISK = "6G"  # what the disk can grow to; the file is as large as what is on it
BUILD_TIMEOUT = 900.0  # seconds

#: Programs, and the Debian packages that hold them.
TOOLS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
}
RUN_TOOLS = ("qemu-system-x86_64", "qemu-img")

_SETUP = """\
#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs -o mode=755 run /run
mount -t tmpfs tmp /tmp
mkdir -p /run/sshd /run/flow
tar -xf /dev/vdb -C /run/flow
chmod -R go= /run/flow
hostname "$(cat /run/flow/hostname)"
ip link set lo up
ip link set eth0 up
ip address add 10.0.2.15/24 dev eth0
ip route add default via 10.0.2.2
echo nameserver 10.0.2.3 > /etc/resolv.conf
(sleep "$(cat /run/flow/life)"; /bin/busybox poweroff -f) &
echo flow-setup-done > /dev/console
"""

_INITTAB = """\
::sysinit:/sbin/flow-setup
::respawn:/usr/sbin/sshd -D -e -f /etc/ssh/flow_config
"""

_SSHD = """\
HostKey /run/flow/host_key
AuthorizedKeysFile /run/flow/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM no
StrictModes no
UseDNS no
MaxSessions 100
MaxStartups 100
PidFile none
AcceptEnv *
"""

_INIT = """\
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
for module in {modules}; do /bin/busybox insmod /modules/$module; done
/bin/busybox mount -t ext4 -o noatime /dev/vda /disk || exec /bin/busybox sh
/bin/busybox mount --move /dev /disk/dev
exec /bin/busybox switch_root /disk /bin/busybox init
"""

_WANTED = ("virtio_pci", "virtio_blk", "virtio_net", "virtio-rng")


class Image(NamedTuple):
    """The files that a machine starts from."""

    disk: Path
    kernel: Path
    initrd: Path


def cache() -> Path:
    """Our folder in the user's cache."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(home) / "cloudmesh-flow"


def missing(tools: tuple[str, ...] = tuple(TOOLS)) -> str:
    """The Debian packages of the tools that are not here, "" where all are."""
    return " ".join(TOOLS[tool] for tool in tools if _which(tool) is None)


def _which(tool: str) -> str | None:
    return shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/sbin")


def require(tools: tuple[str, ...]) -> None:
    """Raises `InfrastructureError` that names the packages that are needed."""
    packages = missing(tools)
    if packages:
        raise InfrastructureError(
            f"a virtual machine needs programs that are not here: apt-get install {packages}"
        )


def _folder(name: str) -> Path:
    """Where an image is kept; another recipe is another folder."""
    recipe = json.dumps([IMAGES[name], PACKAGES, DISK, _SETUP, _INITTAB, _SSHD, _INIT, _WANTED])
    return cache() / "images" / f"{name}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


def find(name: str) -> Image | None:
    """The image of that name, if it has been built."""
    folder = _folder(name)
    if not (folder / "complete").exists():
        return None
    return Image(folder / "disk.qcow2", folder / "kernel", folder / "initrd")


def build(name: str, note: Callable[[str], None] = lambda text: None) -> Image:
    """The image of that name, built if it is not there yet; one process builds at a time.

    Raises `InfrastructureError`.
    """
    found = find(name)
    if found is not None:
        return found
    require(tuple(TOOLS))
    folder = _folder(name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if find(name) is None:
            note(f"building the image {name} from Debian's packages, once: about a minute")
            begun = time.monotonic()
            _build(name, folder)
            note(f"the image {name} is built: {time.monotonic() - begun:.0f} s")
    built = find(name)
    assert built is not None
    return built


def _build(name: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory(
        prefix="build-", dir=folder.parent, ignore_cleanup_errors=True
    ) as text:
        work = Path(text)
        root = work / "root"
        _run(
            "mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}",
            IMAGES[name], str(work / "root.tar"),
        )  # fmt: skip
        root.mkdir()
        _write_extra(work / "extra")
        # Without root's rights the owners of the files are kept by fakeroot, if it is there.
        wrapper = ["fakeroot"] if os.geteuid() != 0 and shutil.which("fakeroot") else []
        script = (
            "set -e; tar -xpf root.tar -C root; rm root.tar;"
            "rm -rf root/var/cache/apt/* root/usr/share/doc root/boot/initrd*;"
            f"cp -a extra/. root/; mke2fs -q -t ext4 -d root disk.raw {DISK}"
        )
        _run(*wrapper, "sh", "-c", script, folder=work)
        ready = work / "ready"
        ready.mkdir()
        _run(
            "qemu-img", "convert", "-f", "raw", "-O", "qcow2",
            str(work / "disk.raw"), str(ready / "disk.qcow2"),
        )  # fmt: skip
        shutil.copy(next(iter((root / "boot").glob("vmlinuz-*"))), ready / "kernel")
        (ready / "initrd").write_bytes(_initrd(root))
        (ready / "complete").write_text(time.strftime("%Y-%m-%d %H:%M:%S\n"))
        ready.rename(folder)


def _run(*command: str, folder: Path | None = None) -> None:
    environment = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=BUILD_TIMEOUT,
            cwd=folder,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        raise InfrastructureError(
            f"building the image: {command[0]} took longer than {BUILD_TIMEOUT:.0f} s"
        ) from None
    if done.returncode:
        said = done.stdout.decode("utf-8", "replace").strip().split("\n")
        last = next((line for line in reversed(said) if line.startswith("E:")), said[-1])
        raise InfrastructureError(
            f"building the image: {command[0]} ended with {done.returncode}: {last[:300]}"
        )


def _write_extra(extra: Path) -> None:
    """Our own files, which go over those of the packages."""
    for name, text, mode in (
        ("usr/sbin/flow-setup", _SETUP, 0o755),
        ("etc/inittab", _INITTAB, 0o644),
        ("etc/ssh/flow_config", _SSHD, 0o600),
    ):
        file = extra / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)


def _initrd(root: Path) -> bytes:
    """A cpio archive: busybox, the modules that the disk and the network need, an init."""
    modules = list(_modules(root))
    names = " ".join(path.name for path in modules)
    files: list[tuple[str, int, bytes]] = [
        (folder, 0o40755, b"") for folder in ("bin", "dev", "disk", "modules")
    ]
    files.append(("bin/busybox", 0o100755, (root / "bin/busybox").read_bytes()))
    files.append(("init", 0o100755, _INIT.format(modules=names).encode()))
    files += [(f"modules/{path.name}", 0o100644, path.read_bytes()) for path in modules]
    files.append(("TRAILER!!!", 0, b""))
    return b"".join(_entry(number, *file) for number, file in enumerate(files, 1))


def _modules(root: Path) -> Iterator[Path]:
    """The wanted modules with all that they need, each after what it needs."""
    folder = next((root / "usr/lib/modules").iterdir())
    needs = {}
    for line in (folder / "modules.dep").read_text().splitlines():
        name, _, rest = line.partition(":")
        needs[Path(name).name.partition(".")[0]] = [*reversed(rest.split()), name]
    seen = set()
    for wanted in _WANTED:
        for name in needs.get(wanted, ()):  # what is built into the kernel is not listed
            if name not in seen:
                seen.add(name)
                yield folder / name


def _entry(number: int, name: str, mode: int, data: bytes) -> bytes:
    """A file in a cpio archive of the format ``newc``."""
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return _padded(head) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
