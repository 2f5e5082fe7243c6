"""A sign-in, and what its access token opens, on every store."""

from datetime import timedelta
from typing import Any

import pytest

from fastauth import (
    Account,
    CredentialsException,
    FastAuth,
    InactiveUserException,
    Store,
    TokenSettings,
)
from fastauth.core.signing import Purpose
from fastauth.testing import ManualClock
from tests.conftest import PASSWORD
from tests.core.forge import claims_of
from tests.services.conftest import MakeAuth, access_refusal, memory_only
from tests.services.watched_store import WatchedStore, disable_behind_our_back


async def test_an_access_token_leads_to_the_account_as_it_is_now(auth: FastAuth[Any], ada: Account[Any]) -> None:
    """Who signed in is authenticated with their own user object, their roles of now, and the session itself."""
    pair = await auth.sessions.start(ada, user_agent="Browser/1.0", ip="192.0.2.1")
    await auth.roles.grant(ada.id, "moderator")

    account = await auth.sessions.authenticate(pair.access_token)

    assert (account.id, account.username, account.roles) == (ada.id, "ada", {"user", "moderator"})
    assert account.user.username == "ada"
    assert account.session is not None
    assert (account.session.id, account.session.user_id) == (pair.session_id, ada.id)
    assert (account.session.user_agent, account.session.ip) == ("Browser/1.0", "192.0.2.1")


async def test_a_role_that_was_taken_is_gone_with_the_next_request(auth: FastAuth[Any], ada: Account[Any]) -> None:
    """Roles are read from the store and never trusted from a token."""
    await auth.roles.grant(ada.id, "admin")
    pair = await auth.sessions.start(await auth.accounts.get(ada.id))

    await auth.roles.revoke(ada.id, "admin")

    assert (await auth.sessions.authenticate(pair.access_token)).roles == {"user"}


@memory_only
async def test_tokens_hold_keys_and_times_and_nothing_personal(
    auth: FastAuth[Any], ada: Account[Any], clock: ManualClock
) -> None:
    """The claims are the documented ones: no name, no address, no role."""
    pair = await auth.sessions.start(ada)
    access, refresh = claims_of(pair.access_token), claims_of(pair.refresh_token)
    now = int(clock().timestamp())

    assert access.keys() == {"sub", "sid", "jti", "iat", "exp"}
    assert refresh.keys() == {"sub", "sid", "jti", "iat", "exp", "gen", "auth_time"}
    assert (access["sub"], access["sid"], access["iat"], access["exp"]) == (ada.id, pair.session_id, now, now + 1800)
    assert (refresh["gen"], refresh["auth_time"], refresh["exp"]) == (0, now, now + 7 * 86_400)
    assert (pair.expires_in, pair.refresh_expires_in) == (1800, 7 * 86_400)


@memory_only
async def test_two_sign_ins_in_one_second_have_nothing_in_common(auth: FastAuth[Any], ada: Account[Any]) -> None:
    """Every sign-in has ids of its own, of 128 random bits each."""
    pairs = [await auth.sessions.start(ada) for _ in range(2)]
    ids = [pair.session_id for pair in pairs]
    ids += [claims_of(token)["jti"] for pair in pairs for token in (pair.access_token, pair.refresh_token)]

    assert len(set(ids)) == 6
    assert {len(each) for each in ids} == {22}
    assert len({token for pair in pairs for token in (pair.access_token, pair.refresh_token)}) == 4


@memory_only
async def test_an_access_token_never_outlives_its_session(store: Store[Any], make_auth: MakeAuth) -> None:
    """Where the session ends first, so does the access token."""
    auth = make_auth(store, tokens=TokenSettings(session_expires_in=timedelta(minutes=10)))
    pair = await auth.sessions.start(await auth.accounts.register("ada", "ada@example.com", PASSWORD))

    assert (pair.expires_in, pair.refresh_expires_in) == (600, 600)


async def test_no_store_is_asked_about_a_bad_token_and_only_once_about_a_good_one(
    store: Store[Any], make_auth: MakeAuth
) -> None:
    """Garbage costs no store call, a sign-in one, a request one, a refresh one."""
    watched = WatchedStore(store)
    auth = make_auth(watched)
    ada = await auth.accounts.register("ada", "ada@example.com", PASSWORD)
    watched.calls.clear()

    pair = await auth.sessions.start(ada)
    for garbage in ("", "a.b.c", pair.refresh_token, pair.access_token + "=", "\ud800.a.b"):
        await access_refusal(auth, garbage)
    await auth.sessions.authenticate(pair.access_token)
    await auth.sessions.refresh(pair.refresh_token)
    auth.sessions.read(pair.access_token)

    assert watched.calls == ["add_session", "authenticate", "rotate_session"]


async def test_no_sign_in_for_a_disabled_account(auth: FastAuth[Any], ada: Account[Any]) -> None:
    """An account that is known to be disabled gets no session, and is told why."""
    await auth.accounts.disable(ada.id)

    with pytest.raises(InactiveUserException):
        await auth.sessions.start(await auth.accounts.get(ada.id))
    assert not await auth.sessions.list(ada.id)


@pytest.mark.parametrize("change", ["set_password", "disable", "delete"])
async def test_what_happens_between_the_look_up_and_the_sign_in_counts(
    auth: FastAuth[Any], ada: Account[Any], change: str
) -> None:
    """An account that got a new password, or was disabled or deleted, after it was read gets no session."""
    arguments = [ada.id, "another password"] if change == "set_password" else [ada.id]
    await getattr(auth.accounts, change)(*arguments)

    with pytest.raises(CredentialsException):
        await auth.sessions.start(ada)
    assert not await auth.sessions.list(ada.id)


async def test_a_new_password_at_the_very_moment_of_the_sign_in_counts(store: Store[Any], make_auth: MakeAuth) -> None:
    """A password that is changed while the session is being stored leaves no session of the old one."""
    watched = WatchedStore(store)
    auth = make_auth(watched)
    ada = await auth.accounts.register("ada", "ada@example.com", PASSWORD)
    watched.before["add_session"] = lambda: auth.accounts.set_password(ada.id, "another password")

    with pytest.raises(CredentialsException):
        await auth.sessions.start(ada)
    assert not await auth.sessions.list(ada.id)


async def test_disabling_ends_every_session_and_enabling_revives_none(auth: FastAuth[Any], ada: Account[Any]) -> None:
    """After a disabling old tokens are refused, and they stay so when the account is enabled again."""
    pair = await auth.sessions.start(ada)

    await auth.accounts.disable(ada.id)
    while_disabled = await access_refusal(auth, pair.access_token)
    await auth.accounts.enable(ada.id)

    assert while_disabled == await access_refusal(auth, pair.access_token) == "session ended"
    assert not await auth.sessions.list(ada.id)
    assert (await auth.sessions.start(ada)).session_id != pair.session_id


async def test_an_account_that_the_app_itself_disabled_is_told_so(
    auth: FastAuth[Any], ada: Account[Any], store: Store[Any]
) -> None:
    """Where the app set ``disabled`` on its own row, the token is good, and the answer is that the user is inactive."""
    pair = await auth.sessions.start(ada)

    await disable_behind_our_back(store, ada)

    with pytest.raises(InactiveUserException):
        await auth.sessions.authenticate(pair.access_token)


async def test_the_tokens_of_a_deleted_user_are_nobodys(auth: FastAuth[Any], ada: Account[Any]) -> None:
    """A user who takes the name of a deleted one is another, and has not their tokens."""
    pair = await auth.sessions.start(ada)

    await auth.accounts.delete(ada.id)
    again = await auth.accounts.register("ada", "ada@example.com", PASSWORD)

    assert await access_refusal(auth, pair.access_token) == "no such session"
    assert again.id != ada.id


async def test_a_token_whose_session_is_someone_elses_is_refused(
    auth: FastAuth[Any], ada: Account[Any], store: Store[Any], make_auth: MakeAuth
) -> None:
    """Subject and session have to belong together, even in a token that is properly signed."""
    eve = await auth.accounts.register("eve", "eve@example.com", PASSWORD)
    adas, eves = await auth.sessions.start(ada), await auth.sessions.start(eve)
    mixed = {**claims_of(eves.access_token), "sid": adas.session_id}

    token = await auth.sessions._signer.sign(Purpose.ACCESS, mixed)

    assert await access_refusal(auth, token) == "no such session"


async def test_a_session_ends_when_its_time_is_over(store: Store[Any], make_auth: MakeAuth, clock: ManualClock) -> None:
    """A session that has expired is over, also within the leeway in which its tokens are still read."""
    auth = make_auth(store, refresh_token_expires_in=timedelta(minutes=10))
    ada = await auth.accounts.register("ada", "ada@example.com", PASSWORD)
    pair = await auth.sessions.start(ada)

    clock.move(timedelta(minutes=10, seconds=-1))
    still_there = await auth.sessions.authenticate(pair.access_token)
    clock.move(timedelta(seconds=1))

    assert still_there.id == ada.id
    assert auth.sessions.read(pair.access_token).session_id == pair.session_id
    assert await access_refusal(auth, pair.access_token) == "session ended"
    assert not await auth.sessions.list(ada.id)


@memory_only
async def test_a_token_is_read_without_the_store(auth: FastAuth[Any], ada: Account[Any], clock: ManualClock) -> None:
    """What a token says is true until it expires, revoked or not."""
    pair = await auth.sessions.start(ada)
    await auth.sessions.end(pair.session_id)

    claims = auth.sessions.read(pair.access_token)

    assert (claims.user_id, claims.session_id) == (ada.id, pair.session_id)
    assert claims.issued_at == clock().replace(microsecond=0)
    assert claims.expires_at - claims.issued_at == timedelta(minutes=30)
    assert claims.extra == {}


@memory_only
async def test_claims_of_an_apps_own_are_handed_on(auth: FastAuth[Any], ada: Account[Any]) -> None:
    """Claims that are none of ours are in ``extra``, and ours are not."""
    pair = await auth.sessions.start(ada)

    token = await auth.sessions._signer.sign(Purpose.ACCESS, {**claims_of(pair.access_token), "tenant": "t1"})

    assert auth.sessions.read(token).extra == {"tenant": "t1"}
