"""What is given to Slurm: the script of an array of jobs, and the words of ``sbatch``.

The array's folder holds ``inputs``, what the runners read, and ``index``, a line
for each job: where its frames begin in ``inputs``, how long they are, the hash
of its program (``-``: none), and how long the frames are that follow, for
another runner, where this one is killed.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from typing import Any

from cloudmesh.flow.executors.sending import python_command
from cloudmesh.flow.times import seconds

__all__ = ["command", "script"]

# The shell outlives a TERM (`scancel`): as soon as it ends Slurm kills what is left, also a
# runner that is about to end what left its session, which nobody would find any more. A TERM
# that comes before there is a runner is not sent again, so the shell keeps it in mind.
_SCRIPT = """\
#!/bin/sh
ended=
trap 'ended=1' TERM
i=$SLURM_ARRAY_TASK_ID
sources={sources}
cd {folder} || exit 1
set -- $(sed -n "$((i + 1))p" index)
for sent in {runner} {sweeper} "$3"; do
  [ "$sent" = - ] || echo "$sent  $sources/$sent" | sha256sum -c --status - || {{
    echo "what was sent there is not what it was: $sources/$sent" > "$i.err"
    echo 1 > "$i.code"
    exit 1
  }}
done
[ -z "$ended" ] || exit 0
{{ cat "$sources/{runner}"; [ "$3" = - ] || cat "$sources/$3"
  tail -c "+$(($1 + 1))" inputs | head -c "$2"; }} | {python} > "$i.out" 2> "$i.err"
code=$?
[ "$code" -le 128 ] || {{ cat "$sources/{sweeper}"
  tail -c "+$(($1 + $2 + 1))" inputs | head -c "$4"; }} | {python} > /dev/null 2>&1
echo "$code" > "$i.code"
"""


def script(folder: str, sources: str, runner: str, sweeper: str, python: str) -> str:
    """The script of an array; ``runner`` and ``sweeper`` are hashes of what is in ``sources``."""
    return _SCRIPT.format(
        folder=shlex.quote(folder),
        sources=shlex.quote(sources),
        runner=runner,
        sweeper=sweeper,
        python=python_command(python),
    )


def command(spec: Mapping[str, Any], tag: str, count: int, folder: str) -> list[str]:
    """The words that submit an array of ``count`` jobs, as an entry asks for them."""
    words = ["sbatch", "--parsable", "--no-requeue", f"--job-name={tag}"]
    words += [f"--array=0-{count - 1}", f"--output={folder}/slurm-%a.log"]
    for key, option in (
        ("partition", "partition"),
        ("account", "account"),
        ("qos", "qos"),
        ("memory", "mem"),
        ("cpus", "cpus-per-task"),
    ):
        if spec.get(key):
            words.append(f"--{option}={spec[key]}")
    if spec.get("time"):
        words.append(f"--time={max(1, math.ceil(seconds(spec['time']) / 60))}")
    return [*words, *map(str, spec.get("options") or ())]
