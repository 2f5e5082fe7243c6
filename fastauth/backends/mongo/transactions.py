"""Transactions of our own, in which a verb and what the app does with it are committed together."""

import asyncio
import inspect
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from pymongo import ReadPreference, WriteConcern
from pymongo.errors import ConnectionFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from fastauth.backends.mongo.errors import ConflictError, answered_by, unbroken
from fastauth.backends.undisturbed import Undisturbed
from fastauth.core.exceptions import StoreUnavailableException

_T = TypeVar("_T")

_BEGIN_ANEW = "TransientTransactionError"
_COMMIT_AGAIN = "UnknownTransactionCommitResult"
_PAUSES = (0.05, 0.5)  # seconds, before the second and the third attempt after an outage
_PATIENCE = 5  # seconds, with a transaction that nobody waits for any more


class Transactions:
    """Runs something in a transaction, on servers that have them.

    Args:
        client: The app's.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._supported: bool | None = None
        self._undisturbed = Undisturbed(_PATIENCE)

    async def supported(self) -> bool:
        """Say whether the server has transactions: as a member of a replica set, or in front of a sharded cluster."""
        if self._supported is None:
            with answered_by(self._client):
                server = await unbroken(self._client.admin.command("hello"))
            self._supported = "setName" in server or server.get("msg") == "isdbgrid"
        return bool(self._supported)

    async def run(self, body: Callable[[Any], Awaitable[_T]]) -> _T:
        """Return what the body returns, which is given the client session; committed if it returned anything true.

        Raises:
            ConflictError: Another transaction came first, and nothing of this one has happened.
            StoreUnavailableException: The database cannot be reached.
        """
        # To its end though nobody may wait for it any more: the server would keep what is locked for a minute.
        return await self._undisturbed.run(self._attempts(body))

    async def _attempts(self, body: Callable[[Any], Awaitable[_T]], pauses: Sequence[float] = _PAUSES) -> _T:
        try:
            return await self._attempt(body)
        except PyMongoError as error:
            if not error.has_error_label(_BEGIN_ANEW):
                raise
            if not isinstance(error, ConnectionFailure):
                raise ConflictError from error
            await _wait_or_give_up(pauses, error)
        return await self._attempts(body, pauses[1:])

    async def _attempt(self, body: Callable[[Any], Awaitable[_T]]) -> _T:
        session = await awaited(self._client.start_session())
        try:
            await awaited(
                session.start_transaction(
                    read_concern=ReadConcern("snapshot"),
                    write_concern=WriteConcern("majority", j=True),
                    read_preference=ReadPreference.PRIMARY,
                )
            )
            result = await body(session)
            if result:
                await _commit(session)
            return result
        finally:
            await unbroken(session.end_session())  # which aborts what was not committed

    async def close(self) -> None:
        """Wait for the transactions that nobody waits for."""
        await self._undisturbed.ended()


async def _commit(session: Any, pauses: Sequence[float] = _PAUSES) -> None:
    try:
        await unbroken(session.commit_transaction())
    except PyMongoError as error:
        if not error.has_error_label(_COMMIT_AGAIN):
            raise
        await _wait_or_give_up(pauses, error)
        await _commit(session, pauses[1:])


async def _wait_or_give_up(pauses: Sequence[float], error: PyMongoError) -> None:
    if not pauses:
        raise StoreUnavailableException from error
    await asyncio.sleep(random.uniform(pauses[0] / 2, pauses[0]))  # noqa: S311


async def awaited(begun: Any) -> Any:
    """Return what was begun: what PyMongo's client returns at once is awaited with Motor's, and the other way round."""
    return await begun if inspect.isawaitable(begun) else begun
