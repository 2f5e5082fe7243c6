"""Connections, transactions and second attempts: what makes a verb one atomic step on the app's engine."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Executable, Row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.pool import StaticPool
from sqlalchemy.util import greenlet_spawn

from fastauth.backends.sql import goodbye, lost
from fastauth.backends.sql.errors import MissingTableError, trouble_of, values_hidden
from fastauth.backends.sql.switches import COMMITS, with_fewer_switches
from fastauth.backends.undisturbed import Undisturbed
from fastauth.core.exceptions import FastAuthException, StoreUnavailableException

_T = TypeVar("_T")

_PATIENCE = 5  # seconds, with a verb that nobody waits for any more
_PAUSES = (0.02, 0.08, 0.32)  # seconds, before the second, third and fourth attempt


class Database(Protocol):
    """Where the verbs get their connections from."""

    async def attempt(self, verb: Callable[["Database"], Awaitable[_T]]) -> _T:
        """Return what the verb returns on this database; its driver's errors become ours.

        Raises:
            StoreUnavailableException: The database cannot be reached, or others were at the same rows all the time.
        """
        ...

    async def attempt_reading(self, verb: Callable[["Database"], Awaitable[_T]]) -> _T:
        """Return what the verb returns, as :meth:`attempt` does; it changes nothing."""
        ...

    async def row(self, statement: Executable, parameters: Mapping[str, Any]) -> Row[Any] | None:
        """Return the row of a statement that changes nothing and gives one row at most; None when it gives none."""
        ...

    async def change(self, statement: Executable, parameters: Mapping[str, Any]) -> int:
        """Commit one statement that changes something; return how many rows it changed."""
        ...

    def read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Return a connection for one statement that changes nothing."""
        ...

    def write_once(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Return a connection for one statement that changes something."""
        ...

    def write(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Return a connection for several statements that happen together, or not at all when an exception rises.

        A verb begins with the statement that takes the lock it needs, an UPDATE, INSERT or DELETE: SQLite cannot turn
        a transaction that began by reading into a writing one while another is writing.
        """
        ...

    async def attempt_step(self, step: Callable[[], Awaitable[_T]]) -> _T:
        """Return what the step returns, as :meth:`attempt` does; it is more than one verb, in a :meth:`transaction`."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Return a session in a transaction, which is undone on any exception."""
        ...

    async def close(self) -> None:
        """Give the idle connections back."""
        ...


class EngineDatabase:
    """Gives out connections of the app's engine: one per store verb, and only for as long as the verb runs.

    Args:
        engine: The app's own; its pool is shared with the app.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        lost.watch(engine)
        self._for_one_statement = self._for_several = engine
        if engine.dialect.name == "postgresql":
            # One statement is a transaction of its own, and saves two round trips by saying so. Several are right
            # only where each sees what was committed before it began, whatever level the app prefers.
            self._for_one_statement = engine.execution_options(isolation_level="AUTOCOMMIT")
            self._for_several = engine.execution_options(isolation_level="READ COMMITTED")
        elif getattr(engine.dialect, "_on_connect_isolation_level", None) == "AUTOCOMMIT":
            self._for_several = engine.execution_options(isolation_level="SERIALIZABLE")
        self._for_sessions = self._for_several  # in which the app's own statements run
        if engine.driver == "aiosqlite":
            self._for_one_statement = with_fewer_switches(engine)
            self._for_several = with_fewer_switches(self._for_several)
        # All users of SQLite in memory share one connection, and with it one transaction. A file of SQLite lets one
        # write at a time: whoever waits in line here is not asleep in a thread that looks now and then.
        self._shared = isinstance(engine.pool, StaticPool)
        self._one_writes = self._shared or engine.dialect.name == "sqlite"
        self._turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
        self._undisturbed = Undisturbed(_PATIENCE)

    async def attempt(self, verb: Callable[[Database], Awaitable[_T]]) -> _T:
        """Return what the verb returns; try again, three times at most, when others were at the same rows."""
        return await self.attempt_step(lambda: verb(self))

    async def attempt_reading(self, verb: Callable[[Database], Awaitable[_T]]) -> _T:
        """Return what the verb returns, as :meth:`attempt` does; once more where the connection was lost under it.

        The pool has then let go of all that are as old. What changes something is not repeated: nobody knows whether
        the database did it before the connection was lost.
        """

        async def look() -> _T:
            try:
                return await verb(self)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
            return await verb(self)

        return await self.attempt_step(look)

    async def attempt_step(self, step: Callable[[], Awaitable[_T]]) -> _T:
        """Return what the step returns; one step may be several verbs in a transaction of their own."""
        return await self._undisturbed.run(self._attempt(step))

    async def _attempt(self, verb: Callable[[], Awaitable[_T]]) -> _T:
        for pause in _PAUSES:
            try:
                return await translated(verb)
            except ConflictError:  # noqa: PERF203  # at most three times
                await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311
        return await translated(verb, last=True)

    # The two that stand in the way of every request hold the whole of a connection's life in one switch to SQLAlchemy's
    # side. AsyncConnection switches for each step of it, and gives the connection back in a task of its own, which
    # protects that from a cancellation; here nothing is cancelled, as every verb runs undisturbed.

    async def row(self, statement: Executable, parameters: Mapping[str, Any]) -> Row[Any] | None:
        """Return the row of a statement, on a connection that is in no transaction for longer than it takes."""
        with values_hidden():
            if self._shared:
                async with self._turn(writing=False):
                    return await greenlet_spawn(self._row, statement, parameters)
            return await greenlet_spawn(self._row, statement, parameters)

    def _row(self, statement: Executable, parameters: Mapping[str, Any]) -> Row[Any] | None:
        with self._for_one_statement.sync_engine.connect() as connection:
            return connection.execute(statement, parameters).one_or_none()

    async def change(self, statement: Executable, parameters: Mapping[str, Any]) -> int:
        """Commit one statement; return how many rows it changed."""
        with values_hidden():
            async with self._turn(writing=True):
                return await greenlet_spawn(self._change, statement, parameters)

    def _change(self, statement: Executable, parameters: Mapping[str, Any]) -> int:
        with self._for_one_statement.sync_engine.connect() as connection:
            changed = connection.execute(statement, parameters, execution_options=COMMITS).rowcount
            _commit(connection)
            return changed

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncConnection, None]:
        """A connection that is in no transaction for longer than it takes."""
        with values_hidden():
            async with self._turn(writing=False), self._for_one_statement.connect() as connection:
                yield connection

    @asynccontextmanager
    async def write_once(self) -> AsyncGenerator[AsyncConnection, None]:
        """A connection on which one statement is committed."""
        with values_hidden():
            async with self._turn(writing=True), self._for_one_statement.connect() as connection:
                yield connection
                await connection.run_sync(_commit)

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[AsyncConnection, None]:
        """A connection in a transaction, which is committed at the end and rolled back on any exception."""
        with values_hidden():
            async with self._turn(writing=True), self._for_several.connect() as connection:
                await connection.begin()  # or a session of the ORM on it would begin, and end, a transaction of its own
                yield connection
                await connection.run_sync(_commit)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession, None]:
        """A session in a transaction, which is committed at the end and rolled back on any exception."""
        with values_hidden():
            async with (
                self._turn(writing=True),
                AsyncSession(self._for_sessions, expire_on_commit=False) as session,
                session.begin(),
            ):
                yield session

    def _turn(self, *, writing: bool) -> AbstractAsyncContextManager[Any]:
        if not (self._one_writes if writing else self._shared):
            return nullcontext()
        return self._turns.setdefault(asyncio.get_running_loop(), asyncio.Lock())

    async def close(self) -> None:
        """Give the idle connections back; the engine may be used again afterwards."""
        await self._undisturbed.ended()
        await goodbye.dispose(self._engine)


def _commit(connection: Connection) -> None:
    connection.commit()
    # A connection that comes back outside of a transaction is rolled back by the pool, for its last user may have left
    # something open: on SQLite one more switch to the driver. This one ends without any.
    connection.begin()


class ConflictError(Exception):
    """Others were at the same rows, and another attempt may succeed."""


async def translated(verb: Callable[[], Awaitable[_T]], *, last: bool = False) -> _T:
    """Return what the verb returns; its driver's errors become ours, and a conflict one that says so, but the last.

    Raises:
        ConflictError: It may be attempted again.
        StoreUnavailableException: The database cannot be reached, or this was the last attempt.
        MissingTableError: A table is not there.
    """
    try:
        return await verb()
    except FastAuthException:
        raise
    except ConflictError as error:  # of a verb within this one
        if last:
            raise StoreUnavailableException from error
        raise
    except Exception as error:
        trouble = trouble_of(error)
        if trouble == "conflict" and not last:
            raise ConflictError from error
        if trouble is not None:
            raise StoreUnavailableException from error
        missing = MissingTableError.of(error)
        if missing is not None:
            raise missing from error
        raise
