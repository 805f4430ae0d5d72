"""OpenStack, by the addresses and credentials of clouds.yaml or OS_…."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from cloudmesh.flow.errors import InputError
from cloudmesh.flow.providers.cloud import REQUEST_TIMEOUT, Cloud
from cloudmesh.flow.providers.credentials import Credentials, openstack
from cloudmesh.flow.providers.trouble import CloudError

__all__ = ["OpenStack"]


class OpenStack(Cloud):
    """See `Cloud`.  The address of its keystone comes with the credentials, never from an entry."""

    floats = True

    def credentials(self) -> Credentials:
        """See `Cloud`."""
        return openstack(self.name, str(self.spec.get("cloud") or ""))

    def connected(self, credentials: Credentials) -> Any:
        """See `Cloud`."""
        from libcloud.compute.drivers.openstack import OpenStackNodeDriver

        # libcloud appends the path itself.
        address = re.sub(r"(/v[23](\.\d)?)?(/auth/tokens)?/*$", "", credentials["auth_url"])
        if "application_credential_id" in credentials:
            who = credentials["application_credential_id"]
            secret = credentials.get("application_credential_secret", "")
            more = {"ex_force_auth_version": "3.x_appcred"}
        else:
            who, secret = credentials.get("username", ""), credentials.get("password", "")
            project = credentials.get("project_name")
            if not project:
                raise InputError(f"{self.name}: {credentials.source} names no project_name")
            domain = credentials.get("user_domain_name") or credentials.get("user_domain_id")
            more = {
                "ex_force_auth_version": "3.x_password",
                "ex_tenant_name": project,
                "ex_domain_name": domain or "Default",
                "ex_tenant_domain_id": credentials.get("project_domain_id") or "default",
            }
        region = self.spec.get("region") or credentials.get("region_name")
        if region:
            more["ex_force_service_region"] = str(region)
        driver = OpenStackNodeDriver(
            who,
            secret,
            api_version="2.2",
            ex_force_auth_url=address,
            timeout=REQUEST_TIMEOUT,
            **more,
        )
        # By their types alone: what services are called differs from cloud to cloud.
        for connection in (driver.connection, driver.image_connection, driver.network_connection):
            connection.service_name = None
        return driver

    def ordered(self, driver: Any, data: Mapping[str, str], user_data: str) -> dict[str, Any]:
        """See `Cloud`."""
        self.needs("image", "size")
        order: dict[str, Any] = {
            "image": self._image(driver),
            "size": self._size(driver),
            "ex_userdata": user_data,
            "ex_metadata": dict(data),
        }
        if self.spec.get("key"):
            order["ex_keyname"] = str(self.spec["key"])
        if self.spec.get("network"):
            order["networks"] = [self._network(driver)]
        groups = [w.strip() for w in str(self.spec.get("security") or "").split(",") if w.strip()]
        if groups:
            order["ex_security_groups"] = [SimpleNamespace(name=group) for group in groups]
        return order

    def nodes(self, driver: Any, store: str) -> list[Any]:
        """See `Cloud`."""
        return [
            node
            for node in driver.list_nodes()
            if str(node.name).startswith(f"cmflow-{store}-") and str(node.state) != "terminated"
        ]

    def addresses(self, node: Any) -> list[str]:
        """See `Cloud`; which are floating is said by nova."""
        if self.spec.get("address") != "floating":
            return super().addresses(node)
        every = [one for of in (node.extra.get("addresses") or {}).values() for one in of]
        return [str(one["addr"]) for one in every if one.get("OS-EXT-IPS:type") == "floating"]

    def expose(self, driver: Any, node: Any) -> None:
        """See `Cloud`: one of the project's floating addresses that nobody uses.

        None is made, so that none is left behind; the cloud takes it back with the machine.
        """
        if self.spec.get("address") != "floating":
            return
        free = [ip for ip in driver.ex_list_floating_ips() if not ip.extra.get("port_id")]
        if not free:
            raise CloudError(
                f"{self.name}: no floating address of the project is free; get one more: "
                "openstack floating ip create NETWORK",
                "address",
            )
        driver.ex_attach_floating_ip_to_node(node, random.choice(free))

    def said(self, driver: Any, node: Any) -> str:
        """See `Cloud`."""
        return str(driver.ex_get_console_output(node, 20)["output"])

    def looks(self) -> list[tuple[str, Callable[[Any], object]]]:
        """See `Cloud`."""
        self.needs("image", "size")
        looks: list[tuple[str, Callable[[Any], object]]] = [
            ("credentials", lambda driver: driver.list_nodes()),
            ("image", self._image),
            ("size", self._size),
        ]
        if self.spec.get("network"):
            looks.append(("network", self._network))
        if self.spec.get("key"):
            looks.append(("key", self.key))
        return looks

    def _image(self, driver: Any) -> Any:
        return self._one("image", driver.list_images())

    def _size(self, driver: Any) -> Any:
        return self._one("size", driver.list_sizes())

    def _network(self, driver: Any) -> Any:
        return self._one("network", driver.ex_list_networks())

    def _one(self, key: str, known: list[Any]) -> Any:
        """What the entry names, by its number or its name."""
        word = str(self.spec[key])
        for one in known:
            if word in (str(one.id), one.name):
                return one
        some = ", ".join(sorted({str(one.name) for one in known})[:8]) or "none"
        raise CloudError(f"{self.name}: there is no {key} {word}; there are {some}", key)
