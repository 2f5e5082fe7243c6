"""The user verbs that change or delete a user."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Update, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Session as ORMSession

from fastauth.backends.common import check_known
from fastauth.backends.sql.base import verb
from fastauth.backends.sql.errors import LostRaceError
from fastauth.backends.sql.sqlite import begin_on_sqlite
from fastauth.backends.sql.users import SQLUserStore
from fastauth.core.exceptions import ConflictException, RoleNotFoundException
from fastauth.core.models import VERIFIED, Account, U


class SQLUserChanges(SQLUserStore[U]):
    """The rest of :class:`~fastauth.core.protocols.UserStore` on SQL."""

    @verb
    async def replace_password(self, user_id: str, *, old_hash: str, new_hash: str) -> bool:
        """Replace the hash if it is still ``old_hash``; say whether it was replaced."""
        key = self._mapping.parse_key(user_id)
        if key is None:
            return False
        unchanged = self._mapping.column("hashed_password") == old_hash
        replace = self._update_user(key, "hashed_password", new_hash).where(unchanged)
        async with self.database.write_once() as connection:
            return bool((await connection.execute(replace)).rowcount)

    @verb
    async def set_password(
        self,
        user_id: str,
        new_hash: str,
        *,
        now: datetime,
        old_hash: str | None = None,
        keep_session: str | None = None,
    ) -> bool:
        """Set the hash and revoke every live session but ``keep_session``; say whether it was set."""
        key = self._mapping.parse_key(user_id)
        if key is None:
            return False
        change = self._update_user(key, "hashed_password", new_hash)
        if old_hash is not None:
            change = change.where(self._mapping.column("hashed_password") == old_hash)
        async with self.database.write() as connection:
            changed = await connection.execute(change)
            if not changed.rowcount:
                return False
            await self._revoke_sessions(connection, key, now, keep_session)
            return True

    @verb
    async def update_user(
        self, user_id: str, fields: Mapping[str, Any], *, unless_holding: Collection[str] = ()
    ) -> Account[U] | None:
        """Change the app's own attributes of the user and return the account; None when there is no such user."""
        key = self._mapping.parse_key(user_id)
        if key is None:
            return None
        check_known(fields, self._mapping.knows)

        def change_object(sync_connection: Connection) -> None:
            # Through a session of the ORM, so that the class's validators and events have their say; the transaction
            # stays ours.
            with ORMSession(sync_connection, join_transaction_mode="rollback_only") as session:
                user = session.get(self._mapping.mapper.class_, key)
                for name, value in fields.items():
                    setattr(user, name, self._mapping.storable(name, value))
                session.flush()

        try:
            async with self.database.write() as connection:
                await begin_on_sqlite(connection)
                await self._check_rank(connection, key, unless_holding)
                found = self._find["key"].with_for_update(of=self._tables.users)
                if (await connection.execute(found, {"value": key})).one_or_none() is None:
                    return None
                await connection.run_sync(change_object)
                return self._account((await connection.execute(self._find["key"], {"value": key})).one())
        except Exception as error:  # noqa: BLE001  # it is raised again in any case
            await self._explain(error, fields, but=key)

    @verb
    async def set_email(
        self,
        user_id: str,
        email: str,
        *,
        verified: bool,
        old_email: str | None = None,
        unless_holding: Collection[str] = (),
    ) -> bool:
        """Set the address and grant or take the role ``verified`` with it; say whether it was set."""
        key = self._mapping.parse_key(user_id)
        if key is None:
            return False
        column = self._mapping.column("email")
        try:
            async with self.database.write() as connection:
                await connection.execute(self._lock_superadmins)  # which orders all changes of who holds what
                await self._check_rank(connection, key, unless_holding)
                current = (
                    await connection.execute(select(column).where(self._mapping.key == key).with_for_update())
                ).one_or_none()
                if current is None or old_email not in {None, current[0]}:
                    return False
                if current[0] != email:
                    await connection.execute(self._update_user(key, "email", email))
                await self._set_verified(connection, key, verified=verified)
                return True
        except Exception as error:  # noqa: BLE001  # it is raised again in any case
            await self._explain(error, {"email": email}, but=key)

    async def _set_verified(self, connection: AsyncConnection, key: Any, *, verified: bool) -> None:
        roles, user_roles = self._tables.roles.c, self._tables.user_roles
        role_id = (await connection.execute(select(roles.id).where(roles.name == VERIFIED))).scalar_one_or_none()
        if role_id is None:
            if verified:
                raise RoleNotFoundException(roles=[VERIFIED])
            return
        holding = (user_roles.c.user_id == key, user_roles.c.role_id == role_id)
        if not verified:
            await connection.execute(delete(user_roles).where(*holding))
            return
        if (await connection.execute(select(user_roles.c.user_id).where(*holding))).first() is None:
            try:
                await connection.execute(insert(user_roles).values(user_id=key, role_id=role_id))
            except IntegrityError as error:  # the role was deleted meanwhile
                raise LostRaceError from error

    @verb
    async def set_disabled(
        self, user_id: str, disabled: bool, *, now: datetime, unless_holding: Collection[str] = ()
    ) -> bool:
        """Disable the user and revoke every live session, or enable the user; False when there is no such user."""
        key = self._mapping.parse_key(user_id)
        if key is None:
            return False
        async with self.database.write() as connection:
            await self._check_rank(connection, key, unless_holding)
            if disabled:
                await connection.execute(self._lock_superadmins)
                await self._keep_a_superadmin(connection, key)
            changed = await connection.execute(
                self._update_user(key, "disabled", self._mapping.shape.flag(disabled=disabled))
            )
            if not changed.rowcount:
                return False
            if disabled:
                await self._revoke_sessions(connection, key, now, None)
            return True

    @verb
    async def delete_user(
        self, user_id: str, *, old_hash: str | None = None, unless_holding: Collection[str] = ()
    ) -> bool:
        """Delete the user, their sessions and role holdings; say whether there was such a user."""
        key = self._mapping.parse_key(user_id)
        if key is None:
            return False
        tables = self._tables
        gone = delete(tables.users).where(self._mapping.key == key)
        hashed_password = select(self._mapping.column("hashed_password")).where(self._mapping.key == key)
        try:
            async with self.database.write() as connection:
                await connection.execute(self._lock_superadmins)
                await self._check_rank(connection, key, unless_holding)
                await self._keep_a_superadmin(connection, key)
                if old_hash not in {None, await connection.scalar(hashed_password.with_for_update())}:
                    return False
                await connection.execute(delete(tables.sessions).where(tables.sessions.c.user_id == key))
                await connection.execute(delete(tables.user_roles).where(tables.user_roles.c.user_id == key))
                return bool((await connection.execute(gone)).rowcount)
        except IntegrityError as error:
            raise ConflictException("Other rows still refer to this user.") from error

    def _update_user(self, key: Any, attribute: str, value: Any) -> Update:
        return (
            update(self._tables.users).where(self._mapping.key == key).values({self._mapping.column(attribute): value})
        )
