"""The same verbs inside the caller's own session and transaction."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import Executable, Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import Mapper

from fastauth.backends.sql.database import Database, translated
from fastauth.backends.sql.errors import values_hidden
from fastauth.backends.sql.sqlite import begin_on_sqlite

_T = TypeVar("_T")


class JoinedDatabase:
    """Gives out the connection of the caller's session; the caller commits.

    A verb that fails returns to where it began, and leaves the caller's transaction as it was. It is not attempted
    again: only the caller could repeat what was done before it.

    Args:
        session: The caller's.
        mapper: The user class's, by which a session with several engines finds the right one.
        attempted_again: Whether somebody begins the whole transaction anew after a conflict.
    """

    def __init__(self, session: AsyncSession, mapper: Mapper[Any], *, attempted_again: bool = False) -> None:
        self._is_last = not attempted_again
        self.session = session
        self._bind_arguments = {"mapper": mapper}

    async def attempt(self, verb: Callable[[Database], Awaitable[_T]]) -> _T:
        """Return what the verb returns; what is pending in the session goes before it, as before any query."""
        if self.session.autoflush:
            await self.session.flush()
        return await translated(lambda: verb(self), last=self._is_last)

    async def attempt_reading(self, verb: Callable[[Database], Awaitable[_T]]) -> _T:
        """Return what the verb returns, as :meth:`attempt` does."""
        return await self.attempt(verb)

    async def attempt_step(self, step: Callable[[], Awaitable[_T]]) -> _T:
        """Return what the step returns; each verb in it is an attempt."""
        return await step()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession, None]:
        """The session itself with a savepoint, to which it returns on any exception."""
        await begin_on_sqlite(await self.session.connection(bind_arguments=self._bind_arguments))
        async with self.session.begin_nested():
            yield self.session

    async def row(self, statement: Executable, parameters: Mapping[str, Any]) -> Row[Any] | None:
        """Return the row of a statement, on the session's connection."""
        async with self.read() as connection:
            return (await connection.execute(statement, parameters)).one_or_none()

    async def change(self, statement: Executable, parameters: Mapping[str, Any]) -> int:
        """Carry out one statement with a savepoint; return how many rows it changed."""
        async with self.write_once() as connection:
            return (await connection.execute(statement, parameters)).rowcount

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncConnection, None]:
        """The session's connection."""
        connection = await self.session.connection(bind_arguments=self._bind_arguments)
        with values_hidden():
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[AsyncConnection, None]:
        """The session's connection with a savepoint, to which it returns on any exception."""
        connection = await self.session.connection(bind_arguments=self._bind_arguments)
        # Without it, a savepoint would be SQLite's transaction, and its release the commit.
        await begin_on_sqlite(connection)
        async with connection.begin_nested():
            with values_hidden():
                yield connection

    write_once = write

    async def close(self) -> None:
        """Do nothing: the connection is the caller's."""
