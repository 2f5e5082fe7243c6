"""The role verbs, on the dictionaries."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from fastauth.backends.memory.data import Data
from fastauth.core.exceptions import RoleExistsException
from fastauth.core.models import SUPERADMIN, Role


def list_roles(data: Data) -> Sequence[Role]:
    """Return all roles by name."""
    return sorted(data.roles.values(), key=lambda role: role.name)


def get_role(data: Data, role_id: str) -> Role | None:
    """Return the role, or None."""
    return data.roles.get(role_id)


def add_role(data: Data, name: str, description: str) -> Role:
    """Store a role."""
    _check_free(data, name)
    role = Role(secrets.token_hex(8), name, description)
    data.roles[role.id] = role
    return role


def ensure_roles(data: Data, roles: Mapping[str, str]) -> None:
    """Store those of the roles that do not exist yet."""
    for name in roles.keys() - {role.name for role in data.roles.values()}:
        add_role(data, name, roles[name])


def update_role(data: Data, role_id: str, *, name: str | None, description: str | None) -> Role | None:
    """Change what is not None and return the role; None when there is no such role."""
    role = data.roles.get(role_id)
    if role is None:
        return None
    if name not in {None, role.name}:
        _check_free(data, name or "")
    data.roles[role_id] = replace(
        role,
        name=role.name if name is None else name,
        description=role.description if description is None else description,
    )
    return data.roles[role_id]


def delete_role(data: Data, role_id: str) -> bool:
    """Delete the role and take it from its holders; False when there is no such role."""
    for held in data.holdings.values():
        held.discard(role_id)
    return data.roles.pop(role_id, None) is not None


def grant_role(data: Data, user_id: str, role_name: str, *, unless_holding: Collection[str]) -> bool:
    """Give the user the role; False when they hold it already."""
    held, role_id = data.changeable(user_id, role_name, unless_holding)
    if role_id in held:
        return False
    held.add(role_id)
    return True


def revoke_role(data: Data, user_id: str, role_name: str, *, unless_holding: Collection[str]) -> bool:
    """Take the role from the user; False when they do not hold it."""
    held, role_id = data.changeable(user_id, role_name, unless_holding)
    if role_id not in held:
        return False
    if role_name == SUPERADMIN:
        data.keep_a_superadmin(user_id)
    held.discard(role_id)
    return True


def _check_free(data: Data, name: str) -> None:
    if any(role.name == name for role in data.roles.values()):
        raise RoleExistsException
