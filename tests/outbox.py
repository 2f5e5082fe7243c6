"""An app that mails, where its mails arrive, and how a test waits until they have."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from fastauth import STANDARD_ROLES, FastAuth, Notification, NotificationKind, Store
from tests.conftest import PASSWORD, bearer, client_of, sign_in


class Outbox:
    """A notifier that keeps what it is given.

    Attributes:
        sent: What was to be sent, in that order.
    """

    def __init__(self) -> None:
        self.sent: list[Notification] = []

    async def notify(self, notification: Notification, /) -> None:
        """Keep the notification."""
        self.sent.append(notification)

    def last(self, kind: str) -> Notification:
        """Return the latest notification of a kind."""
        return next(each for each in reversed(self.sent) if each.kind is NotificationKind(kind))

    def token(self, kind: str) -> str:
        """Return the token of the latest notification of a kind."""
        token = self.last(kind).token
        assert token is not None
        return token

    def told(self) -> list[tuple[str, str]]:
        """Return what was told to whom, and begin anew."""
        told = [(each.kind.value, each.to) for each in self.sent]
        self.sent.clear()
        return told


async def settle(auth: FastAuth[Any]) -> None:
    """Wait until what goes on behind the answers is done."""
    await auth._background.drain()


BASE_URL = "https://app.example.com"


class Flow(NamedTuple):
    """An app that mails, its client, and where the mails arrive."""

    auth: FastAuth[Any]
    client: AsyncClient
    outbox: Outbox

    async def tokens(self, username: str = "ada", password: str = PASSWORD) -> dict[str, Any]:
        """Sign in and return the tokens."""
        return await sign_in(self.client, username, password)

    async def call(self, request: str, tokens: dict[str, Any] | None = None, **body: Any) -> Response:
        """Send a request such as ``POST /password/forgot``, and wait until what it has begun is done."""
        method, path = request.split()
        headers = bearer(tokens) if tokens is not None else {}
        answer = await self.client.request(method, path, json=body or None, headers=headers)
        await settle(self.auth)
        return answer

    async def mailed(self, kind: str, username: str = "ada") -> str:
        """Ask for a mail with a link in the user's name, and return its token."""
        address = f"{username}@example.com"
        if kind == "reset_password":
            await self.call("POST /password/forgot", email=address)
        elif kind == "verify_email":
            await self.call("POST /email/verify/request", await self.tokens(username))
        else:
            change = {"new_email": f"new.{address}", "current_password": PASSWORD}
            await self.call("POST /email/change", await self.tokens(username), **change)
        return self.outbox.token(kind)


@asynccontextmanager
async def mailing(
    store: Store[Any], make_auth: Callable[..., FastAuth[Any]], *usernames: str, **options: Any
) -> AsyncGenerator[Flow, None]:
    """Give an app that mails, on a store with these users, and see its background work through."""
    outbox = Outbox()
    auth = make_auth(store, **{"notifier": outbox, "base_url": BASE_URL, **options})
    await auth.initialize_db()
    for username in usernames:
        roles = ("user", username) if username in STANDARD_ROLES else ("user",)
        await auth.accounts.create(username, f"{username}@example.com", PASSWORD, roles=roles)
    app = FastAPI()
    auth.setup(app)
    async with client_of(app) as client:
        yield Flow(auth, client, outbox)
    await settle(auth)
