"""``POST /token``, ``/token/refresh`` and ``/logout``."""

from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from fastauth import FastAuth
from tests.conftest import PASSWORD, bearer, register, sign_in
from tests.web.helpers import (
    BAD_TOKEN,
    NO_TOKEN,
    SAFE_HEADERS,
    challenge,
    claims_of,
    me,
    on_memory,
    refresh,
    refused,
    send_raw,
    try_sign_in,
)

FORM = (b"content-type", b"application/x-www-form-urlencoded")


async def test_a_user_signs_in_by_username_or_address_in_any_case(client: AsyncClient) -> None:
    """A user signs in by username or by e-mail address, in any case."""
    await register(client)

    for login in ("ada", "ADA", "Ada", "ada@example.com", "Ada@Example.COM"):
        answer = await try_sign_in(client, login)
        assert answer.status_code == 200, login
        assert answer.json().keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
        assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("bearer", 1800)
        assert answer.headers.items() >= SAFE_HEADERS.items()
        assert "set-cookie" not in answer.headers


@on_memory
@pytest.mark.parametrize("form", [{}, {"grant_type": ""}, {"grant_type": "password"}, {"scope": "", "client_id": "x"}])
async def test_the_form_of_the_password_flow_is_accepted(client: AsyncClient, form: dict[str, str]) -> None:
    """``grant_type`` may be missing, empty or ``password``, and the other fields of the flow are ignored."""
    await register(client)

    assert (await try_sign_in(client, **form)).status_code == 200


@on_memory
@pytest.mark.parametrize("grant_type", ["client_credentials", "refresh_token", "PASSWORD", " password"])
async def test_another_grant_type_is_a_bad_request(client: AsyncClient, grant_type: str) -> None:
    """Another ``grant_type`` is a bad request, right password or not."""
    await register(client)

    refused(await try_sign_in(client, grant_type=grant_type), 400, "BAD_REQUEST")


async def test_r_lg_4_a_sign_in_that_fails_does_not_say_why(auth: FastAuth[Any], client: AsyncClient) -> None:
    """An unknown user, a wrong password and a login that can be nobody's get the same answer, byte for byte."""
    await register(client)
    disabled = await register(client, "eve")
    await auth.accounts.disable(str(disabled["id"]))
    tries = [("ada", "wrong"), ("nobody", PASSWORD), ("n@x.org", PASSWORD), ("a b", PASSWORD), ("@", "x"), ("eve", "x")]

    answers = [await try_sign_in(client, login, password) for login, password in [*tries, ("ada", "x" * 1025)]]

    refused(answers[0], 401, "INVALID_CREDENTIALS")
    assert challenge(answers[0]) == NO_TOKEN
    assert {(answer.status_code, answer.content, tuple(answer.headers.items())) for answer in answers} == {
        (401, answers[0].content, tuple(answers[0].headers.items()))
    }


async def test_a_disabled_account_is_told_so_after_its_right_password(auth: FastAuth[Any], client: AsyncClient) -> None:
    """A disabled account is told so, and only after its right password."""
    user = await register(client)
    await auth.accounts.disable(str(user["id"]))

    refused(await try_sign_in(client), 403, "INACTIVE_USER")
    refused(await try_sign_in(client, password="wrong"), 401, "INVALID_CREDENTIALS")


@on_memory
async def test_tokens_hold_no_personal_data(auth: FastAuth[Any], client: AsyncClient) -> None:
    """Both tokens hold ids and times only, and the subject is the user's id."""
    user = await register(client)

    tokens = await sign_in(client)

    access, refresh_claims = claims_of(tokens["access_token"]), claims_of(tokens["refresh_token"])
    assert access.keys() == {"sub", "sid", "iat", "exp", "jti"}
    assert refresh_claims.keys() == {"sub", "sid", "iat", "exp", "jti", "gen", "auth_time"}
    assert access["sub"] == refresh_claims["sub"] == str(user["id"])


async def test_a_session_notes_who_signed_in(auth: FastAuth[Any], app: FastAPI, client: AsyncClient) -> None:
    """A session notes the peer's address, whatever a header claims, and the printable part of the user agent."""
    user = await register(client)
    headers = [FORM, (b"user-agent", b"Fire\x00fox\x1b\xff" + b"x" * 999), (b"x-forwarded-for", b"9.9.9.9")]
    form = [f"username=ada&password={PASSWORD}".replace(" ", "+").encode()]

    await send_raw(app, "POST", "/token", headers=headers, chunks=form, client=("203.0.113.9", 9))
    await send_raw(app, "POST", "/token", headers=[FORM], chunks=form, client=None)

    sessions = await auth.sessions.list(str(user["id"]))
    assert {(session.ip, session.user_agent) for session in sessions} == {
        ("203.0.113.9", f"Firefox\xff{'x' * 247}"),
        (None, None),
    }


@on_memory
async def test_a_token_works_for_its_own_purpose_only(client: AsyncClient) -> None:
    """An access token refreshes nothing, and a refresh token opens nothing."""
    await register(client)
    tokens = await sign_in(client)

    opened = await me(client, tokens["refresh_token"])
    logged_out = await client.post("/logout", headers=bearer(tokens["refresh_token"]))

    refused(opened, 401, "INVALID_TOKEN")
    refused(logged_out, 401, "INVALID_TOKEN")
    refused(await refresh(client, tokens["access_token"]), 401, "INVALID_REFRESH_TOKEN")
    assert challenge(opened) == challenge(logged_out) == BAD_TOKEN


@on_memory
@pytest.mark.parametrize("name", ["access_token", "token", "bearer", "Authorization"])
async def test_r_ht_8_a_token_in_the_query_is_no_token(client: AsyncClient, name: str) -> None:
    """A token in the query is not looked at (RFC 9700, 4.3.2)."""
    await register(client)
    tokens = await sign_in(client)

    answer = await client.get("/users/me", params={name: tokens["access_token"]})

    refused(answer, 401, "INVALID_TOKEN")
    assert challenge(answer) == NO_TOKEN
