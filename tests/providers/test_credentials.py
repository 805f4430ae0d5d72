"""Credentials: where they are found, in which order, and that nobody sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudmesh.flow.errors import InputError
from cloudmesh.flow.providers.credentials import aws, aws_region, defaults, openstack, other
from cloudmesh.flow.providers.trouble import CloudError

NAMES = ("AWS_", "OS_", "CLOUDMESH_CLOUD_")

#: The form of the original, as its documentation shows it.
CLOUDMESH = """\
cloudmesh:
  cloud:
    aws:
      cm: {active: true, heading: AWS, host: TBD, label: aws, kind: aws, service: compute}
      default: {image: ami-0c929bde1796e1484, size: t2.medium, username: ec2-user}
      credentials:
        region: us-west-2
        EC2_SECURITY_GROUP: cloudmesh
        EC2_ACCESS_ID: key-of-cloudmesh
        EC2_SECRET_KEY: secret-of-cloudmesh
        EC2_PRIVATE_KEY_FILE_PATH: ~/.cloudmesh/aws_cert.pem
        EC2_PRIVATE_KEY_FILE_NAME: aws_cert
    empty:
      credentials: {EC2_ACCESS_ID: TBD, EC2_SECRET_KEY: TBD, region: TBD}
    chameleon:
      credentials:
        auth:
          username: someone
          password: pass-of-cloudmesh
          auth_url: https://openstack.example.org:5000/v3
          project_name: CH-1
          user_domain_name: Default
          project_domain_id: default
        region_name: KVM
    old:
      default: {image: CC-Ubuntu, flavor: m1.small}
      credentials:
        OS_AUTH_URL: https://old.example.org:5000
        OS_USERNAME: someone
        OS_PASSWORD: pass-of-old
        OS_TENANT_NAME: CH-2
        OS_REGION_NAME: RegionOne
    ocean:
      credentials: {key: token-of-ocean, api_version: v2}
"""


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials anywhere, and a folder without clouds.yaml."""
    import os

    for name in [n for n in os.environ if n.startswith(NAMES)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def cloudmesh(home: Path) -> None:
    (home / ".cloudmesh").mkdir()
    (home / ".cloudmesh/cloudmesh.yaml").write_text(CLOUDMESH)


def test_aws_in_order(cloudmesh: None, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".aws").mkdir()
    (home / ".aws/credentials").write_text(
        "[default]\naws_access_key_id = k1\naws_secret_access_key = s1%x\n"
        "[work]\naws_access_key_id=k2\naws_secret_access_key=s2\naws_session_token=t2\n"
    )
    found = aws("mine")
    assert (found, found.source) == (
        {"key": "k1", "secret": "s1%x"},
        "~/.aws/credentials, profile default",
    )
    assert aws("mine", "work") == {"key": "k2", "secret": "s2", "token": "t2"}
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert aws("mine")["key"] == "k2"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k3")
    assert aws("mine")["key"] == "k2"  # half of them is none
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "t3")
    assert aws("mine") == {"key": "k3", "secret": "s3", "token": "t3"}
    assert aws("empty")["key"] == "k3"  # TBD is not filled in
    found = aws("aws")
    assert found == {"key": "key-of-cloudmesh", "secret": "secret-of-cloudmesh"}
    assert aws("aws", "work")["key"] == "k2"  # what the entry names comes first


@pytest.mark.parametrize("word", ["role_arn", "sso_session", "credential_process"])
def test_a_profile_of_aws_without_credentials_of_its_own(home: Path, word: str) -> None:
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(f"[profile work]\nregion = eu-west-2\n{word} = x\n")
    with pytest.raises(CloudError, match=f"profile work gets its credentials by {word}") as error:
        aws("mine", "work")
    assert "aws configure export-credentials --profile work" in str(error.value)
    assert "\n" not in str(error.value)


def test_the_region_of_aws(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert aws_region() == ""
    (home / ".aws").mkdir()
    config = "[default]\nregion = eu-west-1\n[profile work]\nregion = eu-west-2\n"
    (home / ".aws/config").write_text(config)
    assert (aws_region(), aws_region("work")) == ("eu-west-1", "eu-west-2")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    assert (aws_region(), aws_region("work")) == ("eu-west-3", "eu-west-2")


def test_defaults_of_cloudmesh(cloudmesh: None) -> None:
    assert defaults("aws") == {
        "image": "ami-0c929bde1796e1484",
        "size": "t2.medium",
        "region": "us-west-2",
        "security": "cloudmesh",
    }
    assert defaults("old") == {"image": "CC-Ubuntu", "size": "m1.small", "region": "RegionOne"}
    assert defaults("empty") == {}
    assert defaults("unknown") == {}


def test_openstack_in_order(
    cloudmesh: None, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = openstack("chameleon")
    assert found["auth_url"] == "https://openstack.example.org:5000/v3"
    assert (found["password"], found["region_name"]) == ("pass-of-cloudmesh", "KVM")
    assert openstack("old")["project_name"] == "CH-2"
    (home / ".config/openstack").mkdir(parents=True)
    (home / ".config/openstack/clouds.yaml").write_text(
        "clouds:\n"
        "  mine: {auth: {auth_url: 'https://a', username: u, project_name: p}, region_name: R}\n"
        "  app: {auth: {auth_url: 'https://b', application_credential_id: i}}\n"
    )
    (home / ".config/openstack/secure.yaml").write_text(
        "clouds:\n  mine: {auth: {password: from-secure}}\n"
        "  app: {auth: {application_credential_secret: s}}\n"
    )
    assert openstack("mine") == {
        "auth_url": "https://a", "username": "u", "project_name": "p", "region_name": "R",
        "password": "from-secure",
    }  # fmt: skip
    assert openstack("x", "app")["application_credential_secret"] == "s"
    monkeypatch.setenv("OS_AUTH_URL", "https://c")
    monkeypatch.setenv("OS_PASSWORD", "from-environment")
    assert openstack("x")["password"] == "from-environment"
    monkeypatch.setenv("OS_CLOUD", "mine")
    assert openstack("x")["password"] == "from-secure"
    (tmp_path / "clouds.yaml").write_text("clouds: {mine: {auth: {auth_url: 'https://d'}}}")
    assert openstack("x")["auth_url"] == "https://d"  # the folder's own, as OpenStack's tools do


def test_others(cloudmesh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert other("ocean") == {"key": "token-of-ocean", "api_version": "v2"}
    monkeypatch.setenv("CLOUDMESH_CLOUD_MY_OWN_KEY", "abcd")
    assert other("my-own") == {"key": "abcd"}


@pytest.mark.parametrize(
    ("find", "said"),
    [
        (lambda: aws("mine"), "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        (lambda: aws("mine", "work"), "profile work"),
        (lambda: openstack("mine"), "set OS_AUTH_URL"),
        (lambda: other("mine"), "CLOUDMESH_CLOUD_MINE_KEY"),
    ],
)
def test_none_is_one_line_that_says_where_they_could_be(find: object, said: str) -> None:
    assert callable(find)
    with pytest.raises(CloudError) as error:
        find()
    assert said in str(error.value)
    assert error.value.kind == "credentials"
    assert "\n" not in str(error.value)


def test_nobody_sees_them(cloudmesh: None) -> None:
    for found in (aws("aws"), openstack("chameleon"), other("ocean")):
        shown = f"{found} {found!r} {found.source} {[found]}"
        assert found.secrets
        assert not any(secret in shown for secret in found.secrets)
    assert openstack("chameleon").secrets == ["pass-of-cloudmesh"]


def test_a_file_that_cannot_be_read_says_nothing_of_what_is_in_it(home: Path) -> None:
    (home / ".cloudmesh").mkdir()
    file = home / ".cloudmesh/cloudmesh.yaml"
    file.write_text("cloudmesh:\n  password: [hunter2\n")
    with pytest.raises(InputError) as error:
        aws("aws")
    assert str(error.value).startswith("~/.cloudmesh/cloudmesh.yaml:")
    assert "hunter2" not in str(error.value)
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError):
        aws("aws")
    file.unlink()
    (home / ".aws").mkdir()
    (home / ".aws/credentials").write_text("hunter2\n")
    with pytest.raises(InputError) as error:
        aws("aws")
    assert "hunter2" not in str(error.value)
