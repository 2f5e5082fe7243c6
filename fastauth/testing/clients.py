"""Clients of tests, whichever library they come from: Starlette's ``TestClient``, httpx and httpx2."""

from email.message import Message
from typing import Any, Protocol, runtime_checkable
from urllib.request import Request

from starlette.requests import HTTPConnection
from starlette.responses import Response

from fastauth.core.exceptions import ConfigurationError
from fastauth.core.models import TokenPair
from fastauth.web.csrf import CSRF_HEADER
from fastauth.web.transport import TokenTransport


class Client(Protocol):
    """What all of them have."""

    @property
    def base_url(self) -> Any:
        """Where it sends requests."""
        ...

    @property
    def headers(self) -> Any:
        """What it sends with each of them."""
        ...

    @property
    def cookies(self) -> Any:
        """The cookies it keeps, in a ``jar``."""
        ...


@runtime_checkable
class AsyncClient(Client, Protocol):
    """One that is awaited."""

    async def aclose(self) -> None:
        """Close it."""
        ...


@runtime_checkable
class SyncClient(Client, Protocol):
    """One that is not."""

    def close(self) -> None:
        """Close it."""
        ...


def carry_bearer(client: Client, pair: TokenPair, transport: TokenTransport) -> None:
    """Have a client send the access token in its header, and nothing of whom it was signed in as before."""
    _forget(client, transport)
    client.headers["Authorization"] = f"Bearer {pair.access_token}"


def carry_cookies(client: Client, pair: TokenPair, transport: TokenTransport) -> None:
    """Have a client send both tokens in cookies, and the CSRF token in its header, as a page would.

    It sends nothing of whom it was signed in as before: a header would outrank the cookies.

    Raises:
        ConfigurationError: The app sets no cookies, or the client would not send them.
    """
    if not transport.use_cookie:
        raise ConfigurationError("by_cookie=True needs FastAuth(use_cookie=True).")
    url = str(client.base_url)
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0]
    scope = {"type": "http", "scheme": scheme, "headers": [(b"host", host.encode())]}
    answer = Response()
    transport.set_cookies(answer, pair, HTTPConnection(scope))
    set_cookies = answer.headers.getlist("set-cookie")
    if scheme != "https" and any("; Secure" in each for each in set_cookies):
        raise ConfigurationError(
            f"A client at {url} sends no Secure cookies: give it base_url='https://testserver', as in "
            "TestClient(app, base_url='https://testserver')."
        )
    _forget(client, transport)
    # Through the jar, as an answer of the app would: the app's next cookies then replace these.
    client.cookies.jar.extract_cookies(_Answer(set_cookies), Request(url))  # noqa: S310  # nothing is opened
    csrf = next(each for each in set_cookies if each.partition("=")[0].endswith("_csrf"))
    client.headers[CSRF_HEADER] = csrf.partition("=")[2].partition(";")[0]


def _forget(client: Client, transport: TokenTransport) -> None:
    client.headers.pop("Authorization", None)
    if not transport.use_cookie:
        return
    client.headers.pop(CSRF_HEADER, None)
    answer = Response()
    transport.clear_cookies(answer, HTTPConnection({"type": "http", "scheme": "https", "headers": []}))
    ours = {_plain_name(each.partition("=")[0]) for each in answer.headers.getlist("set-cookie")}
    # Not through the jar: the client may have been at several hosts, or have no base_url.
    for cookie in list(client.cookies.jar):
        if _plain_name(cookie.name) in ours:
            client.cookies.jar.clear(cookie.domain, cookie.path, cookie.name)


def _plain_name(cookie: str) -> str:
    return cookie.removeprefix("__Host-")


class _Answer:
    """The headers of an answer, as the jar wants to be shown them."""

    def __init__(self, set_cookies: list[str]) -> None:
        self._message = Message()
        for each in set_cookies:
            self._message["Set-Cookie"] = each

    def info(self) -> Message:
        return self._message
