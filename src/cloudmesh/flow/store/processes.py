"""This process, as another one can recognise it: on this machine, and while it lives."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

__all__ = ["is_alive", "this_process"]


def this_process() -> dict[str, Any]:
    """Host, boot, pid namespace, pid and start time of this process."""
    host = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    pid = os.getpid()
    return {
        "host": host,
        "boot": _boot(),
        "namespace": _namespace(),
        "pid": pid,
        "start": _start(pid),
    }


def is_alive(process: Mapping[str, Any]) -> bool | None:
    """Whether a process of that description lives; None where that cannot be told from here."""
    here = this_process()
    if any(process.get(key) != here[key] for key in ("host", "boot", "namespace")):
        return None
    if here["boot"] is None:  # no /proc: another boot cannot be told from this one
        return None
    return process.get("start") is not None and _start(process["pid"]) == process["start"]


def _boot() -> str | None:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return None


def _namespace() -> str | None:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return None


def _start(pid: int) -> int | None:
    """When a process started, in ticks since boot; None where it is gone, or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            words = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if words[0] in ("Z", "X") else int(words[19])
