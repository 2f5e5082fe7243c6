"""SQL stores for the command line; imported only when one is chosen, since SQLAlchemy is an extra."""

import logging
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, Inspector, Table, UniqueConstraint, inspect, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.types import String

from fastauth.backends.sql import SQLStore
from fastauth.cli.errors import Misuse
from fastauth.cli.stores.shelf import Differences
from fastauth.cli.stores.urls import DatabaseUrl, parse_url
from fastauth.core.protocols import Store

_WITH_UNIQUE = {"include_auto_indexes": True}  # how SQLite keeps the uniqueness that stands beside a column
_ALEMBIC_FILE = "alembic.ini"
_ALEMBIC_TABLE = "alembic_version"
_NOW = {
    "postgresql": "SELECT clock_timestamp()",
    "mysql": "SELECT utc_timestamp(6)",
    "mariadb": "SELECT utc_timestamp(6)",
}


def open_store(url: DatabaseUrl, database: str | None) -> SQLStore[Any]:
    """Return a store with the ready-made user class.

    Raises:
        Misuse: The URL cannot be used.
    """
    if database is not None:
        raise Misuse("--database is for MongoDB; a SQL database is named in the URL.")
    try:
        return SQLStore(create_async_engine(url.text))
    except (ArgumentError, ValueError) as error:
        raise Misuse(f"{url.masked} cannot be used as a database URL: check its host, port and name.") from error


class SQLInspector:
    """A look into a :class:`SQLStore`."""

    def __init__(self, store: SQLStore[Any]) -> None:
        self._store = store
        self._engine = store.engine

    @property
    def url(self) -> DatabaseUrl:
        """Where the database is."""
        return parse_url(self._engine.url.render_as_string(hide_password=False))

    @property
    def distributions(self) -> Sequence[str]:
        """SQLAlchemy and the driver."""
        return ("sqlalchemy", self._engine.dialect.driver)

    @asynccontextmanager
    async def batch(self) -> AsyncGenerator[Store[Any], None]:
        """Give the same store in one transaction: a commit for each user would wait for the disk each time."""
        async with AsyncSession(self._engine) as session, session.begin():
            yield cast("Store[Any]", self._store.joined(session))

    def quiet(self) -> None:
        """Undo ``echo=True``, and leave out a driver's notes, such as MariaDB's about the names of primary keys."""
        self._engine.sync_engine.echo = False
        logging.getLogger(self._engine.dialect.driver).setLevel(logging.ERROR)

    async def differences(self) -> Differences:
        """Compare columns, unique constraints and indexes with the models."""
        async with self._engine.connect() as connection:
            return await connection.run_sync(self._compare)

    async def migrations(self) -> str | None:
        """Look for Alembic: its table in the database, or its file where the command runs."""
        if Path(_ALEMBIC_FILE).exists():  # noqa: ASYNC240  # a command has nothing else to do meanwhile
            return f"there is an {_ALEMBIC_FILE}"
        if self.url.sqlite_file is not None and not self.url.sqlite_file.exists():
            return None
        async with self._engine.connect() as connection:
            known = await connection.run_sync(lambda sync: inspect(sync).has_table(_ALEMBIC_TABLE))
        return f"the database has a table {_ALEMBIC_TABLE}" if known else None

    async def clock_ahead(self) -> timedelta | None:
        """Return how far the server's clock is ahead of ours; None for a database in a file, which has none."""
        query = _NOW.get(self._engine.dialect.name)
        if query is None:
            return None
        async with self._engine.connect() as connection:
            before = datetime.now(timezone.utc)
            answer = (await connection.execute(text(query))).scalar_one()
            after = datetime.now(timezone.utc)
        there: datetime = answer if answer.tzinfo else answer.replace(tzinfo=timezone.utc)
        return there - (before + (after - before) / 2)

    async def remarks(self) -> Sequence[tuple[str, str]]:
        """Return nothing: what there is to say about a SQL server is said by the other questions."""
        return ()

    def _compare(self, connection: Connection) -> Differences:
        known = inspect(connection)
        there = [table for table in self._store.tables if known.has_table(table.name, schema=table.schema)]
        return Differences(
            columns=[line for table in there for line in _column_differences(known, table)],
            indexes=[line for table in there for line in _missing_indexes(known, table)],
        )


def inspector(store: SQLStore[Any]) -> SQLInspector:
    """Return the look into this store."""
    return SQLInspector(store)


def _column_differences(known: Inspector, table: Table) -> Iterator[str]:
    there = {column["name"]: column for column in known.get_columns(table.name, table.schema)}
    for column in table.columns:
        found = there.pop(column.name, None)
        if found is None:
            yield f"{table.fullname}.{column.name} is missing"
            continue
        wanted, has = column.type, found["type"]
        if isinstance(wanted, String) and isinstance(has, String) and (has.length or 0) < (wanted.length or 0):
            if has.length is not None:
                yield f"{table.fullname}.{column.name} holds {has.length} characters and needs {wanted.length}"
        elif not _same_kind(wanted, has):
            yield f"{table.fullname}.{column.name} is {has!s} and should be {wanted!s}"
    for name, extra in there.items():
        if not extra["nullable"] and extra.get("default") is None and not extra.get("computed"):
            yield f"{table.fullname}.{name} needs a value, and the model does not know it"


def _same_kind(wanted: Any, has: Any) -> bool:
    # Databases have their own names for types: only what no dialect stores in the other is a difference.
    families = ("String", "Integer", "DateTime", "Boolean", "Uuid")
    kinds = [
        {name for name in families if any(each.__name__ == name for each in type(of).__mro__)} for of in (wanted, has)
    ]
    return not all(kinds) or bool(kinds[0] & kinds[1]) or "Boolean" in kinds[0] or "Uuid" in kinds[0]


def _missing_indexes(known: Inspector, table: Table) -> Iterator[str]:
    name, schema = table.name, table.schema
    unique = [set(map(str, each["column_names"])) for each in known.get_unique_constraints(name, schema)]
    indexes = [
        (list(map(str, each["column_names"])), bool(each["unique"]))
        for each in known.get_indexes(name, schema, **_WITH_UNIQUE)
    ]
    key = list(known.get_pk_constraint(name, schema)["constrained_columns"])
    unique += [set(key), *(set(columns) for columns, is_unique in indexes if is_unique)]
    led = [key, *(columns for columns, _ in indexes), *(sorted(columns) for columns in unique)]
    for group in table.constraints:
        wanted = [column.name for column in group.columns] if isinstance(group, UniqueConstraint) else []
        if wanted and set(wanted) not in unique:
            yield f"{table.fullname}({', '.join(wanted)}) is not unique"
    for index in table.indexes:
        wanted = [column.name for column in index.columns]
        if index.unique and set(wanted) not in unique:
            yield f"{table.fullname}({', '.join(wanted)}) is not unique"
        elif not any(each[: len(wanted)] == wanted for each in led):
            yield f"{table.fullname}({', '.join(wanted)}) has no index"
    foreign = [list(each["constrained_columns"]) for each in known.get_foreign_keys(name, schema)]
    for constraint in table.foreign_key_constraints:
        wanted = [column.name for column in constraint.columns]
        if wanted not in foreign:
            yield f"{table.fullname}({', '.join(wanted)}) has no foreign key"
