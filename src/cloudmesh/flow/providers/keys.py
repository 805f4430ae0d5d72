"""The keys of one machine: made for it alone, so that none is trusted but this one."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Keys", "new_keys"]


class Keys(NamedTuple):
    """A client's and a host's key, each as text in OpenSSH's format."""

    client: str
    client_public: str
    host: str
    host_public: str


def new_keys() -> Keys:
    """Keys that nobody has yet."""
    import asyncssh

    client = asyncssh.generate_private_key("ssh-ed25519", comment="cloudmesh-flow")
    host = asyncssh.generate_private_key("ssh-ed25519", comment="cloudmesh-flow")
    return Keys(
        client.export_private_key().decode(),
        client.export_public_key().decode().strip(),
        host.export_private_key().decode(),
        host.export_public_key().decode().strip(),
    )
