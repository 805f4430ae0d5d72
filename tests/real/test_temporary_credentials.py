"""Temporary credentials of AWS, with a session token, against moto's server: it looks at them."""

from __future__ import annotations

import http.client
import json
import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from clouds import Answer, Ec2Rig, Request, running_ec2

from cloudmesh.flow.providers.table import provider_of

pytestmark = pytest.mark.real

TAG = "cmflow/0123456789abcdef/run00001/a/1"


@pytest.fixture
def ec2(tmp_path: Path) -> Iterator[Ec2Rig]:
    with running_ec2(tmp_path) as rig:
        yield rig


def temporary_credentials(ec2: Ec2Rig) -> dict[str, str]:
    """Those that moto gives to a role that may do what EC2 is asked here."""
    import boto3  # moto brings it

    owner = {"aws_access_key_id": "owner", "aws_secret_access_key": "-", "region_name": "us-east-1"}
    owner["endpoint_url"] = f"http://127.0.0.1:{ec2.gate.moto}"
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    may = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
    name = f"role-{os.urandom(4).hex()}"
    iam = boto3.client("iam", **owner)
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]
    iam.put_role_policy(RoleName=name, PolicyName="ec2", PolicyDocument=policy(may))
    asked = {"RoleArn": role["Arn"], "RoleSessionName": "session"}
    made: dict[str, str] = boto3.client("sts", **owner).assume_role(**asked)["Credentials"]
    return made


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def signed_for_moto(ec2: Ec2Rig, given: dict[str, str], request: Request) -> None:
    """moto cannot check libcloud's signature, which holds a header that moto leaves out.

    So that the token is signed is seen here, and moto is sent the same request and the same
    token under a signature that it can check.
    """
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    headers = {key.lower(): value for key, value in request.headers.items()}
    sent = {"Content-Type": "application/x-www-form-urlencoded"}
    if "x-amz-security-token" in headers:
        signed = headers["authorization"].split("SignedHeaders=")[1].split(",")[0]
        assert "x-amz-security-token" in signed.split(";")
        sent["X-Amz-Security-Token"] = headers["x-amz-security-token"]
    asked = {k: v for k, v in request.parameters.items() if k.lower() != "x-amz-security-token"}
    moto = f"127.0.0.1:{ec2.gate.moto}"
    signed_again = AWSRequest("POST", f"http://{moto}/", sent, urlencode(asked))
    keys = Credentials(given["AccessKeyId"], given["SecretAccessKey"])
    SigV4Auth(keys, "ec2", "us-east-1").add_auth(signed_again)
    connection = http.client.HTTPConnection(moto, timeout=30)
    connection.request("POST", "/", urlencode(asked), dict(signed_again.headers))
    answer = connection.getresponse()
    text = re.sub(r'(xmlns="http://ec2[^"]*?)/?"', r'\1/"', answer.read().decode())
    connection.close()
    raise Answer(answer.status, text)


@pytest.mark.parametrize("place", ["environment", "profile"])
def test_temporary_credentials(
    ec2: Ec2Rig, home: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    given = temporary_credentials(ec2)
    spec = dict(ec2.spec)
    (home / ".aws").mkdir()

    def use(token: str) -> None:
        lines = [
            f"aws_access_key_id = {given['AccessKeyId']}",
            f"aws_secret_access_key = {given['SecretAccessKey']}",
            f"aws_session_token = {token}",
        ]
        if place == "profile":
            (home / ".aws/credentials").write_text("\n".join(["[short]", *lines, ""]))
            return
        for line in lines:
            word, _, value = line.partition(" = ")
            monkeypatch.setenv(word.upper(), value)

    if place == "profile":
        spec["profile"] = "short"
    ec2.gate.before = partial(signed_for_moto, ec2, given)
    ec2.check_credentials(0)
    try:
        use(given["SessionToken"])
        provider = provider_of("aws", spec)
        assert [wrong for _, wrong in provider.problems()] == ["", ""]
        machine = provider.create(TAG, lambda text: None, lambda: False)
        assert machine.alive()
        machine.destroy()
        assert not machine.alive()
        use("another")
        [(word, wrong)] = provider.problems()
        assert word == "credentials"
        assert "the credentials were refused" in wrong
        assert "another" not in wrong
    finally:
        ec2.gate.calm()
        ec2.check_credentials(1_000_000)
