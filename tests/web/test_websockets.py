"""The same dependencies on a WebSocket: a refused one is closed before it is accepted."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import Depends, FastAPI, WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from fastauth import Account, Claims, FastAuth, StoreUnavailableException
from fastauth.backends.memory import MemoryStore
from tests.conftest import PASSWORD
from tests.live import serving
from tests.web.helpers import FailingStore, open_websocket

PATHS = ("/current_user", "/optional_user", "/current_claims", "/admin", "/all", "/verified", "/account")


class Chat:
    """An app with a WebSocket behind each dependency."""

    def __init__(self, make_auth: Callable[..., FastAuth[Any]]) -> None:
        self.store = FailingStore(MemoryStore())
        self.auth = make_auth(self.store, use_cookie=True)
        self.app = FastAPI()
        for path, dependency in {
            "/current_user": self.auth.current_user,
            "/optional_user": self.auth.optional_user,
            "/current_claims": self.auth.current_claims,
            "/admin": self.auth.is_admin(),
            "/all": self.auth.require_all_roles(["admin", "moderator"]),
            "/verified": self.auth.verified_user,
            "/account": self.auth.current_account,
        }.items():
            self._add(path, dependency)

    def _add(self, path: str, dependency: Any) -> None:
        @self.app.websocket(path)
        async def chat(websocket: WebSocket, who: Any = Depends(dependency)) -> None:
            await websocket.accept()
            name = who.user_id if isinstance(who, Claims) else None if who is None else who.username
            await websocket.send_json(name)
            await websocket.close()

    async def sign_in(self, *roles: str) -> str:
        """Make ``ada`` with these roles, and return an access token."""
        await self.auth.initialize_db()
        account = await self.auth.accounts.create("ada", "ada@example.com", PASSWORD, roles=roles or ("user",))
        return (await self.auth.sessions.start(account)).access_token

    async def hear(self, path: str, headers: dict[str, str], origin: str = "wss://testserver") -> str:
        """Return what the app says to who is let in."""
        accepted, text, _ = await open_websocket(self.app, f"{origin}{path}", headers)
        assert accepted["type"] == "websocket.accept"
        return str(text["text"])

    async def refusal(self, path: str, headers: dict[str, str], origin: str = "wss://testserver") -> tuple[int, str]:
        """Return the code and the reason with which the app closes, having sent nothing before."""
        (closed,) = await open_websocket(self.app, f"{origin}{path}", headers)
        assert closed["type"] == "websocket.close"
        return closed["code"], closed["reason"]


@pytest.fixture
def chat(make_auth: Callable[..., FastAuth[Any]]) -> Chat:
    return Chat(make_auth)


def by_header(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def by_cookie(token: str) -> dict[str, str]:
    return {"Cookie": f"__Host-fastauth_access={token}", "Origin": "https://testserver"}


@pytest.mark.parametrize("how", [by_header, by_cookie])
@pytest.mark.parametrize("path", PATHS)
async def test_who_may_is_let_in(chat: Chat, path: str, how: Callable[[str], dict[str, str]]) -> None:
    """By header and by cookie, every dependency lets in who may, with the same user as over HTTP."""
    token = await chat.sign_in("admin", "moderator", "verified")

    assert await chat.hear(path, how(token)) == ('"1"' if path == "/current_claims" else '"ada"')


@pytest.mark.parametrize("how", [by_header, by_cookie])
@pytest.mark.parametrize(
    ("path", "code"),
    [("/admin", "PERMISSION_DENIED"), ("/all", "PERMISSION_DENIED"), ("/verified", "EMAIL_NOT_VERIFIED")],
)
async def test_who_may_not_is_refused(chat: Chat, path: str, code: str, how: Callable[[str], dict[str, str]]) -> None:
    """A guard that the user does not pass closes with 1008 before the WebSocket is accepted."""
    token = await chat.sign_in("user")

    assert await chat.refusal(path, how(token)) == (1008, f"FASTAUTH_{code}")


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/optional_user"])
async def test_nobody_is_refused(chat: Chat, path: str) -> None:
    """Without a token every dependency but the optional one closes with 1008."""
    assert await chat.refusal(path, {}) == (1008, "FASTAUTH_INVALID_TOKEN")


async def test_nobody_is_let_in_by_the_optional_dependency(chat: Chat) -> None:
    """Without a token the optional user is None."""
    assert await chat.hear("/optional_user", {}) == "null"


@pytest.mark.parametrize("how", [by_header, by_cookie])
@pytest.mark.parametrize("path", PATHS)
async def test_a_bad_token_is_refused(chat: Chat, path: str, how: Callable[[str], dict[str, str]]) -> None:
    """A bad token is refused by every dependency, the optional one too."""
    assert await chat.refusal(path, how("garbage")) == (1008, "FASTAUTH_INVALID_TOKEN")


async def test_an_ended_session_is_refused(chat: Chat) -> None:
    """A token of an ended session opens no WebSocket; only the claims are still what the token says."""
    token = await chat.sign_in("admin", "moderator", "verified")
    await chat.auth.sessions.sign_out(access_token=token)

    for path in PATHS:
        if path != "/current_claims":
            assert await chat.refusal(path, by_header(token)) == (1008, "FASTAUTH_INVALID_TOKEN")
    assert await chat.hear("/current_claims", by_header(token)) == '"1"'


@pytest.mark.parametrize("path", PATHS)
async def test_a_repeated_cookie_is_refused(chat: Chat, path: str) -> None:
    """A repeated cookie cannot be read, and closes with 1008."""
    cookie = by_cookie("one")["Cookie"]

    assert await chat.refusal(path, {**by_cookie("one"), "Cookie": f"{cookie}; {cookie}"}) == (
        1008,
        "FASTAUTH_BAD_REQUEST",
    )


async def test_a_bad_header_is_not_made_up_for_by_a_cookie(chat: Chat) -> None:
    """A bad header is refused although the cookie is good."""
    token = await chat.sign_in()

    assert (await chat.refusal("/current_user", {**by_cookie(token), **by_header("garbage")}))[0] == 1008


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/current_claims"])
async def test_an_outage_asks_to_try_again(chat: Chat, path: str) -> None:
    """While the database cannot be reached, a WebSocket is closed with 1013, which says to try again later."""
    token = await chat.sign_in("admin", "moderator", "verified")
    chat.store.error = StoreUnavailableException()

    assert await chat.refusal(path, by_header(token)) == (1013, "FASTAUTH_STORE_UNAVAILABLE")


async def test_r_ht_8_a_token_in_the_query_opens_nothing(chat: Chat) -> None:
    """A token in the query is not looked at, on a WebSocket neither."""
    token = await chat.sign_in()

    assert (await chat.refusal(f"/current_user?token={token}&access_token={token}", {}))[0] == 1008


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("ws://localhost", "fastauth_access"),
        ("ws://127.0.0.1:8000", "fastauth_access"),
        ("wss://localhost", "__Host-fastauth_access"),
        ("ws://example.com", "__Host-fastauth_access"),
        ("wss://example.com", "__Host-fastauth_access"),
    ],
)
async def test_a_websocket_reads_the_cookie_that_its_page_was_given(chat: Chat, origin: str, name: str) -> None:
    """A WebSocket reads the cookie of the name that the same origin was given over HTTP, and no other."""
    token = await chat.sign_in()
    page = origin.replace("ws", "http", 1)
    (other,) = {"fastauth_access", "__Host-fastauth_access"} - {name}

    assert (await chat.refusal("/current_user", {"Cookie": f"{other}={token}", "Origin": page}, origin))[0] == 1008
    assert await chat.hear("/current_user", {"Cookie": f"{name}={token}", "Origin": page}, origin) == '"ada"'


async def test_an_override_of_the_root_holds_on_websockets(chat: Chat) -> None:
    """Overriding ``auth.current_account`` in a test signs in on WebSockets as well."""

    async def made() -> Account[Any]:
        await chat.sign_in("superadmin", "verified")
        account: Account[Any] | None = await chat.auth.accounts.find("ada")
        assert account is not None
        return account

    chat.app.dependency_overrides[chat.auth.current_account] = made

    assert await chat.hear("/admin", {}) == '"ada"'


async def test_on_a_real_server_a_refused_handshake_is_403(chat: Chat) -> None:
    """Through a real server and a real client, who may is let in, and a refused handshake is answered with 403."""
    token = await chat.sign_in()

    async with serving(chat.app, ws="websockets-sansio") as url:
        address = f"{url.replace('http', 'ws')}/current_user"
        async with connect(address, additional_headers=by_header(token)) as websocket:
            heard = await websocket.recv()
        with pytest.raises(InvalidStatus) as refused:
            await connect(address)

    assert heard == '"ada"'
    assert refused.value.response.status_code == 403
