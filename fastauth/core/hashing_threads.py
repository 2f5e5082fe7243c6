"""The threads that hash, and the line in front of them, in which nobody stands for longer than is any use."""

import asyncio
import contextlib
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar
from weakref import WeakSet

from fastauth.core.exceptions import OverloadedException

_T = TypeVar("_T")

_NICENESS = 10
_MOST_WAITING = 1000  # however cheap they are: each holds a request and what it was sent
_CAUTION = 0.8  # of the longest wait: who is let in should not be sent away at the end of it
_WEIGHT = 1 / 8  # of the latest computation in what one usually takes


class HashingThreads:
    """Computes hashes off the event loop, first come, first served, and refuses at once what would not be in time.

    bcrypt lets go of the interpreter's lock, so that one thread per core uses the whole machine; the threads run at a
    lower priority, so that other requests hardly feel a storm of sign-ins. They take the next computation by
    themselves, so that no core waits for the event loop between two.

    Args:
        threads: How many hashes are computed at once.
        longest_wait: How long a computation may wait for a thread, in seconds.
        usual: How long one takes, in seconds, as long as none was measured.
    """

    def __init__(self, threads: int, *, longest_wait: float, usual: float) -> None:
        self._threads = threads
        self._longest_wait = longest_wait
        self._usual = usual
        self.begin()
        _EVERY.add(self)

    def begin(self) -> None:
        """Begin with an empty line and no threads, as a worker has to that was just forked."""
        self._unfinished = 0
        self._expected = 0
        self._pool: ThreadPoolExecutor | None = None  # made at first use
        self._lock = threading.Lock()

    def check(self) -> None:
        """Let pass who would not wait for too long.

        Raises:
            OverloadedException: So much is waiting that another computation would not begin in time.
        """
        self._check(self._unfinished)

    @contextlib.contextmanager
    def place(self) -> Generator[None, None, None]:
        """Let pass who would not wait for too long, and expect a computation from whoever is let in.

        Between being let in and asking for the computation there may be a look-up. Many who come at once are told
        before it that there is no room: those who were let in count, although none of them is waiting yet.

        Raises:
            OverloadedException: So much is waiting, or expected, that another computation would not begin in time.
        """
        self._check(max(self._unfinished, self._expected))
        with self._lock:
            self._expected += 1
        try:
            yield
        finally:
            with self._lock:
                self._expected -= 1

    async def run(self, work: Callable[[], _T]) -> _T:
        """Return what ``work`` returns, which is called in one of the threads.

        It is not called at all when whoever waits for it is cancelled before its turn.

        Raises:
            OverloadedException: It would wait for too long, or has.
        """
        self.check()
        future = self._submit(work)
        answer = asyncio.wrap_future(future)
        try:
            await asyncio.wait([answer], timeout=self._longest_wait)
            if not answer.done() and future.cancel():  # it was taken for faster than it is
                raise self._refusal(self._unfinished)
            return await answer
        finally:
            answer.cancel()

    def close(self) -> None:
        """Let go of the threads; they come back with the next computation."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True)

    def _submit(self, work: Callable[[], _T]) -> "Future[_T]":
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._threads, "fastauth-passwords", initializer=_lower_priority)
            future = self._pool.submit(self._measured, work)
            self._unfinished += 1
        future.add_done_callback(self._finished)
        return future

    def _measured(self, work: Callable[[], _T]) -> _T:
        begun = time.perf_counter()
        try:
            return work()
        finally:
            self._usual += (time.perf_counter() - begun - self._usual) * _WEIGHT

    def _finished(self, _: "Future[Any]") -> None:
        with self._lock:
            self._unfinished -= 1

    def _check(self, ahead: int) -> None:
        waiting = max(0, ahead - self._threads + 1)  # so many have to end before one that comes now begins
        if waiting > _MOST_WAITING or self._wait(waiting) > self._longest_wait * _CAUTION:
            raise self._refusal(waiting)

    def _wait(self, waiting: int) -> float:
        return waiting * self._usual / self._threads

    def _refusal(self, waiting: int) -> OverloadedException:
        return OverloadedException(retry_after=max(1, math.ceil(self._wait(waiting))))


_EVERY: "WeakSet[HashingThreads]" = WeakSet()


def _begin_in_a_forked_worker() -> None:
    # It has a copy of the pool without the threads, of a line in which nobody stands, and of a lock that may be held.
    for threads in _EVERY:
        threads.begin()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_begin_in_a_forked_worker)


def _lower_priority() -> None:
    # Niceness belongs to the thread on Linux. Where it does not, or may not be set, hashing goes on without.
    with contextlib.suppress(AttributeError, OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
