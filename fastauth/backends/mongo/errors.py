"""The border at which a driver's errors become ours."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Protocol, TypeVar, cast

from bson.errors import BSONError
from pymongo.errors import ConnectionFailure, DocumentTooLarge, OperationFailure, PyMongoError

from fastauth.core.exceptions import ConfigurationError, StoreUnavailableException, ValidationException

_Verb = TypeVar("_Verb", bound=Callable[..., Awaitable[Any]])

_UNAUTHORIZED = 13
_UNKNOWN_USER = (18, 8000)  # AuthenticationFailed, and what Atlas says instead
_ATTEMPTS = 24
_LONGEST_PAUSE = 0.25  # seconds

UNSTORABLE = (BSONError, DocumentTooLarge, OverflowError, UnicodeEncodeError)
"""What the driver raises for a value that MongoDB cannot keep, before anything is sent."""


@contextmanager
def translated_errors() -> Generator[None, None, None]:
    """Turn "the database cannot be reached" and "this value cannot be stored" into our exceptions, and nothing else."""
    try:
        yield
    except UNSTORABLE:
        # Without the cause: its text may hold the document, and that the password hash.
        raise ValidationException("A value does not fit into the database.") from None
    except PyMongoError as error:
        # In a caller's transaction, the label is how with_transaction knows that it may begin again.
        is_outage = isinstance(error, ConnectionFailure) or error.timeout or _code_of(error) in _UNKNOWN_USER
        if not is_outage or error.has_error_label("TransientTransactionError"):
            raise
        raise StoreUnavailableException from error


@contextmanager
def refusals_told() -> Generator[None, None, None]:
    """Say at start-up what the server refuses the app for: waiting and trying again do not help.

    Raises:
        ConfigurationError: The credentials are refused, or the user may not do what the store has to.
    """
    try:
        yield
    except (StoreUnavailableException, OperationFailure) as error:
        code = _code_of(error.__cause__ if isinstance(error, StoreUnavailableException) else error)
        if code not in (*_UNKNOWN_USER, _UNAUTHORIZED):
            raise
        what = "may not read, write and make indexes here" if code == _UNAUTHORIZED else "or the password is refused"
        raise ConfigurationError(f"MongoDB refuses the app: the user of the client's URL {what}.") from error


def _code_of(error: BaseException | None) -> int | None:
    return error.code if isinstance(error, OperationFailure) else None


class LostRaceError(Exception):
    """Something changed between a look and the change that was computed from it; nothing has been decided."""


class Contender(Protocol):
    """Whoever has verbs that may lose a race."""

    _contended: asyncio.Lock


def retried(verb: _Verb) -> _Verb:
    """Take a verb again from its beginning whenever it loses a race.

    Those of one process who have lost one stand in line, so that they lose no more to one another; those of several
    processes wait a little longer each time.
    """

    @wraps(verb)
    async def attempts(store: Contender, *args: Any, **kwargs: Any) -> Any:
        try:
            return await verb(store, *args, **kwargs)
        except LostRaceError:
            pass
        async with store._contended:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # it is there for this
            for attempt in range(_ATTEMPTS):
                try:
                    return await verb(store, *args, **kwargs)
                except LostRaceError:  # noqa: PERF203
                    await asyncio.sleep(random.uniform(0, min(_LONGEST_PAUSE, 0.002 * 2**attempt)))  # noqa: S311
        raise StoreUnavailableException

    return cast("_Verb", attempts)
