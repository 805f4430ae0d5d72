"""A machine whose power can be cut, and a disk whose cache can be lost.

The machine boots the image of `providers.image` into one program, without a
network, in some three seconds.  Its second disk is a plain file; or QEMU keeps
a log of every write to it and of every flush (its driver ``blklogwrites``), and
`Disk.after` makes the disk as a power cut at any point of the log could have
left it: what was written before the last flush is there, of what came later
each sector is there or not.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import power_guest as guest

import cloudmesh.flow
from cloudmesh.flow.providers import image

SECTOR = 512
FLUSH = 1

_INIT = """\
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
for module in {modules}; do /bin/busybox insmod /modules/$module; done
/bin/busybox mount -t ext4 -o ro,noload /dev/vda /disk
/bin/busybox mount -t proc proc /disk/proc
/bin/busybox mount --move /dev /disk/dev
/bin/busybox mount -t tmpfs tmp /disk/tmp
/bin/busybox mount -t ext4 /disk/dev/vdb /disk/mnt
/bin/busybox chroot /disk /usr/bin/python3 -B /mnt/code/power_guest.py
/bin/busybox umount /disk/mnt
/bin/busybox poweroff -f
"""


class Machine:
    """Where machines of this kind are made: a folder, with a disk that has our code on it."""

    def __init__(self, built: image.Image, folder: Path) -> None:
        self.image = built
        self.folder = folder
        self.console = folder / "console"
        self.disk = folder / "disk"
        self.log = folder / "log"
        tree = folder / "tree"
        source = Path(cloudmesh.flow.__file__).parent
        leave = shutil.ignore_patterns("__pycache__", "static")
        shutil.copytree(source, tree / "code/cloudmesh/flow", ignore=leave)
        shutil.copy(guest.__file__, tree / "code/power_guest.py")
        (tree / "store").mkdir()
        self.fresh = folder / "fresh"
        size = f"{guest.FILES >> 20}M"
        _run("mke2fs", "-q", "-t", "ext4", "-J", "size=4", "-d", str(tree), str(self.fresh), size)
        os.truncate(self.fresh, guest.FILES + guest.ROOM)
        (folder / "initrd").write_bytes(_initrd(built))

    def new_disk(self) -> None:
        """The disk is as it was at the very first."""
        shutil.copy(self.fresh, self.disk)

    def start(self, durability: str, logged: bool = False) -> subprocess.Popen[bytes]:
        """Switch it on; with ``logged`` each write to the disk is kept in the log."""
        self.log.write_bytes(b"")
        file = f"driver=file,filename={self.disk},node-name="
        second = [f"{file}second"]
        if logged:
            log = f"driver=file,filename={self.log},node-name=log"
            second = [f"{file}file", log, "driver=blklogwrites,node-name=second,file=file,log=log"]
        command = [
            "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-accel", "tcg",
            "-cpu", "max", "-M", "q35", "-m", "256", "-nic", "none", "-display", "none",
            "-monitor", "none", "-no-reboot", "-serial", f"file:{self.console}",
            "-kernel", str(self.image.kernel), "-initrd", str(self.folder / "initrd"),
            "-append", f"console=ttyS0 quiet panic=1 no_timer_check durability={durability}",
            "-drive", f"if=none,id=root,file={self.image.disk},format=qcow2,snapshot=on",
            "-device", "virtio-blk-pci,drive=root",
            *(word for node in second for word in ("-blockdev", node)),
            "-device", "virtio-blk-pci,drive=second",
        ]  # fmt: skip
        return subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def has_said(self, lines: int) -> bool:
        """Whether the witness has said so many lines."""
        with open(self.disk, "rb") as file:
            file.seek(guest.FILES + (lines - 1) * guest.PAGE)
            return file.read(1) != b"\0"

    def witness(self) -> list[tuple[str, str]]:
        """What the witness has said: pairs of ``ran``, ``recorded`` or ``ended``, and of whom."""
        with open(self.disk, "rb") as file:
            file.seek(guest.FILES)
            return list(_lines(file.read()))


class Disk:
    """The disk at any point of its log."""

    def __init__(self, machine: Machine) -> None:
        self._data = bytearray(machine.fresh.read_bytes())
        self._log = list(_entries(machine.log.read_bytes()))
        self._flushed = 0  # so much of the log is in the data
        self.length = len(self._log)

    def said(self, until: int) -> list[tuple[str, str]]:
        """What the witness had said by then."""
        words = (data for at, data, _ in self._log[:until] if at >= guest.FILES)
        return [line for data in words for line in _lines(data)]

    def after(self, until: int, chance: random.Random) -> bytes:
        """A disk whose power was cut there.  Points must come in order."""
        flushes = [n for n in range(self._flushed, until) if self._log[n][2] & FLUSH]
        last = flushes[-1] + 1 if flushes else self._flushed
        for at, data, _ in self._log[self._flushed : last]:
            self._data[at : at + len(data)] = data
        self._flushed = last
        left = bytearray(self._data)
        for at, data, _ in self._log[last:until]:
            kept = chance.choice([0.0, 0.5, 1.0])  # none of it, some of its sectors, all
            for k in range(0, len(data), SECTOR):
                if chance.random() < kept:
                    left[at + k : at + k + SECTOR] = data[k : k + SECTOR]
        return bytes(left[: guest.FILES])


def restored(disk: bytes, folder: Path) -> Path:
    """The store on such a disk, as its file system gives it back after a power cut."""
    folder.mkdir()
    file = folder / "disk"
    file.write_bytes(disk)
    _run("e2fsck", "-fy", str(file), most=1)  # 1: it has replayed its journal
    _run("debugfs", "-R", f"rdump /store {folder}", str(file))
    file.unlink()
    return folder / "store/flow.db"


def _entries(log: bytes) -> Iterator[tuple[int, bytes, int]]:
    """The entries of a log: place in bytes, data, flags (after the kernel's dm-log-writes)."""
    _, _, count, size = struct.unpack_from("<QQQI", log)
    assert size == SECTOR
    at = SECTOR
    for _ in range(count):
        sector, _, flags, _ = struct.unpack_from("<QQQQ", log, at)
        length = struct.unpack_from("<Q", log, at + 8)[0] * SECTOR
        at += SECTOR
        yield sector * SECTOR, log[at : at + length], flags
        at += length


def _lines(data: bytes) -> Iterator[tuple[str, str]]:
    for k in range(0, len(data), guest.PAGE):
        text = data[k : k + guest.PAGE].rstrip(b"\0").decode()
        if text:
            what, _, node = text.partition(" ")
            yield what, node


def _initrd(built: image.Image) -> bytes:
    """The image's own, and over it an init that runs one program and switches off."""
    old = built.initrd.read_bytes()
    found = re.search(rb"for module in ([^;]*); do", old)
    assert found is not None
    init = _INIT.format(modules=found[1].decode()).encode()
    files = [("init", 0o100755, init), ("TRAILER!!!", 0, b"")]
    return old + b"".join(image._entry(n, *file) for n, file in enumerate(files, 1))


def _run(*command: str, most: int = 0) -> None:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PATH": path})
    assert done.returncode <= most, f"{command}: {done.stdout}{done.stderr}"
