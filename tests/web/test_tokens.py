"""``POST /token``, ``/token/refresh`` and ``/logout``."""

import asyncio
import base64
import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from pydantic import BaseModel, SecretStr

from fastauth import Account, CredentialsException, FastAuth, Store
from fastauth.backends.memory import MemoryStore
from fastauth.core.models import Login
from fastauth.testing import ManualClock
from tests.conftest import PASSWORD, bearer, client_of, register, sign_in
from tests.web.helpers import BAD_TOKEN, NO_TOKEN, SAFE_HEADERS, challenge, make_user, on_memory, refused, send_raw

FORM = (b"content-type", b"application/x-www-form-urlencoded")
UNKNOWN_SESSION = "x" * 22


async def try_sign_in(client: AsyncClient, username: str = "ada", password: str = PASSWORD, **form: str) -> Response:
    return await client.post("/token", data={"username": username, "password": password, **form})


async def refresh(client: AsyncClient, token: Any) -> Response:
    return await client.post("/token/refresh", json={"refresh_token": token})


async def me(client: AsyncClient, tokens: Any) -> Response:
    return await client.get("/users/me", headers=bearer(tokens))


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


@pytest.mark.parametrize("login", ["ada", "ADA", "Ada", "ada@example.com", "Ada@Example.COM"])
async def test_a_user_signs_in_by_username_or_address_in_any_case(client: AsyncClient, login: str) -> None:
    """A user signs in by username or by e-mail address, in any case."""
    await register(client)

    answer = await try_sign_in(client, login)

    assert answer.status_code == 200
    assert answer.json().keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("bearer", 1800)
    assert answer.headers.items() >= {**SAFE_HEADERS, "pragma": "no-cache"}.items()
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


async def test_a_sign_in_that_fails_does_not_say_why(auth: FastAuth[Any], client: AsyncClient) -> None:
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


async def test_two_sign_ins_are_two_sessions(client: AsyncClient) -> None:
    """Two sign-ins at the same moment have different tokens, and ending one leaves the other."""
    await register(client)
    one, two = await sign_in(client), await sign_in(client)

    await client.post("/logout", headers=bearer(one))

    assert {*one.values()} & {*two.values()} == {"bearer", 1800}
    assert (await me(client, one)).status_code == 401
    assert (await me(client, two)).status_code == 200


async def test_a_session_notes_who_signed_in(auth: FastAuth[Any], app: FastAPI, client: AsyncClient) -> None:
    """A session notes the peer's address, whatever a header claims, and the printable part of the user agent."""
    user = await register(client)
    headers = [FORM, (b"user-agent", b"Fire\x00fox\x1b\xff" + b"x" * 999), (b"x-forwarded-for", b"9.9.9.9")]
    form = [f"username=ada&password={PASSWORD}".replace(" ", "+").encode()]

    await send_raw(app, "POST", "/token", headers=headers, chunks=form, client=("10.1.2.3", 9))
    await send_raw(app, "POST", "/token", headers=[FORM], chunks=form, client=None)

    sessions = await auth.sessions.list(str(user["id"]))
    assert {(session.ip, session.user_agent) for session in sessions} == {
        ("10.1.2.3", f"Firefox\xff{'x' * 247}"),
        (None, None),
    }


async def test_a_refresh_gives_new_tokens_that_work(client: AsyncClient) -> None:
    """A refresh gives a new pair of the same session, and both tokens of it work."""
    await register(client)
    old = await sign_in(client)

    answer = await refresh(client, old["refresh_token"])

    new = answer.json()
    assert answer.status_code == 200
    assert new.keys() == old.keys()
    assert answer.headers.items() >= {**SAFE_HEADERS, "pragma": "no-cache"}.items()
    assert new["access_token"] != old["access_token"]
    assert new["refresh_token"] != old["refresh_token"]
    assert claims_of(new["access_token"])["sid"] == claims_of(old["access_token"])["sid"]
    assert (await me(client, new)).status_code == 200
    assert (await refresh(client, new["refresh_token"])).status_code == 200


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


async def test_a_replayed_refresh_token_ends_the_session_after_the_grace(
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


async def test_an_idle_session_ends(client: AsyncClient, clock: ManualClock) -> None:
    """A session that nobody refreshed for a week has ended."""
    await register(client)
    tokens = await sign_in(client)

    clock.move(timedelta(days=7, minutes=1))

    refused(await refresh(client, tokens["refresh_token"]), 401, "INVALID_REFRESH_TOKEN")


async def test_no_chain_of_refreshes_outlives_the_session(client: AsyncClient, clock: ManualClock) -> None:
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


async def test_logout_ends_the_session(client: AsyncClient) -> None:
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


@on_memory
@pytest.mark.parametrize("name", ["access_token", "token", "bearer", "Authorization"])
async def test_a_token_in_the_query_is_no_token(client: AsyncClient, name: str) -> None:
    """A token in the query is not looked at (RFC 9700, 4.3.2)."""
    await register(client)
    tokens = await sign_in(client)

    answer = await client.get("/users/me", params={name: tokens["access_token"]})

    refused(answer, 401, "INVALID_TOKEN")
    assert challenge(answer) == NO_TOKEN


@pytest.mark.parametrize("act", ["disable", "set_password", "end_all", "delete"])
async def test_revocation_holds_from_the_very_next_request(auth: FastAuth[Any], client: AsyncClient, act: str) -> None:
    """After a disable, a new password, the end of all sessions or a deletion, old tokens are refused at once."""
    user_id = str((await register(client))["id"])
    tokens = await sign_in(client)

    if act == "end_all":
        await auth.sessions.end_all(user_id)
    elif act == "set_password":
        await auth.accounts.set_password(user_id, "another good password")
    else:
        await getattr(auth.accounts, act)(user_id)

    refused(await me(client, tokens), 401, "INVALID_TOKEN")
    refused(await refresh(client, tokens["refresh_token"]), 401, "INVALID_REFRESH_TOKEN")


async def test_an_account_that_is_enabled_again_does_not_get_its_old_tokens_back(
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


async def test_a_hundred_refreshes_at_once_move_one_generation(
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


async def test_no_secret_is_logged(auth: FastAuth[Any], client: AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
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
