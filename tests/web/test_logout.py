"""``POST /logout``, and every other end of a session: what was true a moment ago is refused."""

from typing import Any

import pytest
from httpx2 import AsyncClient

from fastauth import FastAuth
from tests.conftest import bearer, register, sign_in
from tests.web.helpers import BAD_TOKEN, NO_TOKEN, SAFE_HEADERS, challenge, me, on_memory, refresh, refused


async def test_two_sign_ins_are_two_sessions(client: AsyncClient) -> None:
    """Two sign-ins at the same moment have different tokens, and ending one leaves the other."""
    await register(client)
    one, two = await sign_in(client), await sign_in(client)

    await client.post("/logout", headers=bearer(one))

    assert {*one.values()} & {*two.values()} == {"bearer", 1800}
    assert (await me(client, one)).status_code == 401
    assert (await me(client, two)).status_code == 200


async def test_r_se_5_logout_ends_the_session(client: AsyncClient) -> None:
    """After a logout the access token, the refresh token and a second logout are refused at once."""
    await register(client)
    tokens = await sign_in(client)

    answer = await client.post("/logout", headers=bearer(tokens))

    again = await client.post("/logout", headers=bearer(tokens))
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers.items() >= SAFE_HEADERS.items()
    assert "set-cookie" not in answer.headers
    refused(await me(client, tokens), 401, "INVALID_TOKEN")
    refused(again, 401, "INVALID_TOKEN")
    refused(await refresh(client, tokens["refresh_token"]), 401, "INVALID_REFRESH_TOKEN")
    assert challenge(again) == BAD_TOKEN


@on_memory
async def test_logout_of_nobody_is_refused(client: AsyncClient) -> None:
    """A logout without a token is refused, and the challenge names no error."""
    answer = await client.post("/logout")

    refused(answer, 401, "INVALID_TOKEN")
    assert challenge(answer) == NO_TOKEN


@on_memory
@pytest.mark.parametrize(
    ("path", "method"), [("/token", "GET"), ("/token/refresh", "GET"), ("/logout", "GET"), ("/logout", "HEAD")]
)
async def test_nothing_changes_on_a_safe_method(client: AsyncClient, path: str, method: str) -> None:
    """A GET or HEAD of these routes is 405, and changes nothing."""
    await register(client)
    tokens = await sign_in(client)

    answer = await client.request(method, path, headers=bearer(tokens))

    assert answer.status_code == 405
    assert (await me(client, tokens)).status_code == 200


async def test_r_se_6_revocation_holds_from_the_very_next_request(auth: FastAuth[Any], client: AsyncClient) -> None:
    """After a disable, a new password, the end of all sessions or a deletion, old tokens are refused at once."""
    acts = {
        "eve": auth.accounts.disable,
        "ada": lambda user_id: auth.accounts.set_password(user_id, "another good password"),
        "grace": auth.sessions.end_all,
        "joan": auth.accounts.delete,
    }

    for username, act in acts.items():
        user = await register(client, username)
        tokens = await sign_in(client, username)
        await act(str(user["id"]))
        refused(await me(client, tokens), 401, "INVALID_TOKEN")
        refused(await refresh(client, tokens["refresh_token"]), 401, "INVALID_REFRESH_TOKEN")


async def test_r_se_6_an_account_that_is_enabled_again_does_not_get_its_old_tokens_back(
    auth: FastAuth[Any], client: AsyncClient
) -> None:
    """Enabling an account revives none of its old tokens, and lets it sign in again."""
    user_id = str((await register(client))["id"])
    tokens = await sign_in(client)

    await auth.accounts.disable(user_id)
    await auth.accounts.enable(user_id)

    refused(await me(client, tokens), 401, "INVALID_TOKEN")
    refused(await refresh(client, tokens["refresh_token"]), 401, "INVALID_REFRESH_TOKEN")
    assert (await me(client, await sign_in(client))).status_code == 200
