"""The session verbs."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from fastauth.backends.sql.base import COUNTED, SQLBase, is_session_id, reading, verb
from fastauth.backends.sql.database import Database
from fastauth.backends.sql.mapping import UserMapping
from fastauth.backends.sql.tables import Tables
from fastauth.core.models import Account, Session, U


class SQLTokenStore(SQLBase[U]):
    """:class:`~fastauth.core.protocols.TokenStore` on SQL."""

    def __init__(self, database: Database, mapping: UserMapping[U], tables: Tables) -> None:
        super().__init__(database, mapping, tables)
        sessions, users = tables.sessions, tables.users
        enabled = mapping.is_enabled()
        self._authenticate = (
            self._select_with_roles(*mapping.columns, *sessions.c)
            .select_from(sessions.join(users, mapping.key == sessions.c.user_id))
            .where(sessions.c.id == bindparam("session_id"))
        )
        self._rotate = (
            update(sessions)
            .where(
                sessions.c.id == bindparam("session_id"),
                sessions.c.user_id == bindparam("key", type_=mapping.key.type),
                sessions.c.generation == bindparam("old_generation"),
                sessions.c.revoked_at.is_(None),
                sessions.c.expires_at > bindparam("now"),
                select(mapping.key).where(mapping.key == sessions.c.user_id, enabled).exists(),
            )
            .values(
                generation=sessions.c.generation + 1,
                rotated_at=bindparam("now"),
                expires_at=bindparam("new_expires_at"),
            )
        )
        added = [column for column in sessions.c if column.name != "revoked_at"]
        # The lock on the user's row orders this against a disabling or a new password, which revoke what they see.
        account = (
            select(*(bindparam(f"new_{column.name}", type_=column.type) for column in added))
            .where(
                mapping.key == bindparam("key", type_=mapping.key.type),
                mapping.column("hashed_password") == bindparam("password_hash"),
                enabled,
            )
            .with_for_update(read=True)
        )
        self._add = insert(sessions).from_select(added, account).execution_options(**COUNTED)

    @verb
    async def add_session(self, session: Session, *, hashed_password: str) -> bool:
        """Store the session if its user is enabled and still has this password hash; say whether it was stored."""
        key = self._mapping.parse_key(session.user_id)
        if key is None:
            return False
        parameters = {
            "key": key,
            "password_hash": hashed_password,
            "new_id": session.id,
            "new_user_id": key,
            "new_generation": session.generation,
            "new_created_at": session.created_at,
            "new_rotated_at": session.rotated_at,
            "new_expires_at": session.expires_at,
            "new_user_agent": session.user_agent,
            "new_ip": session.ip,
        }
        return bool(await self.database.change(self._add, parameters))

    @reading
    async def authenticate(self, session_id: str) -> Account[U] | None:
        """Return the account of this session with its roles, and with ``account.session`` set, or None."""
        if not is_session_id(session_id):
            return None
        row = await self.database.row(self._authenticate, {"session_id": session_id})
        if row is None:
            return None
        return self._account(row, self._session(row[len(self._mapping.columns) + 1 :]))

    @verb
    async def rotate_session(
        self, session_id: str, *, user_id: str, generation: int, now: datetime, expires_at: datetime
    ) -> bool:
        """Move the session from this generation to the next, as one compare-and-swap; say whether it moved."""
        key = self._mapping.parse_key(user_id)
        if key is None or not is_session_id(session_id):
            return False
        parameters = {
            "session_id": session_id,
            "key": key,
            "old_generation": generation,
            "now": now,
            "new_expires_at": expires_at,
        }
        return bool(await self.database.change(self._rotate, parameters))

    @verb
    async def revoke_session(self, session_id: str, *, now: datetime, user_id: str | None = None) -> bool:
        """Revoke the session; False when there is no live session of this id, or it is not this user's."""
        if not is_session_id(session_id):
            return False
        sessions = self._tables.sessions.c
        live = (sessions.id == session_id, sessions.revoked_at.is_(None), sessions.expires_at > now)
        revoke = update(self._tables.sessions).where(*live).values(revoked_at=now)
        if user_id is not None:
            key = self._mapping.parse_key(user_id)
            if key is None:
                return False
            revoke = revoke.where(sessions.user_id == key)
        async with self.database.write_once() as connection:
            return bool((await connection.execute(revoke)).rowcount)

    @verb
    async def revoke_sessions(
        self,
        user_id: str,
        *,
        now: datetime,
        except_session: str | None = None,
        unless_holding: Collection[str] = (),
    ) -> int:
        """Revoke the user's live sessions but one; return how many were revoked."""
        key = self._mapping.parse_key(user_id)
        if key is None:
            return 0
        database = self.database
        async with database.write() if unless_holding else database.write_once() as connection:
            await self._check_rank(connection, key, unless_holding)
            return await self._revoke_sessions(connection, key, now, except_session)

    @reading
    async def list_sessions(self, user_id: str, *, now: datetime) -> Sequence[Session]:
        """Return the user's live sessions, newest first."""
        key = self._mapping.parse_key(user_id)
        if key is None:
            return []
        sessions = self._tables.sessions
        mine = (
            select(*sessions.c)
            .where(
                sessions.c.user_id == key,
                sessions.c.revoked_at.is_(None),
                sessions.c.expires_at > now,
            )
            .order_by(sessions.c.created_at.desc(), sessions.c.id.desc())
        )
        async with self.database.read() as connection:
            return [self._session(tuple(row)) for row in await connection.execute(mine)]

    @verb
    async def use_token(self, token_id: str, *, expires_at: datetime) -> bool:
        """Note that a single-use token was used; False when it was used before, also at this very moment."""
        use = insert(self._tables.used_tokens).values(id=token_id, expires_at=expires_at)
        try:
            async with self.database.write_once() as connection:
                await connection.execute(use)
        except IntegrityError:
            return False
        return True

    @verb
    async def purge_expired(self, now: datetime) -> int:
        """Delete the sessions that have expired, and what is known of tokens that have; return how many sessions."""
        for table in (self._tables.used_tokens, self._tables.sessions):
            purged = await self._delete_in_batches(table, table.c.expires_at <= now)
        return purged
