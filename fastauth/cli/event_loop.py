"""The event loop of a command, and how Ctrl-C ends it."""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import TypeVar

import anyio

_T = TypeVar("_T")


def run(work: Callable[[], Awaitable[_T]]) -> _T:
    """Do the work in an event loop; at Ctrl-C, what is open is closed before the command ends.

    Args:
        work: What to do.

    Raises:
        KeyboardInterrupt: It was interrupted.
    """
    interrupted = False

    async def watched() -> _T:
        cancel = signal.getsignal(signal.SIGINT)
        if not callable(cancel) or threading.current_thread() is not threading.main_thread():
            return await work()

        def interrupt(signum: int, frame: FrameType | None) -> None:
            nonlocal interrupted
            interrupted = True
            cancel(signum, frame)

        signal.signal(signal.SIGINT, interrupt)
        try:
            return await work()
        finally:
            signal.signal(signal.SIGINT, cancel)

    try:
        return anyio.run(watched)  # which cancels at Ctrl-C, on Python 3.10, too
    except asyncio.CancelledError:
        # Python 3.10 counts no cancellations, so that anyio cannot tell its own from that of a driver that gave up.
        if interrupted:
            raise KeyboardInterrupt from None
        raise
