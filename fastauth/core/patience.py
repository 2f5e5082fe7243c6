"""Waiting no longer than so long, at a price that every store call can pay."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, cast

from typing_extensions import Self

_AGAIN = 0.05  # seconds

# Python 3.10 counts no cancellations: when somebody else cancels at that very moment, too, our own is all that is seen.
_count: Callable[[Any], int] = getattr(asyncio.Task, "cancelling", lambda _: 0)
_take_back: Callable[[Any], int] = getattr(asyncio.Task, "uncancel", lambda _: 0)


class Patience:
    """A block that is left, without an error, when it takes too long; what follows it says what that means.

    It is what ``anyio.move_on_after`` is, in a third of the time: each request is in several of these, and hardly any
    is ever over. Like that, and unlike ``asyncio.timeout``, it cancels again until the block is left: what the block
    waits for may be cleaning up after the first time, with a server that does not answer that, either.

    Args:
        seconds: How long the block may take.
    """

    __slots__ = ("_cancelled", "_others", "_seconds", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._cancelled = 0

    def __enter__(self) -> Self:
        """Begin to wait."""
        self._task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._others = _count(self._task)
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._end)
        return self

    def is_over(self) -> bool:
        """Say, when the time has come, whether the block is to be left."""
        return True

    def _end(self) -> None:
        if self.is_over():
            self._cancelled += 1
            self._task.cancel()
            self._timer = asyncio.get_running_loop().call_later(_AGAIN, self._end)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Say whether the block was left because its time was over, and for no other reason."""
        self._timer.cancel()
        if not self._cancelled:
            return False
        left = min([_take_back(self._task) for _ in range(self._cancelled)])
        return kind is asyncio.CancelledError and left <= self._others
