"""The role verbs."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from fastauth.backends.sql.base import SQLBase
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

    async def list_roles(self) -> Sequence[Role]:
        """Return all roles by name."""
        roles = self._tables.roles.c
        async with self._database.read() as connection:
            rows = await connection.execute(select(roles.id, roles.name, roles.description))
        # Sorted here: collations of databases differ in where they put a hyphen.
        return sorted((Role(*row) for row in rows), key=lambda role: role.name)

    async def get_role(self, role_id: str) -> Role | None:
        """Return the role, or None."""
        if not _is_id(role_id):
            return None
        async with self._database.read() as connection:
            return await self._role(connection, role_id)

    async def _role(self, connection: AsyncConnection, role_id: str) -> Role | None:
        roles = self._tables.roles.c
        statement = select(roles.id, roles.name, roles.description).where(roles.id == role_id)
        row = (await connection.execute(statement)).one_or_none()
        return None if row is None else Role(*row)

    async def add_role(self, name: str, description: str) -> Role:
        """Store a role."""
        role = Role(secrets.token_hex(_ID_BYTES), name, description)
        values = {"id": role.id, "name": role.name, "description": role.description}
        try:
            async with self._database.write() as connection:
                await connection.execute(insert(self._tables.roles).values(values))
        except IntegrityError as error:
            raise RoleExistsException from error
        return role

    async def ensure_roles(self, roles: Mapping[str, str]) -> None:
        """Store those of the roles that do not exist yet."""
        existing = {role.name for role in await self.list_roles()}
        for name, description in roles.items():
            if name in existing:
                continue
            try:
                await self.add_role(name, description)
            except RoleExistsException:  # another process stored it meanwhile, which is as good
                continue

    async def update_role(self, role_id: str, *, name: str | None, description: str | None) -> Role | None:
        """Change what is not None and return the role; None when there is no such role."""
        changes = {key: value for key, value in (("name", name), ("description", description)) if value is not None}
        if not _is_id(role_id) or not changes:
            return await self.get_role(role_id)
        roles = self._tables.roles
        try:
            async with self._database.write() as connection:
                await connection.execute(update(roles).where(roles.c.id == role_id).values(changes))
                return await self._role(connection, role_id)
        except IntegrityError as error:
            raise RoleExistsException from error

    async def delete_role(self, role_id: str) -> bool:
        """Delete the role and take it from its holders; False when there is no such role."""
        if not _is_id(role_id):
            return False
        roles, user_roles = self._tables.roles, self._tables.user_roles
        async with self._database.write() as connection:
            await connection.execute(delete(user_roles).where(user_roles.c.role_id == role_id))
            return bool((await connection.execute(delete(roles).where(roles.c.id == role_id))).rowcount)

    async def grant_role(self, user_id: str, role_name: str, *, unless_holding: Collection[str] = ()) -> None:
        """Give the user the role; nothing changes when they hold it."""
        user_roles = self._tables.user_roles
        async with self._database.write() as connection:
            key, role_id = await self._holding(connection, user_id, role_name, unless_holding)
            held = select(user_roles.c.user_id).where(user_roles.c.user_id == key, user_roles.c.role_id == role_id)
            if (await connection.execute(held)).first() is None:
                await connection.execute(insert(user_roles).values(user_id=key, role_id=role_id))

    async def revoke_role(self, user_id: str, role_name: str, *, unless_holding: Collection[str] = ()) -> None:
        """Take the role from the user; nothing changes when they do not hold it."""
        user_roles = self._tables.user_roles
        async with self._database.write() as connection:
            key, role_id = await self._holding(connection, user_id, role_name, unless_holding)
            if role_name == SUPERADMIN:
                await self._keep_a_superadmin(connection, key)
            holding = (user_roles.c.user_id == key, user_roles.c.role_id == role_id)
            await connection.execute(delete(user_roles).where(*holding))

    async def _holding(
        self, connection: AsyncConnection, user_id: str, role_name: str, unless_holding: Collection[str]
    ) -> tuple[Any, str]:
        """Return the keys of the user and the role, under the lock that orders all grants and revocations."""
        await connection.execute(self._lock_superadmins)
        key, roles = self._mapping.parse_key(user_id), self._tables.roles.c
        statement = select(self._role_names_of(self._mapping.key)).where(self._mapping.key == key)
        user = None if key is None else (await connection.execute(statement)).one_or_none()
        if user is None:
            raise UserNotFoundException
        role = (await connection.execute(select(roles.id).where(roles.name == role_name))).one_or_none()
        if role is None:
            raise RoleNotFoundException
        if not set(unless_holding).isdisjoint((user[0] or "").split(",")):
            raise PermissionDeniedException(required=[SUPERADMIN])
        return key, role[0]


def _is_id(role_id: str) -> bool:
    return role_id.isascii() and role_id.isalnum() and len(role_id) <= 2 * _ID_BYTES
