"""Work that is done off the answer's path: mails, and hooks whose failure harms nothing."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from fastauth.core.exceptions import StoreUnavailableException

logger: logging.Logger = logging.getLogger("fastauth")

_UNTIL_ANSWERED = 0.02  # seconds, in which the answer of who began the work goes out
_MOST = 1000  # that wait or run at once; past it, something downstream hangs


class Background:
    """Runs coroutines that nobody waits for, and sees them through when the app stops.

    Args:
        patience: How long the app's stopping waits for them, in seconds.
    """

    def __init__(self, *, patience: float = 10) -> None:
        self._patience = patience
        self._tasks: set[asyncio.Task[None]] = set()  # the loop itself would not keep them

    def start(self, name: str, work: Coroutine[Any, Any, Any], *, secret: bool = False) -> None:
        """Begin the work; its failure is logged.

        Args:
            name: What the log calls it.
            work: What is to be done.
            secret: Whether how long it takes tells something: then it begins when the answer is out, so that no part
                of it is done between two steps of the answer.

        Raises:
            StoreUnavailableException: Too much is waiting already.
        """
        if len(self._tasks) >= _MOST:
            work.close()
            raise StoreUnavailableException("Too much work is waiting.")
        task = asyncio.get_running_loop().create_task(
            self._run(name, work, pause=_UNTIL_ANSWERED if secret else 0), name=name
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @staticmethod
    async def _run(name: str, work: Coroutine[Any, Any, Any], *, pause: float) -> None:
        try:
            if pause:
                await asyncio.sleep(pause)
            await work
        except Exception:
            logger.exception("Background work failed: %s", name)
        finally:
            work.close()  # where it was given up before it began

    async def drain(self) -> None:
        """Wait for what this event loop has begun, and for what that begins; what takes too long is cancelled."""
        loop = asyncio.get_running_loop()
        late: set[asyncio.Task[None]] = set()
        while tasks := {task for task in self._tasks if task.get_loop() is loop} - late:
            _, late = await asyncio.wait(tasks, timeout=self._patience)
            for task in late:
                logger.error("Background work was given up, it took too long: %s", task.get_name())
                task.cancel()
            if late:  # they end before the connections do that they may hold
                await asyncio.wait(late, timeout=self._patience)
