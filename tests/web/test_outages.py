"""A database that cannot be reached: every route says so, and nothing is lost."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from fastauth import FastAuth, StoreUnavailableException
from fastauth.backends.memory import MemoryStore
from tests.conftest import PASSWORD, client_of
from tests.web.helpers import (
    FailingStore,
    make_user,
    refused,
)

ADA = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}


async def test_r_ht_15_the_database_out_of_reach_is_503_on_every_route(make_auth: Callable[..., FastAuth[Any]]) -> None:
    """A database that cannot be reached is 503 with ``Retry-After``, on every route that asks it."""
    store = FailingStore(MemoryStore())
    auth = make_auth(store)
    await auth.initialize_db()
    account, headers = await make_user(auth, "admin")
    app = FastAPI()
    auth.setup(app)
    refresh_token = (await auth.sessions.start(account)).refresh_token

    async with client_of(app, headers=headers) as client:
        store.error = StoreUnavailableException()
        answers = [
            await client.post("/token", data={"username": "ada", "password": PASSWORD}),
            await client.post("/token/refresh", json={"refresh_token": refresh_token}),
            await client.post("/register", json={**ADA, "username": "eve"}),
            await client.post("/logout"),
            await client.get("/users/me"),
            await client.get("/roles"),
            await client.get("/roles/1"),
            await client.post("/roles", json={"name": "x"}),
            await client.put("/roles/1", json={"name": "x"}),
            await client.delete("/roles/1"),
            await client.get("/users/1/roles"),
            await client.post("/users/1/roles/1"),
            await client.delete("/users/1/roles/1"),
        ]
        store.error = None
        again = await client.post("/token/refresh", json={"refresh_token": refresh_token})

    for answer in answers:
        refused(answer, 503, "STORE_UNAVAILABLE")
        assert answer.headers["retry-after"] == "1"
    assert again.status_code == 200
