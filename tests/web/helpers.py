"""What the tests of the HTTP floor share: a strict look at errors, a store that notes its calls, and raw requests."""

import base64
import inspect
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from httpx2 import AsyncClient, Response
from pydantic import BaseModel

from fastauth import Account, FastAuth
from tests.conftest import PASSWORD, bearer

on_memory = pytest.mark.parametrize("store", ["memory"], indirect=True)
"""For a test of what does not depend on the store, although it takes ``auth``, ``app`` or ``client``."""

SAFE_HEADERS = {"cache-control": "no-store", "pragma": "no-cache", "x-content-type-options": "nosniff"}
NO_TOKEN, BAD_TOKEN = "Bearer", 'Bearer error="invalid_token"'


def refused(answer: Response, status: int, code: str) -> dict[str, Any]:
    """Assert that an answer is this error in its one shape, with the headers of every error; return the error."""
    body = answer.json()
    assert answer.status_code == status, answer.text
    assert body.keys() == {"error"}, answer.text
    error: dict[str, Any] = body["error"]
    assert (error["code"], error["status_code"]) == (f"FASTAUTH_{code}", status), answer.text
    assert isinstance(error["message"], str), answer.text
    assert error["message"], answer.text
    assert error.keys() - {"details"} == {"code", "message", "status_code"}, answer.text
    assert ("details" in error) <= (status == 422), answer.text
    assert all(detail.keys() == {"loc", "msg", "type"} for detail in error.get("details", [])), answer.text
    assert answer.headers.items() >= SAFE_HEADERS.items(), answer.headers
    assert ("www-authenticate" in answer.headers) == (status == 401 or code == "PERMISSION_DENIED"), answer.headers
    assert ("retry-after" in answer.headers) == (status in {429, 503}), answer.headers
    return error


def challenge(answer: Response) -> str:
    """Return the one ``WWW-Authenticate`` header of an answer."""
    (value,) = answer.headers.get_list("www-authenticate")
    return str(value)


async def try_sign_in(client: AsyncClient, username: str = "ada", password: str = PASSWORD, **form: str) -> Response:
    """Post the sign-in form, and return the answer whatever it is."""
    return await client.post("/token", data={"username": username, "password": password, **form})


async def refresh(client: AsyncClient, token: Any) -> Response:
    """Post a refresh token."""
    return await client.post("/token/refresh", json={"refresh_token": token})


async def me(client: AsyncClient, tokens: Any) -> Response:
    """Ask who is signed in."""
    return await client.get("/users/me", headers=bearer(tokens))


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims of a token, unverified."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


class RecordingStore:
    """Another store, whose verbs are noted down as they are called."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._store, name)
        if not inspect.iscoroutinefunction(attribute):
            return attribute

        async def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            return await attribute(*args, **kwargs)

        return call


class FailingStore(RecordingStore):
    """Another store, whose every verb raises the error once it is set."""

    error: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        attribute = super().__getattr__(name)
        if not inspect.iscoroutinefunction(attribute):
            return attribute

        async def call(*args: Any, **kwargs: Any) -> Any:
            if self.error is not None:
                self.calls.append(name)
                raise self.error
            return await attribute(*args, **kwargs)

        return call


async def make_user(auth: FastAuth[Any], *roles: str, username: str = "ada") -> tuple[Account[Any], dict[str, str]]:
    """Make a user with these roles, and return the account and the header that signs it in."""
    account = await auth.accounts.create(username, f"{username}@example.com", PASSWORD, roles=roles or ("user",))
    return account, bearer((await auth.sessions.start(account)).access_token)


def guards_of(auth: FastAuth[Any]) -> dict[str, Any]:
    """Return one dependency of each kind, by name."""
    return {
        "current_user": auth.current_user,
        "optional_user": auth.optional_user,
        "verified_user": auth.verified_user,
        "is_admin": auth.is_admin(),
        "any_of_two": auth.require_roles(["premium", "moderator"]),
        "all_of_two": auth.require_all_roles(["premium", "moderator"]),
    }


def guarded_app(auth: FastAuth[Any]) -> FastAPI:
    """Return an app with one route per guard, which answers with the username."""
    app = FastAPI()
    auth.setup(app)

    def add(path: str, guard: Any) -> None:
        @app.get(path)
        async def guarded(user: Any = Depends(guard)) -> str | None:
            return None if user is None else str(user.username)

    for name, guard in guards_of(auth).items():
        add(f"/{name}", guard)
    return app


class Order(BaseModel):
    """The body of a route of the app's own."""

    amount: int


async def app_of(auth: FastAuth[Any], *, handlers: bool = True) -> FastAPI:
    """Return an app with our routers, included one by one, our handlers or not, and a route of its own."""
    await auth.initialize_db()
    app = FastAPI()
    if handlers:
        auth.setup_exception_handlers(app)
    for router in (auth.get_auth_router(), auth.get_account_router(), auth.get_role_router()):
        app.include_router(router)

    @app.post("/orders")
    async def order(body: Order) -> None: ...

    return app


async def role_ids(auth: FastAuth[Any]) -> dict[str, str]:
    """Return the ids of all roles by name."""
    return {role.name: role.id for role in await auth.roles.list()}


async def open_websocket(
    app: FastAPI, url: str, headers: Mapping[str, str], sent: list[Any] | None = None
) -> list[Any]:
    """Open a WebSocket, in the test's own loop, and return the messages that the app answers with.

    They are put into ``sent``, too, where a test wants to see them although the route raises.
    """
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    path, _, query = path.partition("?")
    waiting = [{"type": "websocket.connect"}]
    sent = [] if sent is None else sent

    async def receive() -> dict[str, Any]:
        return waiting.pop() if waiting else {"type": "websocket.disconnect", "code": 1001}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "scheme": scheme,
        "path": f"/{path}",
        "raw_path": f"/{path}".encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", host.encode()), *((name.lower().encode(), headers[name].encode()) for name in headers)],
        "server": ("testserver", 443),
        "client": ("127.0.0.1", 50000),
        "subprotocols": [],
    }
    await app(scope, receive, send)
    return sent


async def send_raw(
    app: FastAPI,
    method: str,
    path: str,
    *,
    headers: Sequence[tuple[bytes, bytes]] = (),
    chunks: Iterable[bytes] = (b"",),
    query: bytes = b"",
    scheme: str = "https",
    root_path: str = "",
    host: bytes = b"testserver",
    client: tuple[str, int] | None = ("127.0.0.1", 50000),
) -> Response:
    """Send what no well-behaved client would send, as a server hands it on, and return the answer."""
    waiting = list(chunks)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": path,
        "raw_path": path.encode("utf-8", "surrogatepass"),
        "query_string": query,
        "root_path": root_path,
        "headers": [(b"host", host), *headers],
        "server": ("testserver", 443),
        "client": client,
    }
    await app(scope, receive, send)
    start = sent[0]
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Response(start["status"], headers=start["headers"], content=body)
