"""What the tests of cookies share: an app in cookie mode, and a look at the cookies to the byte."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from fastauth import FastAuth
from fastauth.backends.memory import MemoryStore
from tests.conftest import PASSWORD, client_of, register

Make = Callable[..., FastAuth[Any]]
ACCESS, REFRESH, CSRF = "__Host-fastauth_access", "__Host-fastauth_refresh", "__Host-fastauth_csrf"
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}  # what a browser says of a request from the app's own page
SECURE = {
    ACCESS: "; HttpOnly; Max-Age={}; Path=/; SameSite=lax; Secure",
    REFRESH: "; HttpOnly; Max-Age={}; Path=/; SameSite=strict; Secure",
    CSRF: "; Max-Age={}; Path=/; SameSite=strict; Secure",
}
PLAIN = {
    "fastauth_access": "; HttpOnly; Max-Age={}; Path=/; SameSite=lax",
    "fastauth_refresh": "; HttpOnly; Max-Age={}; Path=/; SameSite=strict",
    "fastauth_csrf": "; Max-Age={}; Path=/; SameSite=strict",
}
LIFETIMES = (1800, 604800, 604800)
CLEARED = (0, 0, 0)


@asynccontextmanager
async def cookie_client(
    make_auth: Make, *, base_url: str = "https://testserver", **options: Any
) -> AsyncGenerator[AsyncClient, None]:
    """A client with a cookie jar, on the app's own page, of an app in cookie mode where ``ada`` is registered."""
    auth = make_auth(MemoryStore(), **{"use_cookie": True, **options})
    await auth.initialize_db()
    app = FastAPI()
    auth.setup(app)
    async with client_of(app, base_url=base_url, headers=OWN_PAGE) as client:
        await register(client)
        yield client


def cookies_of(answer: Response) -> dict[str, tuple[str, str]]:
    """Return the value and the attributes, as they were sent, of each cookie that an answer sets."""
    pairs = [line.split("=", 1) for line in answer.headers.get_list("set-cookie")]
    cookies = {name: (rest.split(";", 1)[0], rest[len(rest.split(";", 1)[0]) :]) for name, rest in pairs}
    assert len(cookies) == len(pairs)
    return cookies


def expected(attributes: dict[str, str], lifetimes: tuple[int, int, int]) -> dict[str, str]:
    """Return the attributes of the cookies with their lifetimes filled in."""
    return {name: text.format(seconds) for (name, text), seconds in zip(attributes.items(), lifetimes, strict=True)}


def attributes_of(answer: Response) -> dict[str, str]:
    """Return the attributes, as they were sent, of each cookie that an answer sets."""
    return {name: attributes for name, (_, attributes) in cookies_of(answer).items()}


def without_jar(client: AsyncClient) -> AsyncClient:
    """Return the client with an empty cookie jar, so that a test writes the ``Cookie`` header itself."""
    client.cookies.clear()
    return client


async def sign_in_here(client: AsyncClient) -> Response:
    """Sign ``ada`` in, and return the whole answer."""
    answer = await client.post("/token", data={"username": "ada", "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return answer
