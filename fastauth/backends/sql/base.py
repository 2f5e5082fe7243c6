"""What the three parts of the store stand on: the database, the tables, and rows made into accounts and sessions."""

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any, Generic

from sqlalchemy import ColumnElement, ScalarSelect, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from fastauth.backends.sql.database import Database
from fastauth.backends.sql.mapping import UserMapping
from fastauth.backends.sql.tables import Tables
from fastauth.core.exceptions import ProtectedRoleException
from fastauth.core.models import SUPERADMIN, Account, Session, U


class SQLBase(Generic[U]):
    """The common ground of the user, role and session verbs.

    Args:
        database: Gives out connections.
        mapping: The app's user class.
        tables: The app's user table and ours.
    """

    def __init__(self, database: Database, mapping: UserMapping[U], tables: Tables) -> None:
        self._database = database
        self._mapping = mapping
        self._tables = tables
        self._positions = mapping.positions()
        self._select_account = select(*mapping.columns, self._role_names_of(mapping.key))
        # A statement that changes nothing and takes the lock under which superadmins are counted, on every database.
        self._lock_superadmins = (
            update(tables.roles).where(tables.roles.c.name == SUPERADMIN).values(description=tables.roles.c.description)
        )

    def _role_names_of(self, user_key: ColumnElement[Any]) -> ScalarSelect[Any]:
        # One row per account however many roles it has: names hold no comma.
        roles, user_roles = self._tables.roles, self._tables.user_roles
        return (
            select(func.aggregate_strings(roles.c.name, ","))
            .select_from(user_roles.join(roles, roles.c.id == user_roles.c.role_id))
            .where(user_roles.c.user_id == user_key)
            .correlate(self._tables.users)
            .scalar_subquery()
        )

    def _account(self, row: Sequence[Any], session: Session | None = None) -> Account[U]:
        key, username, email, hashed_password, disabled = self._positions
        width = len(self._mapping.columns)
        return Account(
            id=str(row[key]),
            username=row[username],
            email=row[email],
            hashed_password=row[hashed_password] or "",
            disabled=bool(row[disabled]),
            roles=frozenset(row[width].split(",")) if row[width] else frozenset(),
            user=self._mapping.build(row[:width]),
            session=session,
        )

    def _session(self, values: Sequence[Any]) -> Session:
        session_id, user_id, generation, created_at, rotated_at, expires_at, revoked_at, user_agent, ip = values
        return Session(
            id=session_id,
            user_id=str(user_id),
            generation=generation,
            created_at=_in_utc(created_at),
            rotated_at=_in_utc(rotated_at),
            expires_at=_in_utc(expires_at),
            revoked_at=None if revoked_at is None else _in_utc(revoked_at),
            user_agent=user_agent,
            ip=ip,
        )

    async def _revoke_sessions(self, connection: AsyncConnection, key: Any, now: datetime, but: str | None) -> int:
        """Revoke the live sessions of the user of this key but one; return how many there were."""
        sessions = self._tables.sessions.c
        revoke = update(self._tables.sessions).where(
            sessions.user_id == key, sessions.revoked_at.is_(None), sessions.expires_at > now
        )
        if but is not None:
            revoke = revoke.where(sessions.id != but)
        return (await connection.execute(revoke.values(revoked_at=now))).rowcount

    async def _keep_a_superadmin(self, connection: AsyncConnection, leaving: Any) -> None:
        """Refuse when ``leaving`` is the last enabled superadmin; the caller holds the superadmin lock."""
        tables, key, disabled = self._tables, self._mapping.key, self._mapping.column("disabled")
        enabled_superadmins = (
            select(key)
            .join(tables.user_roles, tables.user_roles.c.user_id == key)
            .join(tables.roles, tables.roles.c.id == tables.user_roles.c.role_id)
            .where(tables.roles.c.name == SUPERADMIN, disabled.is_not(True))
            .limit(2)
        )
        if (await connection.scalars(enabled_superadmins)).all() == [leaving]:
            raise ProtectedRoleException("The last enabled superadmin stays.")


def _in_utc(moment: datetime) -> datetime:
    # SQLite and MySQL keep no time zone; what we wrote was UTC.
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
