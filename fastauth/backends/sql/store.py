"""The store itself: the three groups of verbs on one engine, and the life of the schema."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast, overload

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from typing_extensions import TypeVar

from fastauth.backends.common import DEFAULT_PREFIX, checked_prefix
from fastauth.backends.sql.audit import SQLAuditStore
from fastauth.backends.sql.changes import SQLUserChanges
from fastauth.backends.sql.commit import CommittingDatabase
from fastauth.backends.sql.database import EngineDatabase
from fastauth.backends.sql.errors import refusals_told
from fastauth.backends.sql.joined import JoinedDatabase
from fastauth.backends.sql.listing import SQLUserListing
from fastauth.backends.sql.mapping import UserMapping
from fastauth.backends.sql.models import User
from fastauth.backends.sql.roles import SQLRoleStore
from fastauth.backends.sql.sessions import SQLTokenStore
from fastauth.backends.sql.sqlite import begin_on_sqlite
from fastauth.backends.sql.tables import Tables, tables_for
from fastauth.core.checks import check_list, wrong_kind
from fastauth.core.exceptions import ConfigurationError
from fastauth.core.protocols import CommitStep
from fastauth.core.user_schema import UserSchema

M = TypeVar("M", default=User)

_CREATE_ATTEMPTS = 10


class SQLStore(SQLUserChanges[M], SQLUserListing[M], SQLRoleStore[M], SQLTokenStore[M], SQLAuditStore[M]):
    """Keeps users, roles and sessions in a SQL database.

    Args:
        engine: The app's engine, from ``create_async_engine``; its pool is shared with the app.
        user_model: A class of the app's own, mapped by SQLAlchemy or as SQLModel; by default :class:`User`. It needs a
            key of one column (an int, a UUID or a string) and the attributes ``username``, ``email``,
            ``hashed_password`` and ``disabled``; nothing has to be inherited from us. Our tables join its metadata.
        public_fields: The model's own attributes that user JSON shows.
        writable_fields: The model's own attributes that a client may set.
        table_prefix: What the names of our tables begin with; the user table has the name that its class says.

    Raises:
        ConfigurationError: The engine is not asynchronous, something about the model does not fit, or a table that the
            prefix gives is there already and is not ours.
    """

    @overload
    def __init__(self: "SQLStore[User]", engine: AsyncEngine, *, table_prefix: str = DEFAULT_PREFIX) -> None: ...
    @overload
    def __init__(
        self,
        engine: AsyncEngine,
        *,
        user_model: type[M],
        public_fields: Sequence[str] = (),
        writable_fields: Sequence[str] = (),
        table_prefix: str = DEFAULT_PREFIX,
    ) -> None: ...
    def __init__(
        self,
        engine: AsyncEngine,
        *,
        user_model: type[Any] | None = None,
        public_fields: Sequence[str] = (),
        writable_fields: Sequence[str] = (),
        table_prefix: str = DEFAULT_PREFIX,
    ) -> None:
        if not isinstance(engine, AsyncEngine):
            raise ConfigurationError(
                "SQLStore needs an AsyncEngine: make it with sqlalchemy.ext.asyncio.create_async_engine and an async "
                "driver, as in sqlite+aiosqlite:///app.db."
            )
        if "isolation_level" in engine.get_execution_options():
            raise ConfigurationError(
                "SQLStore sets the isolation level that each verb needs, and an execution option of the engine's would "
                "overrule it: give the isolation_level to create_async_engine itself, or the store another engine."
            )
        check_list("public_fields", public_fields)
        check_list("writable_fields", writable_fields)
        if user_model is not None and not isinstance(cast("object", user_model), type):
            raise wrong_kind("user_model", "a mapped class", user_model)
        model: type[Any] = user_model or User
        mapping: UserMapping[M] = UserMapping(model, public_fields, writable_fields)
        tables = tables_for(mapping.table, mapping.key, checked_prefix("table_prefix", table_prefix))
        super().__init__(EngineDatabase(engine), mapping, tables)
        self.engine = engine
        """The app's engine, as it was given; for what is not a verb, such as looking into the database."""
        self.schema: UserSchema = mapping.schema

    @property
    def tables(self) -> Tables:
        """The app's user table, and ours beside it, as SQLAlchemy describes them; for migrations and reports."""
        return self._tables

    async def has_transactions(self) -> bool:
        """Say yes, as every SQL database has."""
        return True

    async def create_schema(self) -> None:
        """Make the tables that are missing: the user table, those it refers to, and ours.

        Several processes may do it at once: the one that finds a table made under its hands looks again.

        Raises:
            ConfigurationError: The credentials are refused, or there is no such database or schema.
        """
        for _ in range(_CREATE_ATTEMPTS - 1):
            with suppress(DBAPIError), refusals_told():
                return await self.database.attempt(lambda _: self._create_missing())
            await asyncio.sleep(random.uniform(0.01, 0.1))  # noqa: S311
        return await self.database.attempt(lambda _: self._create_missing())

    async def _create_missing(self) -> None:
        tables = self._tables

        def create(connection: Connection) -> None:
            tables.users.metadata.create_all(connection, tables=tables.to_create())
            # Where DDL is not part of a transaction, somebody else's attempt may have ended between table and index.
            for table in tables:
                for index in table.indexes:
                    index.create(connection, checkfirst=True)

        async with self.database.write() as connection:
            await begin_on_sqlite(connection)
            await connection.run_sync(create)

    async def missing_schema(self) -> Sequence[str]:
        """Return the names of the tables that are missing.

        Raises:
            ConfigurationError: The credentials are refused, or there is no such database.
        """
        with refusals_told():
            return await self.database.attempt(lambda _: self._missing())

    async def _missing(self) -> Sequence[str]:
        def missing(connection: Connection) -> list[str]:
            known = inspect(connection)
            return [
                table.fullname
                for table in self._tables
                # Where the engine's schema_translate_map puts it.
                if not known.has_table(table.name, schema=connection.schema_for_object(table))
            ]

        async with self.database.read() as connection:
            return await connection.run_sync(missing)

    def joined(self, session: AsyncSession) -> "SQLStore[M]":
        """Return the same verbs inside the caller's session and its transaction, which the caller commits.

        A verb that fails leaves the transaction as it was before it. Objects of the user class that the session has
        loaded do not hear of what a verb changes; refresh them. The session keeps its database's usual isolation
        level: READ COMMITTED on PostgreSQL.

        Args:
            session: The caller's session. What is pending in it is flushed before each verb.
        """
        return self.using(JoinedDatabase(session, self._mapping.mapper))

    def before_commit(self, step: CommitStep[M]) -> "SQLStore[M]":
        """Return the same store, whose verbs await ``step`` before they commit; ``commit.session`` is the session."""

        def store_on(session: AsyncSession) -> SQLStore[M]:
            return self.using(JoinedDatabase(session, self._mapping.mapper, attempted_again=True))

        return self.using(CommittingDatabase(self.database, store_on, step))

    async def close(self) -> None:
        """Give the idle connections back to the database; the engine may be used again afterwards."""
        await self.database.close()
