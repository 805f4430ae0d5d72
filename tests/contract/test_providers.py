"""What every provider of machines keeps to: made, found, told apart, destroyed, nothing left.

QEMU is the real one.  EC2 is moto's server over HTTP, and OpenStack a small
stand-in of the tests' own: their machines do not boot, so that reaching them
is tested elsewhere (`tests/real/test_clouds.py`).
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clouds import KEY, SECRET, running_ec2
from openstack_stand_in import PASSWORD, running_openstack

from cloudmesh.flow.errors import InfrastructureError
from cloudmesh.flow.providers import cloud as cloud_module
from cloudmesh.flow.providers import image, qemu
from cloudmesh.flow.providers.protocol import Machine, Provider, Unwanted, Way
from cloudmesh.flow.providers.table import provider_of

pytestmark = pytest.mark.real

KINDS = ["qemu", "ec2", "openstack"]
STORE, OTHER = os.urandom(8).hex(), os.urandom(8).hex()  # others may test here at this moment


class Rig:
    """A provider, and how many machines its owner sees."""

    def __init__(self, spec: dict[str, Any], there: Callable[[], int]) -> None:
        self.spec = spec
        self.there = there
        self.provider: Provider = provider_of("cloud", spec)
        self.notes: list[str] = []
        self.made: list[Machine] = []  # kept: one that ends with its engine ends when it is dropped

    def create(self, tag: str) -> Machine:
        self.made.append(self.provider.create(tag, self.notes.append, lambda: False))
        return self.made[-1]

    def marks(self, store: str = STORE) -> list[str]:
        return sorted(found.mark for found in self.provider.listed(store))


@pytest.fixture(scope="module")
def ec2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with running_ec2(tmp_path_factory.mktemp("ec2")) as rig:
        yield rig


@pytest.fixture(scope="module")
def openstack() -> Iterator[Any]:
    with running_openstack() as cloud:
        yield cloud


@pytest.fixture(params=KINDS)
def rig(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> Iterator[Rig]:
    if request.param == "qemu":
        packages = image.missing()
        if packages:
            pytest.skip(
                f"NOT TESTED: virtual machines (needs {packages}; make test-deps installs it)"
            )
        monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
        spec = {"kind": "vm", "provider": "qemu", "memory": "256M", "accelerator": "tcg"}
        made = Rig(spec, lambda: sum(STORE in t or OTHER in t for t, _, _ in qemu.machines()))
    else:
        monkeypatch.setattr(cloud_module, "DELAY", 0.02)
        cloud = request.getfixturevalue(request.param)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        for name, value in getattr(cloud, "environment", {}).items():
            monkeypatch.setenv(name, value)
        made = Rig(cloud.spec, lambda: len(cloud.machines()))
    before = made.there()
    yield made
    for store in (STORE, OTHER):
        for tag in ("a/1", "a/2", "b/1"):
            made.provider.destroy(f"cmflow/{store}/run00001/{tag}")
    assert made.there() == before


def tag(last: str = "a/1", store: str = STORE) -> str:
    return f"cmflow/{store}/run00001/{last}"


def test_made_found_and_destroyed(rig: Rig) -> None:
    before = rig.there()
    machine = rig.create(tag())
    assert machine.tag == tag()
    assert rig.there() == before + 1
    assert rig.marks() == [rig.provider.mark(tag())]
    assert [found.run for found in rig.provider.listed(STORE)] == ["run00001"]
    assert machine.alive()
    assert isinstance(machine.console(), str)
    machine.destroy()
    assert not machine.alive()
    assert rig.marks() == []
    assert rig.there() == before
    machine.destroy()  # no error


def test_what_is_not_there_is_destroyed_without_error(rig: Rig) -> None:
    assert rig.provider.destroy(tag("nobody/7")) == 0
    assert rig.provider.listed("00000000deadbeef") == []


def test_only_the_machines_of_a_tag_go(rig: Rig) -> None:
    for one in (tag("a/1"), tag("a/2"), tag("b/1"), tag("a/1", OTHER)):
        rig.create(one)
    assert rig.provider.destroy(tag("a/1")) == 1
    assert rig.marks() == sorted(map(rig.provider.mark, (tag("a/2"), tag("b/1"))))
    assert rig.marks(OTHER) == [rig.provider.mark(tag("a/1", OTHER))]


def test_all_machines_of_a_tag_go(rig: Rig) -> None:
    """A create whose answer was lost may have been repeated."""
    first, _ = rig.create(tag()), rig.create(tag())
    assert len(rig.marks()) == 2
    assert rig.provider.destroy(tag()) == 2
    assert not first.alive()
    second = rig.create(tag())
    rig.create(tag())
    second.destroy()
    assert rig.marks() == []


def test_another_process_finds_them_by_what_stands_in_the_journal(rig: Rig) -> None:
    machine = rig.create(tag())
    text = json.dumps(dict(rig.provider.about))
    about = json.loads(text)
    another = provider_of(about["name"], about)
    assert [found.mark for found in another.listed(STORE)] == [rig.provider.mark(tag())]
    assert another.about == rig.provider.about
    assert another.destroy(tag()) == 1
    assert not machine.alive()
    for secret in (KEY, SECRET, PASSWORD):
        assert secret not in text + repr(another) + repr(vars(another)) + repr(machine)


def test_what_nobody_wants_is_not_made(rig: Rig) -> None:
    with pytest.raises(Unwanted):
        rig.provider.create(tag(), rig.notes.append, lambda: True)
    assert rig.marks() == []


def test_what_nobody_wants_any_more_is_not_waited_for(rig: Rig) -> None:
    machine = rig.create(tag())
    with pytest.raises(Unwanted):
        machine.wait(lambda way: "not yet", lambda: True)
    machine.destroy()


def test_the_marks_of_tags_differ(rig: Rig) -> None:
    tags = [tag(f"{'größe' * 60}{end}/1") for end in ("", "a", "b")] + [tag("a/1"), tag("a/2")]
    marks = {rig.provider.mark(one) for one in tags}
    assert len(marks) == len(tags)
    machine = rig.create(tags[0])
    assert rig.marks() == [rig.provider.mark(tags[0])]
    machine.destroy()


def test_a_machine_that_is_ended_by_somebody_else(rig: Rig) -> None:
    machine = rig.create(tag())
    rig.provider.destroy(tag())
    assert not machine.alive()
    machine.destroy()
    assert rig.provider.destroy(tag()) == 0


def test_several_at_once(rig: Rig) -> None:
    failed: list[BaseException] = []

    def one(number: int) -> None:
        try:
            rig.create(tag(f"t{number}/1")).destroy()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    assert rig.marks() == []


def test_two_that_clean_at_once(rig: Rig) -> None:
    rig.create(tag("a/1"))
    rig.create(tag("b/1"))
    failed: list[BaseException] = []

    def clean() -> None:
        try:
            for one in (tag("a/1"), tag("b/1")):
                rig.provider.destroy(one)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=clean) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    assert rig.marks() == []


def test_nothing_is_wrong_with_what_is_right(rig: Rig) -> None:
    tried = rig.provider.problems()
    assert tried
    if rig.spec["provider"] != "qemu" or image.find("debian"):
        assert {wrong for _, wrong in tried} == {""}


def test_a_boot_that_never_ends_has_a_deadline(rig: Rig) -> None:
    rig.provider = provider_of("cloud", {**rig.spec, "boot": "100ms"})
    machine = rig.create(tag())

    def never(way: Way) -> str:
        return "nobody answers there"

    with pytest.raises(InfrastructureError) as error:
        machine.wait(never, lambda: False)
    assert "did not answer within 0 s" in str(error.value)
    assert "\n" not in str(error.value)
    if rig.spec["provider"] != "qemu":
        assert "the last that its console said: " in str(error.value)
    machine.destroy()
