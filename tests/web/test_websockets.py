"""The same dependencies on a WebSocket: a refused one is closed before it is accepted."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import Depends, FastAPI, WebSocket
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from fastauth import Account, Claims, FastAuth, StoreUnavailableException
from fastauth.backends.memory import MemoryStore
from tests.conftest import PASSWORD
from tests.web.helpers import FailingStore

PATHS = ("/current_user", "/optional_user", "/current_claims", "/admin", "/all", "/verified", "/account")


class Chat:
    """An app with a WebSocket behind each dependency, and a client of it."""

    def __init__(self, make_auth: Callable[..., FastAuth[Any]]) -> None:
        self.store = FailingStore(MemoryStore())
        self.auth = make_auth(self.store, use_cookie=True)
        self.app = FastAPI(lifespan=self.auth.lifespan)
        self.auth.setup(self.app)
        self.accepted: list[str] = []
        self.client = TestClient(self.app, base_url="https://testserver")
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
            self.accepted.append(path)
            await websocket.accept()
            name = who.user_id if isinstance(who, Claims) else None if who is None else who.username
            await websocket.send_json(name)
            await websocket.close()

    def sign_in(self, *roles: str) -> str:
        """Make ``ada`` with these roles, and return an access token."""

        async def make() -> Account[Any]:
            return await self.auth.accounts.create("ada", "ada@example.com", PASSWORD, roles=roles or ("user",))

        assert self.client.portal is not None
        self.client.portal.call(make)
        answer = self.client.post("/token", data={"username": "ada", "password": PASSWORD})
        self.client.cookies.clear()
        return str(answer.json()["access_token"])

    def hear(self, path: str, headers: dict[str, str]) -> Any:
        with self.client.websocket_connect(path, headers=headers) as websocket:
            return websocket.receive_json()

    def refusal(self, path: str, headers: dict[str, str]) -> tuple[int, str]:
        with pytest.raises(WebSocketDisconnect) as closed, self.client.websocket_connect(path, headers=headers):
            pass
        assert self.accepted == []
        return closed.value.code, closed.value.reason


@pytest.fixture
def chat(make_auth: Callable[..., FastAuth[Any]]) -> Iterator[Chat]:
    chat = Chat(make_auth)
    with chat.client:
        yield chat
        chat.store.error = None


def by_header(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def by_cookie(token: str) -> dict[str, str]:
    return {"Cookie": f"__Host-fastauth_access={token}"}


@pytest.mark.parametrize("how", [by_header, by_cookie])
@pytest.mark.parametrize("path", PATHS)
def test_who_may_is_let_in(chat: Chat, path: str, how: Callable[[str], dict[str, str]]) -> None:
    """By header and by cookie, every dependency lets in who may, with the same user as over HTTP."""
    token = chat.sign_in("admin", "moderator", "verified")

    assert chat.hear(path, how(token)) == ("1" if path == "/current_claims" else "ada")


@pytest.mark.parametrize("how", [by_header, by_cookie])
@pytest.mark.parametrize(
    ("path", "code"),
    [("/admin", "PERMISSION_DENIED"), ("/all", "PERMISSION_DENIED"), ("/verified", "EMAIL_NOT_VERIFIED")],
)
def test_who_may_not_is_refused(chat: Chat, path: str, code: str, how: Callable[[str], dict[str, str]]) -> None:
    """A guard that the user does not pass closes with 1008 before the WebSocket is accepted."""
    token = chat.sign_in("user")

    assert chat.refusal(path, how(token)) == (1008, f"FASTAUTH_{code}")


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/optional_user"])
def test_nobody_is_refused(chat: Chat, path: str) -> None:
    """Without a token every dependency but the optional one closes with 1008."""
    assert chat.refusal(path, {}) == (1008, "FASTAUTH_INVALID_TOKEN")


def test_nobody_is_let_in_by_the_optional_dependency(chat: Chat) -> None:
    """Without a token the optional user is None."""
    assert chat.hear("/optional_user", {}) is None


@pytest.mark.parametrize("how", [by_header, by_cookie])
@pytest.mark.parametrize("path", PATHS)
def test_a_bad_token_is_refused(chat: Chat, path: str, how: Callable[[str], dict[str, str]]) -> None:
    """A bad token is refused by every dependency, the optional one too."""
    assert chat.refusal(path, how("garbage")) == (1008, "FASTAUTH_INVALID_TOKEN")


def test_an_ended_session_is_refused(chat: Chat) -> None:
    """A token of an ended session opens no WebSocket; only the claims are still what the token says."""
    token = chat.sign_in("admin", "moderator", "verified")
    chat.client.post("/logout", headers=by_header(token))

    for path in PATHS:
        if path != "/current_claims":
            assert chat.refusal(path, by_header(token)) == (1008, "FASTAUTH_INVALID_TOKEN")
    assert chat.hear("/current_claims", by_header(token)) == "1"


@pytest.mark.parametrize("path", PATHS)
def test_a_repeated_cookie_is_refused(chat: Chat, path: str) -> None:
    """A repeated cookie cannot be read, and closes with 1008."""
    cookie = by_cookie("one")["Cookie"]

    assert chat.refusal(path, {"Cookie": f"{cookie}; {cookie}"}) == (1008, "FASTAUTH_BAD_REQUEST")


def test_a_bad_header_is_not_made_up_for_by_a_cookie(chat: Chat) -> None:
    """A bad header is refused although the cookie is good."""
    token = chat.sign_in()

    assert chat.refusal("/current_user", {**by_cookie(token), **by_header("garbage")})[0] == 1008


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/current_claims"])
def test_an_outage_asks_to_try_again(chat: Chat, path: str) -> None:
    """While the database cannot be reached, a WebSocket is closed with 1013, which says to try again later."""
    token = chat.sign_in("admin", "moderator", "verified")
    chat.store.error = StoreUnavailableException()

    assert chat.refusal(path, by_header(token)) == (1013, "FASTAUTH_STORE_UNAVAILABLE")


def test_a_token_in_the_query_opens_nothing(chat: Chat) -> None:
    """A token in the query is not looked at, on a WebSocket neither."""
    token = chat.sign_in()

    assert chat.refusal(f"/current_user?token={token}&access_token={token}", {})[0] == 1008


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
def test_a_websocket_reads_the_cookie_that_its_page_was_given(chat: Chat, origin: str, name: str) -> None:
    """A WebSocket reads the cookie of the name that the same origin was given over HTTP, and no other."""
    token = chat.sign_in()
    (other,) = {"fastauth_access", "__Host-fastauth_access"} - {name}

    assert chat.refusal(f"{origin}/current_user", {"Cookie": f"{other}={token}"})[0] == 1008
    assert chat.hear(f"{origin}/current_user", {"Cookie": f"{name}={token}"}) == "ada"


def test_an_override_of_the_root_holds_on_websockets(chat: Chat) -> None:
    """Overriding ``auth.current_account`` in a test signs in on WebSockets as well."""

    async def made() -> Account[Any]:
        return await chat.auth.accounts.create("eve", "eve@example.com", PASSWORD, roles=("superadmin", "verified"))

    chat.app.dependency_overrides[chat.auth.current_account] = made

    assert chat.hear("/admin", {}) == "eve"
