from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cloudmesh.flow.errors import InputError
from cloudmesh.flow.language.program import Program
from cloudmesh.flow.model.flow import Look, Parameter

EXAMPLE = """
    workflow:
      nodes:
        start:
          label: 'start\\nCreated={created.%Y/%m/%d, %H--%M--%S}'
          kind: local
          user: grey
          host: local
          status: ready
          exec: 'echo hello'
          name: start
          shape: invhouse
          style: ''
        fetch-data:
          label: '{name}\\nProgress={progress}'
          kind: ssh
          user: grey
          host: rivanna
          exec: echo {start} ${HOME} {other}
          name: fetch-data
        compute:
          kind: slurm
          host: rivanna
          user: grey
          script: job-3.sh
          exec: null
        end:
          exec: b.py
      dependencies:
          - start,fetch-data,compute,end

    colors:
      status:
        ready: white
"""


@pytest.fixture
def cc(program: Callable[..., Program]) -> Callable[..., Program]:
    def cc(text: str, **more: Any) -> Program:
        return program(text, name="workflow-example.yaml", **more)

    return cc


def test_the_form_of_cloudmesh_cc(cc: Callable[..., Program]) -> None:
    flow = cc(EXAMPLE).flow
    assert flow.name == "workflow-example"
    assert flow.text == ("start; fetch-data; compute; end",)
    start, fetch, compute, end = (node.task for node in flow.nodes)
    assert start.command == "echo hello"
    assert start.on == "local"
    assert start.look == Look(None, "start\\nCreated={created.%Y/%m/%d, %H--%M--%S}", "invhouse")
    assert fetch.command == "echo {start} ${HOME} {{other}"
    assert fetch.parameters == (Parameter("start"),)
    assert (fetch.host, fetch.user) == ("rivanna", "grey")
    assert flow.infrastructure[fetch.on] == {"kind": "ssh", "host": "rivanna", "user": "grey"}
    assert compute.command == "bash job-3.sh"
    assert flow.infrastructure[compute.on]["kind"] == "slurm"
    assert end.command == "python3 b.py"


def test_names_that_a_flow_cannot_have_are_changed_and_kept_as_label(
    cc: Callable[..., Program],
) -> None:
    flow = cc(
        """
        workflow:
          nodes:
            5950x-benchmark: {exec: ls}
            job.host-3: {exec: ls, label: mine}
          dependencies: ["5950x-benchmark, job.host-3"]
        """
    ).flow
    assert [n.name for n in flow.nodes] == ["_5950x-benchmark", "job_host-3"]
    assert [n.task.look.label for n in flow.nodes] == ["5950x-benchmark", "mine"]


@pytest.mark.parametrize("dependencies", ["{}", "[]", "null"])
def test_without_dependencies_all_run_side_by_side(
    cc: Callable[..., Program], dependencies: str
) -> None:
    flow = cc(
        "workflow:\n  nodes: {a: {exec: ls}, b: {exec: ls}}\n"
        f"  dependencies: {dependencies}\n"
    ).flow
    assert flow.needs == ((), ())


def test_dependencies_as_cloudmesh_cc_saves_them(cc: Callable[..., Program]) -> None:
    flow = cc(
        """
        workflow:
          nodes: {a: {exec: ls}, b: {exec: ls}}
          dependencies:
            a-b: {source: a, destination: b, name: a-b}
        """
    ).flow
    assert list(flow.edges()) == [("a", "b")]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("workflow: {}", 1, "expected nodes"),
        ("workflow: {nodes: {a: 3}}", 1, "expected keys"),
        ("workflow: {nodes: {a: {label: x}}}", 1, "a node needs  exec"),
        ("workflow: {nodes: {a: {exec: x, kind: shh}}}", 1, "did you mean 'ssh'"),
        ("workflow: {nodes: {a: {exec: x, kind: ssh}}}", 1, "needs a host"),
        ("workflow:\n  nodes: {a: {exec: x}}\n  dependencies: ['a,bb']", 3, "no node 'bb'"),
        ("workflow:\n  nodes: {a: {exec: x}}\n  dependencies: [3]", 3, "expected a chain"),
        ("workflow:\n  nodes: {a: {exec: x}}\n  dependencies: x", 3, "expected a list"),
        ("workflow: {nodes: {a.b: {exec: x}, a_b: {exec: x}}}", 1, "so is another node"),
        (
            "workflow:\n  nodes: {a: {exec: x}, b: {exec: x}}\n  dependencies: ['a,b', 'b,a']",
            3,
            "a → b → a",
        ),
    ],
)
def test_what_is_wrong(cc: Callable[..., Program], text: str, line: int, said: str) -> None:
    with pytest.raises(InputError) as error:
        cc(text)
    found = [(p.line, p.message) for p in error.value.problems]
    assert any(place == line and said in message for place, message in found), found
