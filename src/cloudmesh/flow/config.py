"""The user's configuration: ``--config FILE``, ``CLOUDMESH_FLOW_CONFIG``, ``config.yaml`` at home.

```yaml
parallel: 16                  # nodes at once on this machine
durability: power             # or process, the default
patience: 5m                  # how long a store that is away is waited for; 2m by default
pools: {gpu: 1, api: {slots: 2, rate: 10/s}}   # nodes of a pool at once, and starts in a time
webhooks: [https://example.org/hook]   # told, with ids and the status, that a run has ended
infrastructure:
  lab: {kind: ssh, hosts: [node1, node2], slots: 4}
```
Where there is none, nothing is read and nothing loaded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from cloudmesh.flow.errors import InputError

if TYPE_CHECKING:
    from cloudmesh.flow.errors import Problem
    from cloudmesh.flow.language.yamlfile import Yaml
    from cloudmesh.flow.model.flow import Flow

__all__ = ["Config", "check_pools", "load_config"]

HOME = "~/.cloudmesh/flow/config.yaml"
KEYS = ("durability", "infrastructure", "parallel", "patience", "pools", "webhooks")
DURABILITIES = ("process", "power")


class Config(NamedTuple):
    """What the user has set; ``parallel`` is None where nothing is said."""

    infrastructure: Mapping[str, Any] = MappingProxyType({})
    pools: Mapping[str, Any] = MappingProxyType({})
    parallel: int | None = None
    durability: str = "process"
    patience: float | None = None  # seconds
    file: str = ""
    webhooks: tuple[str, ...] = ()


def load_config(path: str | None) -> Config:
    """Read the configuration.  Raises `InputError` with all findings, `NotFound` for no file."""
    given = path or os.environ.get("CLOUDMESH_FLOW_CONFIG")
    file = os.path.expanduser(given or HOME)
    if not given and not os.path.exists(file):
        return Config()
    from cloudmesh.flow.language.yamlfile import read_yaml_file

    if _says_nothing(file):
        return Config(file=file)
    return _config(read_yaml_file(file), file)


def check_pools(flow: Flow, config: Config) -> None:
    """Raise `InputError` where a node of a flow is of a pool that nobody has said the size of."""
    if not any(task.pool for task in flow.tasks):
        return
    known = {*config.pools, *flow.pools}
    unknown = [node for node in flow.nodes if node.task.pool not in known and node.task.pool]
    if not unknown:
        return
    from cloudmesh.flow.errors import Problem
    from cloudmesh.flow.language.source import did_you_mean
    from cloudmesh.flow.model.check import no_pool

    raise InputError(
        problems=[
            Problem(
                f"{node.name}: {no_pool(node.task.pool or '')}"
                f"{did_you_mean(node.task.pool or '', known)}"
            )
            for node in unknown
        ]
    )


def _says_nothing(file: str) -> bool:
    """Whether all of it is commented out, as in a file that was copied to begin with."""
    try:
        with open(file, encoding="utf-8", errors="replace") as lines:
            return all(not line.strip() or line.lstrip().startswith("#") for line in lines)
    except OSError:
        return False  # the reader says what is wrong


def _config(yaml: Yaml, file: str) -> Config:
    data = yaml.data
    if yaml.findings:
        yaml.findings.raise_if_any()
    if not isinstance(data, dict):
        raise InputError(problems=[yaml.problem("the configuration is a map of keys")])
    problems = [
        *_unknown(yaml, data),
        *_numbers(yaml, data),
        *_infrastructure(yaml, data.get("infrastructure")),
        *_webhooks(yaml, data.get("webhooks")),
    ]
    if problems:
        raise InputError(problems=problems)
    return Config(
        infrastructure=data.get("infrastructure") or {},
        pools=data.get("pools") or {},
        parallel=data.get("parallel"),
        durability=data.get("durability") or "process",
        patience=_patience(data),
        file=file,
        webhooks=tuple(data.get("webhooks") or ()),
    )


def _unknown(yaml: Yaml, data: Mapping[str, Any]) -> list[Problem]:
    from cloudmesh.flow.language.source import did_you_mean

    return [
        yaml.problem(f"there is no key {key!r}{did_you_mean(key, KEYS)}", (key,), key=True)
        for key in data
        if key not in KEYS
    ]


def _numbers(yaml: Yaml, data: Mapping[str, Any]) -> list[Problem]:
    found = []
    counts: dict[tuple[str, ...], Any] = {("parallel",): data.get("parallel")}
    pools = data.get("pools")
    if pools is not None and not isinstance(pools, dict):
        found.append(yaml.problem("pools is a map of names and how many at once", ("pools",)))
    elif pools:
        found.extend(_pools(yaml, pools))
    for path, count in counts.items():
        if count is not None and (type(count) is not int or count < 1):
            found.append(yaml.problem(f"{path[-1]} is a whole number from 1", path))
    durability = data.get("durability")
    if durability is not None and durability not in DURABILITIES:
        found.append(yaml.problem("durability is process or power", ("durability",)))
    try:
        _patience(data)
    except ValueError as error:
        found.append(yaml.problem(f"patience: {error}", ("patience",)))
    return found


def _pools(yaml: Yaml, pools: Mapping[str, Any]) -> Iterator[Problem]:
    from cloudmesh.flow.model.pools import read_pool

    for name, spec in pools.items():
        try:
            read_pool(spec)
        except ValueError as error:
            yield yaml.problem(f"pools: {name}: {error}", ("pools", name))


def _patience(data: Mapping[str, Any]) -> float | None:
    """Seconds; None where nothing is said.  Raises ValueError, with a sentence."""
    from cloudmesh.flow.times import seconds

    return None if data.get("patience") is None else seconds(data["patience"])


def _infrastructure(yaml: Yaml, entries: Any) -> list[Problem]:
    from cloudmesh.flow.executors.table import faults

    if entries is None:
        return []
    if not isinstance(entries, dict):
        return [yaml.problem("infrastructure is a map of names and entries", ("infrastructure",))]
    found = []
    for name, spec in entries.items():
        path = ("infrastructure", name)
        if name in ("local", "thread", "process", "command", "async", "here"):
            found.append(yaml.problem(f"{name} is a word that is always there", path, key=True))
            continue
        for message, key in faults(name, spec):
            found.append(yaml.problem(message, (*path, key) if key else path, key=True))
    return found


def _webhooks(yaml: Yaml, urls: Any) -> Iterator[Problem]:
    """What is wrong with the URLs, with the place but not the line: it may hold a secret."""
    if urls is None:
        return
    from cloudmesh.flow.webhooks import fault

    items = enumerate(urls) if isinstance(urls, list) else [(-1, None)]
    for number, url in items:
        if wrong := fault(url):
            path = ("webhooks", number) if number >= 0 else ("webhooks",)
            found = yaml.problem(f"webhooks is a list of URLs; {wrong}", path)
            file = f"{found.file}:{found.line}:{found.column}"
            yield found._replace(file=file, line=0, column=0, text="")
