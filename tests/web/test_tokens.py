"""``POST /token``, ``/token/refresh`` and ``/logout``."""

from datetime import timedelta

from httpx2 import AsyncClient

from fastauth.testing import ManualClock
from tests.conftest import PASSWORD, bearer, register, sign_in


async def test_a_registered_user_signs_in_by_username(client: AsyncClient) -> None:
    """A registered user signs in by username."""
    await register(client)

    answer = await client.post("/token", data={"username": "Ada", "password": PASSWORD})

    assert answer.status_code == 200
    assert answer.json().keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("bearer", 1800)


async def test_a_replayed_refresh_token_ends_the_session_after_the_grace(
    client: AsyncClient, clock: ManualClock
) -> None:
    """A refresh token that is used again after the grace period ends the session for everyone."""
    await register(client)
    old = await sign_in(client)
    new = (await client.post("/token/refresh", json={"refresh_token": old["refresh_token"]})).json()

    clock.move(timedelta(seconds=11))
    replayed = await client.post("/token/refresh", json={"refresh_token": old["refresh_token"]})

    assert replayed.status_code == 401
    assert replayed.json()["error"]["code"] == "FASTAUTH_INVALID_REFRESH_TOKEN"
    assert (await client.get("/users/me", headers=bearer(new))).status_code == 401
