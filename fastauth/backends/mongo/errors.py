"""The border at which a driver's errors become ours."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from functools import wraps
from types import TracebackType
from typing import Any, Literal, Protocol, TypeVar, cast

from bson.errors import BSONError
from pymongo.errors import ConnectionFailure, DocumentTooLarge, OperationFailure, PyMongoError

from fastauth.core.exceptions import ConfigurationError, StoreUnavailableException, ValidationException
from fastauth.core.patience import Patience

_T = TypeVar("_T")
_Verb = TypeVar("_Verb", bound=Callable[..., Awaitable[Any]])

_UNAUTHORIZED = 13
_UNKNOWN_USER = (18, 8000)  # AuthenticationFailed, and what Atlas says instead
# What a schema of the app's own refuses; and an index: two arrays in one, what is no place (two codes), or no language.
_REFUSED = (121, 171, 13027, 16755, 17261, 17262)
_ATTEMPTS = 24
# Seconds, after each conflict that the server reports: longer than it takes to commit what came first.
_CONFLICT_PAUSES = (0.02, 0.08, 0.32)
_PATIENCE = 2  # seconds, while no server is in reach
_has_turn: ContextVar[bool] = ContextVar("fastauth_mongo_has_turn", default=False)
_is_starting_up: ContextVar[bool] = ContextVar("fastauth_mongo_starting_up", default=False)
_under_way: set["asyncio.Future[Any]"] = set()  # the loop itself would not keep them
_LONGEST_PAUSE = 0.25  # seconds

UNSTORABLE = (BSONError, DocumentTooLarge, OverflowError, UnicodeEncodeError)
"""What the driver raises for a value that MongoDB cannot keep, before anything is sent."""


class answered_by(Patience):  # noqa: N801  # a context manager, and read as one
    """Translate errors, and do not wait for longer than two seconds while no server is in reach.

    "The database cannot be reached" and "this value cannot be stored" become our exceptions, and nothing else does.

    Left to itself, the driver waits for half a minute for a server that refuses connections, as for one that is slow.
    At start-up that is right: it takes the driver longer to find out that it is the credentials that are refused.

    Args:
        client: The driver's client that the commands are sent by.
    """

    __slots__ = ("_client",)

    def __init__(self, client: Any) -> None:
        super().__init__(_PATIENCE)
        self._client = client

    def is_over(self) -> bool:
        """Say whether there is no server."""
        return not (_is_starting_up.get() or self._client.topology_description.known_servers)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        """Raise ours in the place of an error of the driver's."""
        if super().__exit__(kind, error, trace):
            raise StoreUnavailableException
        if isinstance(error, UNSTORABLE):
            # Without the cause: its text may hold the document, and that the password hash.
            raise ValidationException("A value does not fit into the database.") from None
        if _code_of(error) in _REFUSED:
            raise ValidationException("A value is refused by the database.") from None  # as the text shows values again
        if isinstance(error, PyMongoError):
            # In a caller's transaction, the label is how with_transaction knows that it may begin again.
            is_outage = isinstance(error, ConnectionFailure) or error.timeout or _code_of(error) in _UNKNOWN_USER
            if is_outage and not error.has_error_label("TransientTransactionError"):
                raise StoreUnavailableException from error
        return False


async def unbroken(command: Awaitable[_T]) -> _T:
    """Return what a command of the driver's gives; whoever waits for it may be cancelled, and it goes on to its end.

    PyMongo (4.20) that is cancelled while it waits for a server may never let go of the lock on its list of servers,
    and then its client finds none again until the process is restarted.
    """
    task = asyncio.ensure_future(command)
    _under_way.add(task)
    task.add_done_callback(_forget)
    return await asyncio.shield(task)


def _forget(task: "asyncio.Future[Any]") -> None:
    _under_way.discard(task)
    if not task.cancelled():
        task.exception()  # somebody has heard of it, or nobody is left to


@contextmanager
def refusals_told() -> Generator[None, None, None]:
    """Say at start-up what the server refuses the app for: waiting and trying again do not help.

    Raises:
        ConfigurationError: The credentials are refused, or the user may not do what the store has to.
    """
    starting_up = _is_starting_up.set(True)
    try:
        yield
    except (StoreUnavailableException, OperationFailure) as error:
        code = _code_of(error.__cause__ if isinstance(error, StoreUnavailableException) else error)
        if code not in (*_UNKNOWN_USER, _UNAUTHORIZED):
            raise
        what = "may not read, write and make indexes here" if code == _UNAUTHORIZED else "or the password is refused"
        raise ConfigurationError(f"MongoDB refuses the app: the user of the client's URL {what}.") from error
    finally:
        _is_starting_up.reset(starting_up)


def _code_of(error: BaseException | None) -> int | None:
    return error.code if isinstance(error, OperationFailure) else None


class LostRaceError(Exception):
    """Something changed between a look and the change that was computed from it; nothing has been decided."""


class ConflictError(LostRaceError):
    """The server refused a change because of another transaction's."""


class Contender(Protocol):
    """Whoever has verbs that may lose a race."""

    _contended: asyncio.Lock


@asynccontextmanager
async def _in_line(line: asyncio.Lock) -> AsyncGenerator[None, None]:
    """Wait for one's turn; what is done within a turn, such as a step before a commit, has it already."""
    if _has_turn.get():
        yield
        return
    async with line:
        turn = _has_turn.set(True)
        try:
            yield
        finally:
            _has_turn.reset(turn)


class _Pauses:
    """How long to wait after each race that a verb has lost, until it gives up."""

    def __init__(self) -> None:
        self._lost = self._refused = 0

    def after(self, error: LostRaceError) -> float:
        """Return how many seconds to wait.

        Raises:
            StoreUnavailableException: It was tried often enough.
        """
        if isinstance(error, ConflictError):
            if self._refused == len(_CONFLICT_PAUSES):
                raise StoreUnavailableException from error
            longest = _CONFLICT_PAUSES[self._refused]
            self._refused += 1
        else:
            if self._lost == _ATTEMPTS:
                raise StoreUnavailableException from error
            longest = min(_LONGEST_PAUSE, 0.002 * 2**self._lost)
            self._lost += 1
        return random.uniform(longest / 2, longest)  # noqa: S311


def retried(verb: _Verb) -> _Verb:
    """Take a verb again from its beginning whenever it loses a race.

    Those of one process who have lost one stand in line, so that they lose no more to one another; those of several
    processes wait a little longer each time. Of those who lose by comparison somebody has always won, so that they may
    try for long; a conflict that the server reports may come from a transaction that is in no hurry to end.
    """

    @wraps(verb)
    async def attempts(store: Contender, *args: Any, **kwargs: Any) -> Any:
        pauses = _Pauses()
        try:
            return await verb(store, *args, **kwargs)
        except LostRaceError as error:
            pause = pauses.after(error)
        await asyncio.sleep(pause)
        async with _in_line(store._contended):  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
            while True:
                try:
                    return await verb(store, *args, **kwargs)
                except LostRaceError as error:
                    pause = pauses.after(error)
                await asyncio.sleep(pause)

    return cast("_Verb", attempts)
