"""What is logged while people sign in holds no secret."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from fastauth import FastAuth
from fastauth.backends.memory import MemoryStore
from tests.conftest import PASSWORD, bearer, client_of, register, sign_in
from tests.web.helpers import me, refresh, try_sign_in


async def test_r_lg_7_no_secret_is_logged(
    auth: FastAuth[Any], client: AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """No log of any logger but a database driver's holds a password, a token or a hash, at any level."""
    caplog.set_level(logging.DEBUG)
    user = await register(client, username="ada")
    tokens = await sign_in(client)
    await try_sign_in(client, password="a wrong guess 17")
    new = (await refresh(client, tokens["refresh_token"])).json()
    await refresh(client, "a.bad.token")
    await client.post("/register", json={"username": "bob", "email": "no address", "password": "never stored 23"})
    await me(client, new)
    account = await auth.accounts.get(str(user["id"]))
    await client.post("/logout", headers=bearer(new))

    secrets = [PASSWORD, "a wrong guess 17", "never stored 23", account.hashed_password, "a.bad.token"]
    secrets += [pair[name] for pair in (tokens, new) for name in ("access_token", "refresh_token")]
    drivers = ("sqlalchemy", "aiosqlite", "pymongo")  # what these print at DEBUG is for the app to decide
    logged = "\n".join(
        f"{record.getMessage()} {record.__dict__}" for record in caplog.records if not record.name.startswith(drivers)
    )
    assert "POST" in logged
    assert [secret for secret in secrets if secret in logged] == []


async def test_no_secret_is_logged_by_anyone_on_the_memory_store(
    make_auth: Callable[..., FastAuth[Any]], caplog: pytest.LogCaptureFixture
) -> None:
    """With no database driver involved, nothing at all is logged that holds a secret."""
    caplog.set_level(logging.DEBUG)
    auth = make_auth(MemoryStore())
    await auth.initialize_db(admin_username="root", admin_password=PASSWORD)
    app = FastAPI()
    auth.setup(app)

    async with client_of(app) as client:
        tokens = await sign_in(client, "root")
        await refresh(client, tokens["refresh_token"])

    assert caplog.records
    assert PASSWORD not in caplog.text
    assert tokens["access_token"] not in caplog.text
    assert tokens["refresh_token"] not in caplog.text
