"""A small stand-in for OpenStack, on loopback: what libcloud asks of keystone, nova and glance.

It is no OpenStack: it keeps to the documented form of requests and answers, for
one project, and shows nothing of how a real cloud behaves beyond that.
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from typing import Any

import pytest
from clouds import MISSING

PASSWORD = "canary-password-of-openstack"
TOKEN = "canary-token-of-openstack"
WHEN = "2026-01-01T00:00:00Z"


class StandIn:
    """The servers, images and flavors of one project."""

    def __init__(self) -> None:
        self.servers: dict[str, dict[str, Any]] = {}
        self.boots = True  # a server is ACTIVE when it is looked at for the second time
        self.deletes_after = 1  # looks at a server that is on its way out
        self.fault: tuple[int, str] | None = None  # what POST /servers answers
        self.lost = False  # POST /servers makes a server, and the connection ends
        self.floating: dict[str, str] = {}  # addresses of the project, and the servers they are of
        self.requests: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.spec: dict[str, Any] = {
            "kind": "vm", "provider": "openstack", "image": "debian-12", "size": "m1.small",
        }  # fmt: skip

    @property
    def environment(self) -> dict[str, str]:
        """What an openrc sets."""
        return {
            "OS_AUTH_URL": f"{self.url}/identity/v3",
            "OS_USERNAME": "me",
            "OS_PASSWORD": PASSWORD,
            "OS_PROJECT_NAME": "ours",
            "OS_USER_DOMAIN_NAME": "Default",
            "OS_REGION_NAME": "RegionOne",
        }

    def machines(self) -> dict[str, str]:
        return {number: one["name"] for number, one in self.servers.items()}

    # -- what is asked -----------------------------------------------------------------------

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any, dict[str, str]]:
        """Status, body and headers."""
        words = path.partition("?")[0].strip("/").split("/")
        self.requests.append(f"{method} /{'/'.join(words)}")
        if words[0] == "identity":
            return self._token(body)
        kinds: dict[str, Callable[[str, list[str], Any], tuple[int, Any]]] = {
            "nova": self._nova,
            "glance": self._glance,
            "neutron": self._neutron,
        }
        status, told = kinds[words[0]](method, words[1:], body)
        return status, told, {}

    def _token(self, body: Any) -> tuple[int, Any, dict[str, str]]:
        user = body["auth"]["identity"].get("password", {}).get("user", {})
        if user.get("password") != PASSWORD:
            error = {"code": 401, "title": "Unauthorized", "message": "The request you have made"}
            return 401, {"error": error}, {}
        catalog = [
            {
                "type": kind, "name": name, "id": name,
                "endpoints": [
                    {
                        "id": name, "interface": "public", "region": "RegionOne",
                        "region_id": "RegionOne", "url": f"{self.url}/{path}",
                    }
                ],
            }
            for kind, name, path in (
                ("compute", "Compute Service", "nova"),
                ("image", "glance", "glance"),
                ("network", "neutron", "neutron"),
            )
        ]  # fmt: skip
        token = {
            "expires_at": "2099-01-01T00:00:00.000000Z", "issued_at": WHEN, "roles": [],
            "catalog": catalog, "user": {"name": "me", "id": "u"},
        }  # fmt: skip
        return 201, {"token": token}, {"X-Subject-Token": TOKEN}

    def _glance(self, method: str, words: list[str], body: Any) -> tuple[int, Any]:
        images = [
            {"id": f"image-{n}", "name": n, "status": "active", "created_at": WHEN,
             "updated_at": WHEN, "min_ram": 0, "min_disk": 0}
            for n in ("debian-12", "ubuntu-24.04")
        ]  # fmt: skip
        return 200, {"images": images}

    def _neutron(self, method: str, words: list[str], body: Any) -> tuple[int, Any]:
        if words[1:] == ["floatingips"]:
            known = [
                {"id": f"f-{ip}", "floating_ip_address": ip, "port_id": port and f"p-{port}"}
                for ip, port in self.floating.items()
            ]
            return 200, {"floatingips": known}
        if words[1] == "floatingips":
            ip = words[2].removeprefix("f-")
            self.floating[ip] = body["floatingip"]["port_id"].removeprefix("p-")
            return 200, {"floatingip": {"id": words[2], "floating_ip_address": ip}}
        return 200, {"networks": [{"id": "net-1", "name": "private", "subnets": []}]}

    def _nova(self, method: str, words: list[str], body: Any) -> tuple[int, Any]:
        if words[0] == "flavors":
            size = {"ram": 2048, "disk": 20, "vcpus": 1, "swap": "", "rxtx_factor": 1.0}
            flavor = {"id": "2", "name": "m1.small", "OS-FLV-EXT-DATA:ephemeral": 0, **size}
            return 200, {"flavors": [flavor]}
        if words[0] == "os-keypairs":
            return 200, {"keypairs": []}
        if method == "POST" and len(words) == 1:
            return self._made(body["server"])
        if words[1:] == ["detail"]:
            return 200, {"servers": [self._seen(number) for number in list(self.servers)]}
        number = words[1]
        if number not in self.servers:
            missing = f"Instance {number} could not be found."
            return 404, {"itemNotFound": {"code": 404, "message": missing}}
        if method == "DELETE":
            self.servers[number]["OS-EXT-STS:task_state"] = "deleting"
            self.servers[number]["looks"] = self.deletes_after
            return 204, None
        if words[2:] == ["os-interface"]:
            port = {"port_id": f"p-{number}", "net_id": "net-1", "port_state": "ACTIVE"}
            return 200, {"interfaceAttachments": [port]}
        if words[2:] == ["action"]:
            return 200, {"output": "one\ntwo\nGRUB: no bootable device\n"}
        return 200, {"server": self._seen(number)}

    def _made(self, wanted: dict[str, Any]) -> tuple[int, Any]:
        if self.fault is not None:
            status, message = self.fault
            return status, {"forbidden": {"code": status, "message": message}}
        number = str(uuid.uuid4())
        base64.b64decode(wanted["user_data"], validate=True)
        assert wanted["imageRef"].startswith("image-")
        assert wanted["flavorRef"] == "2"
        self.servers[number] = {
            "id": number, "name": wanted["name"], "status": "BUILD", "metadata": wanted["metadata"],
            "addresses": {}, "hostId": "", "tenant_id": "ours", "created": WHEN, "updated": WHEN,
            "image": {"id": wanted["imageRef"]}, "flavor": {"id": "2"},
            "user_data": wanted["user_data"],
            "links": [{"rel": "self", "href": f"{self.url}/nova/servers/{number}"}],
            "OS-EXT-STS:task_state": "spawning", "looks": 0,
        }  # fmt: skip
        if self.lost:
            self.lost = False
            raise ConnectionAbortedError
        links = self.servers[number]["links"]
        return 202, {"server": {"id": number, "adminPass": "x", "links": links}}

    def _seen(self, number: str) -> dict[str, Any]:
        server = self.servers[number]
        shown = {**server, "addresses": {k: list(v) for k, v in server["addresses"].items()}}
        for ip, of in self.floating.items():
            if of == number and shown["addresses"]:
                shown["addresses"]["private"].append({"addr": ip, "OS-EXT-IPS:type": "floating"})
        if server["OS-EXT-STS:task_state"] == "deleting":
            server["looks"] -= 1
            if server["looks"] < 0:
                del self.servers[number]
                self.floating = {k: "" if v == number else v for k, v in self.floating.items()}
        elif self.boots and server["status"] == "BUILD":
            server["status"], server["OS-EXT-STS:task_state"] = "ACTIVE", None
            server["addresses"] = {"private": [{"addr": "10.0.0.5", "OS-EXT-IPS:type": "fixed"}]}
        return shown


def _handler(cloud: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            try:
                status, told, headers = cloud.answer(
                    self.command, self.path, json.loads(raw) if raw else None
                )
            except ConnectionAbortedError:
                self.close_connection = True
                return
            body = b"" if told is None else json.dumps(told).encode()
            with contextlib.suppress(OSError):
                self.send_response(status)
                for key, value in {"content-type": "application/json", **headers}.items():
                    self.send_header(key, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _do

        def log_message(self, *words: Any) -> None:
            pass

    return Handler


@contextlib.contextmanager
def running_openstack() -> Iterator[StandIn]:
    if find_spec("libcloud") is None or find_spec("moto") is None:
        pytest.skip(MISSING)
    cloud = StandIn()
    try:
        yield cloud
    finally:
        cloud.server.shutdown()
        cloud.server.server_close()
