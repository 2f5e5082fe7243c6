"""The cookies themselves: names and attributes to the byte, and no trick with names."""

from typing import Any

import pytest
from fastapi import FastAPI

from fastauth import ConfigurationError, CookieSettings, PasswordSettings, TokenSettings
from fastauth.backends.memory import MemoryStore
from tests.conftest import PASSWORD, client_of, sign_in
from tests.web.cookies import (
    ACCESS,
    CLEARED,
    LIFETIMES,
    PLAIN,
    REFRESH,
    SECURE,
    Make,
    attributes_of,
    cookie_client,
    cookies_of,
    expected,
    sign_in_here,
    without_jar,
)
from tests.web.helpers import challenge, refused, send_raw

SAFE_COST = PasswordSettings(bcrypt_cost=10)  # the least that production takes


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
async def test_r_ck_1_cookies_are_what_they_should_be_to_the_byte(
    make_auth: Make, options: dict[str, Any], base_url: str, attributes: dict[str, str]
) -> None:
    """Sign-in, refresh and sign-out write both cookies with the same name and attributes, byte for byte."""
    async with cookie_client(make_auth, base_url=base_url, **options) as client:
        signed_in = await sign_in_here(client)
        # Not from the jar: it keeps Secure cookies back from plain http, as browsers do.
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, (value, _) in cookies_of(signed_in).items())}
        refreshed = await without_jar(client).post("/token/refresh", headers=sent)
        logged_out = await without_jar(client).post("/logout", headers=sent)

    assert attributes_of(signed_in) == expected(attributes, LIFETIMES)
    assert attributes_of(refreshed) == expected(attributes, LIFETIMES)
    assert attributes_of(logged_out) == expected(attributes, CLEARED)
    assert {value for value, _ in cookies_of(logged_out).values()} == {'""'}
    assert (refreshed.status_code, logged_out.status_code) == (200, 204)


@pytest.mark.parametrize("base_url", ["https://testserver", "http://testserver", "http://localhost"])
async def test_r_ck_1_production_writes_secure_cookies_only(make_auth: Make, base_url: str) -> None:
    """In production the cookies are ``__Host-`` and ``Secure`` wherever the request seems to come from."""
    auth = make_auth(MemoryStore(), use_cookie=True, production=True, passwords=SAFE_COST)
    await auth.initialize_db()
    await auth.accounts.register("ada", "ada@example.com", PASSWORD)
    app = FastAPI()
    auth.setup(app)

    async with client_of(app, base_url=base_url) as client:
        answer = await sign_in_here(client)

    assert attributes_of(answer) == expected(SECURE, LIFETIMES)


def test_r_lo_2_production_refuses_cookies_that_travel_in_the_clear(make_auth: Make) -> None:
    """Production with cookies refuses ``secure_cookies=False``; where no cookie is used it says nothing."""
    with pytest.raises(ConfigurationError, match="secure_cookies"):
        make_auth(MemoryStore(), use_cookie=True, secure_cookies=False, production=True, passwords=SAFE_COST)

    assert make_auth(MemoryStore(), secure_cookies=False, production=True, passwords=SAFE_COST).production


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
        answer = await sign_in_here(client)
        me = await client.get("/users/me")

    strict = "; HttpOnly; Max-Age={}; Path=/; SameSite=strict; Secure"
    readable = strict.replace("; HttpOnly", "")
    assert attributes_of(answer) == expected(
        {"__Host-shop_access": strict, "__Host-shop_refresh": strict, "__Host-shop_csrf": readable}, LIFETIMES
    )
    assert me.status_code == 200


async def test_no_cookie_outgrows_what_browsers_take(make_auth: Make) -> None:
    """Name and value of each cookie stay far below 4096 bytes, with an issuer and audiences of a sensible size."""
    tokens = TokenSettings(
        issuer="https://auth.example.com/", audience=[f"https://api{n}.example.com" for n in range(9)]
    )

    async with cookie_client(make_auth, tokens=tokens) as client:
        cookies = cookies_of(await sign_in_here(client))

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
