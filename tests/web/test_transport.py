"""How tokens travel in cookies: names and attributes to the byte, what wins over what, and no trick with names."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from fastauth import ConfigurationError, CookieSettings, FastAuth, PasswordSettings, TokenSettings
from fastauth.backends.memory import MemoryStore
from tests.conftest import PASSWORD, bearer, client_of, register, sign_in
from tests.web.helpers import BAD_TOKEN, challenge, on_memory, refused, send_raw

Make = Callable[..., FastAuth[Any]]
ACCESS, REFRESH = "__Host-fastauth_access", "__Host-fastauth_refresh"
SECURE = {
    ACCESS: "; HttpOnly; Max-Age={}; Path=/; SameSite=lax; Secure",
    REFRESH: "; HttpOnly; Max-Age={}; Path=/; SameSite=strict; Secure",
}
PLAIN = {
    "fastauth_access": "; HttpOnly; Max-Age={}; Path=/; SameSite=lax",
    "fastauth_refresh": "; HttpOnly; Max-Age={}; Path=/; SameSite=strict",
}
LIFETIMES = (1800, 604800)
SAFE_COST = PasswordSettings(bcrypt_cost=10)  # the least that production takes


@asynccontextmanager
async def cookie_client(
    make_auth: Make, *, base_url: str = "https://testserver", **options: Any
) -> AsyncGenerator[AsyncClient, None]:
    """A client with a cookie jar of an app in cookie mode, where ``ada`` is registered."""
    auth = make_auth(MemoryStore(), **{"use_cookie": True, **options})
    await auth.initialize_db()
    app = FastAPI()
    auth.setup(app)
    async with client_of(app, base_url=base_url) as client:
        await register(client)
        yield client


def cookies_of(answer: Response) -> dict[str, tuple[str, str]]:
    """Return the value and the attributes, as they were sent, of each cookie that an answer sets."""
    pairs = [line.split("=", 1) for line in answer.headers.get_list("set-cookie")]
    cookies = {name: (rest.split(";", 1)[0], rest[len(rest.split(";", 1)[0]) :]) for name, rest in pairs}
    assert len(cookies) == len(pairs)
    return cookies


def expected(attributes: dict[str, str], lifetimes: tuple[int, int]) -> dict[str, str]:
    return {name: text.format(seconds) for (name, text), seconds in zip(attributes.items(), lifetimes, strict=True)}


def attributes_of(answer: Response) -> dict[str, str]:
    return {name: attributes for name, (_, attributes) in cookies_of(answer).items()}


def without_jar(client: AsyncClient) -> AsyncClient:
    """Return the client with an empty cookie jar, so that a test writes the ``Cookie`` header itself."""
    client.cookies.clear()
    return client


async def try_sign_in(client: AsyncClient) -> Response:
    answer = await client.post("/token", data={"username": "ada", "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize(
    ("options", "base_url", "attributes"),
    [
        ({}, "https://testserver", SECURE),
        ({}, "https://localhost", SECURE),
        ({}, "http://testserver", SECURE),
        ({}, "http://localhost.example.com", SECURE),
        ({}, "http://127.0.0.1.example.com", SECURE),
        ({}, "http://localhost", PLAIN),
        ({}, "http://localhost:8000", PLAIN),
        ({}, "http://app.localhost:8000", PLAIN),
        ({}, "http://127.0.0.1:8000", PLAIN),
        ({}, "http://[::1]:8000", PLAIN),
        ({"secure_cookies": False}, "https://testserver", PLAIN),
        ({"secure_cookies": False}, "http://testserver", PLAIN),
    ],
)
async def test_cookies_are_what_they_should_be_to_the_byte(
    make_auth: Make, options: dict[str, Any], base_url: str, attributes: dict[str, str]
) -> None:
    """Sign-in, refresh and sign-out write both cookies with the same name and attributes, byte for byte."""
    async with cookie_client(make_auth, base_url=base_url, **options) as client:
        signed_in = await try_sign_in(client)
        # Not from the jar: it keeps Secure cookies back from plain http, as browsers do.
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, (value, _) in cookies_of(signed_in).items())}
        refreshed = await without_jar(client).post("/token/refresh", headers=sent)
        logged_out = await without_jar(client).post("/logout", headers=sent)

    assert attributes_of(signed_in) == expected(attributes, LIFETIMES)
    assert attributes_of(refreshed) == expected(attributes, LIFETIMES)
    assert attributes_of(logged_out) == expected(attributes, (0, 0))
    assert {value for value, _ in cookies_of(logged_out).values()} == {'""'}
    assert (refreshed.status_code, logged_out.status_code) == (200, 204)


@pytest.mark.parametrize("base_url", ["https://testserver", "http://testserver", "http://localhost"])
async def test_production_writes_secure_cookies_only(make_auth: Make, base_url: str) -> None:
    """In production the cookies are ``__Host-`` and ``Secure`` wherever the request seems to come from."""
    auth = make_auth(MemoryStore(), use_cookie=True, production=True, passwords=SAFE_COST)
    await auth.initialize_db()
    await auth.accounts.register("ada", "ada@example.com", PASSWORD)
    app = FastAPI()
    auth.setup(app)

    async with client_of(app, base_url=base_url) as client:
        answer = await try_sign_in(client)

    assert attributes_of(answer) == expected(SECURE, LIFETIMES)


def test_production_refuses_cookies_that_travel_in_the_clear(make_auth: Make) -> None:
    """Production with cookies refuses ``secure_cookies=False``; where no cookie is used it says nothing."""
    with pytest.raises(ConfigurationError, match="secure_cookies"):
        make_auth(MemoryStore(), use_cookie=True, secure_cookies=False, production=True, passwords=SAFE_COST)

    assert make_auth(MemoryStore(), secure_cookies=False, production=True, passwords=SAFE_COST).production


async def test_a_sign_in_is_answered_in_body_and_cookies(make_auth: Make) -> None:
    """With cookies a sign-in has its tokens in the body and, the same ones, in the cookies."""
    async with cookie_client(make_auth) as client:
        answer = await try_sign_in(client)

    cookies = cookies_of(answer)
    assert answer.json()["access_token"] == cookies[ACCESS][0]
    assert answer.json()["refresh_token"] == cookies[REFRESH][0]


async def test_the_cookie_signs_in(make_auth: Make) -> None:
    """The access cookie signs a request in, the refresh cookie alone does not."""
    async with cookie_client(make_auth) as client:
        tokens = await sign_in(client)
        by_jar = await client.get("/users/me")
        without_jar(client)
        by_access = await client.get("/users/me", headers={"Cookie": f"{ACCESS}={tokens['access_token']}"})
        by_refresh = await client.get("/users/me", headers={"Cookie": f"{REFRESH}={tokens['refresh_token']}"})
        swapped = await client.get("/users/me", headers={"Cookie": f"{ACCESS}={tokens['refresh_token']}"})

    assert (by_jar.status_code, by_access.status_code) == (200, 200)
    refused(by_refresh, 401, "INVALID_TOKEN")
    refused(swapped, 401, "INVALID_TOKEN")


@on_memory
async def test_without_cookies_no_cookie_is_read(client: AsyncClient) -> None:
    """Without ``use_cookie`` cookies are neither read nor set nor cleared."""
    await register(client)
    tokens = await sign_in(client)
    cookies = {"Cookie": f"{ACCESS}={tokens['access_token']}; {REFRESH}={tokens['refresh_token']}"}

    me = await client.get("/users/me", headers=cookies)
    refreshed = await client.post("/token/refresh", headers=cookies)
    logged_out = await client.post("/logout", headers=cookies)

    refused(me, 401, "INVALID_TOKEN")
    refused(refreshed, 401, "INVALID_REFRESH_TOKEN")
    refused(logged_out, 401, "INVALID_TOKEN")
    assert "set-cookie" not in (await client.post("/logout", headers=bearer(tokens))).headers


async def test_a_refresh_by_cookie_is_answered_in_cookies(make_auth: Make) -> None:
    """A refresh by cookie has no token in its body, and rotates both cookies."""
    async with cookie_client(make_auth) as client:
        before = cookies_of(await try_sign_in(client))
        answer = await client.post("/token/refresh")
        me = await client.get("/users/me")

    after = cookies_of(answer)
    assert answer.json() == {"token_type": "bearer", "expires_in": 1800}
    assert answer.headers["cache-control"] == "no-store"
    assert after[ACCESS][0] not in {"", before[ACCESS][0]}
    assert after[REFRESH][0] not in {"", before[REFRESH][0]}
    assert me.status_code == 200


async def test_a_refresh_by_body_is_answered_in_the_body(make_auth: Make) -> None:
    """In cookie mode too a refresh by body has its tokens in the body."""
    async with cookie_client(make_auth) as client:
        tokens = await sign_in(client)
        answer = await without_jar(client).post("/token/refresh", json={"refresh_token": tokens["refresh_token"]})

    assert answer.json().keys() == tokens.keys()


async def test_a_bad_refresh_in_the_body_is_not_made_up_for_by_the_cookie(make_auth: Make) -> None:
    """A bad refresh token in the body is refused, whatever the cookie holds."""
    async with cookie_client(make_auth) as client:
        await sign_in(client)
        answer = await client.post("/token/refresh", json={"refresh_token": "garbage"})

    refused(answer, 401, "INVALID_REFRESH_TOKEN")


async def test_the_header_comes_before_the_cookie(make_auth: Make) -> None:
    """With a good header and the cookie of someone else, the request is the header's."""
    async with cookie_client(make_auth) as client:
        await register(client, "grace")
        grace = await sign_in(client, "grace")
        await sign_in(client, "ada")
        answer = await client.get("/users/me", headers=bearer(grace))
        bad_cookie = await without_jar(client).get("/users/me", headers={**bearer(grace), "Cookie": f"{ACCESS}=x"})

    assert answer.json()["username"] == "grace"
    assert bad_cookie.json()["username"] == "grace"


@pytest.mark.parametrize("header", ["Bearer garbage", "Basic YWRhOng=", "Bearer", ""])
@pytest.mark.parametrize(("method", "path"), [("GET", "/users/me"), ("GET", "/roles"), ("POST", "/logout")])
async def test_a_bad_header_is_not_made_up_for_by_a_cookie(
    make_auth: Make, header: str, method: str, path: str
) -> None:
    """A bad header is refused although the cookie is good, and the session of the cookie goes on."""
    async with cookie_client(make_auth) as client:
        await sign_in(client)
        answer = await client.request(method, path, headers={"Authorization": header})
        me = await client.get("/users/me")

    refused(answer, 401, "INVALID_TOKEN")
    assert challenge(answer) == BAD_TOKEN
    assert "set-cookie" not in answer.headers
    assert me.status_code == 200


async def test_logout_with_only_the_refresh_cookie_ends_the_session(make_auth: Make) -> None:
    """A logout with only the refresh cookie, the access cookie having expired in the browser, ends the session."""
    async with cookie_client(make_auth) as client:
        tokens = await sign_in(client)
        cookie = {"Cookie": f"{REFRESH}={tokens['refresh_token']}"}
        answer = await without_jar(client).post("/logout", headers=cookie)
        me = await client.get("/users/me", headers=bearer(tokens))
        refreshed = await client.post("/token/refresh", headers=cookie)

    assert answer.status_code == 204
    assert attributes_of(answer) == expected(SECURE, (0, 0))
    refused(me, 401, "INVALID_TOKEN")
    refused(refreshed, 401, "INVALID_REFRESH_TOKEN")


@pytest.mark.parametrize("sent", ["access", "refresh", "both"])
async def test_logout_with_cookies_of_an_ended_session_clears_them(make_auth: Make, sent: str) -> None:
    """A browser with cookies of a session that has ended, or with broken ones, gets rid of them."""
    async with cookie_client(make_auth) as client:
        tokens = await sign_in(client)
        await client.post("/logout", headers=bearer(tokens))
        values = {"access": f"{ACCESS}={tokens['access_token']}", "refresh": f"{REFRESH}={tokens['refresh_token']}"}
        cookie = "; ".join(values.values()) if sent == "both" else values[sent]
        ended = await without_jar(client).post("/logout", headers={"Cookie": cookie})
        broken = await client.post("/logout", headers={"Cookie": cookie.replace("=ey", "=xx")})

    assert (ended.status_code, broken.status_code) == (204, 204)
    assert attributes_of(ended) == attributes_of(broken) == expected(SECURE, (0, 0))


async def test_logout_with_an_expired_access_cookie_goes_by_the_refresh_cookie(make_auth: Make) -> None:
    """A broken access cookie beside a good refresh cookie does not keep the session alive."""
    async with cookie_client(make_auth) as client:
        tokens = await sign_in(client)
        cookie = f"{ACCESS}=broken; {REFRESH}={tokens['refresh_token']}"
        answer = await without_jar(client).post("/logout", headers={"Cookie": cookie})
        me = await client.get("/users/me", headers=bearer(tokens))

    assert answer.status_code == 204
    refused(me, 401, "INVALID_TOKEN")


async def test_logout_by_header_clears_the_cookies_too(make_auth: Make) -> None:
    """In cookie mode a logout by header clears the cookies, and a logout with nothing is refused and clears nothing."""
    async with cookie_client(make_auth) as client:
        tokens = await sign_in(client)
        by_header = await without_jar(client).post("/logout", headers=bearer(tokens))
        by_nothing = await client.post("/logout")

    assert attributes_of(by_header) == expected(SECURE, (0, 0))
    refused(by_nothing, 401, "INVALID_TOKEN")
    assert "set-cookie" not in by_nothing.headers


@pytest.mark.parametrize("path", ["/users/me", "/token/refresh", "/logout"])
@pytest.mark.parametrize("one_header", [True, False])
async def test_a_repeated_cookie_is_a_bad_request(make_auth: Make, path: str, one_header: bool) -> None:
    """A cookie of ours that is sent twice, in one header or in two, is a bad request."""
    async with cookie_client(make_auth) as client:
        tokens = await sign_in(client)
        without_jar(client)
        name, token = (REFRESH, "refresh_token") if path == "/token/refresh" else (ACCESS, "access_token")
        good, other = f"{name}={tokens[token]}", f"{name}=other"
        lines = [("Cookie", f"{good}; {other}")] if one_header else [("Cookie", good), ("Cookie", other)]
        answer = await client.request("GET" if path == "/users/me" else "POST", path, headers=lines)

    refused(answer, 400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "header",
    [
        "theme=dark; {good}; lang=en",
        "theme=dark;{good}",
        "\t{good}\t",
        "{good}; \x85__Host-fastauth_access=evil",
        "{good}; \xa0__Host-fastauth_access=evil",
        "{good}; \x1f__Host-fastauth_access=evil",
        "{good}; __host-fastauth_access=evil",
        "{good}; fastauth_access=evil",
        "{good}; __Host-fastauth_access",
        "{good}; x__Host-fastauth_access=evil",
    ],
)
async def test_only_the_exact_name_is_our_cookie(make_auth: Make, header: str) -> None:
    """A good cookie is found among others, and no name that only looks like ours takes its place."""
    async with cookie_client(make_auth) as client:
        tokens = await sign_in(client)
        line = header.format(good=f"{ACCESS}={tokens['access_token']}").encode("latin-1")
        answer = await without_jar(client).get("/users/me", headers=[(b"Cookie", line)])

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "name", ["\x85{}", "\xa0{}", "\x1f{}", "\x0b{}", "\x0c{}", "{}\x85", "{}\xa0", "{}\x00", "\x00{}", '"{}"']
)
@pytest.mark.parametrize("base_url", ["https://testserver", "http://localhost"])
async def test_a_name_in_disguise_is_no_cookie_of_ours(make_auth: Make, name: str, base_url: str) -> None:
    """A name with anything but a space or tab around it is another cookie, however a parser might trim it."""
    async with cookie_client(make_auth, base_url=base_url) as client:
        tokens = await sign_in(client)
        ours = ACCESS if base_url.startswith("https") else "fastauth_access"
        line = f"{name.format(ours)}={tokens['access_token']}".encode("latin-1")
        answer = await without_jar(client).get("/users/me", headers=[(b"Cookie", line)])

    refused(answer, 401, "INVALID_TOKEN")
    assert challenge(answer) == "Bearer"


@pytest.mark.parametrize("value", ["", " ", ";"])
async def test_an_empty_cookie_is_no_cookie(make_auth: Make, value: str) -> None:
    """An empty cookie is as if none was sent."""
    async with cookie_client(make_auth) as client:
        answer = await client.get("/users/me", headers={"Cookie": f"{ACCESS}={value}"})

    refused(answer, 401, "INVALID_TOKEN")
    assert challenge(answer) == "Bearer"


async def test_names_and_samesite_are_the_apps_choice(make_auth: Make) -> None:
    """``CookieSettings`` names the cookies and sets SameSite of the access cookie; the prefix is added all the same."""
    cookies = CookieSettings(name="shop", samesite="strict")

    async with cookie_client(make_auth, cookies=cookies) as client:
        answer = await try_sign_in(client)
        me = await client.get("/users/me")

    strict = "; HttpOnly; Max-Age={}; Path=/; SameSite=strict; Secure"
    assert attributes_of(answer) == expected({"__Host-shop_access": strict, "__Host-shop_refresh": strict}, LIFETIMES)
    assert me.status_code == 200


async def test_no_cookie_outgrows_what_browsers_take(make_auth: Make) -> None:
    """Name and value of each cookie stay far below 4096 bytes, with an issuer and audiences of a sensible size."""
    tokens = TokenSettings(
        issuer="https://auth.example.com/", audience=[f"https://api{n}.example.com" for n in range(9)]
    )

    async with cookie_client(make_auth, tokens=tokens) as client:
        cookies = cookies_of(await try_sign_in(client))

    assert all(len(name) + len(value) < 2048 for name, (value, _) in cookies.items())


@pytest.mark.parametrize("host", [b"[", b"[::1", b"]", b"a b", b"\xff", b"", b"x:99999999", b"a@b", b"a\\b", b"a/../b"])
async def test_a_strange_host_gets_secure_cookies(make_auth: Make, host: bytes) -> None:
    """A ``Host`` header that names no loopback address, or nothing at all, gets the strict cookies and no failure."""
    auth = make_auth(MemoryStore(), use_cookie=True)
    await auth.initialize_db()
    await auth.accounts.register("ada", "ada@example.com", PASSWORD)
    app = FastAPI()
    auth.setup(app)
    headers = [(b"content-type", b"application/x-www-form-urlencoded")]
    body = f"username=ada&password={PASSWORD}".replace(" ", "+").encode()

    answer = await send_raw(app, "POST", "/token", headers=headers, chunks=[body], scheme="http", host=host)

    assert attributes_of(answer) == expected(SECURE, LIFETIMES)
