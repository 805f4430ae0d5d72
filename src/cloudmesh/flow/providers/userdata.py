"""What a new machine of a cloud is told: cloud-init's own form, which every cloud hands on.

It holds the machine's host key, so that only this machine is believed to be it;
a user of ours with a key made for it alone; and the hour at which it ends itself.
"""

from __future__ import annotations

import json

from cloudmesh.flow.providers.keys import Keys

__all__ = ["cloud_config"]

# PID 1 answers this early in a boot; without systemd a process waits.
_DEADLINE = (
    "systemd-run --unit=cloudmesh-flow-deadline --on-active={life} systemctl poweroff --force"
    " || (sleep {life}; poweroff -f || poweroff) > /dev/null 2>&1 &"
)


def cloud_config(keys: Keys, user: str, life: float) -> str:
    """The text for a machine that ends itself ``life`` seconds after its boot."""
    about = {
        "ssh_deletekeys": True,
        "ssh_keys": {"ed25519_private": keys.host, "ed25519_public": keys.host_public},
        "users": [
            "default",
            {
                "name": user,
                "gecos": "cloudmesh-flow",
                "sudo": "ALL=(ALL) NOPASSWD:ALL",
                "ssh_authorized_keys": [keys.client_public],
            },
        ],
        "bootcmd": [["sh", "-c", _DEADLINE.format(life=max(1, int(life)))]],
    }
    return "#cloud-config\n" + json.dumps(about, indent=1) + "\n"  # JSON is YAML, too
