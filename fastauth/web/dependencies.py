"""Builders of dependencies, each built once and kept: FastAPI's cache per request and overrides in tests rest on it.

No ``from __future__ import annotations`` in this folder, and no ``Annotated[..., Depends(local)]`` in a builder:
FastAPI could not read such an annotation, and would take the dependency for a query parameter without a word.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Generic, cast

from fastapi import Depends
from fastapi.openapi.models import OAuth2, OAuthFlowPassword, OAuthFlows
from fastapi.openapi.models import SecurityBase as SecurityModel
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from fastauth.core.checks import check_list
from fastauth.core.exceptions import (
    ConfigurationError,
    EmailNotVerifiedException,
    FastAuthException,
    PermissionDeniedException,
    TokenException,
    ValidationException,
)
from fastauth.core.identity import canonical_role_name
from fastauth.core.models import ADMIN, Account, Claims, U
from fastauth.services.roles import satisfies_all, satisfies_any
from fastauth.web.admissions import Admissions, Check, PresentedTokens
from fastauth.web.error_handlers import refusal
from fastauth.web.transport import CookieTokens


class TokenScheme(SecurityBase, Generic[U]):
    """What all token dependencies share: where the token is, and how OpenAPI shows it.

    Being a security scheme itself, such a dependency needs no second one below it.

    Args:
        admissions: Finds tokens, and knows whom they let in.
        token_url: What OpenAPI says until the app is known; see :mod:`fastauth.web.openapi`.
    """

    def __init__(self, admissions: Admissions[U], *, token_url: str) -> None:
        self._admissions = admissions
        self.scheme_name: str = scheme_name_of(token_url)
        self.model: SecurityModel = OAuth2(flows=OAuthFlows(password=OAuthFlowPassword(tokenUrl=token_url, scopes={})))


class CurrentAccount(TokenScheme[U]):
    """The root dependency: the signed-in account, or 401."""

    async def __call__(self, connection: HTTPConnection) -> Account[U]:
        """Return the signed-in account."""
        try:
            account = await self._admissions.account(connection)
            if account is None:
                raise TokenException(missing=True)
        except FastAuthException as error:
            raise refusal(error, connection) from error
        return account


class OptionalUser(TokenScheme[U]):
    """The signed-in user; None when no token was sent, and 401 when a bad one was."""

    def __init__(self, admissions: Admissions[U], *, token_url: str, root: CurrentAccount[U]) -> None:
        super().__init__(admissions, token_url=token_url)
        self._root = root

    async def __call__(self, connection: HTTPConnection) -> U | None:
        """Return the signed-in user, or None."""
        # It cannot stand on the root, which refuses where this is content; a test that overrides the root means both.
        override = _overrides(connection).get(self._root)
        if override is not None:
            return cast("U", (await _account_of(override)).user)
        try:
            found = await self._admissions.account(connection)
        except FastAuthException as error:
            raise refusal(error, connection) from error
        return None if found is None else found.user


class Presented(TokenScheme[U]):
    """The tokens of a request, for signing out: good or not."""

    async def __call__(self, connection: HTTPConnection) -> PresentedTokens:
        """Return the tokens that were sent."""
        try:
            return self._admissions.presented(connection)
        except FastAuthException as error:
            raise refusal(error, connection) from error

    def cookie_tokens(self, connection: HTTPConnection) -> CookieTokens:
        """Return the tokens of the cookies."""
        return self._admissions.cookie_tokens(connection)


class CurrentClaims(TokenScheme[U]):
    """What the access token says, without a store call: true until the token expires, revoked or not.

    Only a ticket for a WebSocket is not believed without the store, which alone knows whether it was used.
    """

    async def __call__(self, connection: HTTPConnection) -> Claims:
        """Return the claims of the access token."""
        try:
            claims = await self._admissions.claims(connection)
            if claims is None:
                raise TokenException(missing=True)
        except FastAuthException as error:
            raise refusal(error, connection) from error
        return claims


UserDependency = Callable[..., Awaitable[U]]


class Dependencies(Generic[U]):
    """All dependencies of one :class:`~fastauth.auth.FastAuth`."""

    def __init__(self, admissions: Admissions[U], *, token_url: str) -> None:
        self._admissions = admissions
        self.current_account: CurrentAccount[U] = CurrentAccount(admissions, token_url=token_url)
        self.optional_user: OptionalUser[U] = OptionalUser(admissions, token_url=token_url, root=self.current_account)
        self.current_claims: CurrentClaims[U] = CurrentClaims(admissions, token_url=token_url)
        self.presented: Presented[U] = Presented(admissions, token_url=token_url)
        self.current_user: UserDependency[U] = self._build_current_user()
        self.verified_user: UserDependency[U] = self._guard(
            lambda account: None if account.verified else EmailNotVerifiedException()
        )
        self._role_guards: dict[tuple[str, frozenset[str]], UserDependency[U]] = {}

    def are_overridden(self, connection: HTTPConnection) -> bool:
        """Say whether a test of the app has put something in the place of one of them."""
        overrides = _overrides(connection)
        ours = (
            self.current_account,
            self.optional_user,
            self.current_claims,
            self.current_user,
            self.verified_user,
            *self._role_guards.values(),
        )
        return any(each in overrides for each in ours)

    def require_roles(self, roles: Iterable[str]) -> UserDependency[U]:
        """Return the guard that lets in whoever holds one of the roles."""
        return self._role_guard("any", roles, satisfies_any)

    def require_all_roles(self, roles: Iterable[str]) -> UserDependency[U]:
        """Return the guard that lets in whoever holds all of the roles."""
        return self._role_guard("all", roles, satisfies_all)

    def is_admin(self) -> UserDependency[U]:
        """Return the guard that lets in admins and superadmins."""
        return self.require_roles([ADMIN])

    def _role_guard(
        self, kind: str, roles: Iterable[str], satisfies: Callable[[Account[Any], frozenset[str]], bool]
    ) -> UserDependency[U]:
        required = _role_names(roles)
        if (kind, required) not in self._role_guards:
            self._role_guards[kind, required] = self._guard(
                lambda account: None if satisfies(account, required) else PermissionDeniedException(required=required)
            )
        return self._role_guards[kind, required]

    def _build_current_user(self) -> UserDependency[U]:
        async def current_user(account: Account[Any] = Depends(self.current_account)) -> Any:
            return account.user

        return current_user

    def _guard(self, check: Check) -> UserDependency[U]:
        async def guard(connection: HTTPConnection, account: Account[Any] = Depends(self.current_account)) -> Any:
            error = check(account)
            if error is not None:
                raise refusal(error, connection)
            self._admissions.of(connection).checks += (check,)
            return account.user

        return guard


def _overrides(connection: HTTPConnection) -> Mapping[Callable[..., Any], Callable[..., Any]]:
    return getattr(connection.scope.get("app"), "dependency_overrides", {})


async def _account_of(override: Callable[..., Any]) -> Account[Any]:
    """Return what a test has put in the place of the root.

    Only FastAPI knows what to call a function with, and when one that yields is over; it calls those that stand on the
    root.
    """
    found = None if inspect.signature(override).parameters else override()
    if inspect.isawaitable(found):
        found = await found
    if found is None or inspect.isgenerator(found) or inspect.isasyncgen(found):
        raise ConfigurationError(
            "auth.optional_user follows an override of auth.current_account only if that is a function without "
            "parameters that returns an account. Override auth.optional_user too, or use auth.testing.as_user(...)."
        )
    account: Account[Any] = found
    return account


def scheme_name_of(token_url: str) -> str:
    """Return the name of the OpenAPI security scheme; each token route has its own."""
    return "FastAuth" + "".join(char if char.isalnum() else "_" for char in token_url.removesuffix("/token"))


def _role_names(roles: Iterable[str]) -> frozenset[str]:
    check_list("roles", roles)
    try:
        names = frozenset(canonical_role_name(role) for role in roles)
    except ValidationException as error:
        raise ConfigurationError(f"{list(roles)!r}: {error.message}") from error
    if not names:
        raise ConfigurationError("A role guard needs at least one role.")
    return names
