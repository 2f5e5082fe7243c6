"""Register, who am I, and what the owner of an account does to it."""

from typing import Any

from fastapi import Body, Depends, Request
from starlette.responses import Response

from fastauth.core.exceptions import (
    BadRequestException,
    ConflictException,
    CredentialsException,
    InactiveUserException,
    OverloadedException,
    ProtectedRoleException,
    RateLimitedException,
    StoreUnavailableException,
    TokenException,
    TooLargeException,
    UserExistsException,
    ValidationException,
    WeakPasswordException,
)
from fastauth.core.models import Account
from fastauth.services.accounts import Accounts
from fastauth.web.dependencies import Dependencies
from fastauth.web.limits import RouteLimits
from fastauth.web.routing import responses
from fastauth.web.schemas import AcceptedRead, CloseBody, PasswordChangeBody, UserSchemas, register_model, update_model
from fastauth.web.selection import AuthRouter, Selection
from fastauth.web.transport import TokenTransport

_SIGNED_IN = (BadRequestException, TokenException, InactiveUserException, StoreUnavailableException)
_WRITING = (TooLargeException, ValidationException)
# Whoever proves that they know the password is counted as at sign-in: a stolen session gives no more guesses at it.
_PROVING = (*_WRITING, CredentialsException, RateLimitedException, OverloadedException)


def account_routes(
    accounts: Accounts[Any],
    users: UserSchemas,
    transport: TokenTransport,
    dependencies: Dependencies[Any],
    limits: RouteLimits,
    selection: Selection,
    *,
    enumeration_safe: bool,
) -> AuthRouter:
    """Build ``POST /register``, ``/users/me`` in its three methods, and ``POST /password/change``."""
    router = AuthRouter(selection, tag="users")
    current_account = dependencies.current_account

    async def register(request: Request, body: Any = Body()) -> dict[str, Any]:
        """Make an account. It holds the role `user`; nothing that is not named here can be set."""
        accounts.check_load()  # before it is counted
        values: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
        values["password"] = values["password"].get_secret_value()
        values.setdefault("username", "")  # which is the address, where users have no other name
        async with limits.attempt(request, "register", account=body.email):
            if enumeration_safe:
                await accounts.register_quietly(**values)
                return {"message": "If that is possible, an account is made. The address is told by mail."}
            return users.shown(await accounts.register(**values))

    register.__annotations__["body"] = register_model(users.schema)
    mistakes = (
        BadRequestException,
        *_WRITING,
        WeakPasswordException,
        RateLimitedException,
        StoreUnavailableException,
        OverloadedException,
    )
    router.post(
        "/register",
        summary="Register",
        status_code=202 if enumeration_safe else 201,
        response_model=AcceptedRead if enumeration_safe else users.model,
        responses=responses(*mistakes, *(() if enumeration_safe else (UserExistsException,))),
    )(register)

    @router.get(
        "/users/me",
        summary="The signed-in user",
        response_model=users.model,
        responses=responses(*_SIGNED_IN),
    )
    async def read_me(account: Account[Any] = Depends(current_account)) -> dict[str, Any]:
        """Return the signed-in user, with the names of their roles."""
        return users.shown(account)

    async def update_me(body: Any = Body(), account: Account[Any] = Depends(current_account)) -> dict[str, Any]:
        """Change what the body names; what it leaves out stays."""
        fields = {name: getattr(body, name) for name in body.model_fields_set}
        return users.shown(await accounts.update(account.id, fields, by=account))

    update_me.__annotations__["body"] = update_model(users.schema)
    router.patch(
        "/users/me",
        summary="Change your own attributes",
        response_model=users.model,
        responses=selection.unsafe(*_SIGNED_IN, *_WRITING, UserExistsException),
    )(update_me)

    @router.delete(
        "/users/me",
        summary="Close your account",
        status_code=204,
        response_class=Response,
        responses=selection.unsafe(*_SIGNED_IN, *_PROVING, ConflictException, ProtectedRoleException),
    )
    async def close_account(
        request: Request, body: CloseBody, account: Account[Any] = Depends(current_account)
    ) -> Response:
        """Delete your account, with the password as proof. Cookies are cleared."""
        with accounts.place():
            async with limits.proof(request, account=account.username):
                await accounts.close(account.id, body.current_password.get_secret_value())
        response = Response(status_code=204)
        transport.clear_cookies(response, request)
        return response

    @router.post(
        "/password/change",
        summary="Change your password",
        status_code=204,
        response_class=Response,
        responses=selection.unsafe(*_SIGNED_IN, *_PROVING, WeakPasswordException),
    )
    async def change_password(
        request: Request, body: PasswordChangeBody, account: Account[Any] = Depends(current_account)
    ) -> None:
        """Set a new password, with the current one as proof. All sessions but this one end."""
        current, new = body.current_password.get_secret_value(), body.new_password.get_secret_value()
        accounts.check_new_password(account, new)  # before it is counted: it says nothing of the current one
        keep = account.session.id if account.session is not None else None
        with accounts.place():
            async with limits.proof(request, account=account.username):
                await accounts.change_password(account.id, current, new, keep_session=keep)

    return router
