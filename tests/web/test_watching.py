"""A WebSocket that is watched is closed when what let it in is over, whatever its route is doing."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from fastapi import Depends, FastAPI, WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from fastauth import Account, ConfigurationError, FastAuth, StoreUnavailableException
from fastauth.backends.memory import MemoryStore
from fastauth.testing import ManualClock
from fastauth.web import watching
from tests.conftest import PASSWORD, bearer
from tests.live import serving
from tests.services.conftest import MakeAuth
from tests.web.helpers import FailingStore, open_websocket

SOON = timedelta(milliseconds=10)
Change = Callable[["Line"], Awaitable[object]]


class Line:
    """An app whose WebSockets do nothing but wait, and ``ada``, an administrator who is signed in."""

    def __init__(self, auth: FastAuth[Any], store: FailingStore) -> None:
        self.auth = auth
        self.store = store
        self.app = FastAPI()
        auth.setup(self.app)
        self.left: list[WebSocketDisconnect] = []
        self.ada: Account[Any]
        self.token = ""
        for path, dependency in {
            "/user": auth.current_user,
            "/admin": auth.is_admin(),
            "/verified": auth.verified_user,
            "/optional": auth.optional_user,
            "/claims": auth.current_claims,
        }.items():
            self.add(path, dependency, self.wait)

    def add(self, path: str, dependency: Any, body: Callable[[WebSocket], Awaitable[object]], **options: Any) -> None:
        """Add a WebSocket whose body is watched."""

        @self.app.websocket(path)
        async def watched(websocket: WebSocket, _: Any = Depends(dependency)) -> None:
            await websocket.accept()
            await websocket.send_text("hello")
            try:
                async with self.auth.watch(websocket, **{"every": SOON, **options}):
                    await body(websocket)
            except WebSocketDisconnect as disconnect:
                self.left.append(disconnect)
                raise

    @staticmethod
    async def wait(_: object) -> None:
        """Wait for what never comes."""
        await asyncio.Event().wait()

    async def looks(self, times: int) -> None:
        """Wait until the session has been looked at so many times more."""
        self.store.calls.clear()
        while self.store.calls.count("authenticate") < times:  # noqa: ASYNC110  # a store has no event to wait for
            await asyncio.sleep(SOON.total_seconds())

    async def enter(self) -> "Line":
        await self.auth.initialize_db()
        self.ada = await self.auth.accounts.create(
            "ada", "ada@example.com", PASSWORD, roles=("user", "admin", "verified")
        )
        self.token = (await self.auth.sessions.start(self.ada)).access_token
        return self

    @asynccontextmanager
    async def dial(self, path: str) -> AsyncGenerator[ClientConnection, None]:
        """Connect a real client to a real server."""
        async with serving(self.app, ws="websockets-sansio") as url:
            address = url.replace("http", "ws") + path
            async with connect(address, additional_headers=bearer(self.token)) as client:
                assert await client.recv() == "hello"
                yield client

    async def messages(self, path: str, *, headers: dict[str, str] | None = None) -> list[Any]:
        """Open a WebSocket in this very loop, and return what it was sent until its route had ended."""
        sent = await open_websocket(
            self.app, f"wss://testserver{path}", bearer(self.token) if headers is None else headers
        )
        return [(each["code"], each["reason"]) if each["type"] == "websocket.close" else each for each in sent[2:]]


@pytest.fixture
async def line(make_auth: MakeAuth) -> Line:
    store = FailingStore(MemoryStore())
    return await Line(make_auth(store), store).enter()


def watches() -> list[asyncio.Task[Any]]:
    """Return the watches that are under way."""
    return [task for task in asyncio.all_tasks() if task.get_name() == "fastauth watch"]


def take(role: str) -> Change:
    return lambda line: line.auth.roles.revoke(line.ada.id, role)


async def sign_out(line: Line) -> None:
    await line.auth.sessions.sign_out(access_token=line.token)


async def disable(line: Line) -> None:
    await line.auth.accounts.disable(line.ada.id)


async def disable_in_the_app(line: Line) -> None:
    line.store._store.data.users[line.ada.id].disabled = True


async def reset(line: Line) -> None:
    await line.auth.accounts.set_password(line.ada.id, PASSWORD[::-1])


async def delete(line: Line) -> None:
    await line.auth.accounts.delete(line.ada.id)


@pytest.mark.parametrize(
    ("path", "change", "reason"),
    [
        ("/user", sign_out, "INVALID_TOKEN"),
        ("/optional", sign_out, "INVALID_TOKEN"),
        ("/claims", sign_out, "INVALID_TOKEN"),
        ("/user", disable, "INVALID_TOKEN"),
        ("/user", disable_in_the_app, "INACTIVE_USER"),
        ("/user", reset, "INVALID_TOKEN"),
        ("/user", delete, "INVALID_TOKEN"),
        ("/admin", take("admin"), "PERMISSION_DENIED"),
        ("/verified", take("verified"), "EMAIL_NOT_VERIFIED"),
    ],
)
async def test_a_websocket_is_closed_when_what_let_it_in_is_over(
    line: Line, path: str, change: Change, reason: str
) -> None:
    """A client on a real socket is told 1008 and why, and no watch is left behind."""
    async with line.dial(path) as client:
        await change(line)
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()

    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, f"FASTAUTH_{reason}")
    assert [(each.code, each.reason) for each in line.left] == [(1008, f"FASTAUTH_{reason}")]
    assert watches() == []


async def test_a_session_that_expires_closes_its_websocket(line: Line, clock: ManualClock) -> None:
    """A session ends by itself, too."""
    async with line.dial("/user") as client:
        clock.move(timedelta(days=8))
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


async def test_a_websocket_stays_open_while_it_may(line: Line) -> None:
    """A role that no guard of the route asks for may go; a body that ends leaves quietly, and leaves no watch."""

    async def until_looked_at(_: WebSocket) -> None:
        await take("admin")(line)
        await line.looks(5)

    line.add("/patient", line.auth.current_user, until_looked_at)

    assert await line.messages("/patient") == []
    assert (line.left, watches()) == ([], [])


async def test_a_client_that_goes_leaves_no_watch(line: Line) -> None:
    """A route whose client goes is left as without a watch."""

    async def listen(websocket: WebSocket) -> None:
        await websocket.receive_text()

    line.add("/listen", line.auth.current_user, listen, every=timedelta(hours=1))
    async with line.dial("/listen"):
        assert len(watches()) == 1

    assert [each.code for each in line.left] == [1000]
    assert watches() == []


async def test_what_the_body_raises_rises_as_it_is(line: Line) -> None:
    """An exception of the route comes out of the watch as it went in."""

    async def fail(_: WebSocket) -> None:
        raise LookupError("mine")

    line.add("/fail", line.auth.current_user, fail)

    with pytest.raises(LookupError, match="mine"):
        await line.messages("/fail")
    assert watches() == []


async def test_a_body_that_fails_as_it_is_stopped_is_closed_all_the_same(line: Line) -> None:
    """Whatever the route makes of being stopped, the client is told that it is over."""

    async def fail_late(websocket: WebSocket) -> None:
        await sign_out(line)
        try:
            await line.wait(websocket)
        finally:
            raise LookupError("mine")

    line.add("/late", line.auth.current_user, fail_late)
    sent: list[Any] = []

    with pytest.raises(LookupError, match="mine"):
        await open_websocket(line.app, "wss://testserver/late", bearer(line.token), sent)
    assert (sent[-1]["type"], sent[-1]["code"]) == ("websocket.close", 1008)


async def test_a_body_that_has_closed_is_not_closed_again(line: Line) -> None:
    """Where the route has said goodbye itself, no second goodbye follows."""

    async def close(websocket: WebSocket) -> None:
        await websocket.close(4000)
        await sign_out(line)
        await line.wait(websocket)

    line.add("/close", line.auth.current_user, close)

    assert await line.messages("/close") == [(4000, "")]
    assert [each.code for each in line.left] == [1008]


async def test_an_outage_is_borne_for_a_while(line: Line) -> None:
    """While the store cannot be reached, a WebSocket stays open for the time that was set."""

    async def through_an_outage(_: WebSocket) -> None:
        line.store.error = StoreUnavailableException()
        await line.looks(3)
        line.store.error = None
        await line.looks(2)

    line.add("/patient", line.auth.current_user, through_an_outage, outage=timedelta(hours=1))

    assert await line.messages("/patient") == []


async def test_an_outage_that_lasts_closes_the_websocket(line: Line) -> None:
    """After that time it is closed with 1013: try again later."""

    async def into_an_outage(websocket: WebSocket) -> None:
        line.store.error = StoreUnavailableException()
        await line.wait(websocket)

    line.add("/impatient", line.auth.current_user, into_an_outage, outage=timedelta(0))

    assert await line.messages("/impatient") == [(1013, "FASTAUTH_STORE_UNAVAILABLE")]


async def test_a_broken_store_closes_the_websocket(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    """What was not foreseen closes with 1011, and is in the log."""

    async def into_a_mistake(websocket: WebSocket) -> None:
        line.store.error = LookupError("a mistake in a store")
        await line.wait(websocket)

    line.add("/broken", line.auth.current_user, into_a_mistake)

    assert await line.messages("/broken") == [(1011, "FASTAUTH_ERROR")]
    assert "Looking at a session failed" in caplog.text


async def test_nobody_is_not_watched(line: Line) -> None:
    """Where the route lets in whoever comes, there is no session that could end."""

    async def alone(_: WebSocket) -> None:
        assert watches() == []

    line.add("/anyone", line.auth.optional_user, alone)

    assert await line.messages("/anyone", headers={}) == []


@pytest.mark.parametrize(
    ("guard", "over"),
    [
        (lambda auth: auth.is_admin(), lambda auth: auth.current_account),
        (lambda auth: auth.current_user, lambda auth: auth.current_user),
        (lambda auth: auth.optional_user, lambda auth: auth.optional_user),
        (lambda auth: auth.verified_user, lambda auth: auth.verified_user),
        (lambda auth: auth.current_claims, lambda auth: auth.current_claims),
        (lambda auth: auth.require_roles(["admin"]), lambda auth: auth.is_admin()),
        (lambda auth: auth.require_all_roles(["admin"]), lambda auth: auth.require_all_roles(["Admin"])),
    ],
)
async def test_nobody_is_watched_where_a_dependency_is_overridden(
    line: Line, guard: Callable[[Any], Any], over: Callable[[Any], Any]
) -> None:
    """In a test that says who is there, by the root or by any other dependency of ours, no session can end."""
    account = line.ada

    async def alone(_: WebSocket) -> None:
        assert watches() == []

    line.add("/pretended", guard(line.auth), alone)
    line.app.dependency_overrides[over(line.auth)] = lambda: account

    assert await line.messages("/pretended", headers={}) == []


async def test_an_override_of_the_apps_own_is_no_excuse(line: Line) -> None:
    """Where a test overrides what is not ours, a session is watched, and a route without a guard of ours is told."""
    line.add("/odd", lambda: None, line.wait)

    async def watched(_: WebSocket) -> None:
        assert len(watches()) == 1

    line.add("/watched", line.auth.current_user, watched)
    line.app.dependency_overrides[line.wait] = lambda: None

    assert await line.messages("/watched") == []
    with pytest.raises(ConfigurationError, match="no session to watch"):
        await line.messages("/odd")


@pytest.mark.parametrize(
    ("options", "guarded", "says"),
    [
        ({}, False, "no session to watch"),
        ({"every": timedelta(0)}, True, "must be positive"),
        ({"every": 10}, True, "every has to be a timedelta"),
        ({"outage": None}, True, "outage has to be a timedelta"),
    ],
)
async def test_what_cannot_be_watched_is_said(line: Line, options: dict[str, Any], guarded: bool, says: str) -> None:
    """A route without a dependency of ours, a period of nothing, and a time without a unit are mistakes."""
    line.add("/odd", line.auth.current_user if guarded else lambda: None, line.wait, **options)

    with pytest.raises(ConfigurationError, match=says):
        await line.messages("/odd")


async def test_the_client_may_go_while_it_is_told(line: Line) -> None:
    """A client that goes at the very moment at which it is told is gone, and no more."""

    async def gone(websocket: WebSocket) -> None:
        async def unreachable(_: Any) -> None:
            raise OSError

        websocket._send = unreachable
        await sign_out(line)
        await line.wait(websocket)

    line.add("/gone", line.auth.current_user, gone)

    assert await line.messages("/gone") == []
    assert [each.code for each in line.left] == [1008]


async def test_a_client_that_does_not_read_holds_up_no_route(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the goodbye cannot be sent, since the client takes nothing in, the route is left without it."""
    monkeypatch.setattr(watching, "_GOODBYE", 0.01)

    async def send_on(websocket: WebSocket) -> None:
        websocket._send = line.wait
        await sign_out(line)
        await websocket.send_text("more")

    line.add("/deaf", line.auth.current_user, send_on)

    assert await line.messages("/deaf") == []
    assert [each.code for each in line.left] == [1008]
    assert watches() == []
