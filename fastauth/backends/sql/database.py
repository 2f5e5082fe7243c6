"""Connections and transactions, and the border at which a driver's errors become ours."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from fastauth.core.exceptions import StoreUnavailableException


class Database:
    """Gives out connections of the app's engine: one per store verb, and only for as long as the verb runs.

    Args:
        engine: The app's own; its pool is shared with the app.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncConnection, None]:
        """A connection for one statement that changes nothing."""
        with translated_errors():
            async with self._engine.connect() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[AsyncConnection, None]:
        """A connection in a transaction, which is committed at the end and rolled back on any exception.

        A verb begins with the statement that takes the lock it needs, an UPDATE or INSERT: SQLite cannot turn a
        transaction that began by reading into a writing one while another is writing.
        """
        with translated_errors():
            async with self._engine.begin() as connection:
                yield connection

    async def close(self) -> None:
        """Give the idle connections back; the engine may be used again afterwards."""
        await self._engine.dispose()


@contextmanager
def translated_errors() -> Generator[None, None, None]:
    """Turn what says "the database cannot be reached" into our exception, and nothing else.

    What stays a driver's error hides its parameters: among them may be a password hash.
    """
    try:
        yield
    except (PoolTimeoutError, OSError) as error:
        raise StoreUnavailableException from error
    except StatementError as error:
        error.hide_parameters = True
        if isinstance(error, DBAPIError) and _is_outage(error):
            raise StoreUnavailableException from error
        raise


def _is_outage(error: DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    # SQLite has one class for "cannot open the file" and "no such table"; only the first is an outage.
    return isinstance(error, (InterfaceError, OperationalError)) and "no such " not in str(error.orig)
