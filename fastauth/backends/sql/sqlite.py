"""What is peculiar to SQLite and to its driver in Python."""

import copy
from typing import Any

from sqlalchemy import PoolProxiedConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


async def begin_on_sqlite(connection: AsyncConnection) -> None:
    """Begin the transaction now; left to itself, Python's driver begins it at the first change of a row."""
    if connection.dialect.name == "sqlite":
        driver: Any = (await connection.get_raw_connection()).driver_connection
        if not driver.in_transaction:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")


def without_idle_rollbacks(engine: AsyncEngine) -> AsyncEngine:
    """Return the same engine of SQLite, with the same pool, which rolls back only what was begun.

    SQLAlchemy ends every use of a connection with a rollback. For a driver that lives in a thread, that is one switch
    to it and back out of five, to end a transaction that a mere look does not begin.
    """
    quiet, dialect = engine.execution_options(), copy.copy(engine.dialect)

    def roll_back(connection: PoolProxiedConnection) -> None:
        driver: Any = connection.driver_connection
        if driver.in_transaction:
            engine.dialect.do_rollback(connection)

    setattr(dialect, "do_rollback", roll_back)  # noqa: B010  # of this copy only
    quiet.sync_engine.dialect = dialect
    return quiet
