"""The ``Authorization`` header: how it is read, and how its refusal is worded."""

from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from fastauth import FastAuth
from tests.conftest import PASSWORD
from tests.web.helpers import (
    BAD_TOKEN,
    NO_TOKEN,
    challenge,
    make_user,
    on_memory,
    refused,
    send_raw,
)

ADA = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
@on_memory
async def test_r_ht_9_the_scheme_has_no_case(auth: FastAuth[Any], client: AsyncClient, scheme: str) -> None:
    """The name of the authorization scheme is read in any case, and further spaces before the token are skipped."""
    account, _ = await make_user(auth)
    token = (await auth.sessions.start(account)).access_token

    answer = await client.get("/users/me", headers={"Authorization": f"{scheme}   {token}"})

    assert answer.status_code == 200


@on_memory
@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, NO_TOKEN),
        ("", BAD_TOKEN),
        ("Bearer", BAD_TOKEN),
        ("Bearer ", BAD_TOKEN),
        ("Basic YWRhOng=", BAD_TOKEN),
        ("{token}", BAD_TOKEN),
        ("Token {token}", BAD_TOKEN),
        ("Bearer{token}", BAD_TOKEN),
        ("Bearer {token}.", BAD_TOKEN),
        ("Bearer {token} {token}", BAD_TOKEN),
        ("Bearer {token}, Bearer {token}", BAD_TOKEN),
        ("Bearer garbage", BAD_TOKEN),
    ],
)
async def test_r_ht_3_a_challenge_names_an_error_only_for_what_was_sent(
    auth: FastAuth[Any], client: AsyncClient, header: str | None, expected: str
) -> None:
    """Without a token the challenge is plain; with a bad one it says ``invalid_token`` (RFC 6750, 3.1)."""
    account, _ = await make_user(auth)
    token = (await auth.sessions.start(account)).access_token

    answer = await client.get(
        "/users/me", headers={} if header is None else {"Authorization": header.format(token=token)}
    )

    refused(answer, 401, "INVALID_TOKEN")
    assert challenge(answer) == expected


@on_memory
async def test_r_ht_7_two_authorization_headers_are_a_bad_request(auth: FastAuth[Any], app: FastAPI) -> None:
    """Two ``Authorization`` headers are a bad request, even when they are the same."""
    _, headers = await make_user(auth)
    header = (b"authorization", headers["Authorization"].encode())

    for method, path in (("GET", "/users/me"), ("GET", "/roles"), ("POST", "/logout")):
        refused(await send_raw(app, method, path, headers=[header, header]), 400, "BAD_REQUEST")
    assert (await send_raw(app, "GET", "/users/me", headers=[header])).status_code == 200
