"""Stand-ins for clouds, on loopback: moto's server for EC2, behind a gate of the tests' own.

Every request passes the gate, which a test can have do anything with it: end a
process while the request is under way, lose the answer, answer itself.  The
gate also gives answers the name space that EC2's have (moto leaves out the
slash at its end).  Machines of moto do not boot: `Boots` plays cloud-init, and
gives each machine an sshd of its own with the keys that came as user data.
"""

from __future__ import annotations

import base64
import contextlib
import getpass
import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sshd import find_sshd, free_port

from cloudmesh.flow.providers.keys import new_keys

MISSING = "NOT TESTED: clouds (needs apache-libcloud and moto; make test-deps installs them)"
IMAGE = "ami-12c6146b"  # one that moto knows
SECRET = "wJalr/canary/secret/EXAMPLEKEY"  # must be nowhere but in requests' signatures
KEY = "AKIACANARY0EXAMPLE00"


class Lost(Exception):
    """Raised by a hook: the connection ends without an answer."""


class Answer(Exception):
    """Raised by a hook: this is the answer."""

    def __init__(self, status: int, body: str, kind: str = "text/xml") -> None:
        self.status, self.body, self.kind = status, body.encode(), kind


class Request:
    """A request of EC2's: what is asked for, and its other parameters."""

    def __init__(self, number: int, path: str, headers: dict[str, str]) -> None:
        self.number = number
        self.path, self.headers = path, headers
        self.parameters = {k: v[0] for k, v in parse_qs(urlsplit(path).query).items()}
        self.action = self.parameters.get("Action", "")


Hook = Callable[[Request], None]


def refusal(code: str, message: str = "because", status: int = 400) -> Answer:
    """An error as EC2 words it."""
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Answer(status, f"<Response><Errors>{error}</Errors><RequestID>r</RequestID></Response>")


class Gate:
    """A proxy in front of moto; ``before`` and ``after`` are a test's."""

    def __init__(self, port: int) -> None:
        self.moto = port
        self.before: Hook = lambda request: None
        self.after: Hook = lambda request: None
        self.made: Callable[[Request, str], None] = lambda request, answer: None
        self.actions: list[str] = []
        self._count = 0
        self._lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def calm(self) -> None:
        """No hooks, nothing counted."""
        self.before = self.after = lambda request: None
        self.actions.clear()
        self._count = 0

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def pass_on(self, path: str, headers: dict[str, str]) -> tuple[int, bytes, str]:
        with self._lock:
            self._count += 1
            request = Request(self._count, path, headers)
            self.actions.append(request.action)
        try:
            self.before(request)
            answer = self.forward(request)
            self.after(request)
            return answer
        except Answer as own:
            return own.status, own.body, own.kind

    def forward(self, request: Request) -> tuple[int, bytes, str]:
        """What moto answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.moto, timeout=30)
        connection.request("GET", request.path, headers=request.headers)
        answer = connection.getresponse()
        body, kind = answer.read(), answer.getheader("content-type", "")
        connection.close()
        body = re.sub(rb'(xmlns="http://ec2[^"]*?)/?"', rb'\1/"', body)
        self.made(request, body.decode())
        return answer.status, body, kind

    def _handler(gate) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                try:
                    status, body, kind = gate.pass_on(self.path, dict(self.headers))
                except Lost:
                    self.close_connection = True
                    return
                with contextlib.suppress(OSError):  # who asked may be dead
                    self.send_response(status)
                    self.send_header("content-type", kind)
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *words: Any) -> None:
                pass

        return Handler


class Ec2Rig:
    """The stand-in for EC2, as its owner sees it."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.spec: dict[str, Any] = {
            "kind": "vm",
            "provider": "ec2",
            "region": "us-east-1",
            "endpoint": gate.endpoint,
            "image": IMAGE,
            "size": "t3.small",
        }

    def machines(self) -> dict[str, str]:
        """The names of the machines that are there, by number; asked of moto itself."""
        names = {}
        for one in self._instances():
            state = re.search(r"<instanceState>.*?<name>([\w-]+)<", one, re.DOTALL)
            number = re.search(r"<instanceId>([\w-]+)<", one)
            name = re.search(r"<key>Name</key>\s*<value>([^<]*)<", one)
            assert state is not None
            assert number is not None
            if state[1] not in ("terminated", "shutting-down"):
                names[number[1]] = name[1] if name else ""
        return names

    def make(self, name: str) -> None:
        """A machine that is not the project's."""
        self._ask(
            "RunInstances",
            **{
                "ImageId": IMAGE, "MinCount": "1", "MaxCount": "1", "InstanceType": "t3.small",
                "TagSpecification.1.ResourceType": "instance",
                "TagSpecification.1.Tag.1.Key": "Name", "TagSpecification.1.Tag.1.Value": name,
            },
        )  # fmt: skip

    def end(self, number: str) -> None:
        """End a machine, as a cloud's owner can."""
        self._ask("TerminateInstances", **{"InstanceId.1": number})

    def reset(self) -> None:
        """No machines, no hooks."""
        self.gate.calm()
        self.gate.made = lambda request, answer: None
        for number in self.machines():
            self.end(number)

    def check_credentials(self, free: int) -> None:
        """From now on moto looks at credentials, but for some requests."""
        self._http("POST", "/moto-api/reset-auth", str(free))

    def _instances(self) -> list[str]:
        body = self._ask("DescribeInstances")
        sets = re.findall(r"<instancesSet>(.*?)</instancesSet>", body, re.DOTALL)
        return [
            part
            for one in sets
            for part in re.split(r"(?=<item>\s*<instanceId>)", one)
            if "<instanceId>" in part
        ]

    def _ask(self, action: str, **parameters: str) -> str:
        from urllib.parse import urlencode

        query = urlencode({"Action": action, "Version": "2016-11-15", **parameters})
        return self._http("POST", "/", query)

    def _http(self, method: str, path: str, body: str = "") -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.gate.moto, timeout=30)
        form = "application/x-www-form-urlencoded" if path == "/" else "text/plain"
        headers = {
            "content-type": form,
            "authorization": "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/ec2/aws4_request,"
            " SignedHeaders=host, Signature=0",
        }
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        assert answer.status == 200, text
        return text


@contextlib.contextmanager
def running_ec2(folder: Path) -> Iterator[Ec2Rig]:
    """moto's server, in a process of its own, and the gate in front of it."""
    if find_spec("moto") is None or find_spec("libcloud") is None or find_spec("flask") is None:
        pytest.skip(MISSING)
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    environment = {**os.environ, "MOTO_EC2_LOAD_DEFAULT_AMIS": "true"}
    with open(folder / "moto.log", "wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    gate = Gate(port)
    rig = Ec2Rig(gate)
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError, AssertionError, http.client.HTTPException):
                rig.machines()
                break
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"moto does not start: {(folder / 'moto.log').read_text()}")
            time.sleep(0.05)
        yield rig
    finally:
        gate.close()
        server.kill()  # it has nothing to put away, which takes it long on a busy machine
        server.wait()


class Boots:
    """Plays cloud-init: each new machine of moto gets an sshd here, with the keys it was given.

    ``config`` is a configuration of SSH that leads from the machines' addresses there.
    """

    def __init__(self, rig: Ec2Rig, folder: Path) -> None:
        program = find_sshd()
        if program is None:
            pytest.skip(
                "NOT TESTED: machines that boot (needs an sshd; make test-deps installs it)"
            )
        self._program = program
        self.rig, self.folder = rig, folder
        self.config = folder / "ssh_config"
        self.config.write_text("")
        self.told: list[dict[str, Any]] = []  # user data
        self.forged = False  # whether machines have another host key than they are told
        self._servers: dict[str, subprocess.Popen[bytes]] = {}
        rig.gate.made = self._made
        rig.spec = {**rig.spec, "config": str(self.config), "user": getpass.getuser()}

    def close(self) -> None:
        for server in self._servers.values():
            server.kill()
            server.wait()

    def end(self) -> None:
        """All machines go away, with what runs in them and without a word to anybody."""
        for number, server in self._servers.items():
            self.rig.end(number)
            for process in _sessions(server.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, 9)

    def _made(self, request: Request, answer: str) -> None:
        if request.action == "RunInstances" and "<instanceId>" in answer:
            number = re.search(r"<instanceId>([\w-]+)<", answer)
            address = re.search(r"<ipAddress>([\d.]+)<", answer)
            assert number is not None
            assert address is not None, answer
            text = base64.b64decode(request.parameters["UserData"]).decode()
            self._boot(number[1], address[1], json.loads(text.partition("\n")[2]))
        elif request.action == "TerminateInstances":
            for number, server in list(self._servers.items()):
                if number in request.parameters.values():
                    server.kill()
                    server.wait()

    def _boot(self, number: str, address: str, about: dict[str, Any]) -> None:
        self.told.append(about)
        folder = self.folder / number
        folder.mkdir()
        user = about["users"][1]
        for name, text in (
            ("host_key", about["ssh_keys"]["ed25519_private"]),
            ("authorized_keys", "\n".join(user["ssh_authorized_keys"]) + "\n"),
        ):
            (folder / name).write_text(text)
            (folder / name).chmod(0o600)
        if self.forged:
            (folder / "host_key").write_text(new_keys().host)
        port = free_port()
        (folder / "sshd_config").write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_key\n"
            f"AuthorizedKeysFile {folder}/authorized_keys\nPidFile none\nUsePAM no\n"
            "PasswordAuthentication no\nKbdInteractiveAuthentication no\nStrictModes no\n"
            "PermitRootLogin yes\nUseDNS no\nLogLevel ERROR\nMaxSessions 100\n"
        )
        with contextlib.suppress(OSError):
            os.makedirs("/run/sshd", exist_ok=True)
        with open(folder / "log", "wb") as log:
            self._servers[number] = subprocess.Popen(
                [self._program, "-D", "-e", "-f", str(folder / "sshd_config")],
                stdout=log, stderr=log,
            )  # fmt: skip
        with self.config.open("a") as config:
            config.write(f"Host {address}\n  HostName 127.0.0.1\n  Port {port}\n")


def _sessions(pid: int) -> list[int]:
    """An sshd and its sessions, each by its parent."""
    found = [pid]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                if int(parent) == pid:
                    found += _sessions(int(entry.name))
    return found
