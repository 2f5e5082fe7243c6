"""Other people's accounts, for administrators. No route here takes a password (ASVS 6.4.6)."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Body, Depends, Query
from starlette.responses import Response

from fastauth.core.exceptions import (
    BadRequestException,
    ConflictException,
    InactiveUserException,
    PermissionDeniedException,
    ProtectedRoleException,
    StoreUnavailableException,
    TokenException,
    TooLargeException,
    UserExistsException,
    UserNotFoundException,
    ValidationException,
)
from fastauth.core.models import Account
from fastauth.services.accounts import Accounts
from fastauth.services.sessions import Sessions
from fastauth.web.dependencies import Dependencies
from fastauth.web.routing import responses
from fastauth.web.schemas import SessionRead, UserSchemas, admin_update_model, session_json
from fastauth.web.selection import AuthRouter, Selection

_ADMIN = (
    BadRequestException,
    TokenException,
    InactiveUserException,
    PermissionDeniedException,
    ValidationException,
    StoreUnavailableException,
)


def user_routes(
    accounts: Accounts[Any],
    sessions: Sessions[Any],
    users: UserSchemas,
    dependencies: Dependencies[Any],
    selection: Selection,
) -> AuthRouter:
    """Build ``/users`` and ``/users/{user_id}``, and a user's sessions."""
    router = AuthRouter(selection, tag="administration")
    current_account = dependencies.current_account
    admin = [Depends(dependencies.is_admin())]

    @router.get(
        "/users",
        summary="List users",
        dependencies=admin,
        response_model=list[users.model],  # type: ignore[name-defined]  # a model that is made at run time
        responses=responses(*_ADMIN),
    )
    async def list_users(
        search: Annotated[str | None, Query(max_length=255)] = None,
        role: Annotated[str | None, Query(max_length=64)] = None,
        disabled: bool | None = None,
        after: Annotated[str | None, Query(max_length=255)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    ) -> Sequence[dict[str, Any]]:
        """Return a page of users in a stable order. `after` is the id of the last user of the page before."""
        page = await accounts.list(search=search, role=role, disabled=disabled, after=after, limit=limit)
        return [users.shown(account) for account in page]

    @router.get(
        "/users/{user_id}",
        summary="Read a user",
        dependencies=admin,
        response_model=users.model,
        responses=responses(*_ADMIN, UserNotFoundException),
    )
    async def read_user(user_id: str) -> dict[str, Any]:
        """Return one user."""
        return users.shown(await accounts.get(user_id))

    async def update_user(
        user_id: str, body: Any = Body(), by: Account[Any] = Depends(current_account)
    ) -> dict[str, Any]:
        """Change what the body names, of a user of lower rank. Disabling ends their sessions."""
        changes = {name: getattr(body, name) for name in body.model_fields_set}
        return users.shown(await accounts.update(user_id, changes, by=by))

    update_user.__annotations__["body"] = admin_update_model(users.schema)
    router.patch(
        "/users/{user_id}",
        summary="Change a user",
        dependencies=admin,
        response_model=users.model,
        responses=selection.unsafe(
            *_ADMIN, TooLargeException, UserNotFoundException, UserExistsException, ProtectedRoleException
        ),
    )(update_user)

    @router.delete(
        "/users/{user_id}",
        summary="Delete a user",
        status_code=204,
        response_class=Response,
        dependencies=admin,
        responses=selection.unsafe(*_ADMIN, UserNotFoundException, ConflictException, ProtectedRoleException),
    )
    async def delete_user(user_id: str, by: Account[Any] = Depends(current_account)) -> None:
        """Delete a user of lower rank, with their sessions and role holdings."""
        await accounts.delete(user_id, by=by)

    @router.get(
        "/users/{user_id}/sessions",
        summary="A user's sessions",
        dependencies=admin,
        response_model=list[SessionRead],
        responses=responses(*_ADMIN, UserNotFoundException),
    )
    async def list_sessions_of(user_id: str, by: Account[Any] = Depends(current_account)) -> Sequence[dict[str, Any]]:
        """Return where a user is signed in, newest first."""
        await accounts.get(user_id)
        return [session_json(session, current=by.session) for session in await sessions.list(user_id)]

    @router.delete(
        "/users/{user_id}/sessions",
        summary="End a user's sessions",
        status_code=204,
        response_class=Response,
        dependencies=admin,
        responses=selection.unsafe(*_ADMIN, UserNotFoundException),
    )
    async def end_sessions_of(user_id: str, by: Account[Any] = Depends(current_account)) -> None:
        """Sign a user of lower rank out everywhere."""
        await accounts.get(user_id)
        await sessions.end_all(user_id, by=by)

    return router
