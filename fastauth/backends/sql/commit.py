"""A verb, and what the app does before it is committed, in one transaction."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar

from sqlalchemy import Executable, Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from fastauth.backends.sql.database import Database
from fastauth.core.models import U
from fastauth.core.protocols import Commit, CommitStep

_T = TypeVar("_T")


class CommittingDatabase(Generic[U]):
    """Runs every verb in a transaction with a step of the app's behind it.

    Args:
        database: Where the transactions come from: the engine, or the caller's own session.
        store_on: Makes the store whose verbs are part of a session's transaction.
        step: What is awaited when a verb has changed something, before that is committed.
    """

    def __init__(self, database: Database, store_on: Callable[[AsyncSession], Any], step: CommitStep[U]) -> None:
        self._database = database
        self._store_on = store_on
        self._step = step

    async def attempt(self, verb: Callable[[Database], Awaitable[_T]]) -> _T:
        """Return what the verb returns; after a conflict, both begin anew."""

        async def verb_and_step() -> _T:
            async with self._database.transaction() as session:
                store = self._store_on(session)
                result = await verb(store.database)
                if result:
                    await self._step(Commit(result, store, session))
                return result

        return await self._database.attempt_step(verb_and_step)

    async def attempt_reading(self, verb: Callable[[Database], Awaitable[_T]]) -> _T:
        """Return what the verb returns, in no transaction of ours."""
        return await self._database.attempt_reading(verb)

    async def attempt_step(self, step: Callable[[], Awaitable[_T]]) -> _T:
        """Return what the step returns."""
        return await self._database.attempt_step(step)

    async def row(self, statement: Executable, parameters: Mapping[str, Any]) -> Row[Any] | None:
        """Return the row of a statement that changes nothing."""
        return await self._database.row(statement, parameters)

    async def change(self, statement: Executable, parameters: Mapping[str, Any]) -> int:
        """Commit one statement that changes something."""
        return await self._database.change(statement, parameters)

    def read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Return a connection for one statement that changes nothing."""
        return self._database.read()

    def write_once(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Return a connection for one statement that changes something."""
        return self._database.write_once()

    def write(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Return a connection for several statements that happen together."""
        return self._database.write()

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Return a session in a transaction."""
        return self._database.transaction()

    async def close(self) -> None:
        """Give the idle connections back."""
        await self._database.close()
