"""What tests of an app need of its ``FastAuth``: to be somebody, really or by pretence, and people to be."""

import secrets
from collections.abc import Coroutine, Generator, Iterable
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Generic, cast, overload

from anyio.from_thread import start_blocking_portal

from fastauth.core.checks import check_list
from fastauth.core.exceptions import ConfigurationError
from fastauth.core.identity import canonical_role_name
from fastauth.core.models import USER, Account, Session, U
from fastauth.testing.clients import AsyncClient, Client, SyncClient, carry_bearer, carry_cookies
from fastauth.web.admissions import Admissions

if TYPE_CHECKING:
    from fastauth.auth import FastAuth

TEST_PASSWORD = "correct horse battery"  # noqa: S105
"""The password of the users that :meth:`AuthTesting.make_user` makes."""

_NEVER = datetime(9999, 1, 1, tzinfo=timezone.utc)


class AuthTesting(Generic[U]):
    """The test kit of one ``FastAuth``, at ``auth.testing``.

    Args:
        auth: Whose users there are.
        admissions: Says who is signed in.
    """

    def __init__(self, auth: "FastAuth[U]", admissions: Admissions[U]) -> None:
        self._auth = auth
        self._admissions = admissions
        self._initialized = False

    @contextmanager
    def as_user(self, user: U | Account[U], *, roles: Iterable[str] | None = None) -> Generator[Account[U], None, None]:
        """Take everybody for this user, on every route and WebSocket, for as long as the context lasts.

        Nothing is hashed, signed or stored, and no token is sent: the root dependency answers with this user, and every
        guard judges them as it would judge anybody.

        Args:
            user: An object of the app's own class, with a key, stored or not; or an account.
            roles: The roles they hold; by default those of the account, and ``user`` for an object.

        Raises:
            ConfigurationError: The app is in production, or the object has no key.
        """
        account = cast("Account[U]", user) if isinstance(user, Account) else self._account_of(user)
        held = account.roles if roles is None else _names(roles)
        now = datetime.now(timezone.utc)
        session = Session(secrets.token_urlsafe(16), account.id, 0, now, now, expires_at=_NEVER)
        account = replace(account, roles=held, session=session)
        with self._admissions.pretending(account):
            yield account

    @overload
    def sign_in_as(
        self, client: AsyncClient, user: U | Account[U] | str, *, roles: Iterable[str] = (), by_cookie: bool = False
    ) -> Coroutine[Any, Any, Account[U]]: ...

    @overload
    def sign_in_as(
        self, client: SyncClient, user: U | Account[U] | str, *, roles: Iterable[str] = (), by_cookie: bool = False
    ) -> Account[U]: ...

    def sign_in_as(
        self,
        client: AsyncClient | SyncClient,
        user: U | Account[U] | str,
        *,
        roles: Iterable[str] = (),
        by_cookie: bool = False,
    ) -> Coroutine[Any, Any, Account[U]] | Account[U]:
        """Give a client real tokens of a real session, without a password, for all that it sends from now on.

        Takes a ``TestClient``, or the ``Client`` or ``AsyncClient`` of httpx; with the last one, ``await`` it. Whom the
        client was signed in as before, by header or by cookie, it is no more.

        Args:
            client: The client.
            user: A stored user, their account, or a username; nobody of that name is there yet, and somebody is made.
            roles: Roles that they hold from now on, besides those they have.
            by_cookie: Give it cookies, and the token that unsafe requests need, instead of a header.

        Returns:
            The account, or what to await for it.

        Raises:
            UserNotFoundException: The user is not stored.
            ConfigurationError: ``by_cookie``, and the app has ``use_cookie=False``, or the client would not send them.
        """
        signing_in = self._sign_in(client, user, _names(roles), by_cookie=by_cookie)
        if isinstance(client, AsyncClient):
            return signing_in

        async def sign_in() -> Account[U]:
            return await signing_in

        portal: Any = getattr(client, "portal", None)  # a TestClient's loop, while its lifespan is entered
        if portal is not None:
            return cast("Account[U]", portal.call(sign_in))
        with start_blocking_portal() as own:
            account: Account[U] = own.call(sign_in)
        return account

    async def make_user(
        self,
        username: str = "ada",
        *,
        roles: Iterable[str] = (USER,),
        email: str | None = None,
        password: str = TEST_PASSWORD,
        **fields: Any,
    ) -> Account[U]:
        """Store a user and return the account; what is missing of tables and standard roles is made before.

        Args:
            username: The name; where users have none besides the address, what is before its ``@``, or all of it.
            roles: The roles they hold.
            email: The address; by default one at ``example.com``.
            password: The password.
            fields: The app's own attributes.
        """
        await self._prepare()
        name = self._login_of(username)
        if self._auth.store.schema.is_named:
            address = email or f"{name}@example.com"
        else:
            name = address = email or name
        return await self._auth.accounts.create(name, address, password, roles=_names(roles), fields=fields)

    async def make_users(self, count: int, *, roles: Iterable[str] = (USER,), **fields: Any) -> list[Account[U]]:
        """Store so many users, ``user1`` and so on, and return their accounts.

        Args:
            count: How many.
            roles: The roles that each of them holds.
            fields: The app's own attributes.
        """
        names = _names(roles)
        return [await self.make_user(f"user{number}", roles=names, **fields) for number in range(1, count + 1)]

    def _account_of(self, user: U) -> Account[U]:
        key = self._auth.store.public_values(user)["id"]
        if key is None:
            raise ConfigurationError(
                f"The {type(user).__name__} has no key: give it one, as in {type(user).__name__}(id=1, ...)."
            )
        shape = self._auth.store.schema.shape
        return Account(
            id=str(key),
            username=str(getattr(user, shape.username, key)),
            email=str(getattr(user, "email", "")),
            hashed_password="",
            disabled=shape.is_disabled(getattr(user, shape.disabled, None)),
            roles=frozenset({USER}),
            user=user,
        )

    def _login_of(self, name: str) -> str:
        """Return the name; the address of its owner, where users have none besides it."""
        return name if self._auth.store.schema.is_named or "@" in name else f"{name}@example.com"

    async def _sign_in(
        self, client: Client, user: U | Account[U] | str, roles: frozenset[str], *, by_cookie: bool
    ) -> Account[U]:
        await self._prepare()
        account = await self._stored(user)
        missing = sorted(roles - account.roles)
        for role in missing:
            await self._auth.roles.grant(account.id, role)
        if missing:
            account = await self._auth.accounts.get(account.id)  # hooks of the sign-in are to see the roles
        pair = await self._auth.sessions.start(account)
        carry = carry_cookies if by_cookie else carry_bearer
        carry(client, pair, self._admissions.transport)
        return await self._auth.sessions.authenticate(pair.access_token)

    async def _prepare(self) -> None:
        # A client that is not entered as a context runs no lifespan, and so do those of httpx.
        if not self._initialized:
            await self._auth.initialize_db(create_admin=False)
            self._initialized = True

    async def _stored(self, user: U | Account[U] | str) -> Account[U]:
        if isinstance(user, str):
            login = self._login_of(user)
            return await self._auth.accounts.find(login) or await self.make_user(login)
        if isinstance(user, Account):
            return await self._auth.accounts.get(cast("Account[U]", user).id)
        return await self._auth.accounts.get(self._account_of(user).id)


def _names(roles: Iterable[str]) -> frozenset[str]:
    check_list("roles", roles)
    return frozenset(canonical_role_name(role) for role in roles)
