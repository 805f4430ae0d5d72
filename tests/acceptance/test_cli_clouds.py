"""``infra list|check|clean`` for clouds, with the real command."""

from __future__ import annotations

from typing import Any

import pytest

CONFIG = (
    "infrastructure:\n"
    "  aws: {kind: vm, provider: ec2, region: us-east-1, endpoint: 'http://127.0.0.1:1',"
    " image: ami-1, size: t3.small, max_life: 2h}\n"
)


@pytest.fixture
def cloudy(cms: Any) -> Any:
    pytest.importorskip("libcloud", reason="NOT TESTED: clouds (needs apache-libcloud)")
    for name in [n for n in cms.environment if n.startswith(("AWS_", "OS_"))]:
        del cms.environment[name]
    cms.write("config.yaml", CONFIG)
    cms.environment["CLOUDMESH_FLOW_CONFIG"] = "config.yaml"
    return cms


def test_list(cloudy: Any) -> None:
    done = cloudy("flow", "infra", "list")
    assert done.returncode == 0
    assert "provider: ec2, region: us-east-1" in done.stdout


def test_check_without_credentials_and_without_a_cloud(cloudy: Any) -> None:
    done = cloudy("flow", "infra", "check", "aws")
    assert done.returncode == 3
    assert "no credentials: set AWS_ACCESS_KEY_ID" in done.stdout
    cloudy.environment["AWS_ACCESS_KEY_ID"] = "AKIACANARY"
    cloudy.environment["AWS_SECRET_ACCESS_KEY"] = "canary-secret"
    cloudy.environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:2"
    cloudy.write("config.yaml", CONFIG.replace(" endpoint: 'http://127.0.0.1:1',", ""))
    done = cloudy("flow", "infra", "check", "aws")
    assert done.returncode == 3
    assert "cannot be reached at http://127.0.0.1:2" in done.stdout
    assert "canary" not in (done.stdout + done.stderr).lower()
    assert "Traceback" not in done.stderr


def test_clean_says_which_cloud_it_did_not_reach(cloudy: Any) -> None:
    done = cloudy("flow", "infra", "clean")
    assert done.returncode == 3
    assert done.stderr.startswith("not cleaned: aws: no credentials")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{kind: vm, provider: ec2, memory: 2G}", "a machine of ec2 has no key 'memory'"),
        ("{kind: vm, provider: qemu, region: x}", "a machine of qemu has no key 'region'"),
        ("{kind: vm, provider: ec2, secret: hunter2}", "vm has no key 'secret'"),
        ("{kind: vm, provider: ec2, options: [a]}", "options is a map of names and values"),
        ("{kind: vm, provider: ec2, boot: soon}", "boot is a time like 90s, 5m or 2h"),
    ],
)
def test_a_wrong_entry_is_told_with_its_place(cms: Any, entry: str, said: str) -> None:
    cms.write("config.yaml", f"infrastructure:\n  aws: {entry}\n")
    done = cms("flow", "infra", "list", "--config", "config.yaml")
    assert done.returncode == 2
    assert "config.yaml:2:" in done.stderr
    assert said in done.stderr


def test_a_provider_that_there_is_not(cms: Any) -> None:
    cms.write("config.yaml", "infrastructure:\n  x: {kind: vm, provider: openstak}\n")
    done = cms("flow", "infra", "check", "--config", "config.yaml")
    assert done.returncode == 3
    assert "no provider 'openstak'; did you mean openstack?" in done.stdout
