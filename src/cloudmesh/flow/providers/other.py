"""Any other cloud that libcloud has a driver for, by configuration alone."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from cloudmesh.flow.errors import InputError
from cloudmesh.flow.providers.cloud import Cloud
from cloudmesh.flow.providers.credentials import Credentials, other
from cloudmesh.flow.providers.trouble import CloudError

__all__ = ["Other"]

#: The arguments in which drivers take what cloud-init reads.
USER_DATA = ("ex_userdata", "ex_user_data", "userdata", "ex_customdata")
GONE = ("terminated", "unknown")


class Other(Cloud):
    """See `Cloud`.  The credentials' fields are the arguments of the driver."""

    def credentials(self) -> Credentials:
        """See `Cloud`."""
        return other(self.name)

    def connected(self, credentials: Credentials) -> Any:
        """See `Cloud`."""
        from libcloud.compute.providers import get_driver

        word = str(self.spec["provider"])
        try:
            driver = get_driver(word)
        except (AttributeError, ImportError):
            raise InputError(f"{self.name}: libcloud has no provider {word!r}") from None
        arguments: dict[str, Any] = dict(credentials)
        if self.spec.get("region") and "region" in inspect.signature(driver.__init__).parameters:
            arguments.setdefault("region", str(self.spec["region"]))
        try:
            return driver(**arguments)
        except TypeError as error:
            said = str(error).partition(")")[2].strip() or "other arguments"
            raise InputError(f"{self.name}: libcloud's driver of {word}: {said}") from None

    def ordered(self, driver: Any, data: Mapping[str, str], user_data: str) -> dict[str, Any]:
        """See `Cloud`."""
        self.needs("image", "size")
        taken = inspect.signature(driver.create_node).parameters
        word = next((word for word in USER_DATA if word in taken), None)
        if word is None:
            raise InputError(
                f"{self.name}: libcloud's driver of {self.spec['provider']} hands no user data "
                "to a machine, so that its host key could not be known"
            )
        order = {
            "image": self._one("image", driver.list_images()),
            "size": self._one("size", driver.list_sizes()),
            word: user_data,
        }
        if self.spec.get("region") and "location" in taken:
            order["location"] = self._one("region", driver.list_locations())
        return order

    def nodes(self, driver: Any, store: str) -> list[Any]:
        """See `Cloud`."""
        return [
            node
            for node in driver.list_nodes()
            if str(node.name).startswith(f"cmflow-{store}-") and str(node.state) not in GONE
        ]

    def said(self, driver: Any, node: Any) -> str:
        """See `Cloud`: libcloud has no common way."""
        return ""

    def looks(self) -> list[tuple[str, Callable[[Any], object]]]:
        """See `Cloud`."""
        self.needs("image", "size")
        return [
            ("credentials", lambda driver: driver.list_nodes()),
            ("image", lambda driver: self._one("image", driver.list_images())),
            ("size", lambda driver: self._one("size", driver.list_sizes())),
        ]

    def _one(self, key: str, known: list[Any]) -> Any:
        """What the entry names, by its number or its name."""
        word = str(self.spec[key])
        for one in known:
            if word in (str(one.id), str(one.name)):
                return one
        raise CloudError(f"{self.name}: there is no {key} {word}", key)
