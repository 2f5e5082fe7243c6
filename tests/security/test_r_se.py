"""The rows R-SE of the security requirements: how sessions end, whose they are, and what is kept of them."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import create_async_engine

from fastauth import FastAuth, RefreshTokenException, Store, StoreUnavailableException, TokenException, TokenSettings
from fastauth.backends.memory import MemoryStore
from fastauth.backends.sql import SQLStore
from fastauth.core.events import PasswordChanged
from fastauth.testing import ManualClock
from tests.conftest import PASSWORD
from tests.outbox import Flow, mailing
from tests.services.conftest import lives
from tests.services.watched_store import WatchedStore
from tests.web.helpers import me, refresh, refused

Make = Callable[..., FastAuth[Any]]
NEW = "another horse battery"


async def dead(flow: Flow, *tokens: dict[str, Any]) -> bool:
    """Say whether neither an access token nor a refresh token of these opens anything."""
    answers = [await me(flow.client, each) for each in tokens]
    answers += [await refresh(flow.client, each["refresh_token"]) for each in tokens]
    return {answer.status_code for answer in answers} == {401}


async def test_r_se_3_no_chain_of_refreshes_outlives_the_session(store: Store[Any], make_auth: Make) -> None:
    """However often it is refreshed, a session ends when the longest session is over."""
    clock = ManualClock()
    auth = make_auth(store, clock=clock, tokens=TokenSettings(session_expires_in=timedelta(days=10)))
    await auth.initialize_db()
    pair = await auth.sessions.start(await auth.accounts.register("ada", "ada@example.com", PASSWORD))

    for _ in range(3):
        clock.move(timedelta(days=3))
        pair = await auth.sessions.refresh(pair.refresh_token)
    assert pair.refresh_expires_in == timedelta(days=1).total_seconds()
    clock.move(timedelta(days=1, seconds=11))  # with the leeway
    with pytest.raises(RefreshTokenException):
        await auth.sessions.refresh(pair.refresh_token)

    assert not await lives(auth, pair)


async def test_r_se_3_an_idle_session_ends(store: Store[Any], make_auth: Make, clock: ManualClock) -> None:
    """A session that was not refreshed for as long as a refresh token lives has ended."""
    auth = make_auth(store, refresh_token_expires_in=2)
    await auth.initialize_db()
    pair = await auth.sessions.start(await auth.accounts.register("ada", "ada@example.com", PASSWORD))

    clock.move(timedelta(days=2, seconds=11))

    with pytest.raises(RefreshTokenException):
        await auth.sessions.refresh(pair.refresh_token)


@pytest.mark.parametrize("how", ["change", "reset", "logout"])
async def test_r_se_4_refresh_tokens_die_with_what_ends_their_session(
    store: Store[Any], make_auth: Make, how: str
) -> None:
    """After a new password, or a sign-out, the refresh token that was good before is refused."""
    async with mailing(store, make_auth, "ada") as flow:
        other, tokens = await flow.tokens(), await flow.tokens()
        if how == "change":
            await flow.call("POST /password/change", tokens, current_password=PASSWORD, new_password=NEW)
        elif how == "reset":
            token = await flow.mailed("reset_password")
            await flow.call("POST /password/reset", token=token, new_password=NEW)
        else:
            await flow.call("POST /logout", other)

        refused(await refresh(flow.client, other["refresh_token"]), 401, "INVALID_REFRESH_TOKEN")


async def test_r_se_5_signing_out_ends_the_session_on_the_server(store: Store[Any], make_auth: Make) -> None:
    """From the next request on, neither token of a session that was signed out opens anything."""
    async with mailing(store, make_auth, "ada") as flow:
        one, all_of_them = await flow.tokens(), [await flow.tokens() for _ in range(3)]

        assert (await flow.call("POST /logout", one)).status_code == 204
        assert await dead(flow, one)
        assert (await flow.call("POST /logout/all", all_of_them[0], others=True)).status_code == 204
        assert await dead(flow, *all_of_them[1:])
        assert (await me(flow.client, all_of_them[0])).status_code == 200
        assert (await flow.call("POST /logout/all", all_of_them[0])).status_code == 204
        assert await dead(flow, *all_of_them)


@pytest.mark.parametrize("how", ["disable", "delete", "close"])
async def test_r_se_6_who_is_disabled_or_deleted_has_no_session(store: Store[Any], make_auth: Make, how: str) -> None:
    """All sessions end with the account, at the very next request; to enable it again revives none of them."""
    async with mailing(store, make_auth, "ada", "admin") as flow:
        admin, tokens = await flow.tokens("admin"), [await flow.tokens(), await flow.tokens()]
        user = f"/users/{(await me(flow.client, tokens[0])).json()['id']}"

        if how == "disable":
            await flow.call(f"PATCH {user}", admin, disabled=True)
        elif how == "delete":
            await flow.call(f"DELETE {user}", admin)
        else:
            await flow.call("DELETE /users/me", tokens[0], current_password=PASSWORD)
        assert await dead(flow, *tokens)
        if how == "disable":
            assert (await flow.call(f"PATCH {user}", admin, disabled=False)).json()["disabled"] is False
            assert await dead(flow, *tokens)
            assert (await me(flow.client, await flow.tokens())).status_code == 200


@pytest.mark.parametrize("how", ["change", "reset"])
async def test_r_se_7_a_new_password_and_the_end_of_sessions_are_one_step(
    store: Store[Any], make_auth: Make, how: str
) -> None:
    """What fails after the hash was written undoes that, too; and what succeeds has ended every other session."""
    async with mailing(store, make_auth, "ada") as flow:
        other, tokens = await flow.tokens(), await flow.tokens()
        token = await flow.mailed("reset_password") if how == "reset" else ""
        fails = [StoreUnavailableException()]

        @flow.auth.before(PasswordChanged)
        def fail_once(event: PasswordChanged[Any]) -> None:
            if fails:
                raise fails.pop()

        async def set_it() -> int:
            if how == "reset":
                return (await flow.call("POST /password/reset", token=token, new_password=NEW)).status_code
            body = {"current_password": PASSWORD, "new_password": NEW}
            return (await flow.call("POST /password/change", tokens, **body)).status_code

        assert await set_it() == 503
        assert (await me(flow.client, other)).status_code == 200
        assert (await flow.tokens())["expires_in"] > 0
        if how == "reset" and not await store.has_transactions():
            token = await flow.mailed("reset_password")  # there, the step that failed may have used the first one up
        assert await set_it() == 204
        assert await dead(flow, other)
        assert (await me(flow.client, tokens)).status_code == (200 if how == "change" else 401)
        assert (await flow.tokens(password=NEW))["expires_in"] > 0


async def test_r_se_8_sessions_are_listed_and_ended_by_their_owner_and_by_administrators(
    store: Store[Any], make_auth: Make
) -> None:
    """Users see and end their own sessions and nobody else's; an administrator ends those of a user."""
    async with mailing(store, make_auth, "ada", "eve", "admin") as flow:
        phone, laptop, eve = await flow.tokens(), await flow.tokens(), await flow.tokens("eve")
        listed = (await flow.call("GET /sessions", laptop)).json()
        ids = {each["current"]: each["id"] for each in listed}

        refused(await flow.call(f"DELETE /sessions/{ids[False]}", eve), 404, "SESSION_NOT_FOUND")
        assert (await me(flow.client, phone)).status_code == 200
        assert (await flow.call(f"DELETE /sessions/{ids[False]}", laptop)).status_code == 204
        assert await dead(flow, phone)

        user = f"/users/{(await me(flow.client, laptop)).json()['id']}"
        admin = await flow.tokens("admin")
        shown = (await flow.call(f"GET {user}/sessions", admin)).json()
        assert [(each["id"], each["current"]) for each in shown] == [(ids[True], False)]
        assert (await flow.call(f"DELETE {user}/sessions", admin)).status_code == 204
        assert await dead(flow, laptop)
        assert (await me(flow.client, eve)).status_code == 200


async def test_r_se_9_each_sign_in_has_new_secrets(store: Store[Any], make_auth: Make) -> None:
    """Sign-ins of one second have different tokens, and a session's id has 128 random bits."""
    async with mailing(store, make_auth, "ada") as flow:
        pairs = [await flow.tokens() for _ in range(3)]
        sessions = (await flow.call("GET /sessions", pairs[0])).json()

    assert len({each["access_token"] for each in pairs} | {each["refresh_token"] for each in pairs}) == 6
    assert {len(each["id"]) for each in sessions} == {22}
    assert len({each["id"] for each in sessions}) == 3


async def everything_in(store: Store[Any]) -> str:
    """Return all that a store holds, as one text."""
    if isinstance(store, MemoryStore):
        data = vars(store._shared.data)
        return str(data) + str([vars(user) for user in data["users"].values()])
    assert isinstance(store, SQLStore)
    async with store.database.read() as connection:
        rows = [list(await connection.execute(select(table))) for table in store.tables]
    return str(rows)


@pytest.mark.parametrize("store", ["memory", "sqlite"], indirect=True)
async def test_r_se_10_what_is_stored_opens_nothing(store: Store[Any], make_auth: Make) -> None:
    """Neither a token of a session nor one that was mailed is in the database, in full or by its signature."""
    async with mailing(store, make_auth, "ada") as flow:
        tokens = await flow.tokens()
        renewed = (await refresh(flow.client, tokens["refresh_token"])).json()
        kinds = ("reset_password", "confirm_email_change", "verify_email")
        mailed = [await flow.mailed(kind) for kind in kinds]
        secrets = [tokens["access_token"], renewed["refresh_token"], *mailed]
        await flow.call("POST /email/verify", token=secrets[-1])
        stored = await everything_in(store)

    assert "ada@example.com" in stored
    for secret in secrets:
        assert secret not in stored
        assert secret.rpartition(".")[2] not in stored


@pytest.mark.parametrize(
    ("request_line", "body"),
    [("POST /email/change", {"new_email": "new@example.com"}), ("DELETE /users/me", {})],
)
async def test_r_se_11_an_address_and_an_account_ask_for_the_password_again(
    store: Store[Any], make_auth: Make, request_line: str, body: dict[str, str]
) -> None:
    """A session alone changes no address and closes no account: without the password, nothing happens."""
    async with mailing(store, make_auth, "ada") as flow:
        tokens = await flow.tokens()

        refused(await flow.call(request_line, tokens, **body, x=1), 422, "VALIDATION_ERROR")
        refused(await flow.call(request_line, tokens, **body, current_password="wrong"), 401, "INVALID_CREDENTIALS")
        assert (await me(flow.client, tokens)).json()["email"] == "ada@example.com"
        assert flow.outbox.told() == []
        assert (await flow.call(request_line, tokens, **body, current_password=PASSWORD)).status_code in {202, 204}


async def test_r_se_12_a_restart_forgets_nothing(tmp_path: Path, make_auth: Make, clock: ManualClock) -> None:
    """After all workers have been started anew, an old refresh token is known for what it is, and ends its session."""

    def start() -> FastAuth[Any]:
        return make_auth(SQLStore(create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")))

    first = start()
    await first.initialize_db()
    old = await first.sessions.start(await first.accounts.register("ada", "ada@example.com", PASSWORD))
    new = await first.sessions.refresh(old.refresh_token)
    await first.close()
    clock.move(timedelta(seconds=11))

    second = start()
    with pytest.raises(RefreshTokenException) as caught:
        await second.sessions.refresh(old.refresh_token)
    alive = await lives(second, new)
    await second.close()

    assert caught.value.reused
    assert not alive


async def test_r_se_13_what_fails_consumes_no_refresh_token(
    store: Store[Any], make_auth: Make, clock: ManualClock
) -> None:
    """Whichever store call of a refresh fails, the token is as good as before, also when the grace is over."""
    watched = WatchedStore(store)
    auth = make_auth(watched)
    await auth.initialize_db()
    auth.token_claims(lambda account: {"name": account.username})
    pair = await auth.sessions.start(await auth.accounts.register("ada", "ada@example.com", PASSWORD))

    async def outage() -> None:
        raise StoreUnavailableException

    for verb in ("authenticate", "rotate_session"):
        watched.before[verb] = outage
        with pytest.raises(StoreUnavailableException):
            await auth.sessions.refresh(pair.refresh_token)
        clock.move(timedelta(seconds=30))
        pair = await auth.sessions.refresh(pair.refresh_token)

    assert await lives(auth, pair)


async def test_r_se_13_a_function_of_the_apps_that_fails_consumes_no_refresh_token(
    store: Store[Any], make_auth: Make, clock: ManualClock
) -> None:
    """Where the app's own claims cannot be made, no session is begun and no refresh token is used up."""
    auth = make_auth(store)
    await auth.initialize_db()
    account = await auth.accounts.register("ada", "ada@example.com", PASSWORD)
    pair = await auth.sessions.start(account)
    fails = [LookupError("no plan"), LookupError("no plan")]

    @auth.token_claims
    def claims(account: Any) -> dict[str, Any]:
        if fails:
            raise fails.pop()
        return {}

    with pytest.raises(LookupError):
        await auth.sessions.start(account)
    with pytest.raises(LookupError):
        await auth.sessions.refresh(pair.refresh_token)
    clock.move(timedelta(seconds=30))

    assert len(await auth.sessions.list(account.id)) == 1
    assert await lives(auth, await auth.sessions.refresh(pair.refresh_token))
    with pytest.raises(TokenException):
        await auth.sessions.authenticate(pair.refresh_token)
