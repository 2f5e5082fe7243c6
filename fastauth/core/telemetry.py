"""The seam of metrics and traces: what goes on inside, as numbers and spans, for a monitor of the app's choice."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from fastauth.core.events import Event

RefreshOutcome: TypeAlias = Literal["rotated", "repeated", "reused", "refused"]
"""What became of a refresh: the generation moved on; it was answered again within the grace period; the token had been
used before, and the session was ended; or the token was no good."""

# A store answers in milliseconds; a password takes a quarter of a second, and longer where many wait.
STORE_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Where the buckets of a histogram of store calls end, in seconds."""
PASSWORD_BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Where the buckets of a histogram of passwords end, in seconds."""


class Telemetry(Protocol):
    """Counts and measures. It is called on the answer's path: it must neither wait nor raise.

    Nothing it is told names a user, holds a secret, or comes from a client; every label has few values.
    """

    def happened(self, event: Event, /) -> None:
        """Note an event that is committed, such as a sign-in; only its name, outcome and reason belong in a label."""
        ...

    def refreshed(self, outcome: RefreshOutcome, /) -> None:
        """Note what became of a refresh."""
        ...

    def token_rejected(self, reason: str, /) -> None:
        """Note a token that was refused, of any purpose; the reason is one of a few words of ours."""
        ...

    def rate_limited(self, route: str, /) -> None:
        """Note an attempt that was refused because there were too many before it."""
        ...

    def store_called(self, verb: str, seconds: float, outcome: str, /) -> None:
        """Note a call of the store.

        Args:
            verb: The verb, such as ``authenticate``.
            seconds: How long it took.
            outcome: ``ok``; ``refused``, where the answer was that it may not be, such as a name that is taken; or the
                class of the exception with which it failed.
        """
        ...

    def password_hashed(self, work: Literal["hash", "verify"], waited: float, worked: float, /) -> None:
        """Note that a password was hashed or compared.

        Args:
            work: Which of the two.
            waited: Seconds before a thread was free.
            worked: Seconds in the thread.
        """
        ...

    def passwords_waiting(self, change: Literal[1, -1], /) -> None:
        """Note that one password more, or one fewer, waits for a thread or is in one."""
        ...

    def span(self, name: str, /) -> AbstractContextManager[Any]:
        """Return the context in which something is done that a trace should show, such as ``store.authenticate``."""
        ...


@runtime_checkable
class Exposition(Protocol):
    """A telemetry whose numbers are fetched over HTTP, as Prometheus does."""

    def exposition(self, accept: str, /) -> tuple[bytes, str]:
        """Return the numbers as they are now, and the content type they are in.

        Args:
            accept: The client's ``Accept`` header; empty where there is none.
        """
        ...


class Telemetries:
    """Several at once, or none.

    Args:
        each: Whom to tell, in this order.
    """

    def __init__(self, each: Sequence[Telemetry] = ()) -> None:
        self._each = tuple(each)

    def __bool__(self) -> bool:
        return bool(self._each)

    def happened(self, event: Event, /) -> None:
        """Note an event that is committed."""
        for telemetry in self._each:
            telemetry.happened(event)

    def refreshed(self, outcome: RefreshOutcome, /) -> None:
        """Note what became of a refresh."""
        for telemetry in self._each:
            telemetry.refreshed(outcome)

    def token_rejected(self, reason: str, /) -> None:
        """Note a token that was refused."""
        for telemetry in self._each:
            telemetry.token_rejected(reason)

    def rate_limited(self, route: str, /) -> None:
        """Note an attempt that was refused because there were too many before it."""
        for telemetry in self._each:
            telemetry.rate_limited(route)

    def store_called(self, verb: str, seconds: float, outcome: str, /) -> None:
        """Note a call of the store."""
        for telemetry in self._each:
            telemetry.store_called(verb, seconds, outcome)

    def password_hashed(self, work: Literal["hash", "verify"], waited: float, worked: float, /) -> None:
        """Note that a password was hashed or compared."""
        for telemetry in self._each:
            telemetry.password_hashed(work, waited, worked)

    def passwords_waiting(self, change: Literal[1, -1], /) -> None:
        """Note that one password more, or one fewer, waits or is being hashed."""
        for telemetry in self._each:
            telemetry.passwords_waiting(change)

    def span(self, name: str, /) -> AbstractContextManager[Any]:
        """Return the context of something that a trace should show."""
        if not self._each:
            return nullcontext()
        if len(self._each) == 1:
            return self._each[0].span(name)
        spans = ExitStack()
        for telemetry in self._each:
            spans.enter_context(telemetry.span(name))
        return spans


SILENT = Telemetries()
"""Nobody wants to know."""
