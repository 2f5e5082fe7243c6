"""Further ways to sign in: a route, a body and errors by themselves."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, SecretStr

from fastauth import Account, CredentialsException, FastAuth, Store
from fastauth.core.models import Login
from tests.conftest import client_of, register
from tests.web.helpers import SAFE_HEADERS, me, refused


class PinCredentials(BaseModel):
    username: str
    pin: SecretStr


class PinSignIn:
    """Sign in with the pin 1234."""

    name = "one-pin"
    credentials = PinCredentials

    def __init__(self, store: Store[Any]) -> None:
        self.store = store

    async def authenticate(self, credentials: PinCredentials, /) -> Account[Any]:
        account = await self.store.find_user(Login("username", credentials.username))
        if account is None or credentials.pin.get_secret_value() != "1234":
            raise CredentialsException
        return account


async def test_a_further_way_to_sign_in_has_its_route_and_errors(
    store: Store[Any], make_auth: Callable[..., FastAuth[Any]]
) -> None:
    """A further way to sign in has a JSON route below the token route, with the same answers and errors."""
    auth = make_auth(store, sign_in_methods=[PinSignIn(store)])
    await auth.initialize_db()
    app = FastAPI()
    auth.setup(app)

    async with client_of(app) as client:
        user = await register(client)
        good = await client.post("/token/one-pin", json={"username": "ada", "pin": "1234"})
        wrong = await client.post("/token/one-pin", json={"username": "ada", "pin": "4321"})
        incomplete = await client.post("/token/one-pin", json={"pin": "MARKER"})
        repeated = await client.post(
            "/token/one-pin", content='{"pin": "1", "pin": "2"}', headers={"content-type": "application/json"}
        )
        opened = await me(client, good.json())
        await auth.accounts.disable(str(user["id"]))
        disabled = await client.post("/token/one-pin", json={"username": "ada", "pin": "1234"})

    assert (good.status_code, opened.status_code) == (200, 200)
    assert good.headers.items() >= SAFE_HEADERS.items()
    refused(wrong, 401, "INVALID_CREDENTIALS")
    assert refused(incomplete, 422, "VALIDATION_ERROR")["details"][0]["loc"] == ["body", "username"]
    assert "MARKER" not in incomplete.text
    refused(repeated, 400, "BAD_REQUEST")
    refused(disabled, 403, "INACTIVE_USER")
