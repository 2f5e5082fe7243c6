"""Roles, and who holds them."""

from collections.abc import Sequence
from typing import Any

from fastapi import Depends
from starlette.responses import Response

from fastauth.core.exceptions import (
    BadRequestException,
    InactiveUserException,
    PermissionDeniedException,
    ProtectedRoleException,
    RoleExistsException,
    RoleNotFoundException,
    StoreUnavailableException,
    TokenException,
    TooLargeException,
    UserNotFoundException,
    ValidationException,
)
from fastauth.core.models import ADMIN, Account
from fastauth.services.roles import Roles, satisfies_any
from fastauth.web.dependencies import Dependencies
from fastauth.web.routing import responses
from fastauth.web.schemas import RoleCreate, RoleRead, RoleUpdate, role_json
from fastauth.web.selection import AuthRouter, Selection

_SIGNED_IN = (
    BadRequestException,
    TokenException,
    InactiveUserException,
    ValidationException,
    StoreUnavailableException,
)
_ADMIN = (*_SIGNED_IN, PermissionDeniedException)
_WRITING = (*_ADMIN, TooLargeException)


def role_routes(roles: Roles[Any], dependencies: Dependencies[Any], selection: Selection) -> AuthRouter:
    """Build the routes of roles and of who holds them."""
    router = AuthRouter(selection, tag="roles")
    current_account = dependencies.current_account
    signed_in = [Depends(current_account)]
    admin = [Depends(dependencies.is_admin())]

    @router.get(
        "/roles",
        summary="List roles",
        dependencies=signed_in,
        response_model=list[RoleRead],
        responses=responses(*_SIGNED_IN),
    )
    async def list_roles() -> list[dict[str, str]]:
        """Return all roles by name."""
        return [role_json(role) for role in await roles.list()]

    @router.get(
        "/roles/{role_id}",
        summary="Read a role",
        dependencies=signed_in,
        response_model=RoleRead,
        responses=responses(*_SIGNED_IN, RoleNotFoundException),
    )
    async def read_role(role_id: str) -> dict[str, str]:
        """Return one role."""
        return role_json(await roles.get(role_id))

    @router.post(
        "/roles",
        summary="Create a role",
        status_code=201,
        dependencies=admin,
        response_model=RoleRead,
        responses=selection.unsafe(*_WRITING, RoleExistsException),
    )
    async def create_role(body: RoleCreate, by: Account[Any] = Depends(current_account)) -> dict[str, str]:
        """Make a role. Its name is kept in lower case."""
        return role_json(await roles.create(body.name, body.description, by=by))

    @router.put(
        "/roles/{role_id}",
        summary="Change a role",
        dependencies=admin,
        response_model=RoleRead,
        responses=selection.unsafe(*_WRITING, RoleNotFoundException, RoleExistsException, ProtectedRoleException),
    )
    async def update_role(
        role_id: str, body: RoleUpdate, by: Account[Any] = Depends(current_account)
    ) -> dict[str, str]:
        """Change what the body names. A standard role keeps its name."""
        return role_json(await roles.update(role_id, name=body.name, description=body.description, by=by))

    @router.delete(
        "/roles/{role_id}",
        summary="Delete a role",
        status_code=204,
        response_class=Response,
        dependencies=admin,
        responses=selection.unsafe(*_ADMIN, RoleNotFoundException, ProtectedRoleException),
    )
    async def delete_role(role_id: str, by: Account[Any] = Depends(current_account)) -> None:
        """Delete a role, and take it from its holders. Standard roles stay."""
        await roles.delete(role_id, by=by)

    @router.post(
        "/users/{user_id}/roles/{role_id}",
        summary="Grant a role",
        status_code=204,
        response_class=Response,
        dependencies=admin,
        responses=selection.unsafe(*_ADMIN, UserNotFoundException, RoleNotFoundException),
    )
    async def grant_role(user_id: str, role_id: str, by: Account[Any] = Depends(current_account)) -> None:
        """Give a user a role; nothing changes when they hold it. Only a superadmin grants `superadmin`."""
        await roles.grant(user_id, (await roles.get(role_id)).name, by=by)

    @router.delete(
        "/users/{user_id}/roles/{role_id}",
        summary="Revoke a role",
        status_code=204,
        response_class=Response,
        dependencies=admin,
        responses=selection.unsafe(*_ADMIN, UserNotFoundException, RoleNotFoundException, ProtectedRoleException),
    )
    async def revoke_role(user_id: str, role_id: str, by: Account[Any] = Depends(current_account)) -> None:
        """Take a role from a user; nothing changes when they do not hold it. The last superadmin keeps theirs."""
        await roles.revoke(user_id, (await roles.get(role_id)).name, by=by)

    @router.get(
        "/users/{user_id}/roles",
        summary="A user's roles",
        response_model=list[RoleRead],
        responses=responses(*_ADMIN, UserNotFoundException),
    )
    async def list_roles_of(user_id: str, by: Account[Any] = Depends(current_account)) -> Sequence[dict[str, str]]:
        """Return the roles that a user holds, to that user and to admins."""
        if by.id != user_id and not satisfies_any(by, [ADMIN]):
            raise PermissionDeniedException(required=[ADMIN])
        return [role_json(role) for role in await roles.of(user_id)]

    return router
