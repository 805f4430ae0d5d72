"""Credentials of clouds, read where their owners keep them, each time anew; kept nowhere.

In this order: what the entry names (``profile:``, ``cloud:``); the cloud of the
same name in ``~/.cloudmesh/cloudmesh.yaml``; the environment; the files of the
cloud's own tools.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cloudmesh.flow.errors import InputError
from cloudmesh.flow.providers.trouble import CloudError

__all__ = ["Credentials", "aws", "aws_region", "defaults", "openstack", "other"]

CLOUDMESH = "~/.cloudmesh/cloudmesh.yaml"

_OPENSTACK = (
    "auth_url", "username", "password", "project_name", "project_id", "user_domain_name",
    "user_domain_id", "project_domain_name", "project_domain_id", "region_name",
    "application_credential_id", "application_credential_secret",
)  # fmt: skip
#: Words of AWS's own files by which a profile has no credentials of its own.
_BORROWED = ("role_arn", "sso_session", "sso_start_url", "credential_process")
_PUBLIC = {"region", "region_name", "auth_url", "username", "project_name"}


class Credentials(dict[str, str]):
    """Fields by name; ``source`` says where they are from.  Shown without their values."""

    def __init__(self, fields: Mapping[str, str], source: str) -> None:
        super().__init__(fields)
        self.source = source

    def __repr__(self) -> str:
        return f"<credentials from {self.source}>"

    __str__ = __repr__

    @property
    def secrets(self) -> list[str]:
        """The values that nobody may see."""
        return [v for name, v in self.items() if name not in _PUBLIC and "_domain_" not in name]


def defaults(name: str) -> dict[str, str]:
    """What cloudmesh.yaml says of a cloud beside its credentials: image, size, region, security."""
    about = _cloudmesh(name)
    chosen, secret = _map(about.get("default")), _map(about.get("credentials"))
    found = {"image": chosen.get("image"), "size": chosen.get("size") or chosen.get("flavor")}
    regions = (secret.get(key) for key in ("region", "region_name", "OS_REGION_NAME"))
    found["region"] = next((region for region in regions if region), None)
    found["security"] = secret.get("EC2_SECURITY_GROUP")
    return {key: str(value) for key, value in found.items() if _is_said(value)}


def aws(name: str, profile: str = "") -> Credentials:
    """``key``, ``secret`` and, where there is one, ``token``.  Raises `CloudError`."""
    if not profile:
        fields = _map(_cloudmesh(name).get("credentials"))
        found = _some(fields, {"key": "EC2_ACCESS_ID", "secret": "EC2_SECRET_KEY"})
        if len(found) == 2:
            return Credentials(found, f"{CLOUDMESH}, cloudmesh.cloud.{name}")
        names = {
            "key": "AWS_ACCESS_KEY_ID",
            "secret": "AWS_SECRET_ACCESS_KEY",
            "token": "AWS_SESSION_TOKEN",
        }
        found = _some(os.environ, names)
        if {"key", "secret"} <= set(found):
            return Credentials(found, "the environment, AWS_ACCESS_KEY_ID")
    chosen = profile or os.environ.get("AWS_PROFILE") or "default"
    file = os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials"
    names = {
        "key": "aws_access_key_id",
        "secret": "aws_secret_access_key",
        "token": "aws_session_token",
    }
    found = _some(_profile(file, chosen), names)
    if {"key", "secret"} <= set(found):
        return Credentials(found, f"{file}, profile {chosen}")
    _refuse_borrowed(name, chosen, {**_settings(chosen), **_profile(file, chosen)})
    raise CloudError(
        f"{name}: no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write "
        f"{file} (profile {chosen}), or cloudmesh.cloud.{name} in {CLOUDMESH}",
        "credentials",
    )


def _refuse_borrowed(name: str, profile: str, fields: Mapping[str, str]) -> None:
    """Raise `CloudError` where a profile says that credentials are to be got elsewhere."""
    for word in _BORROWED:
        if word in fields:
            raise CloudError(
                f"{name}: profile {profile} gets its credentials by {word}, which only AWS's own "
                f'tools do: eval "$(aws configure export-credentials --profile {profile} '
                '--format env)" sets them, for an entry without profile:',
                "credentials",
            )


def aws_region(profile: str = "") -> str:
    """The region that AWS's own settings name; "" where they name none."""
    said = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if said and not profile:
        return said
    chosen = profile or os.environ.get("AWS_PROFILE") or "default"
    return _settings(chosen).get("region") or said or ""


def _settings(profile: str) -> dict[str, str]:
    """What AWS's settings, beside the credentials, say of a profile."""
    file = os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config"
    return _profile(file, profile if profile == "default" else f"profile {profile}")


def openstack(name: str, cloud: str = "") -> Credentials:
    """The fields of an ``auth:`` in clouds.yaml, and ``region_name``.  Raises `CloudError`."""
    if not cloud:
        fields = _map(_cloudmesh(name).get("credentials"))
        found = _flat(fields)
        if "auth_url" in found:
            return Credentials(found, f"{CLOUDMESH}, cloudmesh.cloud.{name}")
        found = _flat(os.environ)
        if "auth_url" in found and not os.environ.get("OS_CLOUD"):
            return Credentials(found, "the environment, OS_AUTH_URL")
    chosen = cloud or os.environ.get("OS_CLOUD") or name
    for file in _cloud_files():
        clouds = _map(_map(_yaml(file)).get("clouds"))
        if chosen in clouds:
            found = _flat({**_secure(file, chosen), **_map(clouds[chosen])}, _secure(file, chosen))
            return Credentials(found, f"{file}, cloud {chosen}")
    raise CloudError(
        f"{name}: no credentials: set OS_AUTH_URL and the like (openrc), or describe "
        f"the cloud {chosen} in clouds.yaml, or cloudmesh.cloud.{name} in {CLOUDMESH}",
        "credentials",
    )


def other(name: str) -> Credentials:
    """The arguments of libcloud's driver, from cloudmesh.yaml or CLOUDMESH_CLOUD_NAME_….

    Raises `CloudError`.
    """
    fields = {
        key: str(value)
        for key, value in _map(_cloudmesh(name).get("credentials")).items()
        if _is_said(value)
    }
    if fields:
        return Credentials(fields, f"{CLOUDMESH}, cloudmesh.cloud.{name}")
    start = "CLOUDMESH_CLOUD_" + "".join(c if c.isalnum() else "_" for c in name.upper()) + "_"
    found = {
        key.removeprefix(start).lower(): value
        for key, value in os.environ.items()
        if key.startswith(start) and value
    }
    if found:
        return Credentials(found, f"the environment, {start}…")
    raise CloudError(
        f"{name}: no credentials: write cloudmesh.cloud.{name}.credentials in {CLOUDMESH}, "
        f"or set {start}KEY and {start}SECRET",
        "credentials",
    )


# -- reading -------------------------------------------------------------------------------


def _cloudmesh(name: str) -> Mapping[str, Any]:
    """A cloud of the user's cloudmesh.yaml; empty where there is none."""
    data = _map(_map(_yaml(CLOUDMESH)).get("cloudmesh"))
    return _map(_map(data.get("cloud")).get(name))


def _yaml(path: str) -> Any:
    """A YAML file.  Raises `InputError` with its name and nothing of what is in it."""
    file = Path(path).expanduser()
    if not file.is_file():
        return None
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe", pure=True).load(file)
    except (YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        raise InputError(f"{path}{line}: this is no YAML") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def _profile(path: str, section: str) -> dict[str, str]:
    """A section of one of AWS's files; empty where it is not there."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read(Path(path).expanduser(), encoding="utf-8")
        return dict(parser[section]) if parser.has_section(section) else {}
    except (configparser.Error, UnicodeDecodeError):
        raise InputError(f"{path}: not in the form of AWS's own files") from None


def _cloud_files() -> list[str]:
    said = os.environ.get("OS_CLIENT_CONFIG_FILE")
    usual = ["clouds.yaml", "~/.config/openstack/clouds.yaml", "/etc/openstack/clouds.yaml"]
    return [said, *usual] if said else usual


def _secure(file: str, cloud: str) -> Mapping[str, Any]:
    """What secure.yaml beside a clouds.yaml adds to a cloud."""
    beside = str(Path(file).expanduser().with_name("secure.yaml"))
    return _map(_map(_map(_yaml(beside)).get("clouds")).get(cloud))


def _flat(fields: Mapping[str, Any], more: Mapping[str, Any] | None = None) -> dict[str, str]:
    """The fields that we know, from ``auth:``, from beside it, or as OS_….

    Old names of a project (tenant) count as the new ones.
    """
    known: dict[str, Any] = {}
    for part in (fields, _map(fields.get("auth")), _map(more), _map(_map(more).get("auth"))):
        for key, value in part.items():
            plain = str(key).lower().removeprefix("os_").replace("tenant", "project")
            if plain in _OPENSTACK and _is_said(value):
                known[plain] = str(value)
    return known


def _some(fields: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    return {to: str(fields[of]) for to, of in names.items() if _is_said(fields.get(of))}


def _is_said(value: Any) -> bool:
    """Whether a field is filled in; ``TBD`` is what the original's template has."""
    return isinstance(value, str | int | float) and str(value).strip() not in ("", "TBD")


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
