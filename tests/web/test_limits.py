"""Rate limits on the routes: the status, the fields that tell of them, and the routes that have none."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from fastauth import FastAuth, LimitSettings, StoreUnavailableException
from fastauth.backends.memory import MemoryStore
from tests.conftest import PASSWORD, bearer, client_of, register, sign_in
from tests.web.helpers import refused
from tests.web.test_sign_in_methods import PinSignIn

TWO = LimitSettings(sign_in="2/minute", sign_in_per_client="3/minute", refresh="1/minute", register="1/hour")


@pytest.fixture
async def auth(make_auth: Callable[..., FastAuth[Any]]) -> FastAuth[Any]:
    """A ``FastAuth`` with small limits."""
    auth = make_auth(MemoryStore(), limits=TWO, sign_in_methods=[PinSignIn(MemoryStore())])
    await auth.initialize_db()
    return auth


@pytest.fixture
async def client(auth: FastAuth[Any]) -> AsyncGenerator[AsyncClient, None]:
    """A client of an app with small limits, where ``ada`` is registered."""
    app = FastAPI()
    auth.setup(app)
    async with client_of(app) as client:
        await register(client)
        yield client


async def test_answers_tell_of_the_limits(client: AsyncClient) -> None:
    """Every answer of a limited route tells how its limits stand, and a refusal when to come back."""
    form = {"username": "ada", "password": "wrong"}
    answers = [await client.post("/token", data=form) for _ in range(3)]

    refused(answers[0], 401, "INVALID_CREDENTIALS")
    refused(answers[2], 429, "RATE_LIMITED")
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"account";q=2;w=60, "client";q=3;w=60'}
    assert [answer.headers["ratelimit"] for answer in answers] == [
        '"account";r=1;t=60, "client";r=2;t=60',
        '"account";r=0;t=60, "client";r=1;t=60',
        '"account";r=0;t=60, "client";r=1;t=60',
    ]
    assert answers[2].headers["retry-after"] == "60"


async def test_a_refresh_is_limited_per_session(client: AsyncClient) -> None:
    """Refreshes are counted per session, and another session of the same user has its own count."""
    first, second = await sign_in(client), await sign_in(client)

    answers = [
        await client.post("/token/refresh", json={"refresh_token": each["refresh_token"]})
        for each in (first, first, second)
    ]

    assert [answer.status_code for answer in answers] == [200, 429, 200]


async def test_bad_refresh_tokens_are_counted_by_client(client: AsyncClient) -> None:
    """Tokens that name no session are counted by the client that sends them."""
    answer = await client.post("/token/refresh", json={"refresh_token": "nonsense"})

    refused(answer, 401, "INVALID_REFRESH_TOKEN")
    assert answer.headers["ratelimit"] == '"client";r=299;t=60'


async def test_a_registration_is_limited_per_address(client: AsyncClient) -> None:
    """Registrations are counted by address, in any spelling, whoever succeeds."""
    body = {"username": "eve", "email": "ADA@Example.com", "password": PASSWORD}

    refused(await client.post("/register", json=body), 429, "RATE_LIMITED")
    await register(client, "bob")


async def test_a_further_way_to_sign_in_is_limited_by_client(client: AsyncClient) -> None:
    """A further way to sign in is counted by the client, together with passwords."""
    names = ("ada", "bob", "eve", "kim")
    statuses = [
        (await client.post("/token/one-pin", json={"username": name, "pin": "1"})).status_code for name in names
    ]

    assert statuses[-1] == 429
    assert 429 not in statuses[:-1]


async def test_a_further_way_to_sign_in_is_limited_by_account(client: AsyncClient) -> None:
    """Where its model has a username, guesses are counted by the account too, together with those at the password."""
    password = await client.post("/token", data={"username": "ada", "password": "wrong"})
    pins = [await client.post("/token/one-pin", json={"username": name, "pin": "1"}) for name in ("ADA", "ada")]

    assert [answer.status_code for answer in (password, *pins)] == [401, 401, 429]


async def test_a_protected_route_asks_for_no_limit(auth: FastAuth[Any], client: AsyncClient) -> None:
    """A protected route is not counted, and works while the storage of the limits is down."""
    tokens = await sign_in(client)

    async def down(*_: Any) -> None:
        raise StoreUnavailableException

    assert auth._limiter is not None
    auth._limiter._take = down  # type: ignore[assignment]
    me = await client.get("/users/me", headers=bearer(tokens))

    assert me.status_code == 200
    assert "ratelimit" not in me.headers
    refused(await client.post("/token", data={"username": "ada", "password": PASSWORD}), 503, "STORE_UNAVAILABLE")


async def test_without_limits_nothing_is_told(make_auth: Callable[..., FastAuth[Any]]) -> None:
    """With ``limits=None`` nothing is counted, and no answer tells of limits."""
    auth = make_auth(MemoryStore(), limits=None)
    await auth.initialize_db()
    app = FastAPI()
    auth.setup(app)

    async with client_of(app) as client:
        user = await register(client)
        answers = [await client.post("/token", data={"username": "ada", "password": "wrong"}) for _ in range(20)]
        await auth.accounts.unlock(str(user["id"]))

    assert {answer.status_code for answer in answers} == {401}
    assert not any("ratelimit" in answer.headers for answer in answers)
