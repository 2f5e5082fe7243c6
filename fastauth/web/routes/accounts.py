"""Register, and who am I."""

from typing import Any

from fastapi import APIRouter, Body, Depends, Request

from fastauth.core.exceptions import (
    BadRequestException,
    InactiveUserException,
    RateLimitedException,
    StoreUnavailableException,
    TokenException,
    TooLargeException,
    UserExistsException,
    ValidationException,
    WeakPasswordException,
)
from fastauth.core.models import Account
from fastauth.core.protocols import Store
from fastauth.services.accounts import Accounts
from fastauth.web.dependencies import Dependencies
from fastauth.web.limits import RouteLimits
from fastauth.web.routing import AuthRoute, responses
from fastauth.web.schemas import register_model, user_json, user_model


def account_routes(
    store: Store[Any],
    accounts: Accounts[Any],
    dependencies: Dependencies[Any],
    limits: RouteLimits,
    *,
    registration: bool,
) -> APIRouter:
    """Build ``POST /register``, unless registration is closed, and ``GET /users/me``."""
    router = APIRouter(route_class=AuthRoute, tags=["users"])
    user_read = user_model(store.schema)

    def shown(account: Account[Any]) -> dict[str, Any]:
        return user_json(account, store.public_values(account.user))

    async def register(request: Request, body: Any = Body()) -> dict[str, Any]:
        """Make an account. It holds the role `user`; nothing that is not named here can be set."""
        await limits.check(request, "register", account=body.email)
        values: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
        values["password"] = values["password"].get_secret_value()
        return shown(await accounts.register(**values))

    if registration:
        register.__annotations__["body"] = register_model(store.schema)
        router.post(
            "/register",
            summary="Register",
            status_code=201,
            response_model=user_read,
            responses=responses(
                BadRequestException,
                UserExistsException,
                TooLargeException,
                ValidationException,
                WeakPasswordException,
                RateLimitedException,
                StoreUnavailableException,
            ),
        )(register)

    @router.get(
        "/users/me",
        summary="The signed-in user",
        response_model=user_read,
        responses=responses(BadRequestException, TokenException, InactiveUserException, StoreUnavailableException),
    )
    async def read_me(account: Account[Any] = Depends(dependencies.current_account)) -> dict[str, Any]:
        """Return the signed-in user, with the names of their roles."""
        return shown(account)

    return router
