"""How tokens travel: in by header or cookie, out by body and cookie, and what wins over what."""

import pytest
from httpx2 import AsyncClient

from tests.conftest import bearer, register, sign_in
from tests.web.cookies import (
    ACCESS,
    CLEARED,
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
from tests.web.helpers import BAD_TOKEN, challenge, on_memory, refused


async def test_a_sign_in_is_answered_in_body_and_cookies(make_auth: Make) -> None:
    """With cookies a sign-in has its tokens in the body and, the same ones, in the cookies."""
    async with cookie_client(make_auth) as client:
        answer = await sign_in_here(client)

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


async def test_r_ck_2_a_refresh_by_cookie_is_answered_in_cookies(make_auth: Make) -> None:
    """A refresh by cookie has no token in its body, and rotates both cookies."""
    async with cookie_client(make_auth) as client:
        before = cookies_of(await sign_in_here(client))
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
async def test_r_ht_7_a_bad_header_is_not_made_up_for_by_a_cookie(
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
    assert attributes_of(answer) == expected(SECURE, CLEARED)
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
    assert attributes_of(ended) == attributes_of(broken) == expected(SECURE, CLEARED)


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

    assert attributes_of(by_header) == expected(SECURE, CLEARED)
    refused(by_nothing, 401, "INVALID_TOKEN")
    assert "set-cookie" not in by_nothing.headers
