"""What the three parts of the store stand on: the database, the tables, and rows made into accounts and sessions."""

import copy
import functools
import re
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import ColumnElement, Select, String, Table, delete, func, literal, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from typing_extensions import Self

from fastauth.backends.common import in_utc
from fastauth.backends.sql.database import Database
from fastauth.backends.sql.mapping import UserMapping
from fastauth.backends.sql.tables import Tables
from fastauth.core.exceptions import PermissionDeniedException, ProtectedRoleException
from fastauth.core.models import SUPERADMIN, Account, Session, U

_Verb = TypeVar("_Verb", bound=Callable[..., Awaitable[Any]])

# MySQL cuts an aggregated string at 1,024 bytes unless the statement asks for more.
_ALL_OF_IT = "/*+ SET_VAR(group_concat_max_len = 1048576) */"

_BATCH = 1000  # rows

_SESSION_ID = re.compile(r"[\x21-\x7e]{1,32}")
_NO_NAME = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")

COUNTED = {"preserve_rowcount": True}
"""The execution options under which an INSERT says how many rows it inserted, with every driver."""


def verb(method: _Verb) -> _Verb:
    """Make the method a verb of the store: attempted again after a conflict, and its driver's errors become ours."""

    @functools.wraps(method)
    async def step(self: "SQLBase[Any]", *args: Any, **kwargs: Any) -> Any:
        return await self.database.attempt(lambda database: method(self.using(database), *args, **kwargs))

    return cast("_Verb", step)  # a type checker sees the method itself: its name, arguments and result are the same


def reading(method: _Verb) -> _Verb:
    """Make the method a verb that changes nothing, so that nothing has to happen before a commit."""

    @functools.wraps(method)
    async def look(self: "SQLBase[Any]", *args: Any, **kwargs: Any) -> Any:
        return await self.database.attempt_reading(lambda database: method(self.using(database), *args, **kwargs))

    return cast("_Verb", look)


class SQLBase(Generic[U]):
    """The common ground of the user, role and session verbs.

    Args:
        database: Gives out connections.
        mapping: The app's user class.
        tables: The app's user table and ours.
    """

    def __init__(self, database: Database, mapping: UserMapping[U], tables: Tables) -> None:
        self.database = database
        self._mapping = mapping
        self._tables = tables
        self._positions = mapping.positions()
        self._select_account = self._select_with_roles(*mapping.columns)
        # A statement that changes nothing and takes the lock under which superadmins are counted, on every database.
        self._lock_superadmins = (
            update(tables.roles).where(tables.roles.c.name == SUPERADMIN).values(description=tables.roles.c.description)
        )

    def using(self, database: Database) -> Self:
        """Return the same verbs on this database, in every sense of it: a transaction is one, too."""
        if database is self.database:
            return self
        other = copy.copy(self)
        other.database = database
        return other

    def _select_with_roles(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """Return the statement that selects these columns of users, and the names of their roles before them.

        The names are one value, so that an account is one row however many there are: their number, a colon, and each
        name with a comma behind it. What was cut off on the way is so seen to be missing.
        """
        roles, user_roles = self._tables.roles, self._tables.user_roles
        # As part of the text: a bound separator is rendered into the statement anew each time that it is executed.
        colon, comma, nothing = (literal_column(text, String) for text in ("':'", "','", "''"))
        number = func.count().cast(String(20))
        aggregated = func.aggregate_strings(roles.c.name + comma, cast("str", nothing))
        names = (
            select(number + colon + aggregated)
            .select_from(user_roles.join(roles, roles.c.id == user_roles.c.role_id))
            .where(user_roles.c.user_id == self._mapping.key)
            .correlate(self._tables.users)
            .scalar_subquery()
        )
        return select(names, *columns).prefix_with(_ALL_OF_IT, dialect="mysql")

    def _account(self, row: Sequence[Any], session: Session | None = None) -> Account[U]:
        names, *values = row
        key, username, email, hashed_password, disabled = self._positions
        return Account(
            id=str(values[key]),
            username=values[username],
            email=values[email],
            hashed_password=values[hashed_password] or "",
            disabled=self._mapping.shape.is_disabled(values[disabled]),
            roles=role_names(names),
            user=self._mapping.build(values[: len(self._mapping.columns)]),
            session=session,
        )

    def _session(self, values: Sequence[Any]) -> Session:
        session_id, user_id, generation, created_at, rotated_at, expires_at, revoked_at, user_agent, ip = values
        return Session(
            id=session_id,
            user_id=str(user_id),
            generation=generation,
            created_at=in_utc(created_at),
            rotated_at=in_utc(rotated_at),
            expires_at=in_utc(expires_at),
            revoked_at=None if revoked_at is None else in_utc(revoked_at),
            user_agent=user_agent,
            ip=ip,
        )

    async def _revoke_sessions(self, connection: AsyncConnection, key: Any, now: datetime, but: str | None) -> int:
        """Revoke the live sessions of the user of this key but one; return how many there were."""
        sessions = self._tables.sessions.c
        revoke = update(self._tables.sessions).where(
            sessions.user_id == key, sessions.revoked_at.is_(None), sessions.expires_at > now
        )
        if but is not None and is_session_id(but):
            revoke = revoke.where(sessions.id != but)
        return (await connection.execute(revoke.values(revoked_at=now))).rowcount

    async def _delete_in_batches(self, table: Table, past: ColumnElement[bool]) -> int:
        """Delete the rows that are past their time and return how many; many small steps, which lock little."""
        batch = select(table.c.id).where(past).limit(_BATCH)
        deleted = 0
        while True:
            async with self.database.read() as connection:
                ids = (await connection.scalars(batch)).all()
            if not ids:
                return deleted
            async with self.database.write_once() as connection:
                # Still past it: where clocks differ, another process may have just prolonged a session.
                deleted += (await connection.execute(delete(table).where(table.c.id.in_(ids), past))).rowcount

    async def _check_rank(self, connection: AsyncConnection, key: Any, unless_holding: Collection[str]) -> None:
        """Refuse by the rank rule; under the superadmin lock, which orders all grants and revocations."""
        if not unless_holding:
            return
        await connection.execute(self._lock_superadmins)
        user = self._select_with_roles(self._mapping.key).where(self._mapping.key == key)
        holder = (await connection.execute(user)).one_or_none()
        if holder is not None and not role_names(holder[0]).isdisjoint(unless_holding):
            raise PermissionDeniedException(required=[SUPERADMIN])

    async def _keep_a_superadmin(self, connection: AsyncConnection, leaving: Any) -> None:
        """Refuse when ``leaving`` is the last enabled superadmin; the caller holds the superadmin lock."""
        tables, key = self._tables, self._mapping.key
        enabled_superadmins = (
            # Whether a key is the one that leaves is for the database to say: its collation may not mind the case.
            select(key == literal(leaving, key.type))
            .join_from(tables.users, tables.user_roles, tables.user_roles.c.user_id == key)
            .join(tables.roles, tables.roles.c.id == tables.user_roles.c.role_id)
            .where(tables.roles.c.name == SUPERADMIN, self._mapping.is_enabled())
            .limit(2)
            # A transaction of the caller's may see an older state, but it locks the rows of now.
            .with_for_update(read=True)
        )
        if (await connection.scalars(enabled_superadmins)).all() == [True]:
            raise ProtectedRoleException("The last enabled superadmin stays.")


def role_names(aggregated: str | None) -> frozenset[str]:
    """Return the role names that were selected with :meth:`SQLBase._select_with_roles`.

    Raises:
        RuntimeError: The database did not return all of them.
    """
    if aggregated is None:
        return frozenset()
    number, _, names = aggregated.partition(":")
    *complete, rest = names.split(",")
    if rest or len(complete) != int(number):
        raise RuntimeError("The names of a user's roles were cut off: raise group_concat_max_len on the server.")
    return frozenset(complete)


def is_session_id(text: str) -> bool:
    """Say whether this may be the id of a session: what cannot be one is not shown to the driver."""
    return _SESSION_ID.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Say whether this may be, or be a part of, a name that is stored; drivers differ in what they do with the rest."""
    return _NO_NAME.search(text) is None
