"""Machines of clouds: a run on them, and the bad luck that clouds have in store.

moto's server stands in for EC2, and a small server of the tests' own for
OpenStack; an sshd here stands in for each machine of moto's (`clouds.Boots`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import executor_kit as kit
import pytest
from clouds import KEY, SECRET, Answer, Boots, Ec2Rig, Lost, Request, refusal, running_ec2
from executor_kit import nodes
from openstack_stand_in import PASSWORD, TOKEN, StandIn, running_openstack
from sshd import free_port

from cloudmesh.flow.errors import InfrastructureError, InputError
from cloudmesh.flow.executors.table import Context, check, make
from cloudmesh.flow.model.flow import Code
from cloudmesh.flow.providers import cloud as cloud_module
from cloudmesh.flow.providers.protocol import Way
from cloudmesh.flow.providers.table import provider_of
from cloudmesh.flow.store import open_store
from cloudmesh.flow.store.outside import intents

pytestmark = pytest.mark.real

TAG = "cmflow/0123456789abcdef/run00001/a/1"
CANARIES = (KEY, SECRET, PASSWORD, TOKEN)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ec2Rig]:
    with running_ec2(tmp_path_factory.mktemp("ec2")) as rig:
        yield rig


@pytest.fixture
def ec2(server: Ec2Rig, monkeypatch: pytest.MonkeyPatch) -> Ec2Rig:
    """EC2's stand-in without machines, with credentials in the environment, in a hurry."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setattr(cloud_module, "DELAY", 0.01)
    spec = dict(server.spec)
    server.reset()
    server.spec = {key: spec[key] for key in spec if key not in ("config", "user")}
    return server


@pytest.fixture
def boots(ec2: Ec2Rig, tmp_path: Path) -> Iterator[Boots]:
    (tmp_path / "machines").mkdir()
    made = Boots(ec2, tmp_path / "machines")
    yield made
    made.close()


@pytest.fixture
def openstack(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    monkeypatch.setattr(cloud_module, "DELAY", 0.01)
    with running_openstack() as stand_in:
        for name, value in stand_in.environment.items():
            monkeypatch.setenv(name, value)
        yield stand_in


class Book:
    """What an executor tells of the machines that it makes."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.notes: list[str] = []
        self.documents: list[dict[str, Any]] = []
        self.context = Context(
            "0123456789abcdef",
            "run00001",
            note=self.notes.append,
            intent=self._intent,
            release=lambda document: self.lines.append(("release", document["tag"])),
        )

    def _intent(self, document: Any) -> None:
        self.lines.append(("intent", document["tag"]))
        self.documents.append(dict(document))

    @property
    def words(self) -> list[str]:
        return [word for word, _ in self.lines]


def command(made: Any, text: str, **task: Any) -> kit.Told:
    return kit.start(made, kit.make_attempt(None, command=text, **task))


def create(rig: Ec2Rig | StandIn, **more: Any) -> Any:
    provider = provider_of("aws", {**rig.spec, **more})
    return provider.create(TAG, lambda text: None, lambda: False)


# -- as it should be ------------------------------------------------------------------------


FLOW = """\
name: away
flow: a; b
infrastructure: {entries}
tasks:
  a: {{command: "echo 20"}}
  b: {{command: "cat {file}; echo {{a}}", on: aws}}
"""


def test_a_run_on_a_machine_of_ec2(boots: Boots, tmp_path: Path) -> None:
    """The seed's own case, with the real command; nobody sees a credential."""
    (tmp_path / "here").write_text("told by the machine\n")
    text = FLOW.format(entries=json.dumps({"aws": boots.rig.spec}), file=tmp_path / "here")
    (tmp_path / "away.yaml").write_text(text)
    env = {**os.environ, "CLOUDMESH_FLOW_STORE": f"sqlite:///{tmp_path}/flow.db"}
    done = subprocess.run(
        [sys.executable, "-m", "cloudmesh.flow", "run", "away.yaml", "--output", "json"],
        cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)
    documents = {document["name"]: document for document in run["nodes"]}
    assert documents["b"]["result"] == "told by the machine\n20"
    assert documents["b"]["where"] == "aws"
    assert boots.rig.machines() == {}
    assert boots.rig.gate.actions.count("RunInstances") == 1
    store = open_store(env["CLOUDMESH_FLOW_STORE"])
    assert [intent.released for intent in intents(store, run["run"])] == [True]
    store.close()
    told = boots.told[0]
    assert "86400" in told["bootcmd"][0][2]
    everything = done.stdout.encode() + done.stderr.encode()
    everything += b"".join(p.read_bytes() for p in tmp_path.glob("flow.db*") if p.is_file())
    for canary in (KEY, SECRET, told["ssh_keys"]["ed25519_private"].split("\n")[1]):
        assert canary.encode() not in everything


def test_a_failure_shows_and_keeps_no_credential(ec2: Ec2Rig, tmp_path: Path) -> None:
    """Nor does what a user asks of the run afterwards."""
    spec = {**ec2.spec, "key": "mine"}
    text = FLOW.format(entries=json.dumps({"aws": spec}), file="/dev/null")
    (tmp_path / "away.yaml").write_text(text)
    token = "canary-session-token"
    env = {
        **os.environ,
        "CLOUDMESH_FLOW_STORE": f"sqlite:///{tmp_path}/flow.db",
        "AWS_SESSION_TOKEN": token,
    }
    echo = f"for {SECRET} with {token} and {KEY}"
    ec2.gate.before = on("RunInstances", refusal("ExpiredToken", echo), 99)
    told = b""
    for words in (("run", "away.yaml"), ("show",), ("status",), ("logs", "b"), ("infra", "clean")):
        done = subprocess.run(
            [sys.executable, "-m", "cloudmesh.flow", *words],
            cwd=tmp_path, env=env, capture_output=True, timeout=120,
        )  # fmt: skip
        told += done.stdout + done.stderr
    assert b"the credentials have expired" in told
    told += b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for canary in (SECRET, token, KEY):
        assert canary.encode() not in told


def test_functions_output_and_cancel_on_a_machine_of_ec2(boots: Boots) -> None:
    book = Book()
    made = make("aws", {**boots.rig.spec, "python": sys.executable, "max_life": "2h"}, book.context)
    try:
        code = Code(nodes.__file__, "", nodes.prints.__name__, "")
        attempt = kit.make_attempt(nodes.prints, {"text": "größe ☃"}, code=code)
        told = kit.start(made, attempt)
        assert told.result(60).value == "größe ☃", told.result().error
        assert "out größe ☃" in told.text("out")
        sleeper = command(made, "echo up; sleep 300")
        sleeper.until(lambda t: "up" in t.text("out"))
        made.cancel(sleeper.attempt)
        assert (sleeper.result().error or {})["type"] == "Cancelled"
    finally:
        made.close()
    assert book.words == ["intent", "release"]
    assert boots.rig.machines() == {}
    assert "7200" in boots.told[0]["bootcmd"][0][2]
    about = {"kind": "vm", "provider": "ec2", "name": "aws", "region": "us-east-1"}
    assert about.items() <= book.documents[0].items()


def test_a_machine_for_each_node(boots: Boots) -> None:
    book = Book()
    made = make("aws", {**boots.rig.spec, "lifetime": "node", "slots": 2}, book.context)
    try:
        told = [command(made, "echo done") for _ in range(2)]
        assert [one.result(60).value for one in told] == ["done", "done"]
    finally:
        made.close()
    assert boots.rig.gate.actions.count("RunInstances") == 2
    assert book.words == ["release", "release"]  # the intents are the attempts' own
    assert boots.rig.machines() == {}


def test_a_machine_with_another_host_key_is_not_used(boots: Boots) -> None:
    """Whoever answers there is not the machine that was told its key."""
    boots.forged = True
    book = Book()
    made = make("aws", {**boots.rig.spec, "boot": "6s"}, book.context)
    outcome = command(made, "true").result(60)
    made.close()
    assert "another host key than it was given" in (outcome.error or {})["message"]
    assert boots.rig.machines() == {}


def test_a_machine_that_goes_away_costs_an_attempt(boots: Boots) -> None:
    book = Book()
    made = make("aws", boots.rig.spec, book.context)
    try:
        first = command(made, "echo up; sleep 300")
        first.until(lambda t: "up" in t.text("out"), 60)
        boots.end()
        outcome = first.result(60)
        assert (outcome.lost, (outcome.error or {})["type"]) == (True, "MachineLost")
        assert command(made, "echo again").result(60).value == "again"
        assert boots.rig.gate.actions.count("RunInstances") == 2
    finally:
        made.close()
    assert boots.rig.machines() == {}
    assert book.words.count("intent") == book.words.count("release") == 2


# -- answers that are lost, refusals that pass --------------------------------------------------


def on(action: str, what: Exception, times: int = 1) -> Callable[[Request], None]:
    """A hook: the first requests for that are answered so."""
    left = [times]

    def hook(request: Request) -> None:
        if request.action == action and left[0]:
            left[0] -= 1
            raise what

    return hook


def test_a_machine_whose_answer_was_lost_is_found_and_not_made_twice(ec2: Ec2Rig) -> None:
    ec2.gate.after = on("RunInstances", Lost())
    machine = create(ec2)
    assert len(ec2.machines()) == 1
    assert ec2.gate.actions.count("RunInstances") == 1
    machine.destroy()
    assert ec2.machines() == {}


def test_a_request_that_was_lost_is_made_again(ec2: Ec2Rig) -> None:
    ec2.gate.before = on("RunInstances", Lost())
    create(ec2).destroy()
    assert ec2.gate.actions.count("RunInstances") == 2
    assert ec2.machines() == {}


@pytest.mark.parametrize(
    "answer",
    [
        refusal("RequestLimitExceeded", status=503),
        refusal("InsufficientInstanceCapacity", status=500),
        refusal("InternalError", status=500),
        Answer(502, "<html>bad gateway</html>", "text/html"),
    ],
    ids=["throttled", "no room", "trouble", "gateway"],
)
def test_what_passes_is_tried_again(ec2: Ec2Rig, answer: Answer) -> None:
    ec2.gate.before = on("RunInstances", answer, 2)
    notes: list[str] = []
    machine = provider_of("aws", ec2.spec).create(TAG, notes.append, lambda: False)
    assert ec2.gate.actions.count("RunInstances") == 3
    assert len(notes) == 2
    assert all(note.startswith("aws: ") and "\n" not in note for note in notes)
    machine.destroy()
    assert ec2.machines() == {}


def test_what_passes_is_not_tried_for_ever(ec2: Ec2Rig) -> None:
    ec2.gate.before = on("RunInstances", refusal("InsufficientInstanceCapacity"), 99)
    with pytest.raises(InfrastructureError, match="no room for a machine of size t3"):
        create(ec2)
    assert ec2.gate.actions.count("RunInstances") == cloud_module.TRIES


def test_a_machine_that_is_not_confirmed_gone_stays_in_the_journal(ec2: Ec2Rig) -> None:
    """And the user is told; `infra clean` destroys it once the cloud does what it is asked."""
    book = Book()
    ec2.gate.before = on("TerminateInstances", refusal("InternalError", status=500), 99)
    made = make("aws", {**ec2.spec, "boot": "100ms"}, book.context)
    outcome = command(made, "true").result(60)
    made.close()
    assert "did not answer" in (outcome.error or {})["message"]
    assert book.words == ["intent"]
    assert len(ec2.machines()) == 1
    assert any("infra clean" in note for note in book.notes)
    ec2.gate.calm()
    assert provider_of("aws", book.documents[0]).destroy(book.documents[0]["tag"]) == 1
    assert ec2.machines() == {}


# -- refusals that do not pass -------------------------------------------------------------------


def the_line(made: Any) -> str:
    """The one line of a node's error."""
    outcome = command(made, "true").result(60)
    made.close()
    error = outcome.error or {}
    assert error["type"] == "MachineFailed"
    message: str = error["message"]
    assert "\n" not in message
    assert not any(canary in message for canary in CANARIES)
    return message


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (refusal("RequestExpired", "Request has expired."), "the credentials have expired"),
        (refusal("AuthFailure", status=401), "refused; they are from the environment, AWS_ACC"),
        (refusal("UnauthorizedOperation", status=403), "from the environment, AWS_ACCESS_KEY_ID"),
        (refusal("InvalidAMIID.NotFound"), "there is no image ami-12c6146b in us-east-1"),
        (refusal("InvalidParameterValue", "Invalid value 'x' for instance type"), "no size t3.sm"),
        (refusal("InvalidKeyPair.NotFound", "The key pair 'x' does not exist"), "no key mine in"),
        (refusal("VcpuLimitExceeded"), "a quota of this account is used up"),
        (refusal("InstanceLimitExceeded"), "a quota of this account is used up"),
        (refusal("Strange.Thing", "of a new kind"), "the cloud refused (Strange.Thing: of a new"),
    ],
)
def test_what_does_not_pass_is_one_clear_line(ec2: Ec2Rig, answer: Answer, said: str) -> None:
    book = Book()
    ec2.gate.before = on("RunInstances", answer, 99)
    line = the_line(make("aws", {**ec2.spec, "key": "mine"}, book.context))
    assert line.startswith("aws: ")
    assert not line.startswith("aws: aws: ")
    assert said in line
    assert ec2.gate.actions.count("RunInstances") == 1
    assert book.words == ["intent", "release"]
    assert ec2.machines() == {}


def test_credentials_that_moto_refuses(ec2: Ec2Rig) -> None:
    ec2.check_credentials(0)
    try:
        line = the_line(make("aws", ec2.spec, Book().context))
        assert "the credentials were refused" in line
        [(word, wrong)] = check("aws", ec2.spec)
        assert word == "credentials"
        assert "AWS_ACCESS_KEY_ID" in wrong
    finally:
        ec2.check_credentials(1_000_000)


def test_no_two_engines_of_a_run_give_the_same_tag(ec2: Ec2Rig) -> None:
    """What the second destroys of the first must never be its own."""
    ec2.gate.before = on("RunInstances", refusal("VcpuLimitExceeded"), 99)
    tags = []
    for engine in (1, 2, 3):
        book = Book()
        made = make("aws", ec2.spec, replace(book.context, engine=engine))
        for _ in range(2):
            command(made, "true").result(60)
        made.close()
        tags += [document["tag"] for document in book.documents]
    assert len(set(tags)) == 6


def test_no_credentials(ec2: Ec2Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    line = the_line(make("aws", ec2.spec, Book().context))
    assert "no credentials: set AWS_ACCESS_KEY_ID" in line
    assert ec2.gate.actions == []


def test_an_endpoint_where_nobody_is(ec2: Ec2Rig) -> None:
    book = Book()
    spec = {**ec2.spec, "endpoint": f"http://127.0.0.1:{free_port()}"}
    line = the_line(make("aws", spec, book.context))
    assert "cannot be reached at http://127.0.0.1:" in line
    assert "UserData" not in line  # a machine's host key is in there
    assert book.words == ["intent", "release"]
    assert "cannot be reached" in check("aws", spec)[0][1]


def test_an_endpoint_that_does_not_answer(ec2: Ec2Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    from cloudmesh.flow.providers import ec2 as ec2_module

    monkeypatch.setattr(ec2_module, "REQUEST_TIMEOUT", 0.2)
    monkeypatch.setattr(cloud_module, "TRIES", 2)
    over = threading.Event()

    def hang(request: Request) -> None:
        over.wait(60)
        raise Lost

    ec2.gate.before = hang
    try:
        with pytest.raises(InfrastructureError, match="no answer"):
            provider_of("aws", ec2.spec).listed("0123456789abcdef")
    finally:
        over.set()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"region": "mars-1"}, "no region 'mars-1'"),
        ({"image": "", "size": ""}, "ec2 needs image and size"),
        ({"options": {"ex_sopt": True}}, "options: libcloud takes no 'ex_sopt'"),
        ({"security": "sg-1"}, "needs network: subnet-"),
    ],
)
def test_an_entry_that_cannot_be_right(ec2: Ec2Rig, more: dict[str, Any], said: str) -> None:
    book = Book()
    spec = {key: value for key, value in {**ec2.spec, **more}.items() if value}
    assert said in the_line(make("aws", spec, book.context))
    assert ec2.machines() == {}


@pytest.mark.parametrize("endpoint", ["localhost:1", "https://me:hunter2@localhost", "ftp://x"])
def test_an_endpoint_that_is_no_url(ec2: Ec2Rig, endpoint: str) -> None:
    with pytest.raises(InputError, match="endpoint is a URL like https://host:8773") as error:
        make("aws", {**ec2.spec, "endpoint": endpoint}, Book().context)
    assert "hunter2" not in str(error.value)


def test_check_makes_nothing(ec2: Ec2Rig) -> None:
    assert check("aws", ec2.spec) == [("credentials", ""), ("image", "")]
    tried = check("aws", {**ec2.spec, "key": "mine"})
    assert tried[-1][0] == "key"
    assert "there is no key mine" in tried[-1][1]
    assert check("aws", {**ec2.spec, "image": "ami-0badbadbad"})[-1][0] == "image"
    assert "RunInstances" not in ec2.gate.actions


# -- OpenStack's stand-in ------------------------------------------------------------------------


def test_what_openstack_is_asked_for(openstack: StandIn) -> None:
    more = {"network": "private", "security": "ssh, web", "key": "mine"}
    machine = create(openstack, **more)
    assert machine.way().host in ("", "10.0.0.5")
    tried: list[Way] = []

    def reach(way: Way) -> str:
        tried.append(way)
        return "" if len(tried) > 1 else "not yet"

    machine.wait(reach, lambda: False)
    assert tried[0].host == "10.0.0.5"
    assert "no bootable device" in machine.console()
    [server] = openstack.servers.values()
    assert server["metadata"]["cmflow"] == TAG
    openstack.deletes_after = 4
    machine.destroy()
    assert openstack.servers == {}
    assert [line for line in openstack.requests if "identity" in line] == [
        "POST /identity/v3/auth/tokens"
    ] * openstack.requests.count("POST /identity/v3/auth/tokens")


def test_a_floating_address_of_the_project(openstack: StandIn) -> None:
    """One that is there and free; it is given back with the machine, and none is made."""
    openstack.floating = {"10.9.0.1": "another", "10.9.0.2": ""}
    machine = create(openstack, address="floating")
    tried: list[str] = []

    def reach(way: Way) -> str:
        tried.append(way.host)
        return ""

    machine.wait(reach, lambda: False)
    assert tried == ["10.9.0.2"]
    second = create(openstack, address="floating")
    with pytest.raises(InfrastructureError, match="no floating address of the project is free"):
        second.wait(reach, lambda: False)
    machine.destroy()
    second.destroy()
    assert openstack.floating == {"10.9.0.1": "another", "10.9.0.2": ""}


def test_a_floating_address_is_openstacks(ec2: Ec2Rig) -> None:
    with pytest.raises(InputError, match="address: floating is for OpenStack"):
        provider_of("aws", {**ec2.spec, "address": "floating"})


def test_a_cloud_that_is_away_while_a_machine_boots(ec2: Ec2Rig) -> None:
    """Only the deadline ends the waiting."""
    machine = create(ec2)
    ec2.gate.before = on("DescribeInstances", refusal("InternalError", status=500), 5)
    tried: list[Way] = []

    def reach(way: Way) -> str:
        tried.append(way)
        return "not yet" if len(tried) < 3 else ""

    machine.wait(reach, lambda: False)
    machine.destroy()
    assert ec2.machines() == {}


def test_an_openstack_server_whose_answer_was_lost_is_found(openstack: StandIn) -> None:
    openstack.lost = True
    machine = create(openstack)
    assert len(openstack.servers) == 1
    machine.destroy()
    assert openstack.servers == {}


def test_an_openstack_server_that_ends_in_error(openstack: StandIn) -> None:
    openstack.boots = False
    book = Book()
    made = make("cloud2", openstack.spec, book.context)
    told = command(made, "true")
    while not openstack.servers:
        pass
    [server] = openstack.servers.values()
    server.update(status="ERROR", fault={"message": "No valid host was found.", "code": 500})
    outcome = told.result(60)
    made.close()
    message = (outcome.error or {})["message"]
    assert "the machine did not start" in message
    assert "no bootable device" in message
    assert openstack.servers == {}
    assert book.words == ["intent", "release"]


@pytest.mark.parametrize(
    ("fault", "more", "said"),
    [
        ((403, "Quota exceeded for instances: Requested 1, but already used 10"), {}, "a quota"),
        (None, {"image": "debian-99"}, "no image debian-99; there are debian-12, ubuntu-24.04"),
        (None, {"size": "m9"}, "no size m9; there are m1.small"),
        (None, {"network": "x"}, "no network x; there are private"),
        ((400, "Invalid key_name provided."), {"key": "mine"}, "there is no key mine"),
    ],
)
def test_what_openstack_refuses(
    openstack: StandIn, fault: tuple[int, str] | None, more: dict[str, str], said: str
) -> None:
    openstack.fault = fault
    book = Book()
    assert said in the_line(make("cloud2", {**openstack.spec, **more}, book.context))
    assert book.words == ["intent", "release"]


def test_a_wrong_password_for_openstack(
    openstack: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OS_PASSWORD", "wrong-password-canary")
    line = the_line(make("cloud2", openstack.spec, Book().context))
    assert "the credentials were refused; they are from the environment, OS_AUTH_URL" in line
    assert "wrong-password-canary" not in line
    assert check("cloud2", openstack.spec)[0][0] == "credentials"


def test_check_of_openstack(openstack: StandIn) -> None:
    spec = {**openstack.spec, "network": "private"}
    assert check("cloud2", spec) == [(w, "") for w in ("credentials", "image", "size", "network")]
    assert openstack.servers == {}
