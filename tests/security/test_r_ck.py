"""The rows R-CK of the security requirements that have no better place: what cookies are, and when they end."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from starlette.requests import HTTPConnection
from starlette.responses import Response

from fastauth import ConfigurationError, CookieSettings, FastAuth, TokenSettings
from fastauth.testing import ManualClock
from fastauth.web.cookies import Cookies
from tests.web.cookies import (
    ACCESS,
    CSRF,
    LIFETIMES,
    REFRESH,
    attributes_of,
    cookie_client,
    cookies_of,
    sign_in_here,
    without_jar,
)
from tests.web.helpers import refused

Make = Callable[..., FastAuth[Any]]


async def test_r_ck_2_no_token_of_a_cookie_is_readable(make_auth: Make) -> None:
    """Both tokens are ``HttpOnly``, and the one cookie that a page reads says nothing about them."""
    async with cookie_client(make_auth) as client:
        answer = await sign_in_here(client)

    cookies = cookies_of(answer)
    assert "; HttpOnly" in cookies[ACCESS][1]
    assert "; HttpOnly" in cookies[REFRESH][1]
    assert "HttpOnly" not in cookies[CSRF][1]
    assert len(cookies[CSRF][0]) == 43
    assert not any(part in cookies[CSRF][0] for part in answer.json()["access_token"].split("."))


@pytest.mark.parametrize("base_url", ["https://testserver", "http://localhost"])
async def test_r_ck_3_every_cookie_has_same_site(make_auth: Make, base_url: str) -> None:
    """The access cookie is ``Lax``, the refresh cookie and the CSRF cookie are ``Strict``."""
    async with cookie_client(make_auth, base_url=base_url) as client:
        attributes = attributes_of(await sign_in_here(client))

    same_site = {name: text.split("SameSite=")[1].split(";")[0] for name, text in attributes.items()}
    assert {name.removeprefix("__Host-"): value for name, value in same_site.items()} == {
        "fastauth_access": "lax",
        "fastauth_refresh": "strict",
        "fastauth_csrf": "strict",
    }


def https_request() -> HTTPConnection:
    return HTTPConnection({"type": "http", "scheme": "https", "headers": [(b"host", b"testserver")]})


def test_r_ck_4_a_cookie_of_one_byte_too_many_is_an_error() -> None:
    """A cookie of 4096 bytes, name and value, is set; one byte more, and it is an error, since browsers drop it."""
    cookies = Cookies(CookieSettings(), secure=True, production=True)
    response = Response()
    largest = "x" * (4096 - len(ACCESS))

    cookies.set(response, https_request(), "access", largest, 60)
    with pytest.raises(ConfigurationError, match="would have 4097 bytes, and browsers keep no more than 4096"):
        cookies.set(response, https_request(), "access", f"{largest}x", 60)

    assert [line.split(";")[0] for line in response.headers.getlist("set-cookie")] == [f"{ACCESS}={largest}"]


async def test_r_ck_4_a_sign_in_with_an_outgrown_cookie_fails_loudly(make_auth: Make) -> None:
    """A sign-in whose tokens fit no cookie raises in the app, rather than sign in somebody who stays signed out."""
    tokens = TokenSettings(audience=[f"https://api{number}.example.com" for number in range(110)])

    async with cookie_client(make_auth, tokens=tokens) as client:
        with pytest.raises(ConfigurationError, match="put less into"):
            await sign_in_here(client)


@pytest.mark.parametrize("base_url", ["https://testserver", "http://localhost"])
async def test_r_ck_7_a_sign_out_takes_back_every_cookie_and_ends_the_session(make_auth: Make, base_url: str) -> None:
    """A sign-out clears each cookie under the name and attributes it was set with, and ends the session."""
    async with cookie_client(make_auth, base_url=base_url) as client:
        signed_in = await sign_in_here(client)
        kept = {"Cookie": "; ".join(f"{name}={value}" for name, (value, _) in cookies_of(signed_in).items())}
        without_jar(client)
        signed_out = await client.post("/logout", headers=kept)
        me = await client.get("/users/me", headers=kept)
        refreshed = await client.post("/token/refresh", headers=kept)

    lifetimes = [f"Max-Age={seconds}" for seconds in LIFETIMES]
    set_with = [
        text.replace(age, "") for (_, text), age in zip(attributes_of(signed_in).items(), lifetimes, strict=True)
    ]
    cleared_with = [text.replace("Max-Age=0", "") for text in attributes_of(signed_out).values()]
    assert attributes_of(signed_out).keys() == attributes_of(signed_in).keys()
    assert set_with == cleared_with
    refused(me, 401, "INVALID_TOKEN")
    refused(refreshed, 401, "INVALID_REFRESH_TOKEN")


async def test_r_ck_8_a_browser_that_keeps_a_cookie_keeps_no_session(make_auth: Make, clock: ManualClock) -> None:
    """The server ends a session in its time, and no answer prolongs one but that of a refresh, whatever is sent."""
    async with cookie_client(make_auth) as client:
        kept = cookies_of(await sign_in_here(client))
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, (value, _) in kept.items())}
        without_jar(client)
        clock.move(timedelta(minutes=31))
        expired = await client.get("/users/me", headers=headers)
        clock.move(timedelta(days=7))
        idle = await client.post("/token/refresh", headers=headers)

    refused(expired, 401, "INVALID_TOKEN")
    refused(idle, 401, "INVALID_REFRESH_TOKEN")
    assert "set-cookie" not in {**expired.headers, **idle.headers}


async def test_cookies_without_secure_are_hinted_at_once(make_auth: Make, caplog: pytest.LogCaptureFixture) -> None:
    """On http at a loopback address in development sign-in works with plain cookies, and the log says so once."""
    async with cookie_client(make_auth, base_url="http://localhost:8000") as client:
        await sign_in_here(client)
        await sign_in_here(client)
        me = await client.get("/users/me")

    assert me.status_code == 200
    assert [record.levelname for record in caplog.records if "without Secure" in record.getMessage()] == ["WARNING"]


@pytest.mark.parametrize(
    ("base_url", "options"),
    [("https://localhost", {}), ("http://localhost", {"secure_cookies": False}), ("https://testserver", {})],
)
async def test_nothing_is_hinted_at_where_it_was_asked_for(
    make_auth: Make, caplog: pytest.LogCaptureFixture, base_url: str, options: dict[str, Any]
) -> None:
    """Over https, and where the app has asked for plain cookies, there is no hint."""
    async with cookie_client(make_auth, base_url=base_url, **options) as client:
        await sign_in_here(client)

    assert "without Secure" not in caplog.text
