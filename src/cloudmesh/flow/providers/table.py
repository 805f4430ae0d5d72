"""The table of providers: what ``provider`` can be in an entry of kind ``vm``."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from cloudmesh.flow.errors import InfrastructureError, InputError
from cloudmesh.flow.providers.protocol import Provider

__all__ = ["PROVIDERS", "provider_of"]

#: A word, and the class of its provider; any other word is that of a driver of libcloud.
PROVIDERS = {
    "qemu": "cloudmesh.flow.providers.qemu:Qemu",
    "ec2": "cloudmesh.flow.providers.ec2:Ec2",
    "openstack": "cloudmesh.flow.providers.openstack:OpenStack",
}
OTHER = "cloudmesh.flow.providers.other:Other"


def provider_of(name: str, spec: Mapping[str, Any]) -> Provider:
    """The provider of an entry, or of the `about` of one.

    Raises `InputError` for an entry that is wrong, `InfrastructureError` where
    what it needs is not installed.
    """
    word = str(spec.get("provider"))
    installed = find_spec("libcloud") is not None
    if word not in PROVIDERS and not (installed and _is_known(word)):
        from difflib import get_close_matches

        near = get_close_matches(word, PROVIDERS, 1)
        hint = f"did you mean {near[0]}?" if near else "known are " + ", ".join(PROVIDERS)
        more = "" if near else ", and libcloud's own words"
        raise InputError(f"{name}: there is no provider {word!r}; {hint}{more}")
    if word != "qemu" and not installed:
        raise InfrastructureError(
            f"{name}: machines of clouds need apache-libcloud: pip install 'cloudmesh-flow[cloud]'"
        )
    module, _, cls = PROVIDERS.get(word, OTHER).partition(":")
    provider: Provider = getattr(import_module(module), cls)(name, spec)
    return provider


def _is_known(word: str) -> bool:
    """Whether libcloud has a driver of that name."""
    from libcloud.compute.providers import DRIVERS

    return word in DRIVERS
