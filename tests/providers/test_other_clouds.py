"""Other clouds by configuration, with libcloud's own dummy: machines in memory."""

from __future__ import annotations

from typing import Any

import pytest

from cloudmesh.flow.errors import InputError
from cloudmesh.flow.providers.trouble import CloudError

pytest.importorskip("libcloud", reason="NOT TESTED: clouds (needs apache-libcloud)")

from libcloud.compute.drivers.dummy import DummyNodeDriver

from cloudmesh.flow.providers.other import Other
from cloudmesh.flow.providers.table import provider_of

TAG = "cmflow/0123456789abcdef/run00001/a/1"


class Drives(DummyNodeDriver):
    """The dummy, with user data as some clouds take it."""

    def create_node(
        self, name: str, size: Any, image: Any, location: Any, ex_user_data: str = ""
    ) -> Any:
        assert location.name == "Paul's Room"
        assert ex_user_data.startswith("#cloud-config")
        node = super().create_node(name=name, size=size, image=image)
        node.name = name  # the dummy gives names of its own
        return node


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Other:
    monkeypatch.setenv("CLOUDMESH_CLOUD_TOY_CREDS", "canary-creds")
    spec = {
        "kind": "vm",
        "provider": "dummy",
        "image": "Ubuntu 9.10",
        "size": "Small",
        "region": "1",
    }
    made = provider_of("toy", spec)
    assert isinstance(made, Other)
    return made


def test_made_found_and_destroyed(cloud: Other, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("libcloud.compute.providers.get_driver", lambda word: Drives)
    machine = cloud.create(TAG, lambda text: None, lambda: False)
    [found] = cloud.listed("0123456789abcdef")
    assert (found.mark, found.run) == (cloud.mark(TAG), "run00001")
    assert machine.way().host == "127.0.0.3"
    assert machine.alive()
    assert machine.console() == ""
    machine.destroy()
    assert cloud.listed("0123456789abcdef") == []
    assert cloud.problems() == [("credentials", ""), ("image", ""), ("size", "")]


def test_a_driver_without_user_data_is_no_way(cloud: Other) -> None:
    with pytest.raises(InputError, match="its host key could not be known"):
        cloud.create(TAG, lambda text: None, lambda: False)


def test_what_there_is_not() -> None:
    with pytest.raises(InputError, match="no provider 'digitalocan'"):
        provider_of("x", {"provider": "digitalocan"})
    with pytest.raises(InputError, match="did you mean openstack"):
        provider_of("x", {"provider": "openstak"})


def test_arguments_that_the_driver_does_not_take(
    cloud: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDMESH_CLOUD_TOY_NOSUCH", "canary-nosuch")
    with pytest.raises((InputError, CloudError)) as error:
        cloud.listed("0123456789abcdef")
    assert "nosuch" in str(error.value)
    assert "canary" not in str(error.value)


def test_a_request_that_may_have_been_done_is_not_forgotten_for_a_later_one(
    cloud: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = [TimeoutError("no answer"), RuntimeError("quota exceeded")]

    class Refuses(Drives):
        def create_node(self, name: str, size: Any, image: Any, ex_user_data: str = "") -> Any:
            raise errors.pop(0)

    monkeypatch.setattr("libcloud.compute.providers.get_driver", lambda word: Refuses)
    monkeypatch.setattr("cloudmesh.flow.providers.cloud.DELAY", 0.0)
    with pytest.raises(CloudError) as error:
        cloud.create(TAG, lambda text: None, lambda: False)
    assert (error.value.kind, error.value.unsure) == ("quota", True)
