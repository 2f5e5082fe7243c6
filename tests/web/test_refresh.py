"""``POST /token/refresh``: rotation, grace, reuse, and how long a session lives."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from fastauth import FastAuth, Store
from fastauth.testing import ManualClock
from tests.conftest import client_of, register, sign_in
from tests.web.helpers import (
    BAD_TOKEN,
    NO_TOKEN,
    SAFE_HEADERS,
    challenge,
    claims_of,
    make_user,
    me,
    on_memory,
    refresh,
    refused,
)


async def test_a_refresh_gives_new_tokens_that_work(client: AsyncClient) -> None:
    """A refresh gives a new pair of the same session, and both tokens of it work."""
    await register(client)
    old = await sign_in(client)

    answer = await refresh(client, old["refresh_token"])

    new = answer.json()
    assert answer.status_code == 200
    assert new.keys() == old.keys()
    assert answer.headers.items() >= SAFE_HEADERS.items()
    assert new["access_token"] != old["access_token"]
    assert new["refresh_token"] != old["refresh_token"]
    assert claims_of(new["access_token"])["sid"] == claims_of(old["access_token"])["sid"]
    assert (await me(client, new)).status_code == 200
    assert (await refresh(client, new["refresh_token"])).status_code == 200


async def test_a_bad_refresh_token_is_judged_and_counted_once(client: AsyncClient, auth: FastAuth[Any]) -> None:
    """A refresh token is verified once on its way: a bad one is one more of those that were refused."""
    answer = await refresh(client, "no.token.at-all")

    assert answer.status_code == 401
    assert sum(auth.token_rejections.values()) == 1


async def test_a_refresh_token_replayed_within_the_grace_gets_the_same_generation(
    client: AsyncClient, clock: ManualClock
) -> None:
    """Within the grace period the refresh token before the current one is answered with the current generation."""
    await register(client)
    old = (await sign_in(client))["refresh_token"]
    new = (await refresh(client, old)).json()["refresh_token"]

    clock.move(timedelta(seconds=9))
    again = await refresh(client, old)

    assert again.status_code == 200
    assert claims_of(again.json()["refresh_token"])["gen"] == claims_of(new)["gen"] == 1


async def test_r_se_1_a_replayed_refresh_token_ends_the_session_after_the_grace(
    client: AsyncClient, clock: ManualClock
) -> None:
    """A refresh token that is used again after the grace period ends the session for everyone."""
    await register(client)
    old = await sign_in(client)
    new = (await refresh(client, old["refresh_token"])).json()

    clock.move(timedelta(seconds=11))
    replayed = await refresh(client, old["refresh_token"])

    refused(replayed, 401, "INVALID_REFRESH_TOKEN")
    assert (await me(client, new)).status_code == 401
    refused(await refresh(client, new["refresh_token"]), 401, "INVALID_REFRESH_TOKEN")


@on_memory
@pytest.mark.parametrize("token", ["", "garbage", "a.b.c", "\x00", "é", "x" * 60_000])
async def test_garbage_is_no_refresh_token(client: AsyncClient, token: str) -> None:
    """Garbage is refused as a refresh token."""
    answer = await refresh(client, token)

    refused(answer, 401, "INVALID_REFRESH_TOKEN")
    assert challenge(answer) == NO_TOKEN


@on_memory
async def test_a_refresh_without_a_token_is_refused(client: AsyncClient) -> None:
    """``/token/refresh`` with nothing is refused as an invalid refresh token."""
    refused(await client.post("/token/refresh"), 401, "INVALID_REFRESH_TOKEN")


async def test_an_access_token_expires_and_its_refresh_token_goes_on(client: AsyncClient, clock: ManualClock) -> None:
    """After half an hour the access token is refused, and the refresh token still gives a new one."""
    await register(client)
    tokens = await sign_in(client)

    clock.move(timedelta(minutes=31))
    expired = await me(client, tokens)
    renewed = await refresh(client, tokens["refresh_token"])

    refused(expired, 401, "INVALID_TOKEN")
    assert challenge(expired) == BAD_TOKEN
    assert (await me(client, renewed.json())).status_code == 200


async def test_r_se_4_an_idle_session_ends(client: AsyncClient, clock: ManualClock) -> None:
    """A session that nobody refreshed for a week has ended."""
    await register(client)
    tokens = await sign_in(client)

    clock.move(timedelta(days=7, minutes=1))

    refused(await refresh(client, tokens["refresh_token"]), 401, "INVALID_REFRESH_TOKEN")


async def test_r_se_3_no_chain_of_refreshes_outlives_the_session(client: AsyncClient, clock: ManualClock) -> None:
    """A session that is refreshed every six days ends after thirty days, and its last tokens say so."""
    await register(client)
    tokens = await sign_in(client)
    for _ in range(4):
        clock.move(timedelta(days=6))
        tokens = (await refresh(client, tokens["refresh_token"])).json()

    clock.move(timedelta(days=5, hours=23, minutes=50))
    last = (await refresh(client, tokens["refresh_token"])).json()
    clock.move(timedelta(minutes=11))

    assert last["expires_in"] == 600
    refused(await refresh(client, last["refresh_token"]), 401, "INVALID_REFRESH_TOKEN")
    refused(await me(client, last), 401, "INVALID_TOKEN")


async def test_r_se_2_a_hundred_refreshes_at_once_move_one_generation(
    store: Store[Any], make_auth: Callable[..., FastAuth[Any]]
) -> None:
    """Of 100 simultaneous refreshes of one token, each gets a working token of one and the same generation, or 401."""
    auth = make_auth(store, store_timeout=60)
    await auth.initialize_db()
    app = FastAPI()
    auth.setup(app)
    account, _ = await make_user(auth)
    pair = await auth.sessions.start(account)

    async with client_of(app) as client:
        answers = await asyncio.gather(*(refresh(client, pair.refresh_token) for _ in range(100)))
        good = [answer.json() for answer in answers if answer.status_code == 200]
        opened = [await me(client, tokens) for tokens in good]

    for answer in answers:
        if answer.status_code != 200:
            refused(answer, 401, "INVALID_REFRESH_TOKEN")
    assert good
    assert {answer.status_code for answer in opened} == {200}
    assert {claims_of(tokens["refresh_token"])["gen"] for tokens in good} == {1}
