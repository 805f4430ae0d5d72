"""What clouds say, in one line that helps; never with a secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmesh.flow.providers.trouble import CloudError, hidden, translated

ABOUT = {
    "name": "aws", "source": "the environment", "region": "eu-west-1", "image": "ami-1",
    "size": "t3.small", "key": "mine", "network": "net", "endpoint": "",
}  # fmt: skip
pytest.importorskip("requests", reason="NOT TESTED: clouds (needs apache-libcloud)")


@pytest.mark.parametrize(
    ("said", "kind", "passing"),
    [
        ("RequestExpired: Request has expired.", "credentials", False),
        ("ExpiredToken: The provided token has expired.", "credentials", False),
        ("AuthFailure: AWS was not able to validate", "credentials", False),
        ("401 Unauthorized The request you have made", "credentials", False),
        ("UnauthorizedOperation: You are not authorized", "rights", False),
        ("403 Forbidden Policy doesn't allow it", "rights", False),
        ("InvalidAMIID.Malformed: Invalid id", "image", False),
        ("400 Bad Request Can not find requested image", "image", False),
        ("InvalidParameterValue: Invalid value 'x' for InstanceType. instance type", "size", False),
        ("404 Not Found Flavor 9 could not be found.", "size", False),
        ("400 Bad Request Invalid key_name provided.", "key", False),
        ("InvalidSubnetID.NotFound: The subnet ID does not exist", "network", False),
        ("InvalidGroup.NotFound: The security group 'x' does not exist", "security", False),
        ("VcpuLimitExceeded: You have requested more vCPU", "quota", False),
        ("403 Forbidden Quota exceeded for cores: Requested 4", "quota", False),
        ("InsufficientInstanceCapacity: We currently do not have", "capacity", True),
        ("RequestLimitExceeded: Request limit exceeded.", "throttled", True),
        ("429 Rate limit exceeded", "throttled", True),
        ("Something.New: whatever", "refused", False),
    ],
)
def test_the_words_of_clouds(said: str, kind: str, passing: bool) -> None:
    error = translated(Exception(said), ABOUT)
    assert (error.kind, error.passing, error.unsure) == (kind, passing, False)
    assert str(error).startswith("aws: ")
    assert said in str(error)
    assert "{" not in str(error)


def test_the_network() -> None:
    from requests import exceptions as r

    refused = r.ConnectionError("NewConnectionError: Connection refused")
    for cause, unsure in (
        (refused, False),
        (r.ConnectTimeout("x"), False),
        (r.ReadTimeout("x"), True),
        (r.ConnectionError("Connection aborted."), True),
        (ConnectionResetError("x"), True),
        (r.SSLError("certificate verify failed"), False),
    ):
        error = translated(cause, {**ABOUT, "endpoint": "https://e"})
        assert (error.kind, error.passing, error.unsure) == ("away", True, unsure)
        assert "https://e" in str(error)


def test_trouble_of_the_cloud_itself_leaves_open_what_was_done() -> None:
    class Http(Exception):
        code = 503

    error = translated(Http("Service Unavailable"), ABOUT)
    assert (error.kind, error.passing, error.unsure) == ("server", True, True)


def test_what_is_translated_already_stays() -> None:
    error = CloudError("x", "quota")
    assert translated(error, {}) is error


@given(st.text(max_size=50), st.text(min_size=4, max_size=20), st.text(max_size=600))
def test_one_line_without_the_secret(before: str, secret: str, after: str) -> None:
    error = translated(Exception(f"{before}{secret}{after}"), ABOUT, [secret])
    assert "\n" not in str(error)
    assert len(str(error)) < 500
    assert secret not in hidden(f"{before}{secret}{after}", [secret]) or secret in "***"


def test_a_secret_with_spaces_at_its_end_or_cut_is_hidden_too() -> None:
    secret = "abcd efgh\nijkl"
    assert "efgh" not in str(translated(Exception(f"x {secret} y"), ABOUT, [secret]))
    long = "s" * 100
    text = "x" * 200 + long
    assert "sss" not in str(translated(Exception(text), ABOUT, [long])).partition("(")[2]
