"""Machines of a cloud, through apache-libcloud: what all clouds have in common.

A machine's *name* is its mark, ``cmflow-STORE-RUN-HASH``, because every cloud
has names and lists them; the hash is that of the whole tag.  What differs from
cloud to cloud stands in `ec2`, `openstack` and `other`.
"""

from __future__ import annotations

import hashlib
import inspect
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from cloudmesh.flow.errors import InfrastructureError, InputError
from cloudmesh.flow.providers.credentials import Credentials, defaults
from cloudmesh.flow.providers.keys import Keys, new_keys
from cloudmesh.flow.providers.protocol import Found, Note, Reach, Stop, Unwanted, Way
from cloudmesh.flow.providers.trouble import CloudError, translated
from cloudmesh.flow.providers.userdata import cloud_config
from cloudmesh.flow.times import seconds

__all__ = ["Cloud", "CloudMachine"]

T = TypeVar("T")

USER = "flow"  # made by cloud-init, so that it is the same whatever the image
BOOT = 300.0  # seconds from the request to the first login
LIFE = 86400.0  # seconds
REQUEST_TIMEOUT = 30.0  # seconds for one answer
TRIES = 4  # of a request that may succeed later
DELAY = 1.0  # seconds before the second try; doubles
LOOK = 10.0  # seconds between two looks at a machine that has an address
GONE_TIMEOUT = 120.0  # seconds for a cloud to confirm that a machine is gone
AGAIN = 30.0  # seconds after which its end is asked for again

#: Refusals that come before anything is made.
CERTAIN = (
    "credentials", "rights", "quota", "image", "size", "key", "network", "security", "throttled",
)  # fmt: skip

#: The words of an entry that find its machines again; none of them is a secret.
ABOUT = ("provider", "region", "endpoint", "profile", "cloud")


class Cloud(ABC):
    """A provider (see `protocol`) with one of libcloud's drivers."""

    outlives = True
    at_once = False  # whether one request makes a machine, and none follows it
    floats = False  # whether a machine can be given one of the account's addresses

    def __init__(self, name: str, spec: Mapping[str, Any]) -> None:
        self.name = name
        given = {key: value for key, value in spec.items() if value is not None}
        self.spec: dict[str, Any] = {**self.usual(name, given), **given}
        known = {key: str(self.spec[key]) for key in ABOUT if self.spec.get(key)}
        self.about: Mapping[str, Any] = {"name": name, **known}
        self._mine = threading.local()
        if self.spec.get("address") == "floating" and not self.floats:
            raise InputError(f"{name}: address: floating is for OpenStack")

    # -- what differs -----------------------------------------------------------------------

    def usual(self, name: str, given: Mapping[str, Any]) -> dict[str, str]:
        """What an entry says where it says nothing, from cloudmesh.yaml."""
        return defaults(name)

    @abstractmethod
    def credentials(self) -> Credentials:
        """Read them.  Raises `CloudError`."""

    @abstractmethod
    def connected(self, credentials: Credentials) -> Any:
        """A driver of libcloud."""

    @abstractmethod
    def ordered(self, driver: Any, data: Mapping[str, str], user_data: str) -> dict[str, Any]:
        """The arguments of ``create_node`` beside its name; ``data`` goes with the machine."""

    @abstractmethod
    def nodes(self, driver: Any, store: str) -> list[Any]:
        """The machines whose names begin with the store's, without those that are gone."""

    @abstractmethod
    def said(self, driver: Any, node: Any) -> str:
        """The text of a machine's console."""

    @abstractmethod
    def looks(self) -> list[tuple[str, Callable[[Any], object]]]:
        """What `problems` tries: a word for it, and a function of the driver that raises."""

    def addresses(self, node: Any) -> list[str]:
        """The addresses of a machine by which it is reached."""
        public, private = node.public_ips or [], node.private_ips or []
        wanted = {"public": public, "private": private}
        return list(wanted.get(str(self.spec.get("address") or ""), [*public, *private]))

    def expose(self, driver: Any, node: Any) -> None:
        """Give a machine that runs an address; most clouds do so by themselves."""
        return

    # -- the provider --------------------------------------------------------------------------

    def create(self, tag: str, note: Note, stop: Stop) -> CloudMachine:
        """See `Provider`.  Repeats what may succeed later; never makes two knowingly."""
        keys = new_keys()
        life = seconds(self.spec.get("max_life") or LIFE)
        user = str(self.spec.get("user") or USER)
        user_data = cloud_config(keys, user, life)
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + life))
        data = {"cmflow": tag[:255], "cmflow-until": until}
        unsure = False  # of any request until now
        for number in range(1, TRIES + 1):
            if stop():
                raise Unwanted("the machine is no longer wanted", unsure)
            try:
                node = self._create(tag, data, user_data)
            except CloudError as error:
                unsure = error.unsure = unsure or error.unsure
                node = self._found_after(error, tag)
                if node is None and (number == TRIES or not error.passing):
                    raise
                if node is None:
                    note(f"{error}; trying again")
                    _pause(DELAY * 2.0 ** (number - 1), stop)
            if node is not None:
                return CloudMachine(self, tag, node, keys, user)
        raise AssertionError

    def _create(self, tag: str, data: Mapping[str, str], user_data: str) -> Any:
        def ask(driver: Any) -> Any:
            order = self.ordered(driver, data, user_data)
            return driver.create_node(name=self.mark(tag), **order, **self._options(driver))

        try:
            return self.do(ask, tries=1)
        except CloudError as error:
            error.unsure = error.unsure or not (self.at_once or error.kind in CERTAIN)
            raise

    def _options(self, driver: Any) -> dict[str, Any]:
        """Further arguments of ``create_node``, as the entry has them."""
        options: dict[str, Any] = dict(self.spec.get("options") or {})
        taken = inspect.signature(driver.create_node).parameters
        if not any(one.kind is one.VAR_KEYWORD for one in taken.values()):
            for key in options:
                if key not in taken:
                    raise InputError(f"{self.name}: options: libcloud takes no {key!r} here")
        return options

    def _found_after(self, error: CloudError, tag: str) -> Any | None:
        """The machine of a request that got no answer, if it was made."""
        if not error.unsure:
            return None
        with suppress(CloudError):
            return next(iter(self._of(tag)), None)
        return None

    def mark(self, tag: str) -> str:
        """A name that every cloud takes: letters, digits and hyphens, under 63 of them."""
        _, store, run = tag.split("/")[:3]
        return f"cmflow-{store}-{run}-{hashlib.sha256(tag.encode()).hexdigest()[:12]}"

    def listed(self, store: str) -> list[Found]:
        """See `Provider`."""
        found = []
        for node in self.do(lambda driver: self.nodes(driver, store)):
            words = node.name.split("-")
            if len(words) == 4 and words[:2] == ["cmflow", store]:
                found.append(Found(node.id, node.name, words[2]))
        return found

    def destroy(self, tag: str) -> int:
        """See `Provider`."""
        asked: dict[str, float] = {}  # when, by the machine's number
        deadline = time.monotonic() + GONE_TIMEOUT
        delay = DELAY / 4
        while nodes := self._of(tag):
            now = time.monotonic()
            if now > deadline:
                raise InfrastructureError(f"{self.name}: {self.mark(tag)} does not go away")
            due = [node for node in nodes if now - asked.get(node.id, -AGAIN) >= AGAIN]
            for node in due:
                self.end(node)
                asked[node.id] = now
            if not due:  # on its way
                time.sleep(delay)
                delay = min(5.0, 2 * delay)
        return len(asked)

    def problems(self) -> list[tuple[str, str]]:
        """See `Provider`: asks the cloud for what the entry names, and makes nothing."""
        tried: list[tuple[str, str]] = []
        for word, look in self.looks():
            try:
                self.do(look, tries=2)  # somebody waits for the answer
            except (InfrastructureError, InputError) as error:
                tried.append((word, str(error)))
                break  # the others need this one
            tried.append((word, ""))
        return tried

    # -- for machines -----------------------------------------------------------------------

    def do(self, ask: Callable[[Any], T], tries: int = TRIES) -> T:
        """Ask the cloud, again where that may help.  Raises `CloudError`, `InputError`."""
        for number in range(1, tries + 1):
            try:
                return self._ask(ask)
            except CloudError as error:
                if number == tries or not error.passing:
                    raise
                time.sleep(DELAY * 2.0 ** (number - 1))
        raise AssertionError

    def end(self, node: Any) -> None:
        """Ask for the end of a machine; one that is gone already is no error."""

        def ask(driver: Any) -> None:
            driver.destroy_node(node)

        try:
            self.do(ask)
        except CloudError:
            if any(other.id == node.id for other in self.all_of(node.name)):
                raise

    def all_of(self, mark: str) -> list[Any]:
        """The machines of a mark."""
        store = mark.split("-")[1]
        nodes = self.do(lambda driver: self.nodes(driver, store))
        return [node for node in nodes if node.name == mark]

    def _of(self, tag: str) -> list[Any]:
        return self.all_of(self.mark(tag))

    def _ask(self, ask: Callable[[Any], T]) -> T:
        credentials = self.credentials()
        try:
            return ask(self._driver(credentials))
        except (CloudError, InputError):
            raise
        except Exception as error:
            about = {**self.spec, "name": self.name, "source": credentials.source}
            raise translated(error, about, credentials.secrets) from None

    def _driver(self, credentials: Credentials) -> Any:
        """A driver for this thread (libcloud's are for one); another when credentials change."""
        known = getattr(self._mine, "driver", None)
        if known is None or known[0] != credentials:
            known = self._mine.driver = (credentials, self.connected(credentials))
        return known[1]

    def key(self, driver: Any) -> None:
        """Raise where the account has no such key pair."""
        word = str(self.spec["key"])
        if word not in [pair.name for pair in driver.list_key_pairs()]:
            raise CloudError(f"{self.name}: there is no key {word}", "key")

    def needs(self, *keys: str) -> None:
        """Raise `InputError` where the entry does not say what making a machine needs."""
        missing = [key for key in keys if not self.spec.get(key)]
        if missing:
            raise InputError(f"{self.name}: {self.spec['provider']} needs {' and '.join(missing)}")


class CloudMachine:
    """A machine of a cloud."""

    def __init__(self, cloud: Cloud, tag: str, node: Any, keys: Keys, user: str) -> None:
        self.tag = tag
        self._cloud, self._node, self._keys, self._user = cloud, node, keys, user
        self._seen = False  # listings may lag behind
        self._exposed = -LOOK

    def way(self) -> Way:
        """See `Machine`; the address is "" until there is one."""
        spec = self._cloud.spec
        return Way(
            host=next(iter(self._cloud.addresses(self._node)), ""),
            port=int(spec.get("port") or 0),
            user=self._user,
            client_key=self._keys.client,
            host_key=self._keys.host_public,
            identity=str(spec.get("identity") or ""),
            jump=str(spec.get("jump") or ""),
            config=str(spec.get("config") or ""),
            python=str(spec.get("python") or "python3"),
        )

    def wait(self, reach: Reach, stop: Stop) -> None:
        """See `Machine`."""
        patience = seconds(self._cloud.spec.get("boot") or BOOT)
        deadline = time.monotonic() + patience
        said, delay, looked = "it has no address", DELAY, 0.0
        while True:
            if stop():
                raise Unwanted("the machine is no longer wanted")
            if not self.way().host or time.monotonic() - looked > LOOK:
                self._look()
                looked = time.monotonic()
            if self.way().host:
                said = reach(self.way())
                if not said:
                    return
            if time.monotonic() + delay > deadline:
                break
            _pause(delay, stop)
            delay = min(5.0, delay * 1.5)
        name = self._cloud.name
        raise InfrastructureError(
            f"{name}: the machine did not answer within {patience:.0f} s: {said}{self._last()}"
        )

    def _look(self) -> None:
        """Look how the machine is.  Raises `InfrastructureError` where it will not come up."""
        try:
            nodes = self._cloud.all_of(self._node.name)
        except CloudError as error:
            if error.passing:
                return  # the deadline decides
            raise
        node = next((node for node in nodes if node.id == self._node.id), None)
        cloud, name = self._cloud, self._cloud.name
        if node is None and self._seen:
            raise InfrastructureError(f"{name}: the machine ended while it started{self._last()}")
        if node is not None:
            self._node, self._seen = node, True
            if str(node.state) in ("error", "stopped"):
                why = str((node.extra.get("fault") or {}).get("message") or "")
                raise InfrastructureError(
                    f"{name}: the machine did not start{': ' * bool(why)}{why}{self._last()}"
                )
            due = time.monotonic() - self._exposed > LOOK  # another may have taken it meanwhile
            if str(node.state) == "running" and due and not cloud.addresses(node):
                self._exposed = time.monotonic()
                cloud.do(lambda driver: cloud.expose(driver, node))

    def alive(self) -> bool:
        """See `Machine`."""
        return any(node.id == self._node.id for node in self._cloud.all_of(self._node.name))

    def console(self) -> str:
        """See `Machine`."""
        with suppress(Exception):  # libcloud's own, too: there is no output yet
            text = self._cloud.do(lambda driver: self._cloud.said(driver, self._node), tries=1)
            lines = [" ".join(line.split()) for line in text.split("\n") if line.strip()]
            return " | ".join(lines[-3:])[-500:]
        return ""

    def _last(self) -> str:
        said = self.console()
        return f"; the last that its console said: {said}" if said else ""

    def destroy(self) -> None:
        """See `Machine`: this one by its number, and others that carry its tag."""
        self._cloud.end(self._node)
        self._cloud.destroy(self.tag)


def _pause(length: float, stop: Stop) -> None:
    """Wait, but not for what nobody wants any more."""
    deadline = time.monotonic() + length
    while not stop() and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(0.2, left))
