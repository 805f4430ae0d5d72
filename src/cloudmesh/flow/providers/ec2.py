"""EC2, and what speaks its language at another ``endpoint``."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from cloudmesh.flow.errors import InputError
from cloudmesh.flow.providers.cloud import REQUEST_TIMEOUT, Cloud
from cloudmesh.flow.providers.credentials import Credentials, aws, aws_region

__all__ = ["Ec2"]

ALIVE = ["pending", "running", "stopping", "stopped"]  # shutting-down is gone: nobody stops that
REGION = "us-east-1"  # where an endpoint of one's own has none


class Ec2(Cloud):
    """See `Cloud`."""

    at_once = True

    def __init__(self, name: str, spec: Mapping[str, Any]) -> None:
        super().__init__(name, spec)
        endpoint = self.spec.get("endpoint")
        self._where = _where(name, str(endpoint)) if endpoint else {}

    def usual(self, name: str, given: Mapping[str, Any]) -> dict[str, str]:
        """See `Cloud`; region and endpoint also from where AWS's own tools have them."""
        endpoint = os.environ.get("AWS_ENDPOINT_URL_EC2") or os.environ.get("AWS_ENDPOINT_URL")
        found = {"endpoint": endpoint or "", **super().usual(name, given)}
        region = aws_region(str(given.get("profile") or ""))
        if region or given.get("endpoint") or endpoint:
            found.setdefault("region", region or REGION)
        return found

    def credentials(self) -> Credentials:
        """See `Cloud`."""
        return aws(self.name, str(self.spec.get("profile") or ""))

    def connected(self, credentials: Credentials) -> Any:
        """See `Cloud`."""
        from libcloud.compute.drivers.ec2 import VALID_EC2_REGIONS

        region = str(self.spec.get("region") or "")
        if not region:
            raise InputError(f"{self.name}: say in which region, like region: us-east-1")
        if region not in VALID_EC2_REGIONS:
            raise InputError(f"{self.name}: there is no region {region!r}")
        return _driver()(
            credentials["key"],
            credentials["secret"],
            region=region,
            token=credentials.get("token"),
            signature_version="4",  # some regions' own entry in libcloud says 2, which is no more
            timeout=REQUEST_TIMEOUT,
            **self._where,
        )

    def ordered(self, driver: Any, data: Mapping[str, str], user_data: str) -> dict[str, Any]:
        """See `Cloud`."""
        self.needs("image", "size")
        from libcloud.compute.base import NodeImage, NodeSize
        from libcloud.compute.drivers.ec2 import EC2NetworkSubnet

        size, network = str(self.spec["size"]), self.spec.get("network")
        groups = [w.strip() for w in str(self.spec.get("security") or "").split(",") if w.strip()]
        by_id = [group for group in groups if group.startswith("sg-")]
        if by_id and not network:
            raise InputError(f"{self.name}: security: {by_id[0]} needs network: subnet-…, too")
        order: dict[str, Any] = {
            "image": NodeImage(str(self.spec["image"]), "", driver),
            "size": NodeSize(size, size, 0, 0, None, None, driver),
            "ex_keyname": self.spec.get("key"),
            "ex_userdata": user_data,
            "ex_metadata": dict(data),
            # The same request twice makes one machine, where the cloud keeps to its word.
            "ex_clienttoken": hashlib.sha256(user_data.encode()).hexdigest()[:32],
            "ex_terminate_on_shutdown": True,
        }
        if network:
            order["ex_subnet"] = EC2NetworkSubnet(str(network), str(network), "available")
        if by_id:
            order["ex_security_group_ids"] = by_id
        elif groups:
            order["ex_security_groups"] = groups
        return order

    def nodes(self, driver: Any, store: str) -> list[Any]:
        """See `Cloud`."""
        wanted = {"tag:Name": [f"cmflow-{store}-*"], "instance-state-name": ALIVE}
        nodes: list[Any] = driver.list_nodes(ex_filters=wanted)
        return [node for node in nodes if node.extra.get("status") in ALIVE]

    def said(self, driver: Any, node: Any) -> str:
        """See `Cloud`."""
        return str(driver.ex_get_console_output(node)["output"] or "")

    def looks(self) -> list[tuple[str, Callable[[Any], object]]]:
        """See `Cloud`."""
        self.needs("image", "size")

        def image(driver: Any) -> None:
            if not driver.list_images(ex_image_ids=[str(self.spec["image"])]):
                raise InputError(f"{self.name}: there is no image {self.spec['image']}")

        looks: list[tuple[str, Callable[[Any], object]]] = [
            ("credentials", lambda driver: driver.list_nodes(ex_filters={"tag:Name": ["cmflow-"]})),
            ("image", image),
        ]
        if self.spec.get("key"):
            looks.append(("key", self.key))
        return looks


@cache
def _driver() -> Any:
    """libcloud's driver, which also understands errors with more in them than two elements."""
    from libcloud.compute.drivers.ec2 import EC2Connection, EC2NodeDriver, EC2Response

    class Response(EC2Response):  # type: ignore[misc]
        def parse_error(self) -> Any:
            try:
                return super().parse_error()
            except ValueError:
                found = re.search(r"<Code>([^<]*)<.*?<Message>([^<]*)<", str(self.body), re.DOTALL)
                return ": ".join(found.groups()) if found else f"HTTP status {self.status}"

    class Connection(EC2Connection):  # type: ignore[misc]
        responseCls = Response

    class Driver(EC2NodeDriver):  # type: ignore[misc]
        connectionCls = Connection

    return Driver


def _where(name: str, endpoint: str) -> dict[str, Any]:
    """A driver's arguments for an endpoint of one's own."""
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in endpoint:
        said = "" if "@" in endpoint else f", not {endpoint!r}"  # a password may be in there
        raise InputError(f"{name}: endpoint is a URL like https://host:8773{said}")
    secure = parts.scheme == "https"
    return {"secure": secure, "host": parts.hostname, "port": parts.port or (443 if secure else 80)}
