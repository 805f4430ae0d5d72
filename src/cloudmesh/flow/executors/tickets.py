"""What a worker was given ahead, and how it is taken back.

A worker that is busy with short nodes is given more of them, so that neither
side waits for the other at each.  Before it begins a node it takes a ticket, a
byte, from a pipe.  We hold that pipe's other end too: what we take out of it
first, the worker has not begun, and never will.
"""

from __future__ import annotations

import os
from collections import deque
from typing import Generic, TypeVar

__all__ = ["RUN", "SKIP", "Tickets"]

RUN, SKIP = b"r", b"s"
J = TypeVar("J")


class Tickets(Generic[J]):
    """The jobs of one worker that have no answer yet, in the order in which they were sent."""

    def __init__(self) -> None:
        self.theirs, self._bell = os.pipe()
        os.set_blocking(self.theirs, False)  # of both: the worker waits in another way
        self._sent: deque[J | None] = deque()  # None: taken back, though it was sent
        self.count = 0  # of jobs

    def give(self, job: J) -> None:
        """A job is about to be sent."""
        os.write(self._bell, RUN)
        self._sent.append(job)
        self.count += 1

    @property
    def first(self) -> J | None:
        """The job that runs, or will be the first to; the next answer is its."""
        while self._sent and self._sent[0] is None:
            self._sent.popleft()
        return self._sent[0] if self._sent else None

    def answered(self) -> None:
        """The answer of the first job has come."""
        if self.first is not None:
            self._sent.popleft()
            self.count -= 1

    def take_back(self) -> list[J]:
        """The jobs that the worker has not begun; it will skip them."""
        try:
            taken = len(os.read(self.theirs, 4096))
        except OSError:  # it has taken all of them
            return []
        jobs: list[J] = []
        # Where they are more, the first are of jobs that were taken back and are forgotten.
        for i in range(-min(taken, len(self._sent)), 0):
            job = self._sent[i]
            if job is not None:
                jobs.append(job)
                self._sent[i] = None
        os.write(self._bell, SKIP * taken)
        self.count -= len(jobs)
        return jobs

    def close(self) -> None:
        """Nothing more is sent."""
        os.close(self.theirs)
        os.close(self._bell)
