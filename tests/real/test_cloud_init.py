"""What a new machine is told is understood: by the real cloud-init, in a machine that boots.

A disk of Debian with systemd and cloud-init, as clouds have it, under QEMU; a
small server here hands the user data out, as a cloud's metadata service does.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sshd import free_port

from cloudmesh.flow.executors.ssh import connect
from cloudmesh.flow.executors.vm import _host, reach
from cloudmesh.flow.providers import image
from cloudmesh.flow.providers.keys import new_keys
from cloudmesh.flow.providers.protocol import Way
from cloudmesh.flow.providers.userdata import cloud_config

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(1800)]

PACKAGES = (
    "openssh-server,python3,iproute2,busybox-static,linux-image-cloud-amd64,"
    "cloud-init,systemd-sysv,systemd-resolved,udev,sudo,dbus"
)
NETWORK = "[Match]\nName=eth0\n[Network]\nDHCP=yes\n"
SCRIPT = """\
set -e
mkdir root; tar -xpf root.tar -C root; rm root.tar
cp eth0.network root/etc/systemd/network/10-eth0.network
wanted=root/etc/systemd/system/multi-user.target.wants
ln -sf /lib/systemd/system/systemd-networkd.service $wanted/
echo '/dev/vda / ext4 defaults 0 0' > root/etc/fstab
rm -rf root/var/cache/apt/* root/boot/initrd*
mke2fs -q -t ext4 -d root disk.raw 4G
"""
LIFE = 180.0  # seconds; a login takes less once cloud-init has begun, even on a busy machine


@pytest.fixture
def disk(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the disk, a kernel and an initrd; made once and kept in the tests' cache."""
    packages = image.missing()
    if packages:
        pytest.skip(f"NOT TESTED: cloud-init (needs {packages}; make test-deps installs it)")
    folder = cache / "cloud-init-bookworm"
    if (folder / "complete").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    monkeypatch.setattr(image, "_INIT", image._INIT.replace("/bin/busybox init", "/sbin/init"))
    (folder / "eth0.network").write_text(NETWORK)
    tar = str(folder / "root.tar")
    install = f"--include={PACKAGES}"
    image._run("mmdebstrap", "--quiet", "--variant=minbase", install, "bookworm", tar)
    image._run("sh", "-c", SCRIPT, folder=folder)
    convert = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", "disk.raw", "disk.qcow2"]
    image._run(*convert, folder=folder)
    shutil.copy(next((folder / "root/boot").glob("vmlinuz-*")), folder / "kernel")
    (folder / "initrd").write_bytes(image._initrd(folder / "root"))
    shutil.rmtree(folder / "root")
    (folder / "disk.raw").unlink()
    (folder / "complete").touch()
    return folder


@contextmanager
def metadata(user_data: str) -> Iterator[str]:
    """A metadata service; its address as the guest has it."""
    told = {"/user-data": user_data, "/meta-data": "instance-id: i-1\nlocal-hostname: told\n"}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = told.get(self.path, "").encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://10.0.2.2:{server.server_address[1]}/"
        server.shutdown()


@contextmanager
def booting(disk: Path, folder: Path, port: int, source: str) -> Iterator[subprocess.Popen[bytes]]:
    overlay = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b"]
    subprocess.run([*overlay, str(disk / "disk.qcow2"), str(folder / "overlay")], check=True)
    command = [
        "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-accel", "tcg", "-cpu", "max",
        "-M", "q35", "-m", "768", "-kernel", str(disk / "kernel"), "-initrd", str(disk / "initrd"),
        "-append", f"console=ttyS0 net.ifnames=0 panic=1 ds=nocloud-net;s={source}",
        "-drive", f"file={folder / 'overlay'},if=virtio,format=qcow2,cache=unsafe",
        "-nic", f"user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:{port}-:22",
        "-device", "virtio-rng-pci", "-display", "none", "-monitor", "none",
        "-serial", f"file:{folder / 'console'}", "-no-reboot",
    ]  # fmt: skip
    (folder / "console").touch()
    machine = subprocess.Popen(command)
    try:
        yield machine
    finally:
        machine.kill()
        machine.wait()


def test_cloud_init_does_what_it_is_told(disk: Path, tmp_path: Path) -> None:
    keys, port = new_keys(), free_port()
    way = Way("127.0.0.1", port, "flow", keys.client, keys.host_public)
    with metadata(cloud_config(keys, "flow", LIFE)) as source:
        with booting(disk, tmp_path, port, source) as machine:
            said, deadline = "never tried", time.monotonic() + 900
            while said:
                console = (tmp_path / "console").read_text("utf-8", "replace")[-2000:]
                assert machine.poll() is None, console
                assert time.monotonic() < deadline, f"{said}\n{console}"
                said = _banner(port) or reach(way)
            who, root, name = asyncio.run(asked(way))
            assert who.startswith("uid=")
            assert "(flow)" in who
            assert root == "0"
            assert name == "told"
            machine.wait(600)  # it powers itself off, whatever happens


def _banner(port: int) -> str:
    """What keeps sshd from saying its first word; "" where it says it."""
    with socket.socket() as probe:
        probe.settimeout(2.0)
        try:
            probe.connect(("127.0.0.1", port))
            return "" if probe.recv(4) == b"SSH-" else "no sshd"
        except OSError as error:
            return str(error)


async def asked(way: Way) -> list[str]:
    """Who we are there, who with sudo, and the machine's name."""
    connection = await connect(_host("there", way, {}))
    async with connection:
        commands = ("id", "sudo -n id -u", "hostname")
        return [str((await connection.run(one)).stdout).strip() for one in commands]
