"""The page that stays beside a run on a terminal."""

from __future__ import annotations

import signal
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from cloudmesh.flow.cli import page


def test_ctrl_c_ends_it_even_if_another_thread_gets_the_signal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = threading.Event()

    def write(text: str) -> int:
        told.set()
        return len(text)

    def interrupt() -> None:
        told.wait()
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    monkeypatch.setattr(page, "somebody_looks", lambda: True)
    monkeypatch.setattr(page.sys, "stderr", SimpleNamespace(write=write))
    stays: Any = page.Page.__new__(page.Page)
    stays.served = SimpleNamespace(url="http://127.0.0.1:1")
    threading.Thread(target=interrupt).start()
    stays.stay()
