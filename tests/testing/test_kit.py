"""The test kit of an app: to be somebody, by pretence and really."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from anyio.to_thread import run_sync
from fastapi import Depends, FastAPI, WebSocket
from fastapi.testclient import TestClient
from httpx2 import ASGITransport, AsyncClient, Client
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.websockets import WebSocketDisconnect

from fastauth import Claims, ConfigurationError, FastAuth, PasswordSettings, Store, UserNotFoundException
from fastauth.backends.memory import MemoryStore, User
from fastauth.backends.sql import SQLStore
from fastauth.backends.sql import User as SQLUser
from fastauth.testing import TEST_PASSWORD, ManualClock, Outbox, memory_auth
from tests.conftest import client_of
from tests.web.helpers import RecordingStore, guarded_app, guards_of, refused

Make = Callable[..., FastAuth[Any]]
GRACE = User(7, "grace", "grace@example.com", "")
EVERYTHING = ["premium", "moderator", "verified"]


def app_of(auth: FastAuth[Any]) -> FastAPI:
    """Return an app with a route and a WebSocket behind each dependency."""
    app = guarded_app(auth)

    @app.get("/claims")
    async def claims(claims: Claims = Depends(auth.current_claims)) -> dict[str, Any]:
        return {"user_id": claims.user_id, **claims.extra}

    def add(path: str, dependency: Any) -> None:
        @app.websocket(path)
        async def listen(websocket: WebSocket, who: Any = Depends(dependency)) -> None:
            await websocket.accept()
            async with auth.watch(websocket):
                await websocket.send_text(who.user_id if isinstance(who, Claims) else who.username)

    for name, guard in {**guards_of(auth), "claims": auth.current_claims}.items():
        add(f"/ws/{name}", guard)
    return app


def test_a_pretended_user_is_everywhere_and_costs_nothing(make_auth: Make) -> None:
    """On every route and WebSocket, for every guard, everybody is this user; no token, no hash, no store call."""
    store = RecordingStore(MemoryStore())
    auth = make_auth(store)
    auth.token_claims(lambda account: {"name": account.username})
    client = TestClient(app_of(auth))

    with auth.testing.as_user(GRACE, roles=[*EVERYTHING, "Admin"]) as account:
        answers = {name: client.get(f"/{name}").json() for name in guards_of(auth)}
        me, claims = client.get("/users/me").json(), client.get("/claims").json()
        heard = {}
        for name in (*guards_of(auth), "claims"):
            with client.websocket_connect(f"/ws/{name}") as websocket:
                heard[name] = websocket.receive_text()
    after = client.get("/current_user")

    assert answers == dict.fromkeys(guards_of(auth), "grace")
    assert (me["id"], me["username"], me["roles"]) == (7, "grace", sorted(["admin", *EVERYTHING]))
    assert claims == {"user_id": "7", "name": "grace"}
    assert heard == {**answers, "claims": "7"}
    assert (account.user, account.id) == (GRACE, "7")
    assert store.calls == []
    refused(after, 401, "INVALID_TOKEN")


def test_a_guard_judges_a_pretended_user(make_auth: Make) -> None:
    """Who is pretended without the role is refused like anybody, on a WebSocket as well."""
    auth = make_auth(MemoryStore())
    client = TestClient(app_of(auth))

    with auth.testing.as_user(GRACE):
        plain = {name: client.get(f"/{name}").status_code for name in guards_of(auth)}
        with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect("/ws/is_admin"):
            pass
    disabled = User(8, "eve", "eve@example.com", "", disabled=True)
    with auth.testing.as_user(disabled, roles=[]):
        inactive = client.get("/current_user")

    assert plain == {
        "current_user": 200,
        "optional_user": 200,
        "verified_user": 403,
        "is_admin": 403,
        "any_of_two": 403,
        "all_of_two": 403,
    }
    assert closed.value.reason == "FASTAUTH_PERMISSION_DENIED"
    refused(inactive, 403, "INACTIVE_USER")


async def test_pretences_can_be_nested_and_end_with_an_error(make_auth: Make) -> None:
    """The innermost holds; whatever ends a context, what was before it is so again. An account keeps its roles."""
    auth = make_auth(MemoryStore())
    ada = await auth.testing.make_user(roles=["admin"])

    async def fail(client: AsyncClient) -> None:
        with auth.testing.as_user(GRACE):
            raise LookupError((await client.get("/current_user")).json())

    async with client_of(app_of(auth)) as client:
        with auth.testing.as_user(ada):
            with pytest.raises(LookupError) as failed:
                await fail(client)
            outer = (await client.get("/is_admin")).json()
        after = await client.get("/current_user")

    assert (failed.value.args, outer) == (("grace",), "ada")
    refused(after, 401, "INVALID_TOKEN")


async def test_a_pretended_user_gets_a_ticket(make_auth: Make) -> None:
    """What asks for the session of the account works, too."""
    auth = make_auth(MemoryStore())

    async with client_of(app_of(auth)) as client:
        with auth.testing.as_user(GRACE):
            answer = await client.post("/ws/ticket")

    assert answer.json()["expires_in"] == 30


@pytest.mark.parametrize(
    ("pretend", "says"),
    [
        (lambda auth: auth.testing.as_user(GRACE, roles="admin"), r"\['admin'\]"),
        (lambda auth: auth.testing.as_user(SQLUser(username="ada", email="a@example.com")), "no key"),
    ],
)
async def test_who_cannot_be_pretended_is_said(
    make_auth: Make, pretend: Callable[[FastAuth[Any]], Any], says: str
) -> None:
    """Roles are a list, and a user has a key, by which the app's own rows refer to it."""
    engine = create_async_engine("sqlite+aiosqlite://")
    auth = make_auth(SQLStore(engine))

    with pytest.raises(ConfigurationError, match=says), pretend(auth):
        pass
    await engine.dispose()


def test_production_pretends_nothing(make_auth: Make) -> None:
    """Where an app is in production, nobody is let in without a token, whatever its code tries."""
    auth = make_auth(MemoryStore(), production=True, passwords=PasswordSettings())

    with pytest.raises(ConfigurationError, match="production"), auth.testing.as_user(GRACE):
        pass


async def test_a_client_is_signed_in_for_real(store: Store[Any], make_auth: Make) -> None:
    """A name, an account and an object of the app are signed in with tokens of a session, and with roles granted."""
    auth = make_auth(store)
    app = app_of(auth)
    transport = ASGITransport(app)

    async with AsyncClient(transport=transport, base_url="https://testserver") as client:
        by_name = await auth.testing.sign_in_as(client, "ada", roles=["moderator"])
        any_of_two = await client.get("/any_of_two")
        again = await auth.testing.sign_in_as(client, by_name, roles=["admin"])
        is_admin = await client.get("/is_admin")
        by_object = await auth.testing.sign_in_as(client, again.user)
        sessions = await client.get("/sessions")
        await auth.sessions.end_all(by_name.id)
        ended = await client.get("/current_user")

    assert by_name.roles == {"user", "moderator"}
    assert by_object.roles == {"user", "moderator", "admin"}
    assert (any_of_two.json(), is_admin.json()) == ("ada", "ada")
    assert len(sessions.json()) == 3
    refused(ended, 401, "INVALID_TOKEN")


async def test_who_is_not_stored_cannot_sign_in_for_real(make_auth: Make) -> None:
    """A session belongs to a user who is there."""
    auth = make_auth(MemoryStore())

    async with client_of(FastAPI()) as client:
        with pytest.raises(UserNotFoundException):
            await auth.testing.sign_in_as(client, GRACE)


@pytest.mark.parametrize("entered", [True, False])
def test_a_sync_client_is_signed_in(tmp_path: Path, make_auth: Make, entered: bool) -> None:
    """In a test without async, a ``TestClient`` is signed in at once, in its own loop if its lifespan is entered."""
    auth = make_auth(SQLStore(create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")))
    app = app_of(auth)
    app.router.lifespan_context = auth.lifespan
    client = TestClient(app)

    if entered:
        with client:
            account = auth.testing.sign_in_as(client, "ada", roles=["admin"])
            answer = client.get("/is_admin")
    else:
        account = auth.testing.sign_in_as(client, "ada", roles=["admin"])
        answer = client.get("/is_admin")
        with client:
            pass  # closes the store

    assert account.roles == {"user", "admin"}
    assert answer.json() == "ada"


@pytest.mark.parametrize("base_url", ["https://testserver", "http://localhost", "https://app.example.com"])
async def test_a_client_is_signed_in_by_cookie(make_auth: Make, base_url: str) -> None:
    """The cookies are those that the app would set, and later ones replace them; unsafe requests may pass."""
    auth = make_auth(MemoryStore(), use_cookie=True)
    app = app_of(auth)

    async with client_of(app, base_url=base_url) as client:
        await auth.testing.sign_in_as(client, "ada", by_cookie=True)
        me = await client.get("/users/me")
        refreshed = await client.post("/token/refresh")
        still = await client.get("/users/me")
        signed_out = await client.post("/logout")
        after = await client.get("/users/me")

    statuses = [answer.status_code for answer in (me, refreshed, still, signed_out, after)]
    assert statuses == [200, 200, 200, 204, 401]
    assert "Authorization" not in client.headers


@pytest.mark.parametrize("base_url", ["https://testserver", "http://localhost"])
@pytest.mark.parametrize("library", [httpx, httpx2])
async def test_a_client_is_who_was_signed_in_last(make_auth: Make, library: Any, base_url: str) -> None:
    """Whether by header or by cookie, nothing is left of whom it was before; other headers and cookies stay."""
    auth = make_auth(MemoryStore(), use_cookie=True)
    app = app_of(auth)
    people = {"ada": False, "bob": True, "cleo": True, "dan": False, "eve": False}
    found: dict[str, tuple[str, int, int]] = {}

    options: dict[str, Any] = {"base_url": base_url, "headers": {"X-Mine": "1"}, "cookies": {"mine": "1"}}
    async with library.AsyncClient(transport=library.ASGITransport(app), **options) as client:
        for name, by_cookie in people.items():
            await auth.testing.sign_in_as(client, name, by_cookie=by_cookie)
            me = (await client.get("/users/me")).json()["username"]
            refreshed = await client.post("/token/refresh")
            found[name] = (me, refreshed.status_code, (await client.post("/ws/ticket")).status_code)
        left = (client.headers["X-Mine"], client.cookies["mine"], len(client.cookies), "X-CSRF-Token" in client.headers)

    assert found == {name: (name, 200 if by_cookie else 401, 200) for name, by_cookie in people.items()}
    assert left == ("1", "1", 1, False)


def test_a_test_client_is_who_was_signed_in_last(make_auth: Make) -> None:
    """So it is with Starlette's client, whose host has no dot."""
    auth = make_auth(MemoryStore(), use_cookie=True)
    client = TestClient(app_of(auth), base_url="https://testserver")

    found = []
    for name, by_cookie in (("ada", False), ("bob", True), ("cleo", False), ("dan", True)):
        auth.testing.sign_in_as(client, name, by_cookie=by_cookie)
        found.append((client.get("/users/me").json()["username"], len(client.cookies)))

    assert found == [("ada", 0), ("bob", 3), ("cleo", 0), ("dan", 3)]


def test_a_client_of_no_address_is_who_was_signed_in_last(make_auth: Make) -> None:
    """Its own header is replaced where the app has no cookies, and what the app calls by another name stays."""
    auth = make_auth(MemoryStore())

    with Client(headers={"Authorization": "Basic eA==", "X-CSRF-Token": "another's"}) as client:
        auth.testing.sign_in_as(client, "ada")

    assert client.headers["Authorization"].startswith("Bearer ")
    assert client.headers["X-CSRF-Token"] == "another's"


@pytest.mark.parametrize(
    ("use_cookie", "base_url", "says"),
    [(False, "https://testserver", "use_cookie=True"), (True, "http://testserver", "base_url='https://testserver'")],
)
async def test_cookies_that_would_not_be_sent_are_said(
    make_auth: Make, use_cookie: bool, base_url: str, says: str
) -> None:
    """A client that would be silently unknown is an error that says what to do."""
    auth = make_auth(MemoryStore(), use_cookie=use_cookie)

    async with client_of(app_of(auth), base_url=base_url) as client:
        with pytest.raises(ConfigurationError, match=says):
            await auth.testing.sign_in_as(client, "ada", by_cookie=True)


def test_httpxs_own_sync_client_is_signed_in(make_auth: Make) -> None:
    """A client that knows no app, for a server elsewhere, gets its header."""
    auth = make_auth(MemoryStore())

    with Client(base_url="https://testserver") as client:
        auth.testing.sign_in_as(client, "ada")

    assert client.headers["Authorization"].startswith("Bearer ")


async def test_users_are_made(make_auth: Make) -> None:
    """One with the roles that are asked for and a known password, or several at once."""
    auth = make_auth(MemoryStore())

    eve = await auth.testing.make_user("eve", roles=["admin"], email="eve@example.org")
    users = await auth.testing.make_users(3, roles=["premium"])

    assert (eve.username, eve.email, eve.roles) == ("eve", "eve@example.org", {"admin"})
    assert (await auth.passwords.verify(TEST_PASSWORD, eve.hashed_password)).ok
    assert [(each.username, each.roles) for each in users] == [(f"user{n}", {"premium"}) for n in (1, 2, 3)]


async def test_a_fastauth_in_memory_is_ready_for_a_test() -> None:
    """Its hashing is cheap, its mails go to an outbox, nothing is limited, and any option can be another."""
    outbox, clock = Outbox(), ManualClock()
    auth = memory_auth(notifier=outbox, clock=clock, use_cookie=True)
    plain = memory_auth()

    await auth.initialize_db()
    ada = await auth.accounts.register("ada", "ada@example.com", TEST_PASSWORD)
    await auth.close()

    assert isinstance(ada.user, User)
    assert (plain.limits, plain.production) == (None, False)
    assert ",r=4$" in ada.hashed_password
    assert outbox.latest(to="ada@example.com")


async def test_the_tokens_of_a_signed_in_client_know_its_roles(make_auth: Make) -> None:
    """The app's own claims are made of the account with the roles that the test has asked for."""
    auth = make_auth(MemoryStore())
    auth.token_claims(lambda account: {"roles": sorted(account.roles)})

    async with client_of(app_of(auth)) as client:
        await auth.testing.sign_in_as(client, "ada", roles=["premium"])
        claims = (await client.get("/claims")).json()

    assert claims["roles"] == ["premium", "user"]


async def test_httpx_of_old_is_a_client_too(make_auth: Make) -> None:
    """``sign_in_as`` takes the clients of httpx as those of httpx2, by header and by cookie, sync and async."""
    auth = make_auth(MemoryStore(), use_cookie=True)
    transport = httpx.ASGITransport(app_of(auth))

    async with httpx.AsyncClient(transport=transport, base_url="https://testserver") as by_header:
        await auth.testing.sign_in_as(by_header, "ada")
        header = await by_header.get("/current_user")
    async with httpx.AsyncClient(transport=transport, base_url="https://testserver") as by_cookie:
        await auth.testing.sign_in_as(by_cookie, "ada", by_cookie=True)
        cookie = await by_cookie.post("/logout")
        after = await by_cookie.get("/current_user")
    with httpx.Client(base_url="https://testserver") as sync:
        await run_sync(lambda: auth.testing.sign_in_as(sync, "ada"))
        sent = sync.build_request("GET", "/current_user")
    async with httpx.AsyncClient(transport=transport) as client:
        answer = await client.send(httpx.Request(sent.method, sent.url, headers=sent.headers))

    assert (header.json(), cookie.status_code, after.status_code, answer.json()) == ("ada", 204, 401, "ada")
