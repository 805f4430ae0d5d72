"""What changes something: run, cancel, resume, retry; and what each would do, beforehand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from cloudmesh.flow.again import Plan
from cloudmesh.flow.again import plan as again_plan
from cloudmesh.flow.errors import InputError, NotFound
from cloudmesh.flow.run.run import Run
from cloudmesh.flow.run.states import FINISHED, RUNNING
from cloudmesh.flow.server.problems import Conflict
from cloudmesh.flow.server.state import State, state_of

__all__ = ["router"]

ENDED = ("finished", "error", "cancelled")
NAMES_MAX = 200  # of nodes that a preview lists

router = APIRouter(
    prefix="/api",
    responses={
        404: {"description": "There is no such thing."},
        409: {"description": "That does not fit the state of the run."},
        422: {"description": "What was sent is wrong."},
    },
)


#: Neither text nor ``true`` is a number.
Parallel = Annotated[int | None, Field(strict=True, ge=1, le=100_000)]


class Given(BaseModel):
    """The body of a request; a key that is not known is refused."""

    model_config = ConfigDict(extra="forbid")


class RunRequest(Given):
    """How a flow is to be run."""

    parameters: dict[str, Any] = Field(default_factory=dict, description="run parameters")
    on: dict[str, str] = Field(default_factory=dict, description="node to infrastructure")
    parallel: Parallel = Field(default=None, description="nodes at once, here")


class ResumeRequest(Given):
    """How a run is to go on."""

    force: bool = Field(
        default=False, strict=True, description="take over from an engine that shows no sign"
    )
    parallel: Parallel = None


class RetryRequest(Given):
    """From where a run is to be retried."""

    node: str | None = Field(None, alias="from", description="this node and what comes after it")
    parallel: Parallel = None


@router.post("/flows/{name}/runs", status_code=202, operation_id="run_flow", tags=["flows"])
def run_flow(
    request: Request, name: str, body: Annotated[RunRequest | None, Body()] = None
) -> dict[str, Any]:
    """Start a run of a defined flow; answers once it is recorded, with ``{run}``."""
    state = state_of(request)
    documents, _ = state.definition(name)
    body = body or RunRequest()
    types: dict[str, str] = {}
    for document in documents:
        types.update((document.get("task") or {}).get("parameter") or {})
    for parameter in body.parameters:
        if types.get(parameter) == "secret":
            raise InputError(f"parameter {parameter} is a secret: it is read from the environment")
    known = {document["name"] for document in documents}
    for node in body.on:
        if node.partition("[")[0] not in known:  # an element of a map, work[3], is the engine's
            raise InputError(f"flow {name} has no node {node!r}")
    run = state.engines.run(name, types, body.parameters, body.on, body.parallel)
    return {"run": run}


@router.post("/runs/{run}/cancel", status_code=202, operation_id="cancel_run", tags=["runs"])
def cancel(request: Request, run: str) -> dict[str, Any]:
    """Ask the engine of a run to cancel it; answers with the run's document at once."""
    state = state_of(request)
    document = state.with_engine(state.run(run))
    if document["status"] in ENDED:
        raise Conflict(f"run {run} has ended: {document['status']}")
    if document["status"] == "interrupted":
        raise Conflict(f"run {run} was interrupted: no engine runs it")
    if document.get("engine") == "lost":
        raise Conflict(f"the engine of run {run} is gone: nobody would read the request")
    state.store.request(run, "cancel", "http")
    return document


@router.post("/runs/{run}/resume", status_code=202, operation_id="resume_run", tags=["runs"])
def resume(
    request: Request, run: str, body: Annotated[ResumeRequest | None, Body()] = None
) -> dict[str, Any]:
    """Go on with a run whose engine is gone; answers once a new engine owns it."""
    state = state_of(request)
    document = state.with_engine(state.run(run))
    body = body or ResumeRequest()
    if document["status"] in ENDED:
        raise Conflict(f"run {run} has ended: {document['status']}")
    alive = document["status"] == "running" and document.get("engine") != "lost"
    if alive and not body.force:
        raise Conflict(f"run {run} has a living owner")
    state.engines.resume(run, body.force, body.parallel)
    return state.with_engine(state.run(run))


@router.post("/runs/{run}/retry", status_code=202, operation_id="retry_run", tags=["runs"])
def retry(
    request: Request, run: str, body: Annotated[RetryRequest | None, Body()] = None
) -> dict[str, Any]:
    """Run again what failed, in a new run that keeps what finished; answers with its document."""
    state = state_of(request)
    document = state.with_engine(state.run(run))
    body = body or RetryRequest(**{"from": None})
    if document["status"] == "running":
        raise Conflict(f"run {run} is still running")
    feed = state.feeds.get(run)
    with feed.lock:
        _plan(feed.projection.run, body.node)
    new = state.engines.retry(run, str(document["workflow"]), body.node, body.parallel)
    return state.with_engine(state.run(new))


@router.post("/tickets", status_code=201, operation_id="new_ticket", tags=["server"])
def ticket(request: Request) -> dict[str, str]:
    """A ticket for one use: open ``/?token=…`` with it in a browser."""
    return {"token": state_of(request).tickets.new()}


# -- previews ----------------------------------------------------------------------
@router.get("/runs/{run}/preview", operation_id="preview_action", tags=["page"])
def preview(
    request: Request,
    run: str,
    action: Annotated[str, Query(pattern="^(cancel|resume|retry)$")],
    node: Annotated[str | None, Query(description="retry from this node")] = None,
) -> dict[str, Any]:
    """What an action would do: which nodes run, what is kept, what has changed since."""
    state = state_of(request)
    feed = state.feeds.get(run)
    with feed.lock:
        machine = feed.projection.run
        own = [i for i in machine.nodes() if i not in machine.maps]
        running = sum(machine.status[i] == RUNNING for i in own)
        kept = sum(machine.status[i] == FINISHED for i in own)
        pending = len(own) - kept - running
        again: list[str] = []
        if action == "retry":
            plan = _plan(machine, node)
            again, kept = list(plan.runs), len(plan.kept)
        elif action == "resume":
            open_ = [i for i in own if machine.attempt[i] and machine.status[i] != FINISHED]
            again = [machine.names[i] for i in open_]
        return {
            "action": action,
            "running": running,
            "kept": kept,
            "pending": pending,
            "again": again[:NAMES_MAX],
            "count": len(again),
            "changed": _changed_files(state, run, machine.begun) if action != "cancel" else [],
        }


def _plan(machine: Run, node: str | None) -> Plan:
    """What a retry will run; that nothing would is a matter of the run's state."""
    try:
        return again_plan(machine, () if node is None else (node,))
    except NotFound:
        raise
    except InputError as error:
        raise Conflict(str(error)) from None


def _changed_files(state: State, run: str, begun: float) -> list[str]:
    """Files with code of the run that were written after it began."""
    files = {
        ((document.get("task") or {}).get("source") or {}).get("file")
        for document in state.store.nodes(run)
    }
    changed = []
    for file in sorted(filter(None, files)):
        try:
            if Path(file).stat().st_mtime > begun:
                changed.append(Path(file).name)
        except OSError:
            continue
    return changed
