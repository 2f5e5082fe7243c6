"""The ticket that opens a WebSocket from a browser: once, soon, for its session, and nothing else."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import Depends, FastAPI, WebSocket

from fastauth import Account, Claims, FastAuth, Store, StoreUnavailableException, TokenException, TokenPair
from fastauth.backends.memory import MemoryStore
from fastauth.core.signing import Purpose
from fastauth.testing import ManualClock
from tests.conftest import PASSWORD, bearer, client_of
from tests.core.forge import claims_of
from tests.services.conftest import MakeAuth
from tests.web.cookies import OWN_PAGE
from tests.web.helpers import FailingStore, RecordingStore, open_websocket, refused

AT_ONCE = 50


class Room:
    """An app with WebSockets of every kind, and ``ada``, who is signed in."""

    def __init__(self, auth: FastAuth[Any]) -> None:
        self.auth = auth
        self.app = FastAPI()
        auth.setup(self.app)
        for path, dependency in {
            "/user": auth.current_user,
            "/optional": auth.optional_user,
            "/claims": auth.current_claims,
            "/admin": auth.is_admin(),
            "/both": auth.current_account,
        }.items():
            self._add(path, dependency)
        self.client = client_of(self.app)
        self.ada: Account[Any]
        self.pair: TokenPair

    def _add(self, path: str, dependency: Any) -> None:
        @self.app.websocket(path)
        async def talk(
            websocket: WebSocket,
            who: Any = Depends(dependency),
            claims: Claims | None = Depends(self.auth.current_claims if path == "/both" else lambda: None),
        ) -> None:
            await websocket.accept()
            await websocket.send_text(who.user_id if isinstance(who, Claims) else who.username)

    async def enter(self, *roles: str) -> "Room":
        await self.auth.initialize_db()
        self.ada = await self.auth.accounts.create("ada", "ada@example.com", PASSWORD, roles=roles or ("user",))
        self.pair = await self.auth.sessions.start(self.ada)
        return self

    async def ticket(self) -> str:
        """Return a new ticket, over HTTP."""
        answer = await self.client.post("/ws/ticket", headers=bearer(self.pair.access_token))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["ticket"])

    async def open(self, ticket: str, path: str = "/user", **headers: str) -> str:
        """Return what is heard, or the reason of the refusal, on a WebSocket that is opened with the ticket."""
        sent = await open_websocket(self.app, f"wss://testserver{path}?ticket={ticket}", headers)
        return str(sent[1]["text"]) if sent[0]["type"] == "websocket.accept" else str(sent[0]["reason"])


@pytest.fixture
async def room(store: Store[Any], make_auth: MakeAuth) -> AsyncGenerator[Room, None]:
    """A room on each store."""
    room = await Room(make_auth(store)).enter()
    async with room.client:
        yield room


@pytest.fixture
async def here(make_auth: MakeAuth) -> AsyncGenerator[Room, None]:
    """A room in memory, where all dependencies let ``ada`` in, by cookie too."""
    room = await Room(make_auth(FailingStore(MemoryStore()), use_cookie=True)).enter("admin")
    async with room.client:
        yield room


async def test_a_ticket_opens_one_websocket_of_fifty_at_once(room: Room) -> None:
    """Of fifty handshakes with one ticket at the same moment, exactly one is let in."""
    ticket = await room.ticket()

    heard = await asyncio.gather(*(room.open(ticket) for _ in range(AT_ONCE)))

    assert sorted(heard) == ["FASTAUTH_INVALID_TOKEN"] * (AT_ONCE - 1) + ["ada"]
    assert await room.open(ticket) == "FASTAUTH_INVALID_TOKEN"


async def test_a_ticket_dies_with_its_session(room: Room) -> None:
    """A ticket of a session that has ended since opens nothing, and neither does one of a disabled user."""
    ticket, other = await room.ticket(), await room.ticket()
    await room.auth.accounts.set_password(room.ada.id, PASSWORD[::-1])
    after = await room.open(ticket)
    await room.auth.accounts.disable(room.ada.id)

    assert (after, await room.open(other)) == ("FASTAUTH_INVALID_TOKEN", "FASTAUTH_INVALID_TOKEN")


async def test_a_used_ticket_stays_used_when_expired_things_are_swept_away(room: Room, clock: ManualClock) -> None:
    """As long as a ticket is read at all, a sweep does not forget that it was used."""
    ticket = await room.ticket()
    assert await room.open(ticket) == "ada"
    clock.move(timedelta(seconds=35))  # past its end, within the leeway
    await room.auth.sessions.purge_expired()

    assert await room.open(ticket) == "FASTAUTH_INVALID_TOKEN"


@pytest.mark.parametrize(("seconds", "heard"), [(39, "ada"), (40, "FASTAUTH_INVALID_TOKEN")])
async def test_a_ticket_is_good_for_half_a_minute(here: Room, clock: ManualClock, seconds: int, heard: str) -> None:
    """It lasts for thirty seconds and the leeway, and the answer says so."""
    answer = await here.client.post("/ws/ticket", headers=bearer(here.pair.access_token))
    clock.move(timedelta(seconds=seconds))

    assert answer.json().keys() == {"ticket", "expires_in"}
    assert answer.json()["expires_in"] == 30
    assert answer.headers["cache-control"] == "no-store"
    assert await here.open(answer.json()["ticket"]) == heard


@pytest.mark.parametrize(
    ("path", "heard"), [("/user", "ada"), ("/optional", "ada"), ("/claims", "1"), ("/admin", "ada"), ("/both", "ada")]
)
async def test_every_dependency_takes_a_ticket(here: Room, path: str, heard: str) -> None:
    """Every dependency lets the ticket in, also several of them on one route, and none lets it in twice."""
    ticket = await here.ticket()

    assert await here.open(ticket, path) == heard
    assert await here.open(ticket, path) == "FASTAUTH_INVALID_TOKEN"


async def test_claims_by_ticket_are_those_of_an_access_token(here: Room) -> None:
    """With a ticket, the current claims have what the app adds to access tokens, and not what the ticket says."""
    here.auth.token_claims(lambda account: {"tenant": account.username})
    seen: list[Claims] = []

    @here.app.websocket("/listen")
    async def listen(websocket: WebSocket, claims: Claims = Depends(here.auth.current_claims)) -> None:
        seen.append(claims)
        await websocket.accept()
        await websocket.send_text(claims.user_id)

    await here.open(await here.ticket(), "/listen")

    assert (seen[0].session_id, seen[0].extra) == (here.pair.session_id, {"tenant": "ada"})
    assert seen[0].expires_at - seen[0].issued_at == timedelta(minutes=30)


async def test_a_ticket_costs_two_store_calls(make_auth: MakeAuth) -> None:
    """A handshake asks for the account and notes the ticket; a bad ticket asks for nothing."""
    store = RecordingStore(MemoryStore())
    room = await Room(make_auth(store)).enter()
    async with room.client:
        ticket = await room.ticket()
        store.calls.clear()
        await room.open(ticket, "/both")
        costs = list(store.calls)
        await room.open(f"{ticket[:-4]}AAAA")

    assert costs == store.calls == ["authenticate", "use_token"]


async def test_an_outage_uses_up_no_ticket(here: Room) -> None:
    """While the store cannot be reached a handshake is to be tried again, and the same ticket then opens it."""
    ticket = await here.ticket()
    store: Any = here.auth.store
    store.error = StoreUnavailableException()
    during = await here.open(ticket)
    store.error = None

    assert (during, await here.open(ticket)) == ("FASTAUTH_STORE_UNAVAILABLE", "ada")


async def test_r_ht_8_a_ticket_opens_nothing_but_a_websocket(here: Room) -> None:
    """A ticket, the one thing that is read from a query, works once, on WebSockets only, and is no bearer token."""
    ticket = await here.ticket()
    by_query = [await here.client.request(method, f"/users/me?ticket={ticket}") for method in ("GET", "DELETE")]
    by_header = await here.client.get("/users/me", headers=bearer(ticket))
    by_body = await here.client.post("/token/refresh", json={"refresh_token": ticket})
    by_header_on_a_websocket = await here.open("", Authorization=f"Bearer {ticket}")
    by_cookie = await here.client.get("/users/me", headers={"Cookie": f"__Host-fastauth_access={ticket}"})

    for answer in (*by_query, by_header, by_cookie):
        refused(answer, 401, "INVALID_TOKEN")
    refused(by_body, 401, "INVALID_REFRESH_TOKEN")
    assert by_header_on_a_websocket == "FASTAUTH_INVALID_TOKEN"
    assert await here.open(ticket) == "ada"


@pytest.mark.parametrize("purpose", [purpose for purpose in Purpose if purpose is not Purpose.WEBSOCKET_TICKET])
async def test_r_ht_8_no_other_token_is_a_ticket(here: Room, purpose: Purpose) -> None:
    """No token of another purpose opens a WebSocket from its query, even one that has all claims of a ticket."""
    claims = {**claims_of(await here.ticket()), "gen": 0, "state": "s" * 22, "email": "ada@example.com"}
    token = await here.auth.sessions._signer.sign(purpose, {**claims, "auth_time": claims["iat"]})

    assert await here.open(token) == "FASTAUTH_INVALID_TOKEN"


@pytest.mark.parametrize("path", ["/user", "/optional", "/claims"])
@pytest.mark.parametrize("query", ["", "garbage", "%00", "a.b.c", "%ff"])
async def test_a_bad_ticket_is_refused(here: Room, path: str, query: str) -> None:
    """What is no ticket is refused, by the optional user too, and not made up for by a cookie."""
    cookie = f"__Host-fastauth_access={here.pair.access_token}"

    assert await here.open(query, path, Cookie=cookie, Origin="https://testserver") == "FASTAUTH_INVALID_TOKEN"


async def test_a_repeated_ticket_is_refused(here: Room) -> None:
    """Two tickets cannot be read, and neither is used up."""
    one, two = await here.ticket(), await here.ticket()

    assert await here.open(f"{one}&ticket={two}") == "FASTAUTH_BAD_REQUEST"
    assert [await here.open(one), await here.open(two)] == ["ada", "ada"]


async def test_a_header_comes_before_a_ticket_and_a_ticket_before_a_cookie(here: Room) -> None:
    """One handshake, one way in: with a header the ticket is left alone, and with a ticket the cookie is."""
    ticket = await here.ticket()
    cookie = f"__Host-fastauth_access={here.pair.access_token}"

    assert await here.open(ticket, Authorization="Bearer garbage") == "FASTAUTH_INVALID_TOKEN"
    assert await here.open(ticket, Authorization=f"Bearer {here.pair.access_token}") == "ada"
    assert await here.open(ticket, Cookie=cookie, Origin="https://evil.example") == "ada"
    assert await here.open("&", Cookie=cookie, Origin="https://evil.example") == "FASTAUTH_INVALID_TOKEN"


async def test_only_who_is_signed_in_gets_a_ticket(here: Room) -> None:
    """Without a token there is none, and with cookies it takes a page of the app's own."""
    cookie = {"Cookie": f"__Host-fastauth_access={here.pair.access_token}"}

    foreign = await here.client.post("/ws/ticket", headers={**cookie, "Origin": "https://evil.example"})

    refused(await here.client.post("/ws/ticket"), 401, "INVALID_TOKEN")
    refused(foreign, 403, "CSRF_FAILED")
    assert (await here.client.post("/ws/ticket", headers={**cookie, **OWN_PAGE})).status_code == 200


async def test_an_account_without_a_session_gets_no_ticket(here: Room) -> None:
    """A ticket stands for a session, so that there is none for an account that has none."""
    with pytest.raises(TokenException) as caught:
        await here.auth._admissions._tickets.issue(here.ada)

    assert caught.value.reason == "no session"


async def test_a_ticket_is_in_no_repr(here: Room) -> None:
    """Whoever logs what was issued logs no ticket."""
    account = await here.auth.sessions.authenticate(here.pair.access_token)
    ticket = await here.auth._admissions._tickets.issue(account)

    assert ticket.ticket not in repr(ticket)


async def test_the_route_can_be_left_out_and_moved(make_auth: MakeAuth) -> None:
    """Its name is ``create_websocket_ticket``, and it stands in the document with its padlock."""
    auth, paths = make_auth(MemoryStore()), []
    for selection in ({}, {"exclude": ["create_websocket_ticket"]}, {"paths": {"create_websocket_ticket": "/t"}}):
        app = FastAPI()
        auth.setup(app, **selection)  # type: ignore[arg-type]
        paths.append({path for path in app.openapi()["paths"] if path in {"/ws/ticket", "/t"}})
    app = FastAPI()
    auth.setup(app)

    assert paths == [{"/ws/ticket"}, set(), {"/t"}]
    assert app.openapi()["paths"]["/ws/ticket"]["post"]["security"] == [{"FastAuth": []}]
