"""The form of cloudmesh-cc: ``workflow: {nodes: …, dependencies: ["a,b,c"]}``.

Of a node ``exec`` or ``script``, ``kind``, ``host``, ``user``, ``label`` and
``shape`` are used; every other key is accepted.  Names that a flow cannot have
(``job.host-1``) get ``_`` for what is not allowed, and keep the old name as label.
"""

from __future__ import annotations

import os
import re
from itertools import pairwise
from typing import Any

from cloudmesh.flow.errors import Problem
from cloudmesh.flow.language.flowstring import NAME
from cloudmesh.flow.language.origin import Origin, Spec
from cloudmesh.flow.language.source import Source, did_you_mean
from cloudmesh.flow.language.yamlfile import Path, Yaml, YamlNode
from cloudmesh.flow.model import commandtext
from cloudmesh.flow.model.check import Finding
from cloudmesh.flow.model.flow import Look, Parameter, Task

__all__ = ["CcOrigin"]

_KINDS = ("local", "ssh", "slurm")
_RUNNERS = {".py": "python3 {}", ".ipynb": "papermill {} {}", ".sh": "bash {}"}


class CcOrigin(Origin):
    """A flow in the form of cloudmesh-cc."""

    sure = True

    def __init__(self, document: Yaml, file: str) -> None:
        self.document = document
        self.file = file
        self.findings = document.findings
        self.infrastructure: dict[str, Any] = {}
        self.renamed: dict[str, str] = {}
        self.nodes = self._nodes()
        self._texts = self._dependencies()
        before = self._before()
        self.specs = {
            name: self._spec(original, node, before)
            for original, node in self.nodes.items()
            for name in [self.renamed[original]]
        }

    @property
    def early(self) -> list[Problem]:
        """What is wrong with the file itself."""
        return self.findings.problems

    def wrong(self, message: str, path: Path, *, key: bool = False) -> None:
        self.findings.add(self.document.problem(message, path, key=key))

    def _nodes(self) -> dict[str, YamlNode]:
        node = self.document.find(("workflow", "nodes"))
        if node is None or not node.is_map or not node.value:
            self.wrong("workflow: expected nodes, like  nodes: {a: {exec: …}}", ("workflow",))
            return {}
        found: dict[str, YamlNode] = {}
        for name, _, value in node.items():
            if not value.is_map:
                self.wrong(f"{name}: expected keys, like  exec: …", ("workflow", "nodes", name))
                continue
            valid = _valid(name)
            if valid in self.renamed.values():
                message = f"{name!r} is read as {valid!r}, and so is another node"
                self.wrong(message, ("workflow", "nodes", name), key=True)
            self.renamed[name] = valid
            found[name] = value
        return found

    def _dependencies(self) -> list[tuple[list[str], YamlNode]]:
        """Each chain of names, with the node where it stands."""
        path: Path = ("workflow", "dependencies")
        node = self.document.find(path)
        if node is None or not node.value:
            return []
        if node.is_map:
            return self._saved(node, path)
        if not node.is_list:
            self.wrong('dependencies: expected a list of chains, like ["a,b,c"]', path)
            return []
        chains = []
        for i, item in enumerate(node.value):
            if item.is_list and all(isinstance(n.value, str) for n in item.value):
                names = [n.value.strip() for n in item.value]
            elif isinstance(item.value, str):
                names = [name.strip() for name in item.value.split(",") if name.strip()]
            else:
                self.wrong('dependencies: expected a chain, like "a,b,c"', (*path, i))
                continue
            if names:
                chains.append((names, item))
        return chains

    def _saved(self, node: YamlNode, path: Path) -> list[tuple[list[str], YamlNode]]:
        """As cloudmesh-cc itself writes them: edges with ``source`` and ``destination``."""
        chains = []
        for name, _, edge in node.items():
            ends = [edge.value.get(k) if edge.is_map else None for k in ("source", "destination")]
            if not all(end is not None and isinstance(end[1].value, str) for end in ends):
                message = "dependencies: expected an edge with source and destination"
                self.wrong(message, (*path, name), key=True)
                continue
            chains.append(([end[1].value for end in ends if end is not None], edge))
        return chains

    def _before(self) -> dict[str, set[str]]:
        """The names whose values a node may use: those right before it in a chain."""
        before: dict[str, set[str]] = {}
        for names, _ in self._texts:
            valid = [self.renamed.get(name, name) for name in names]
            for needed, name in pairwise(valid):
                before.setdefault(name, set()).add(needed)
        return before

    def _spec(self, original: str, node: YamlNode, before: dict[str, set[str]]) -> Spec:
        path: Path = ("workflow", "nodes", original)
        name = self.renamed[original]
        said = {key: value for key, _, value in node.items()}
        command = self._command(said, path)
        usable = before.get(name, set())
        # Only what comes before it can be meant by {a}; its other braces are the shell's.
        command = re.sub(
            r"(?<![{$])\{([A-Za-z_]\w*)\}",
            lambda m: m[0] if m[1] in usable else "{" + m[0],
            command,
        )
        label = self._said(said, "label") or (original if original != name else None)
        look = Look(None, label, self._said(said, "shape"))
        host, user = self._said(said, "host") or "", self._said(said, "user") or ""
        return Spec(
            Task(
                parameters=tuple(Parameter(n) for n in commandtext.names(command)),
                command=command,
                on=self._on(said, host, user, path),
                look=look,
                entry=look,
                host=host,
                user=user,
            )
        )

    def _said(self, said: dict[str, YamlNode], key: str) -> str | None:
        node = said.get(key)
        if node is None or node.value is None or node.is_map or node.is_list:
            return None
        return node.text

    def _command(self, said: dict[str, YamlNode], path: Path) -> str:
        text = self._said(said, "exec")
        if not text:
            text = self._said(said, "script")
        if not text or not text.strip():
            self.wrong("a node needs  exec: COMMAND  or  script: FILE", path, key=True)
            return "true"
        text = text.strip()
        stem, ending = os.path.splitext(text)
        if ending in _RUNNERS and not re.search(r"\s", text):
            return _RUNNERS[ending].format(text, f"{stem}-output.ipynb")
        return text

    def _on(self, said: dict[str, YamlNode], host: str, user: str, path: Path) -> str:
        """The word that the node is mapped to; the file itself says what it means."""
        kind = self._said(said, "kind") or "local"
        if kind not in _KINDS:
            hint = did_you_mean(kind, _KINDS)
            self.wrong(f"kind: {kind!r} is none of local, ssh, slurm{hint}", (*path, "kind"))
            return "local"
        if kind == "local":
            return "local"
        if kind == "ssh" and not host:
            self.wrong("kind ssh needs a host", (*path, "kind"))
        word = f"{user}@{host}" if user else host or kind
        word = word if kind == "ssh" else f"slurm:{word}"
        spec = {"kind": kind}
        if host and not (kind == "slurm" and host in ("local", "localhost")):
            spec["host"] = host
        if user:
            spec["user"] = user
        self.infrastructure[word] = spec
        return word

    # -- Origin ----------------------------------------------------------------

    def strings(self) -> list[Source]:
        out = []
        mentioned = set()
        for names, node in self._texts:
            valid = [self.renamed.get(name) or _valid(name) for name in names]
            mentioned.update(valid)
            start, end = node.start, node.end
            out.append(Source.inside(self.document.source, start, end, "; ".join(valid)))
        alone = [name for name in self.renamed.values() if name not in mentioned]
        out.extend(Source(name, self.document.source.file) for name in alone)
        return out

    def missing(self) -> str:
        return "the workflow has no nodes"

    def spec(self, name: str) -> Spec | None:
        return self.specs.get(name)

    def unknown(self, name: str) -> str:
        return f"there is no node {name!r}{did_you_mean(name, self.renamed)}"

    def place(self, finding: Finding, message: str) -> Problem | None:
        for original, name in self.renamed.items():
            if name == finding.node:
                return self.document.problem(message, ("workflow", "nodes", original), key=True)
        return None


def _valid(name: str) -> str:
    """A name that a flow can have."""
    if NAME.match(name):
        return name
    good = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    return good if NAME.match(good) else f"_{good}"
