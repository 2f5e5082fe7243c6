"""What is peculiar to SQLite and to its driver in Python."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection


async def begin_on_sqlite(connection: AsyncConnection) -> None:
    """Begin the transaction now; left to itself, Python's driver begins it at the first change of a row."""
    if connection.dialect.name == "sqlite":
        driver: Any = (await connection.get_raw_connection()).driver_connection
        if not driver.in_transaction:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
