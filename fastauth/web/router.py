"""All routes of one ``FastAuth``, grouped into routers; which of them there are, an app may choose."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from fastapi import APIRouter

from fastauth.core.checks import check_list, wrong_kind
from fastauth.core.exceptions import ConfigurationError
from fastauth.core.protocols import SignInMethod
from fastauth.services.accounts import Accounts
from fastauth.services.health import Health
from fastauth.services.roles import Roles
from fastauth.services.sessions import Sessions
from fastauth.services.sign_in import SignIn
from fastauth.services.tickets import Tickets
from fastauth.signin.password import PasswordSignIn
from fastauth.web.client_address import ClientAddresses
from fastauth.web.dependencies import Dependencies
from fastauth.web.limits import RouteLimits
from fastauth.web.routes.accounts import account_routes
from fastauth.web.routes.health import HEALTH_ROUTES, health_routes
from fastauth.web.routes.mailed import mailed_routes
from fastauth.web.routes.roles import role_routes
from fastauth.web.routes.sessions import session_routes
from fastauth.web.routes.tokens import token_routes
from fastauth.web.routes.users import user_routes
from fastauth.web.routing import AuthRoute
from fastauth.web.schemas import UserSchemas
from fastauth.web.selection import Selection
from fastauth.web.transport import TokenTransport


@dataclass(frozen=True)
class Routers:
    """One router per group of routes."""

    auth: APIRouter
    sessions: APIRouter
    accounts: APIRouter
    users: APIRouter
    roles: APIRouter
    health: APIRouter

    def all(self) -> Sequence[APIRouter]:
        """Return them in the order in which they match: ``/users/me`` before ``/users/{user_id}``."""
        return (self.auth, self.sessions, self.accounts, self.users, self.roles, self.health)


@dataclass
class Routes:
    """Builds the routers.

    Attributes:
        registration: Whether anyone may register.
        mails: Whether mails are sent; without them, the flows that need one are not there.
        enumeration_safe: Whether registrations are answered alike.
        health: Says whether the app can serve.
        token_endpoints: The handlers of every token route that was built, by which OpenAPI finds their paths.
    """

    client_address: ClientAddresses
    limits: RouteLimits
    sessions: Sessions[Any]
    tickets: Tickets[Any]
    accounts: Accounts[Any]
    roles: Roles[Any]
    sign_ins: SignIn[Any]
    password: PasswordSignIn[Any]
    methods: Sequence[SignInMethod[Any, Any]]
    users: UserSchemas
    transport: TokenTransport
    dependencies: Dependencies[Any]
    token_url: str
    registration: bool
    mails: bool
    enumeration_safe: bool
    health: Callable[[], Awaitable[Health]]
    token_endpoints: list[Callable[..., Any]] = field(default_factory=list[Callable[..., Any]])

    @cached_property
    def everything(self) -> Routers:
        """The routers with all routes but those of health; made when first wanted, which a script never does."""
        left_out = self._left_out() | HEALTH_ROUTES
        return self._build(
            Selection(exclude=left_out, route_class=self._route_class, cookies=self.transport.use_cookie)
        )

    @cached_property
    def of_health(self) -> APIRouter:
        """The router of liveness and readiness."""
        return health_routes(self.health, Selection(route_class=self._route_class))

    def selected(
        self,
        include: Collection[str] | None,
        exclude: Collection[str],
        paths: Mapping[str, str],
        *,
        health: bool = False,
    ) -> Routers:
        """Return the routers with the routes that are asked for; those of health only where they are named.

        Raises:
            ConfigurationError: A name is no route's, or that route is not there.
        """
        for option, names in (("include", include or ()), ("exclude", exclude)):
            check_list(option, names)
        if not isinstance(cast("object", paths), Mapping):
            raise wrong_kind("paths", "a dict of paths by route, such as {'read_me': '/me'}", paths)
        if include is None and not exclude and not paths and not health:
            return self.everything
        missing = sorted({*(include or ()), *paths} & self._left_out())
        if missing:
            raise ConfigurationError(
                f"There is no route {missing[0]!r} here: registration is closed, or no notifier is set."
            )
        unasked = set[str]() if health else HEALTH_ROUTES.difference(include or (), paths)
        left_out = {*exclude, *self._left_out(), *unasked}
        selection = Selection(include, left_out, paths, self._route_class, self.transport.use_cookie)
        routers = self._build(selection)
        unknown = sorted(set(selection.unknown()) - self._left_out())
        if unknown:
            raise ConfigurationError(
                f"There is no route {unknown[0]!r}; there are {', '.join(sorted(selection.seen))}."
            )
        return routers

    @cached_property
    def _route_class(self) -> type[AuthRoute]:
        return AuthRoute.asking(self.client_address)

    def _left_out(self) -> set[str]:
        mailed = {
            "request_verification",
            "verify_email",
            "forgot_password",
            "reset_password",
            "request_email_change",
            "confirm_email_change",
        }
        closed: set[str] = set() if self.registration else {"register"}
        return closed if self.mails else closed | mailed

    def _build(self, selection: Selection) -> Routers:
        tokens = token_routes(
            self.sessions,
            self.sign_ins,
            self.password,
            self.methods,
            self.transport,
            self.dependencies,
            self.limits,
            selection,
            token_url=self.token_url,
        )
        self.token_endpoints.append(tokens.token_endpoint)
        accounts = account_routes(
            self.accounts,
            self.users,
            self.transport,
            self.dependencies,
            self.limits,
            selection,
            enumeration_safe=self.enumeration_safe,
        )
        for route in mailed_routes(self.accounts, self.dependencies, self.limits, selection).routes:
            accounts.routes.append(route)
        return Routers(
            auth=tokens.router,
            sessions=session_routes(self.sessions, self.tickets, self.transport, self.dependencies, selection),
            accounts=accounts,
            users=user_routes(self.accounts, self.sessions, self.users, self.dependencies, selection),
            roles=role_routes(self.roles, self.dependencies, selection),
            health=health_routes(self.health, selection),
        )
