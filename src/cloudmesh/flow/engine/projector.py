"""Keeps the documents of a run in step with its journal, in batches behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from json import dumps
from typing import Any

from cloudmesh.flow.collector import uncollected
from cloudmesh.flow.model.documents import run_specs, run_upstream, utc_text
from cloudmesh.flow.model.flow import Look, Task
from cloudmesh.flow.run.run import Run
from cloudmesh.flow.run.states import ERROR, FINISHED, NAMES, PENDING
from cloudmesh.flow.store.protocol import Journal, NodeRow

__all__ = ["Projector", "row"]

#: How much of a value a label shows, in characters.
LABEL_VALUE_MAX = 80


class Projector:
    """Writes what has changed of a run's nodes, and the run's own document."""

    def __init__(
        self, run: Run, journal: Journal, in_line: Callable[[str, str], str] = lambda text, _: text
    ) -> None:
        """``in_line`` puts a large JSON text aside, see `Results.in_line`."""
        self.run = run
        self.journal = journal
        self._in_line = in_line
        self._specs = run_specs(run.flow, run.begun, run.head.get("defined"))
        self._upstream = run_upstream(run.flow)
        self.made = False  # whether the documents of the flow's nodes are there
        self._sure = run.engines < 2  # whether no document is there that is not known of
        # What is not as in a document that is just pending counts as changed.
        run.changed.update(i for i, node in enumerate(run.flow.nodes) if node.task.look != _PLAIN)

    @property
    def lags(self) -> bool:
        """Whether there is something to write."""
        return bool(self.run.changed) or not self.made or bool(self.run.expanded)

    @uncollected()
    def flush(self) -> None:
        """Write what has changed since the last time, and the run's own document.

        Documents are made here too: as they are by now.  Only where some may be there
        already, for a former engine or a write that failed may have made them, all are
        made as pending, which leaves those that are there, and then changed.
        """
        run = self.run
        sure, self._sure = self._sure, False
        for i in run.expanded:
            if run.task(i).look != _PLAIN:
                run.changed.update(run.elements[i])
        n, base = len(run.flow.nodes), run.base
        changed = sorted(i for i in run.changed if not n <= i < base)
        rows = {i: row(run, i, self._in_line) for i in changed}
        # Of others too: who has finished is no dependency of a new one.
        known = dict(rows) if run.expanded or not self.made else {}
        if not self.made:
            self._add(range(n), self._upstream, self._specs, known, rows if sure else None)
            self.made = True
        while run.expanded:
            i = run.expanded[0]
            elements = run.elements[i]
            count = len(elements)
            upstream, specs = [self._upstream[i]] * count, [self._specs[i]] * count
            for k in filter(elements.__contains__, run.own):
                specs[k - elements.start] = self._spec_of(k)
            self._add(elements, upstream, specs, known, rows if sure else None)
            del run.expanded[0]
        changes: dict[str, Any] = {
            "counts": run.counts_by_status(),
            "status": run.status_word,
            "ended": utc_text(run.over) if run.over else None,
        }
        gone = {} if self.journal.computes_dependencies else self._finished(rows)
        self.journal.project(list(rows.values()), changes, gone)
        run.changed.clear()  # only now, for the store may have failed
        self._sure = True

    def _spec_of(self, k: int) -> str:
        """What never changes of the document of an element that is mapped elsewhere."""
        run = self.run
        node = run.flow.nodes[run.parent[k]]._replace(task=run.own[k])
        return run_specs(run.flow.with_nodes((node,)), run.begun, run.head.get("defined"))[0]

    def _add(
        self,
        numbers: range,
        upstream: Sequence[Sequence[str]],
        specs: Sequence[str],
        known: Mapping[int, NodeRow],
        rows: dict[int, NodeRow] | None,
    ) -> None:
        """Make documents as ``known``, which leaves ``rows``; where that is None, as pending."""
        if rows is None:
            known = {i: one for i, one in known.items() if i not in numbers}
        else:
            for n in numbers:
                rows.pop(n, None)
        names = self.run.names[numbers.start : numbers.stop]
        self.journal.add_nodes(list(zip(numbers, names, strict=True)), upstream, specs, known)

    def _finished(self, changed: Iterable[int]) -> dict[int, list[str]]:
        """For each node the names that leave its dependencies now."""
        run, n = self.run, len(self.run.flow.nodes)
        gone: dict[int, list[str]] = {}
        for i in changed:
            if run.status[i] != FINISHED or i >= n:
                continue
            stack = [i]
            while stack:
                for follower in run.successors[stack.pop()]:
                    if follower >= n:
                        stack.append(follower)
                    else:
                        gone.setdefault(follower, []).append(run.names[i])
        return gone


def row(run: Run, i: int, in_line: Callable[[str, str], str] = lambda text, _: text) -> NodeRow:
    """All that changes of a node's document, as it is now."""
    status = run.status[i]
    error = run.error.get(i)
    progress = run.progress.get(i)
    result = run.result[i]
    if result is None and status == FINISHED and i in run.elements:
        result = in_line(run.map_result(i), "list")
    color, label, shape = _look(run, i, result)
    fields = (
        i,
        run.names[i],
        NAMES[status],
        run.attempt[i],
        run.started[i] or None,
        run.ended[i] or None,
        run.exit_code.get(i),
        dumps(error) if error is not None else None,
        run.reason_of(i),
        True if i in run.skipped else None,
        None if progress is None else progress[0],
        color,
        label,
        shape,
        run.where_of(i),
        result,
    )
    return _row(NodeRow, fields)


_row = tuple.__new__  # half of what it costs to call the class


_PLAIN = Look()
_plain: dict[int, Task] = {}  # tasks of which no look is said, by identity


def _says_nothing(task: Task) -> bool:
    if _plain.get(id(task)) is task:
        return True
    if any(look != _PLAIN for look in (task.look, task.entry, task.done, task.failed)):
        return False
    if len(_plain) > 10_000:
        _plain.clear()
    _plain[id(task)] = task
    return True


_NOTHING: dict[str, str] = {}


def _look(run: Run, i: int, result: str | None) -> tuple[str | None, str | None, str | None]:
    """Colour, label and shape, the later over the earlier: the node's own, ``entry`` at each
    start, ``return`` or ``error`` at the end, the report's; what is not given stays."""
    task = run.task(i)
    said = run.look.get(i, _NOTHING)
    if not said and _says_nothing(task):
        return None, None, None
    status = run.status[i]
    looks = [task.look]
    if run.attempt[i] or status != PENDING:
        looks.append(task.entry)
    if status == FINISHED:
        looks.append(task.done)
    elif status == ERROR:
        looks.append(task.failed)
    found: dict[str, str | None] = {}
    for word in ("color", "label", "shape"):
        for look in looks:
            found[word] = getattr(look, word) or found.get(word)
    if found.get("label"):
        found["label"] = fill_label(found["label"] or "", run, i, result)
    found.update(said)
    return found.get("color"), found.get("label"), found.get("shape")


def fill_label(template: str, run: Run, i: int, result: str | None) -> str:
    """A label with ``{name} {status} {progress} {value}`` filled in, and nothing more."""
    if "{" not in template:
        return template
    value = _value_text(result)
    words = {
        "{name}": run.names[i],
        "{status}": NAMES[run.status[i]],
        "{progress}": f"{run.progress[i][0]:g}" if i in run.progress else "",
        "{value}": value if len(value) <= LABEL_VALUE_MAX else value[:LABEL_VALUE_MAX] + "…",
    }
    for word, text in words.items():
        template = template.replace(word, text)
    return template


def _value_text(result: str | None) -> str:
    from json import loads

    from cloudmesh.flow.model.value import read

    if result is None:
        return ""
    value = loads(result)
    if isinstance(value, dict) and "$type" in value:
        return str(value["text"])
    value = read(value).value
    return value if isinstance(value, str) else dumps(value, ensure_ascii=False)
