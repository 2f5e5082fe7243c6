"""The one place where everything meets. It wires and holds, and decides nothing."""

import logging
import os
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from fastapi import APIRouter, FastAPI, WebSocket

from fastauth.core.checks import check_list
from fastauth.core.clock import Clock, system_clock
from fastauth.core.events import Event
from fastauth.core.exceptions import ConfigurationError
from fastauth.core.key_sources import make_key_ring
from fastauth.core.keys import SecretKey
from fastauth.core.models import U
from fastauth.core.names import RESERVED_USERNAMES, NamePolicy
from fastauth.core.passwords import Passwords
from fastauth.core.protocols import Notifier, SignInMethod, Store
from fastauth.core.settings import (
    DEFAULT_LIMITS,
    AuditSettings,
    CookieSettings,
    LimitSettings,
    LinkSettings,
    PasswordSettings,
    TokenSettings,
)
from fastauth.core.signing import Purpose, Signer
from fastauth.core.telemetry import Exposition, Telemetries, Telemetry
from fastauth.options import (
    CONSOLE,
    check_base_url,
    check_cookies,
    check_enumeration,
    check_groups,
    check_prefix,
    check_registration,
    check_store,
    check_switches,
    check_token_url,
    fit_for_use,
    is_production,
    span_of,
)
from fastauth.services.accounts import Accounts
from fastauth.services.audit import Audit, AuditTrail
from fastauth.services.background import Background
from fastauth.services.bootstrap import Bootstrap
from fastauth.services.deadline import with_deadline
from fastauth.services.events import Events
from fastauth.services.health import Checkup, Health
from fastauth.services.limit_storages import open_storage
from fastauth.services.limits import LIMIT_KEY_LABEL, Limiter
from fastauth.services.measured import with_measurements
from fastauth.services.notices import Notices
from fastauth.services.purge import Purge
from fastauth.services.roles import Roles
from fastauth.services.sessions import Sessions
from fastauth.services.sign_in import SignIn
from fastauth.services.single_use import SingleUseTokens
from fastauth.services.tickets import Tickets
from fastauth.services.token_claims import ClaimsHook, TokenClaims
from fastauth.signin.password import PasswordSignIn
from fastauth.web.admissions import Admissions
from fastauth.web.builders import builder
from fastauth.web.client_address import ClientAddresses, ProxyHeader, TrustedProxies
from fastauth.web.cookies import Cookies
from fastauth.web.csrf import CSRF_KEY_LABEL, CSRFGuard
from fastauth.web.dependencies import (
    CurrentAccount,
    CurrentClaims,
    Dependencies,
    OptionalUser,
    UserDependency,
    scheme_name_of,
)
from fastauth.web.error_handlers import install_exception_handlers
from fastauth.web.limits import RouteLimits
from fastauth.web.openapi import publish_token_url
from fastauth.web.router import Routes
from fastauth.web.routes.keys import key_routes
from fastauth.web.routes.metrics import metrics_routes
from fastauth.web.schemas import UserSchemas
from fastauth.web.selection import WholeRouter, check_app, claim_paths
from fastauth.web.shared import Shared
from fastauth.web.transport import TokenTransport
from fastauth.web.watching import Watches

if TYPE_CHECKING:
    from fastauth.testing.kit import AuthTesting

logger: logging.Logger = logging.getLogger("fastauth")

_E = TypeVar("_E", bound=Event)
_H = TypeVar("_H", bound=Callable[..., Any])


class FastAuth(Generic[U]):
    """Authentication and authorization for a FastAPI app.

    Args:
        store: Where users, roles and sessions are kept, such as ``SQLStore(engine)``.
        secret_key: What signs the tokens: one key, or several of which the first signs and all verify. Without it,
            ``FASTAUTH_SECRET_KEY`` and then ``SECRET_KEY`` are read from the environment, and in development a key is
            made and kept in ``.fastauth/secret_key``.
        algorithm: Of the keys that are given as text or bytes: ``HS256``, ``HS384`` or ``HS512``, or with a PEM
            ``RS256``, ``PS256``, ``ES256`` or ``EdDSA``. A ``Key`` has its own.
        access_token_expires_in: Minutes, or a ``timedelta``.
        refresh_token_expires_in: Days, or a ``timedelta``; a session that is not refreshed for so long ends.
        use_cookie: Set and read the tokens in HttpOnly cookies too; a header comes before a cookie.
        secure_cookies: ``Secure`` cookies with the ``__Host-`` prefix. On http at a loopback address they are left out
            in development.
        token_url: Where to sign in; the refresh route is below it.
        registration: Whether anyone may register.
        reserved_usernames: Names that nobody may give themselves at registration, nor ones that look like them; by
            default :data:`fastauth.RESERVED_USERNAMES`. Operators may give any.
        notifier: Mails what has to be mailed, such as ``SMTPNotifier(...)``. None: the routes that need a mail are not
            there. By default, development prints to the console, and production has none.
        base_url: Where the pages are that links in mails lead to, such as ``https://app.example.com``.
        enumeration_safe: Answer registrations alike whether or not the names are taken, with a mail telling which.
        production: Strict checks. None reads ``FASTAUTH_ENV``; without that it is development.
        tokens: Issuer, audience, leeway, grace and the longest session.
        passwords: Policy and hashing.
        cookies: Names and attributes, and whose pages may send what a cookie authenticates.
        links: The paths and lifetimes of links in mails.
        audit: What becomes of the audit trail.
        limits: How often one may try to sign in, to register and so on, and where that is counted; None: no limits.
        trusted_proxies: The proxies in front of the app, whose word about their clients' addresses is taken: their
            networks, such as ``["10.0.0.0/8"]``, or how many there are if nobody can get around them.
        proxy_header: The header that the proxies write; None is ``X-Forwarded-For`` or ``Forwarded``, whichever comes.
        sign_in_methods: Further ways to sign in; each gets a route below ``token_url``.
        store_timeout: How long a store call may take before it is given up with 503; seconds, or a ``timedelta``.
        purge_every: How often the lifespan deletes expired sessions and what else has passed its time, once for all
            processes together; None: never, and ``auth.sessions.purge_expired()`` is the app's to call.
        telemetry: Who is told what goes on, as metrics and traces: ``PrometheusTelemetry()``, ``OpenTelemetry()``.
        clock: Where the time comes from; for tests.

    Raises:
        ConfigurationError: Something cannot work, or is not safe.
    """

    def __init__(
        self,
        store: Store[U],
        *,
        secret_key: SecretKey | Sequence[SecretKey] | None = None,
        algorithm: str = "HS256",
        access_token_expires_in: float | timedelta = 30,
        refresh_token_expires_in: float | timedelta = 7,
        use_cookie: bool = False,
        secure_cookies: bool = True,
        token_url: str = "/token",  # noqa: S107
        registration: bool = True,
        reserved_usernames: Collection[str] = RESERVED_USERNAMES,
        notifier: Notifier | None = CONSOLE,
        base_url: str | None = None,
        enumeration_safe: bool = False,
        production: bool | None = None,
        tokens: TokenSettings | None = None,
        passwords: PasswordSettings | None = None,
        cookies: CookieSettings | None = None,
        links: LinkSettings | None = None,
        audit: AuditSettings | None = None,
        limits: LimitSettings | None = DEFAULT_LIMITS,
        trusted_proxies: TrustedProxies = (),
        proxy_header: ProxyHeader | None = None,
        sign_in_methods: Sequence[SignInMethod[U, Any]] = (),
        store_timeout: float | timedelta = 5,
        purge_every: timedelta | None = timedelta(hours=1),
        telemetry: Sequence[Telemetry] = (),
        clock: Clock = system_clock,
    ) -> None:
        check_store(store)
        check_groups(tokens=tokens, passwords=passwords, cookies=cookies, links=links, audit=audit, limits=limits)
        check_switches(
            use_cookie=use_cookie,
            secure_cookies=secure_cookies,
            registration=registration,
            enumeration_safe=enumeration_safe,
        )
        check_list("reserved_usernames", reserved_usernames)
        check_list("telemetry", telemetry, such_as="PrometheusTelemetry()")
        self.production: bool = is_production(production)
        self.store = store
        self._telemetry = tuple(telemetry)
        tokens = tokens or TokenSettings()
        access = span_of("access_token_expires_in", access_token_expires_in, timedelta(minutes=1))
        refresh = span_of("refresh_token_expires_in", refresh_token_expires_in, timedelta(days=1))
        check_cookies(use_cookie=use_cookie, secure=secure_cookies, production=self.production)
        check_token_url(token_url, sign_in_methods)
        if registration:
            check_registration(store)
        check_base_url(base_url)
        notifier = fit_for_use(notifier, production=self.production)
        self._mails = notifier is not None
        check_enumeration(notifier, enumeration_safe=enumeration_safe)

        ring = make_key_ring(secret_key, algorithm=algorithm, production=self.production)
        links = links or LinkSettings()
        mailed = {
            Purpose.VERIFY_EMAIL: links.verify_email_expires_in,
            Purpose.RESET_PASSWORD: links.reset_password_expires_in,
            Purpose.CHANGE_EMAIL: links.change_email_expires_in,
        }
        ticket = tokens.ticket_expires_in
        lifetimes = {Purpose.ACCESS: access, Purpose.REFRESH: refresh, Purpose.WEBSOCKET_TICKET: ticket, **mailed}
        told = Telemetries(telemetry)
        signer = Signer(ring, tokens, lifetimes=lifetimes, clock=clock, telemetry=told)
        self.keys = ring
        """The ring of keys: which there are and where they came from, without any of them being shown."""
        self.token_rejections: Mapping[str, int] = signer.rejections
        """How many tokens were refused since the start, by reason; for a gauge, never for a client."""
        settings = passwords or PasswordSettings()
        self.passwords: Passwords = Passwords(settings, production=self.production, telemetry=told)
        """Judges, hashes and verifies passwords, off the event loop."""
        timeout = span_of("store_timeout", store_timeout, timedelta(seconds=1))
        timed = with_measurements(with_deadline(store, timeout), told)
        self.limits = limits
        """How often one may try; None when there are no limits."""
        self._limiter = None
        if limits is not None:
            # What only this process counts needs a name that only this process knows, and so no secret of the ring.
            key = os.urandom(32) if limits.storage.startswith("memory:") else ring.derive(LIMIT_KEY_LABEL)[0]
            storage = open_storage(limits.storage, clock=clock)
            self._limiter = Limiter(limits, storage, key=key, timeout=timeout, telemetry=told)

        self._background = Background()
        audit = audit or AuditSettings()
        self._events: Events[U] = Events(self._background, AuditTrail(audit), clock=clock, telemetry=told)
        self._claims: TokenClaims[U] = TokenClaims()
        self.audit: Audit[U] = Audit(timed)
        """The audit trail that is kept in the database, with ``AuditSettings(keep=True)``."""
        notices = Notices(notifier, base_url=base_url, links=links, background=self._background, clock=clock)
        self.sessions: Sessions[U] = Sessions(
            timed,
            signer,
            events=self._events,
            claims=self._claims,
            access_expires_in=access,
            refresh_expires_in=refresh,
            session_expires_in=tokens.session_expires_in,
            refresh_grace=tokens.refresh_grace,
            clock=clock,
            telemetry=told,
        )
        self.accounts: Accounts[U] = Accounts(
            timed,
            self.passwords,
            events=self._events,
            tokens=SingleUseTokens(signer, clock=clock, lifetimes=mailed),
            notices=notices,
            background=self._background,
            limiter=self._limiter,
            clock=clock,
            enumeration_safe=enumeration_safe,
            names=NamePolicy(reserved_usernames),
        )
        self.roles: Roles[U] = Roles(timed, events=self._events)
        self._bootstrap = Bootstrap(timed, self.accounts)
        self._checkup = Checkup(timed, self._limiter)
        self._purge = Purge(timed, every=purge_every, keep_audit_for=audit.keep_for, clock=clock)

        cookies = cookies or CookieSettings()
        jar = Cookies(cookies, secure=secure_cookies, production=self.production)
        csrf = CSRFGuard(cookies, ring.derive(CSRF_KEY_LABEL) if use_cookie else (), jar, production=self.production)
        transport = TokenTransport(jar, csrf, use_cookie=use_cookie)
        tickets = Tickets(timed, signer, self.sessions, expires_in=ticket, leeway=tokens.leeway, clock=clock)
        admissions = Admissions(self.sessions, tickets, transport, production=self.production)
        dependencies = Dependencies(admissions, token_url=token_url)
        self._dependencies = dependencies
        self.current_account: CurrentAccount[U] = dependencies.current_account
        """The signed-in account, or 401. Every guard stands on it: override it in tests, and all of them follow."""
        self.current_user: UserDependency[U] = dependencies.current_user
        """The signed-in user, the app's own object, or 401."""
        self.optional_user: OptionalUser[U] = dependencies.optional_user
        """The signed-in user; None when no token was sent, 401 when a bad one was."""
        self.verified_user: UserDependency[U] = dependencies.verified_user
        """The signed-in user if their e-mail address is verified, else 403."""
        self.current_claims: CurrentClaims[U] = dependencies.current_claims
        """What the access token says, without asking the store: true until it expires, revoked or not."""

        self._admissions = admissions
        self._watches = Watches(self.sessions, admissions, dependencies)
        self.client_address: ClientAddresses = ClientAddresses(trusted_proxies, header=proxy_header)
        """Answers the client's address on a connection, or None: what the trusted proxies vouch for, nothing else."""
        self._routes = Routes(
            client_address=self.client_address,
            limits=RouteLimits(self._limiter),
            sessions=self.sessions,
            tickets=tickets,
            accounts=self.accounts,
            roles=self.roles,
            sign_ins=SignIn(timed, self.sessions, self._events),
            password=PasswordSignIn(timed, self.passwords),
            methods=sign_in_methods,
            users=UserSchemas(store),
            transport=transport,
            dependencies=dependencies,
            token_url=token_url,
            registration=registration,
            mails=self._mails,
            enumeration_safe=enumeration_safe,
            health=self._checkup.health,
        )

    @builder("Depends(auth.current_user)")
    def get_current_active_user_dependency(self) -> UserDependency[U]:
        """Return :attr:`current_user`, by its older name."""
        return self.current_user

    @builder('Depends(auth.require_roles(["moderator"])), with the roles')
    def require_roles(self, roles: Iterable[str]) -> UserDependency[U]:
        """Return the dependency that lets in whoever holds one of the roles; a superadmin always passes."""
        return self._dependencies.require_roles(roles)

    @builder('Depends(auth.require_all_roles(["moderator"])), with the roles')
    def require_all_roles(self, roles: Iterable[str]) -> UserDependency[U]:
        """Return the dependency that lets in whoever holds all of the roles; a superadmin always passes."""
        return self._dependencies.require_all_roles(roles)

    @builder("Depends(auth.is_admin()), with parentheses")
    def is_admin(self) -> UserDependency[U]:
        """Return the dependency that lets in admins and superadmins."""
        return self._dependencies.is_admin()

    @builder("async with auth.watch(websocket): ... in the route")
    def watch(
        self,
        websocket: WebSocket,
        *,
        every: timedelta = timedelta(seconds=10),
        outage: timedelta = timedelta(minutes=1),
    ) -> AbstractAsyncContextManager[None]:
        """Close a WebSocket when what let it in is over: the session, the account, or a role that a guard asks for.

        ``async with auth.watch(websocket): ...`` around what the route does. The body is then cancelled where it waits,
        the WebSocket is closed with 1008 and the code of the error, and the context is left with
        ``WebSocketDisconnect``, as when the client goes. It takes a dependency of ours on the route.

        Args:
            websocket: The connection.
            every: How often to look; one store call each, and the longest that an ended session stays connected.
            outage: How long the store may be out of reach before the WebSocket is closed with 1013.

        Raises:
            ConfigurationError: The route has no dependency of ours, or ``every`` is not positive or no timedelta.
        """
        return self._watches.watch(websocket, every=every, outage=outage)

    @cached_property
    def testing(self) -> "AuthTesting[U]":
        """What tests of the app need: ``with auth.testing.as_user(user): ...``; see :mod:`fastauth.testing`."""
        # Loaded when a test first asks: an app that serves has nothing to do with the floor above.
        kit: AuthTesting[U] = import_module("fastauth.testing.kit").AuthTesting(self, self._admissions)
        return kit

    def on(self, event_class: type[_E]) -> Callable[[_H], _H]:
        """Run the function after each such event: when it is committed, and off the answer's path.

        Its failure is logged and harms nothing. It takes the event, and may be ``async`` or not. ::

            @auth.on(UserRegistered)
            async def welcome(event: UserRegistered[User]) -> None: ...

        Args:
            event_class: A class of :mod:`fastauth.events`; one higher up stands for all below it.
        """
        return self._events.after(event_class)

    def before(self, event_class: type[_E]) -> Callable[[_H], _H]:
        """Run the function before each such event is committed, in the same transaction.

        What it raises undoes the change, and an exception of ours, or of a class of yours below one of ours, reaches
        the client. It takes the event and, if it has a second parameter, the session of the transaction: SQLAlchemy's,
        or MongoDB's client session, or None where the database has no transactions.

        Args:
            event_class: A class of :mod:`fastauth.events`; one higher up stands for all below it.
        """
        return self._events.before(event_class)

    def token_claims(self, function: _H) -> _H:
        """Add what the function returns for an account, claims by name, to each of its access tokens."""
        self._claims.add(cast("ClaimsHook", function))
        return function

    def get_auth_router(self) -> APIRouter:
        """Return the router of sign-in, refresh and sign-out."""
        return self._routes.everything.auth

    def get_session_router(self) -> APIRouter:
        """Return the router of the signed-in user's sessions."""
        return self._routes.everything.sessions

    def get_account_router(self) -> APIRouter:
        """Return the router of registration, of the signed-in user, and of the flows that go by mail."""
        return self._routes.everything.accounts

    def get_user_router(self) -> APIRouter:
        """Return the router by which administrators see to other users."""
        return self._routes.everything.users

    def get_key_router(self) -> APIRouter:
        """Return the router of the public keys, ``/.well-known/jwks.json``, for services that only verify."""
        return key_routes(self.keys.public_jwks())

    def get_health_router(self) -> APIRouter:
        """Return the router of ``/health/live`` and ``/health/ready``, which need no token."""
        return self._routes.of_health

    def get_metrics_router(self) -> APIRouter:
        """Return the router of ``/metrics``, which Prometheus reads.

        Raises:
            ConfigurationError: Of the telemetries, there is none to be read: ``PrometheusTelemetry`` is one.
        """
        return metrics_routes(self._exposition())

    def _exposition(self) -> Exposition:
        for telemetry in self._telemetry:
            if isinstance(telemetry, Exposition):
                return telemetry
        raise ConfigurationError("There are no metrics to be read: pass FastAuth(telemetry=[PrometheusTelemetry()]).")

    def get_role_router(self) -> APIRouter:
        """Return the router of roles and of who holds them."""
        return self._routes.everything.roles

    def setup(
        self,
        app: FastAPI,
        *,
        prefix: str = "",
        include: Collection[str] | None = None,
        exclude: Collection[str] = (),
        paths: Mapping[str, str] | None = None,
        health: bool = False,
        metrics: bool = False,
    ) -> None:
        """Add the routes and the error handlers to the app.

        A route goes by the name of its handler, such as ``register``, ``read_me`` or ``list_users``; a name that no
        route has is refused with the list of those there are.

        Args:
            app: The app.
            prefix: What the paths of the routes begin with, such as ``/auth``.
            include: The routes to add; None is all of them.
            exclude: The routes not to add.
            paths: Other paths for some of the routes, by name. The path of the token route is ``token_url``.
            health: Add ``GET /health/live`` and ``GET /health/ready``, too; naming one of them above does so as well.
            metrics: Add ``GET /metrics``, too, without the prefix; anyone who reaches the app can read it.

        Raises:
            ConfigurationError: It is no app; a route that is named is not there; one would be where another one of ours
                is; or another ``FastAuth`` of the app has a key of the same ``kid``, or metrics of its own.
        """
        check_app(app)
        check_prefix(prefix)
        selected = self._routes.selected(include, exclude, paths or {}, health=health)
        parts = [(prefix, router) for router in selected.all()]
        shared, exposition = Shared.of(app), self._exposition() if metrics else None
        # Without the prefix: the keys where they are well known (RFC 8615), the metrics where they are looked for.
        parts.extend(("", router) for router in shared.routers(self.keys, exposition))
        claim_paths(app, parts)
        shared.add(self.keys, exposition)
        app.include_router(WholeRouter(parts))
        self.setup_exception_handlers(app)

    def setup_exception_handlers(self, app: FastAPI) -> None:
        """Give every error of ours its shape, for an app that includes the routers one by one.

        Without it, errors have the right status and a plain ``detail``.

        Raises:
            ConfigurationError: It is no app.
        """
        check_app(app)
        install_exception_handlers(app)
        self._publish_token_url(app)

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncGenerator[None, None]:
        """Prepare the store when the app starts, and give threads and connections back when it stops.

        In development the tables and the standard roles are made. In production they have to be there.

        Raises:
            ConfigurationError: In production, something is missing; the message says what makes it.
        """
        self._publish_token_url(app)
        if self.production and self.limits is not None and self.limits.storage.startswith("memory:"):
            logger.warning(
                "Rate limits are counted in the memory of this process: each further worker process lets through as "
                "much again, and a restart forgets who is locked out. Name a storage that all of them share: "
                "limits=LimitSettings(storage='redis://...')."
            )
        if not self._mails:
            logger.warning("No notifier is set: there are no routes to verify an address or to reset a password.")
        if self.production:
            await self._bootstrap.check()
        else:
            await self._bootstrap.initialize(create_admin=False)
        try:
            async with self._purge.in_background():
                yield
        finally:
            await self.close()

    async def close(self) -> None:
        """Wait for mails and hooks that are on their way, and give threads and connections back.

        The lifespan does it when the app stops; a script does it at its end.
        """
        async with AsyncExitStack() as closing:  # from below: each is closed, also when another one fails to
            closing.push_async_callback(self.store.close)
            if self._limiter is not None:
                closing.push_async_callback(self._limiter.close)
            closing.callback(self.passwords.close)
            await self._background.drain()

    async def health(self) -> Health:
        """Ask the store and the storage of the rate limits whether they answer, for two seconds at most; never raises.

        It is what ``GET /health/ready`` answers; see ``auth.setup(app, health=True)``.
        """
        return await self._checkup.health()

    async def initialize_db(
        self,
        create_tables: bool = True,
        init_roles: bool = True,
        create_admin: bool = True,
        admin_username: str | None = None,
        admin_password: str | None = None,
        admin_email: str | None = None,
        admin_fields: Mapping[str, Any] | None = None,
    ) -> None:
        """Make what is missing, and leave what is there; safe from several processes at once.

        Args:
            create_tables: Make the tables, or the collections and indexes.
            init_roles: Store the standard roles.
            create_admin: Make a superadmin, when a name and a password are given here or in the environment as
                ``FASTAUTH_ADMIN_USERNAME`` and ``FASTAUTH_ADMIN_PASSWORD``.
            admin_username: The superadmin's username.
            admin_password: Their password.
            admin_email: Their e-mail address; by default ``<username>@fastauth.invalid``.
            admin_fields: Their attributes of the app's own user model.

        Raises:
            UserExistsException: The name belongs to someone who is no superadmin; nobody is promoted by accident.
            ValidationException: The user model needs a value that was not given.
            WeakPasswordException: The password does not meet the policy.
            StoreUnavailableException: The database cannot be reached.
        """
        await self._bootstrap.initialize(
            create_tables=create_tables,
            init_roles=init_roles,
            create_admin=create_admin,
            admin_username=admin_username,
            admin_email=admin_email,
            admin_password=admin_password,
            admin_fields=admin_fields,
        )

    def _publish_token_url(self, app: FastAPI) -> None:
        publish_token_url(
            app, scheme_name=scheme_name_of(self._routes.token_url), endpoints=self._routes.token_endpoints
        )
