"""Sign in, refresh, sign out."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Body, Depends, Form, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from fastauth.core.exceptions import (
    BadRequestException,
    CredentialsException,
    InactiveUserException,
    OverloadedException,
    RateLimitedException,
    RefreshTokenException,
    StoreUnavailableException,
    TokenException,
    TooLargeException,
    ValidationException,
)
from fastauth.core.models import TokenPair
from fastauth.core.protocols import SignInMethod
from fastauth.services.sessions import Sessions
from fastauth.services.sign_in import SignIn
from fastauth.signin.password import PasswordSignIn
from fastauth.web.admissions import PresentedTokens
from fastauth.web.dependencies import Dependencies
from fastauth.web.limits import RouteLimits
from fastauth.web.schemas import RefreshBody, TokenForm, TokenRead, token_json
from fastauth.web.selection import AuthRouter, Selection
from fastauth.web.transport import TokenTransport

_SIGN_IN_ERRORS = (
    BadRequestException,
    CredentialsException,
    InactiveUserException,
    TooLargeException,
    ValidationException,
    RateLimitedException,
    StoreUnavailableException,
    OverloadedException,
)
_REFRESH_ERRORS = (
    BadRequestException,
    RefreshTokenException,
    InactiveUserException,
    TooLargeException,
    ValidationException,
    RateLimitedException,
    StoreUnavailableException,
)
_GRANT_TYPES = {None, "", "password"}


class TokenRoutes(NamedTuple):
    """The router, and the handler that OpenAPI's token URL points at."""

    router: APIRouter
    token_endpoint: Callable[..., Any]


def token_routes(
    sessions: Sessions[Any],
    sign_ins: SignIn[Any],
    password: PasswordSignIn[Any],
    methods: Sequence[SignInMethod[Any, Any]],
    transport: TokenTransport,
    dependencies: Dependencies[Any],
    limits: RouteLimits,
    selection: Selection,
    *,
    token_url: str,
) -> TokenRoutes:
    """Build ``POST {token_url}``, ``POST {token_url}/refresh``, one route per further way to sign in, and logout."""
    router = AuthRouter(selection, tag="auth")

    async def start(
        method: SignInMethod[Any, Any], credentials: BaseModel, request: Request, account: str | None
    ) -> Response:
        async with limits.attempt(request, "sign_in", account=account):
            pair = await sign_ins.by(method, credentials)
        return deliver(pair, request, with_tokens=True)

    async def rotate(token: str, request: Request, *, with_tokens: bool) -> Response:
        try:
            claims = sessions.read_refresh(token)
        except RefreshTokenException:
            await limits.check(request, "refresh", account=None)  # who sends such ones is counted by client
            raise
        await limits.check(request, "refresh", account=claims.session_id)
        return deliver(await sessions.exchange(claims), request, with_tokens=with_tokens)

    def deliver(pair: TokenPair, request: Request, *, with_tokens: bool) -> Response:
        response = JSONResponse(token_json(pair, with_tokens=with_tokens))
        transport.set_cookies(response, pair, request)
        return response

    @router.post(token_url, summary="Sign in", response_model=TokenRead, responses=selection.unsafe(*_SIGN_IN_ERRORS))
    async def sign_in(request: Request, form: Annotated[TokenForm, Form()]) -> Response:
        """Sign in with a username or an e-mail address, and a password (the form of OAuth2's password flow)."""
        transport.check_sign_in(request)
        if form.grant_type not in _GRANT_TYPES:
            raise BadRequestException('grant_type must be "password", or be left out.')
        with password.place():  # before it is counted: who is sent away has not failed
            return await start(password, form, request, form.username)

    @router.post(
        f"{token_url}/refresh",
        summary="Refresh",
        response_model=TokenRead,
        responses=selection.unsafe(*_REFRESH_ERRORS),
    )
    async def refresh(request: Request, body: Annotated[RefreshBody | None, Body()] = None) -> Response:
        """Exchange a refresh token for new tokens. It works once; answered where it came from, in body or cookie."""
        if body is not None:
            transport.check_sign_in(request)
            return await rotate(body.refresh_token.get_secret_value(), request, with_tokens=True)
        token = dependencies.presented.cookie_tokens(request).refresh_token
        if token is None:
            raise RefreshTokenException("Send the refresh token.", reason="missing")
        return await rotate(token, request, with_tokens=False)

    @router.post(
        "/logout",
        summary="Sign out",
        status_code=204,
        response_class=Response,
        responses=selection.unsafe(BadRequestException, TokenException, StoreUnavailableException),
    )
    async def logout(request: Request, tokens: PresentedTokens = Depends(dependencies.presented)) -> Response:
        """End this session: its access and refresh tokens are refused from now on. Cookies are cleared."""
        if tokens.bearer is not None:
            await sessions.sign_out(access_token=tokens.bearer)
        else:
            try:
                await sessions.sign_out(**tokens.cookies._asdict())
            except TokenException:
                if tokens.cookies == (None, None):
                    raise
                # A browser with cookies of a session that has ended only wants to be rid of them.
        response = Response(status_code=204)
        transport.clear_cookies(response, request)
        return response

    for method in methods:
        router.post(
            f"{token_url}/{method.name}",
            summary=f"Sign in: {method.name.replace('-', ' ')}",
            name=f"sign_in_{method.name}",
            response_model=TokenRead,
            responses=selection.unsafe(*_SIGN_IN_ERRORS),
        )(_json_sign_in(method, transport, start))

    return TokenRoutes(router, sign_in)


def _json_sign_in(
    method: SignInMethod[Any, Any],
    transport: TokenTransport,
    start: Callable[[SignInMethod[Any, Any], BaseModel, Request, str | None], Coroutine[Any, Any, Response]],
) -> Callable[..., Coroutine[Any, Any, Response]]:
    async def sign_in(request: Request, credentials: Any = Body()) -> Response:
        transport.check_sign_in(request)
        # Whose account it is about, only the method knows, unless its model calls it as the form does.
        named = getattr(credentials, "username", None)
        return await start(method, credentials, request, named if isinstance(named, str) else None)

    sign_in.__annotations__["credentials"] = method.credentials
    sign_in.__doc__ = type(method).__doc__
    return sign_in
