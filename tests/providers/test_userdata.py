"""What a new machine is told."""

from __future__ import annotations

import asyncssh
from ruamel.yaml import YAML

from cloudmesh.flow.providers.keys import new_keys
from cloudmesh.flow.providers.userdata import cloud_config


def test_it_is_cloud_inits_form_with_keys_of_this_machine_alone() -> None:
    keys, others = new_keys(), new_keys()
    assert not set(keys) & set(others)
    text = cloud_config(keys, "flow", 7200.0)
    assert text.startswith("#cloud-config\n")
    assert len(text) < 16_000  # what EC2 takes
    about = YAML(typ="safe", pure=True).load(text)
    host = asyncssh.import_private_key(about["ssh_keys"]["ed25519_private"])
    assert host.export_public_key().decode().strip() == keys.host_public
    assert about["ssh_keys"]["ed25519_public"] == keys.host_public
    user = about["users"][1]
    assert (user["name"], user["ssh_authorized_keys"]) == ("flow", [keys.client_public])
    assert "--on-active=7200 " in about["bootcmd"][0][2]
    assert keys.client not in text
