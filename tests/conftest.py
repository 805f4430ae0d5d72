"""For every test: a home of its own, and at the end the list of what was not tested.

A test that needs what this machine lacks skips with
``pytest.skip("NOT TESTED: <what> (needs <what>; make test-deps installs it)")``.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says more of the machine than of the code.  `make test` tries the
# same examples each time, so that it says the same of the same code; `make test-all` others.
for name, same in (("same", True), ("search", False)):
    settings.register_profile(
        name, deadline=None, derandomize=same, suppress_health_check=[HealthCheck.too_slow]
    )
settings.load_profile("same")

# What is built once and kept between runs of the tests (a database server, a
# disk image) lives in the user's cache; the tests themselves never see the home.
CACHE = Path(
    os.environ.get("CLOUDMESH_FLOW_TEST_CACHE")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cloudmesh-flow-tests"
)
KEEP = {"CLOUDMESH_FLOW_TEST_CACHE", "CLOUDMESH_FLOW_TEST_MONGODB"}


def pytest_configure(config: pytest.Config) -> None:
    """No fixture, whatever its scope, sees the user's home or settings."""
    # What is started with nohup, or in the background of a script, ignores these signals, and so
    # would all that it starts; what a test starts is to take them as always.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)
    os.environ["CLOUDMESH_FLOW_TEST_CACHE"] = str(CACHE)
    home = tempfile.TemporaryDirectory(prefix="cmflow-home-", ignore_cleanup_errors=True)
    config.add_cleanup(home.cleanup)
    os.environ["HOME"] = home.name
    for name in [n for n in os.environ if n.startswith("CLOUDMESH_FLOW_") and n not in KEEP]:
        del os.environ[name]


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's own empty home; it is also where ``~`` leads."""
    path = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(path))
    return path


@pytest.fixture(scope="session")
def cache() -> Path:
    """A folder that outlives the tests, for what takes long to build."""
    CACHE.mkdir(parents=True, exist_ok=True)
    return CACHE


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What passed only at its second try, and what was not tested on this machine."""
    tell_second_tries(terminalreporter)
    tell_skipped(terminalreporter)


def tell_second_tries(terminalreporter: pytest.TerminalReporter) -> None:
    """Each with all that its first try said: it is a bug, of the test or of ours."""
    tries = terminalreporter.stats.get("rerun", [])
    if tries:
        terminalreporter.section("failed at the first try")
    for report in tries:
        terminalreporter.write_sep("_", report.nodeid)
        terminalreporter.write_line(report.longreprtext)


def tell_skipped(terminalreporter: pytest.TerminalReporter) -> None:
    """What was not tested on this machine, each once, and the remedy."""
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason.removeprefix("Skipped: ").removeprefix("NOT TESTED: ")] += 1
    if not reasons:
        return
    terminalreporter.section("not tested on this machine")
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"  {reason}" + (f" × {count}" if count > 1 else ""))
    if any("make test-deps" in reason for reason in reasons):
        terminalreporter.write_line(
            "make test-deps installs what is missing (Debian, Ubuntu; as root)"
        )
