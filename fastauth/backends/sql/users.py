"""The user verbs."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Update, bindparam, delete, insert, literal, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Session as ORMSession

from fastauth.backends.sql.base import COUNTED, SQLBase, is_name, verb
from fastauth.backends.sql.database import Database
from fastauth.backends.sql.errors import is_duplicate, is_misfit, is_refused
from fastauth.backends.sql.mapping import UserMapping
from fastauth.backends.sql.tables import Tables
from fastauth.core.exceptions import (
    ConflictException,
    RoleNotFoundException,
    UserExistsException,
    ValidationException,
)
from fastauth.core.models import Account, Login, NewUser, U


class SQLUserStore(SQLBase[U]):
    """:class:`~fastauth.core.protocols.UserStore` on SQL."""

    def __init__(self, database: Database, mapping: UserMapping[U], tables: Tables) -> None:
        super().__init__(database, mapping, tables)
        columns = {"key": mapping.key, "username": mapping.column("username"), "email": mapping.column("email")}
        self._find = {by: self._select_account.where(column == bindparam("value")) for by, column in columns.items()}

    @verb
    async def add_user(self, new: NewUser, *, roles: Collection[str]) -> Account[U]:
        """Store a user who holds these roles."""
        for name in new.fields:
            if not self._mapping.knows(name):
                raise ValidationException.of(name, f"The user model has no field {name!r}.", "extra_forbidden")
        try:
            async with self.database.write() as connection:
                return await self._insert_user(connection, new, roles)
        except Exception as error:
            if is_misfit(error):
                # Not "from error": its text quotes the value.
                raise ValidationException("A value does not fit the user model.") from None
            if not is_refused(error):
                raise
            taken = await self._taken_field(new)
            if taken is not None or is_duplicate(error):
                raise UserExistsException(field=taken) from error
            raise ValidationException("A value is refused by the database.") from error

    async def _insert_user(self, connection: AsyncConnection, new: NewUser, roles: Collection[str]) -> Account[U]:
        def insert_object(sync_connection: Connection) -> Any:
            # Through a session of the ORM, so that the class's defaults, validators and events have their say; the
            # transaction stays ours.
            user = self._mapping.new(new.username, new.email, new.hashed_password, new.fields)
            with ORMSession(sync_connection, join_transaction_mode="rollback_only") as session:
                session.add(user)
                session.flush()
                return self._mapping.key_of(user)

        key = await connection.run_sync(insert_object)
        links, sessions, names = self._tables.user_roles, self._tables.sessions, self._tables.roles.c
        if connection.dialect.name == "sqlite":
            # Where it does not enforce foreign keys and the app deleted a user by itself, the key may come again.
            for leftovers in (links, sessions):
                await connection.execute(delete(leftovers).where(leftovers.c.user_id == key))
        link = insert(links).from_select(
            ["user_id", "role_id"],
            select(literal(key, self._mapping.key.type), names.id).where(names.name.in_(sorted(set(roles)))),
        )
        if (await connection.execute(link, execution_options=COUNTED)).rowcount != len(set(roles)):
            raise RoleNotFoundException
        return self._account((await connection.execute(self._find["key"], {"value": key})).one())

    async def _taken_field(self, new: NewUser) -> str | None:
        values = {**new.fields, "username": new.username, "email": new.email}
        async with self.database.read() as connection:
            for group in self._mapping.unique_groups():
                if group <= values.keys():
                    same = [self._mapping.column(name) == values[name] for name in group]
                    if (await connection.execute(select(self._mapping.key).where(*same).limit(1))).first():
                        return min(group)
        return None

    @verb
    async def get_user(self, user_id: str) -> Account[U] | None:
        """Return the account of this user with its roles, or None."""
        key = self._mapping.parse_key(user_id)
        if key is None:
            return None
        return await self._one_account("key", key)

    @verb
    async def find_user(self, login: Login) -> Account[U] | None:
        """Return the account with this username or with this e-mail address, or None."""
        account = await self._one_account(login.kind, login.value) if is_name(login.value) else None
        # A collation of the app's own may take one name for another.
        return account if account is not None and getattr(account, login.kind) == login.value else None

    async def _one_account(self, by: str, value: Any) -> Account[U] | None:
        async with self.database.read() as connection:
            row = (await connection.execute(self._find[by], {"value": value})).one_or_none()
        return None if row is None else self._account(row)

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
    async def set_disabled(self, user_id: str, disabled: bool, *, now: datetime) -> bool:
        """Disable the user and revoke every live session, or enable the user; False when there is no such user."""
        key = self._mapping.parse_key(user_id)
        if key is None:
            return False
        async with self.database.write() as connection:
            if disabled:
                await connection.execute(self._lock_superadmins)
                await self._keep_a_superadmin(connection, key)
            changed = await connection.execute(self._update_user(key, "disabled", disabled))
            if not changed.rowcount:
                return False
            if disabled:
                await self._revoke_sessions(connection, key, now, None)
            return True

    @verb
    async def delete_user(self, user_id: str) -> bool:
        """Delete the user, their sessions and role holdings; False when there is no such user."""
        key = self._mapping.parse_key(user_id)
        if key is None:
            return False
        tables = self._tables
        try:
            async with self.database.write() as connection:
                await connection.execute(self._lock_superadmins)
                await self._keep_a_superadmin(connection, key)
                await connection.execute(delete(tables.sessions).where(tables.sessions.c.user_id == key))
                await connection.execute(delete(tables.user_roles).where(tables.user_roles.c.user_id == key))
                gone = await connection.execute(delete(tables.users).where(self._mapping.key == key))
                return bool(gone.rowcount)
        except IntegrityError as error:
            raise ConflictException("Other rows still refer to this user.") from error

    def _update_user(self, key: Any, attribute: str, value: Any) -> Update:
        return (
            update(self._tables.users).where(self._mapping.key == key).values({self._mapping.column(attribute): value})
        )

    def public_values(self, user: U) -> Mapping[str, Any]:
        """Return the key (as ``id``) and the public fields of a user object; no I/O."""
        return self._mapping.public_values(user)
