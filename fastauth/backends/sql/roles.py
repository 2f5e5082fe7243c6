"""The role verbs."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from fastauth.backends.sql.base import SQLBase, is_name, reading, role_names, verb
from fastauth.backends.sql.errors import LostRaceError
from fastauth.core.exceptions import (
    PermissionDeniedException,
    RoleExistsException,
    RoleNotFoundException,
    UserNotFoundException,
)
from fastauth.core.models import SUPERADMIN, Role, U

_ID_BYTES = 8


class SQLRoleStore(SQLBase[U]):
    """:class:`~fastauth.core.protocols.RoleStore` on SQL."""

    @reading
    async def list_roles(self) -> Sequence[Role]:
        """Return all roles by name."""
        roles = self._tables.roles.c
        async with self.database.read() as connection:
            rows = await connection.execute(select(roles.id, roles.name, roles.description))
        # Sorted here: collations of databases differ in where they put a hyphen.
        return sorted((Role(*row) for row in rows), key=lambda role: role.name)

    @reading
    async def get_role(self, role_id: str) -> Role | None:
        """Return the role, or None."""
        if not _is_id(role_id):
            return None
        async with self.database.read() as connection:
            return await self._role(connection, role_id)

    async def _role(self, connection: AsyncConnection, role_id: str) -> Role | None:
        roles = self._tables.roles.c
        statement = select(roles.id, roles.name, roles.description).where(roles.id == role_id)
        row = (await connection.execute(statement)).one_or_none()
        return None if row is None else Role(*row)

    @verb
    async def add_role(self, name: str, description: str) -> Role:
        """Store a role."""
        role = Role(secrets.token_hex(_ID_BYTES), name, description)
        values = {"id": role.id, "name": role.name, "description": role.description}
        try:
            async with self.database.write_once() as connection:
                await connection.execute(insert(self._tables.roles).values(values))
        except IntegrityError as error:
            raise RoleExistsException from error
        return role

    @verb
    async def ensure_roles(self, roles: Mapping[str, str]) -> None:
        """Store those of the roles that do not exist yet."""
        existing = {role.name for role in await self.list_roles()}
        # In one order for all, so that two who do this at once wait for each other and not in a circle.
        missing = [
            {"id": secrets.token_hex(_ID_BYTES), "name": name, "description": roles[name]}
            for name in sorted(roles.keys() - existing)
        ]
        if not missing:
            return
        try:
            async with self.database.write_once() as connection:
                await connection.execute(insert(self._tables.roles).values(missing))
        except IntegrityError as error:  # another process stored one meanwhile
            raise LostRaceError from error

    @verb
    async def update_role(self, role_id: str, *, name: str | None, description: str | None) -> Role | None:
        """Change what is not None and return the role; None when there is no such role."""
        changes = {key: value for key, value in (("name", name), ("description", description)) if value is not None}
        if not _is_id(role_id) or not changes:
            return await self.get_role(role_id)
        roles = self._tables.roles
        try:
            async with self.database.write() as connection:
                await connection.execute(update(roles).where(roles.c.id == role_id).values(changes))
                return await self._role(connection, role_id)
        except IntegrityError as error:
            raise RoleExistsException from error

    @verb
    async def delete_role(self, role_id: str) -> bool:
        """Delete the role and take it from its holders; False when there is no such role."""
        if not _is_id(role_id):
            return False
        roles, user_roles = self._tables.roles, self._tables.user_roles
        async with self.database.write() as connection:
            await connection.execute(delete(user_roles).where(user_roles.c.role_id == role_id))
            return bool((await connection.execute(delete(roles).where(roles.c.id == role_id))).rowcount)

    @verb
    async def grant_role(self, user_id: str, role_name: str, *, unless_holding: Collection[str] = ()) -> bool:
        """Give the user the role; False when they hold it already."""
        user_roles = self._tables.user_roles
        try:
            async with self.database.write() as connection:
                key, role_id = await self._holding(connection, user_id, role_name, unless_holding)
                held = select(user_roles.c.user_id).where(user_roles.c.user_id == key, user_roles.c.role_id == role_id)
                if (await connection.execute(held)).first() is not None:
                    return False
                await connection.execute(insert(user_roles).values(user_id=key, role_id=role_id))
                return True
        except IntegrityError as error:  # the user or the role was deleted, or the role granted, meanwhile
            raise LostRaceError from error

    @verb
    async def revoke_role(self, user_id: str, role_name: str, *, unless_holding: Collection[str] = ()) -> bool:
        """Take the role from the user; False when they do not hold it."""
        user_roles = self._tables.user_roles
        async with self.database.write() as connection:
            key, role_id = await self._holding(connection, user_id, role_name, unless_holding)
            if role_name == SUPERADMIN:
                await self._keep_a_superadmin(connection, key)
            holding = (user_roles.c.user_id == key, user_roles.c.role_id == role_id)
            return bool((await connection.execute(delete(user_roles).where(*holding))).rowcount)

    async def _holding(
        self, connection: AsyncConnection, user_id: str, role_name: str, unless_holding: Collection[str]
    ) -> tuple[Any, str]:
        """Return the keys of the user and the role, under the lock that orders all grants and revocations."""
        key = self._mapping.parse_key(user_id)
        if key is None:
            raise UserNotFoundException
        await connection.execute(self._lock_superadmins)
        user = self._select_with_roles(self._mapping.key).where(self._mapping.key == key)
        holder = (await connection.execute(user)).one_or_none()
        if holder is None:
            raise UserNotFoundException
        if not is_name(role_name):
            raise RoleNotFoundException
        roles = self._tables.roles.c
        role = (await connection.execute(select(roles.id, roles.name).where(roles.name == role_name))).one_or_none()
        if role is None or role.name != role_name:  # a collation may take one name for another
            raise RoleNotFoundException(roles=[role_name])
        if not role_names(holder[0]).isdisjoint(unless_holding):
            raise PermissionDeniedException(required=[SUPERADMIN])
        return key, role.id


def _is_id(role_id: str) -> bool:
    return role_id.isascii() and role_id.isalnum() and len(role_id) <= 2 * _ID_BYTES
