"""Verbs that run to their end though nobody waits for them any more, so that every connection is given back whole."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


class Undisturbed:
    """Runs each step in a task of its own.

    Whoever waits for a step may be cancelled, by a deadline or because the client hung up, and then again at every
    ``await`` until it ends. A connection that is opened or cleaned up meanwhile would be lost, and one that is in use
    has to be thrown away. So the step goes on, and is cancelled only when it is still not done after a while, and then
    every so often until it is.

    Args:
        patience: How long a step goes on that nobody waits for, in seconds.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._ending: set[asyncio.Task[Any]] = set()  # the loop itself would not keep them

    async def run(self, step: Coroutine[Any, Any, _T]) -> _T:
        """Return what the step returns."""
        loop = asyncio.get_running_loop()
        task, ended = loop.create_task(step), loop.create_future()
        task.add_done_callback(lambda _: None if ended.done() else ended.set_result(None))
        try:
            await ended
        except asyncio.CancelledError:
            self._let_end(task, loop)
            raise
        return task.result()

    def _let_end(self, task: "asyncio.Task[Any]", loop: asyncio.AbstractEventLoop) -> None:
        impatience: asyncio.TimerHandle

        def lose_patience() -> None:
            # And once more later on: what is cleaned up after the first time may be waiting for the same server.
            nonlocal impatience
            task.cancel()
            impatience = loop.call_later(self._patience, lose_patience)

        impatience = loop.call_later(self._patience, lose_patience)

        def forget(_: object) -> None:
            impatience.cancel()
            self._ending.discard(task)
            if not task.cancelled():
                task.exception()  # nobody is left to hear of it

        self._ending.add(task)
        task.add_done_callback(forget)

    async def ended(self) -> None:
        """Wait for the steps of this event loop that nobody waits for; they are all cancelled in the end."""
        loop = asyncio.get_running_loop()
        ending = [task for task in self._ending if task.get_loop() is loop]
        if ending:
            await asyncio.wait(ending)
