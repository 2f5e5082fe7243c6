"""Roles: define, grant, revoke; the standard ones stay, and so does the last superadmin."""

from collections.abc import Collection, Sequence
from typing import Any, Generic

from fastauth.core.events import RoleCreated, RoleDeleted, RoleGranted, RoleRevoked, RoleUpdated
from fastauth.core.exceptions import (
    ProtectedRoleException,
    RoleExistsException,
    RoleNotFoundException,
    UserNotFoundException,
    ValidationException,
)
from fastauth.core.identity import canonical_role_name
from fastauth.core.models import ADMIN, STANDARD_ROLES, SUPERADMIN, Account, Role, U
from fastauth.core.protocols import Store
from fastauth.services.events import Events
from fastauth.services.ranks import beyond_reach, check_may_grant

_MAX_DESCRIPTION = 255


class Roles(Generic[U]):
    """Roles and who holds them.

    ``by`` is the account that acts; None is the system, as in a script, and may do everything. An admin grants and
    takes every role but ``superadmin``, from anyone but a superadmin.

    Args:
        store: Where roles are kept.
        events: Tells the app and the audit trail.
    """

    def __init__(self, store: Store[U], *, events: Events[U]) -> None:
        self._store = store
        self._events = events

    async def list(self) -> Sequence[Role]:
        """Return all roles by name."""
        return await self._store.list_roles()

    async def get(self, role_id: str) -> Role:
        """Return the role.

        Raises:
            RoleNotFoundException: There is no such role.
        """
        role = await self._store.get_role(role_id)
        if role is None:
            raise RoleNotFoundException
        return role

    async def create(self, name: str, description: str = "", *, by: Account[Any] | None = None) -> Role:
        """Make a role.

        Args:
            name: 1 to 64 of ``a-z 0-9 _ . : -``; upper case becomes lower case.
            description: At most 255 characters.
            by: Who acts.

        Raises:
            ValidationException: The name or the description does not fit.
            RoleExistsException: The name is taken.
            PermissionDeniedException: ``by`` is no administrator.
        """
        check_may_grant(by, [])
        canonical, checked = canonical_role_name(name), _checked_description(description)
        return await self._events.commit(
            self._store,
            lambda store: store.add_role(canonical, checked),
            RoleCreated,
            lambda role: self._events.make(RoleCreated, by=by, role=role),
        )

    async def update(
        self,
        role_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        by: Account[Any] | None = None,
    ) -> Role:
        """Change what is not None, and return the role.

        Raises:
            RoleNotFoundException: There is no such role.
            ProtectedRoleException: A standard role would get another name.
            RoleExistsException: The name is taken.
            ValidationException: The name or the description does not fit.
            PermissionDeniedException: ``by`` is no administrator.
        """
        check_may_grant(by, [])
        # Which roles are standard never changes, so nothing can happen between this look and the update.
        old = await self.get(role_id)
        new_name = None if name is None else canonical_role_name(name)
        if new_name is not None and new_name != old.name:
            if old.name in STANDARD_ROLES:
                raise ProtectedRoleException
            if new_name in STANDARD_ROLES:
                raise RoleExistsException
        checked = None if description is None else _checked_description(description)
        role = await self._events.commit(
            self._store,
            lambda store: store.update_role(role_id, name=new_name, description=checked),
            RoleUpdated,
            lambda role: None if role in {None, old} else self._events.make(RoleUpdated, by=by, role=role),
        )
        if role is None:
            raise RoleNotFoundException
        return role

    async def delete(self, role_id: str, *, by: Account[Any] | None = None) -> None:
        """Delete the role and take it from its holders.

        Raises:
            RoleNotFoundException: There is no such role.
            ProtectedRoleException: It is a standard role.
            PermissionDeniedException: ``by`` is no administrator.
        """
        check_may_grant(by, [])
        role = await self.get(role_id)
        if role.name in STANDARD_ROLES:
            raise ProtectedRoleException
        deleted = await self._events.commit(
            self._store,
            lambda store: store.delete_role(role_id),
            RoleDeleted,
            lambda _: self._events.make(RoleDeleted, by=by, role=role),
        )
        if not deleted:
            raise RoleNotFoundException

    async def grant(self, user_id: str, role_name: str, *, by: Account[Any] | None = None) -> None:
        """Give the user the role; nothing changes when they hold it.

        Raises:
            UserNotFoundException: There is no such user.
            RoleNotFoundException: There is no such role.
            PermissionDeniedException: ``by`` may not grant this role, or not to this user.
        """
        name, above = _name(role_name), self._above(by, role_name)
        await self._events.commit(
            self._store,
            lambda store: store.grant_role(user_id, name, unless_holding=above),
            RoleGranted,
            lambda _: self._events.make(RoleGranted, by=by, user_id=user_id, role=name),
        )

    async def revoke(self, user_id: str, role_name: str, *, by: Account[Any] | None = None) -> None:
        """Take the role from the user; nothing changes when they do not hold it.

        Raises:
            UserNotFoundException: There is no such user.
            RoleNotFoundException: There is no such role.
            PermissionDeniedException: ``by`` may not take this role, or not from this user.
            ProtectedRoleException: It is the last enabled superadmin's.
        """
        name, above = _name(role_name), self._above(by, role_name)
        await self._events.commit(
            self._store,
            lambda store: store.revoke_role(user_id, name, unless_holding=above),
            RoleRevoked,
            lambda _: self._events.make(RoleRevoked, by=by, user_id=user_id, role=name),
        )

    async def of(self, user_id: str) -> Sequence[Role]:
        """Return the roles that the user holds, by name.

        Raises:
            UserNotFoundException: There is no such user.
        """
        account = await self._store.get_user(user_id)
        if account is None:
            raise UserNotFoundException
        return [role for role in await self._store.list_roles() if role.name in account.roles]

    @staticmethod
    def _above(by: Account[Any] | None, role_name: str) -> Collection[str]:
        """Return the roles whose holders ``by`` may not touch; refuse when the role itself is out of reach."""
        check_may_grant(by, [role_name])
        return set(beyond_reach(by)) - {ADMIN}  # administrators may give and take each other's roles


def satisfies_any(account: Account[Any], required: Collection[str]) -> bool:
    """Say whether the account holds one of the roles, or is a superadmin, who passes every guard."""
    return SUPERADMIN in account.roles or not account.roles.isdisjoint(required)


def satisfies_all(account: Account[Any], required: Collection[str]) -> bool:
    """Say whether the account holds all of the roles, or is a superadmin, who passes every guard."""
    return SUPERADMIN in account.roles or account.roles.issuperset(required)


def _name(role_name: str) -> str:
    try:
        return canonical_role_name(role_name)
    except ValidationException as error:
        raise RoleNotFoundException from error


def _checked_description(description: str) -> str:
    if len(description) > _MAX_DESCRIPTION:
        raise ValidationException.of(
            "description", f"At most {_MAX_DESCRIPTION} characters fit here.", "string_too_long"
        )
    return description
