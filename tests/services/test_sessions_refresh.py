"""Refresh tokens: they rotate, expire, and a stolen one gives itself away, on every store."""

from datetime import timedelta
from typing import Any

import pytest

from fastauth import (
    Account,
    FastAuth,
    InactiveUserException,
    Store,
    TokenPair,
    TokenSettings,
)
from fastauth.core.signing import Purpose
from fastauth.testing import ManualClock
from tests.conftest import PASSWORD
from tests.core.forge import claims_of
from tests.services.conftest import MakeAuth, generation, lives, memory_only, refresh_refusal
from tests.services.watched_store import disable_behind_our_back


async def test_a_refresh_gives_new_tokens_of_the_same_session(auth: FastAuth[Any], pair: TokenPair) -> None:
    """Every refresh moves the session on by one generation, and its access token is as good as the first."""
    pairs = [pair]
    for _ in range(3):
        pairs.append(await auth.sessions.refresh(pairs[-1].refresh_token))

    assert [generation(each) for each in pairs] == [0, 1, 2, 3]
    assert {each.session_id for each in pairs} == {pair.session_id}
    assert len({each.refresh_token for each in pairs} | {each.access_token for each in pairs}) == 8
    assert await lives(auth, pairs[-1])


async def test_within_the_grace_the_token_before_is_answered_with_the_current_generation(
    auth: FastAuth[Any], pair: TokenPair, clock: ManualClock
) -> None:
    """A lost answer and a second tab get the current generation again, and nothing moves on for it."""
    first = await auth.sessions.refresh(pair.refresh_token)
    clock.move(timedelta(seconds=9))
    second = await auth.sessions.refresh(pair.refresh_token)

    assert generation(first) == generation(second) == 1
    assert await lives(auth, first)
    assert await lives(auth, second)
    assert generation(await auth.sessions.refresh(first.refresh_token)) == 2


@memory_only
async def test_an_answer_within_the_grace_prolongs_nothing(
    auth: FastAuth[Any], pair: TokenPair, clock: ManualClock
) -> None:
    """A session ends when its last true refresh says, however often that was answered again."""
    first = await auth.sessions.refresh(pair.refresh_token)
    clock.move(timedelta(seconds=9))
    second = await auth.sessions.refresh(pair.refresh_token)

    assert claims_of(second.refresh_token)["exp"] == claims_of(first.refresh_token)["exp"]
    assert second.refresh_expires_in == first.refresh_expires_in - 9


async def test_after_the_grace_a_replay_ends_the_session_for_everyone(
    auth: FastAuth[Any], pair: TokenPair, clock: ManualClock
) -> None:
    """A token that was used before is a stolen copy: neither the thief nor the owner keeps the session."""
    current = await auth.sessions.refresh(pair.refresh_token)
    clock.move(timedelta(seconds=11))

    assert await refresh_refusal(auth, pair.refresh_token) == ("reused", True)
    assert not await lives(auth, current)
    assert await refresh_refusal(auth, current.refresh_token) == ("session ended", False)
    assert await refresh_refusal(auth, pair.refresh_token) == ("session ended", False)


async def test_a_token_of_two_generations_ago_is_a_stolen_one_at_once(auth: FastAuth[Any], pair: TokenPair) -> None:
    """The grace is for the generation before the current one, and for no older one."""
    newer = await auth.sessions.refresh(pair.refresh_token)
    newest = await auth.sessions.refresh(newer.refresh_token)

    assert await refresh_refusal(auth, pair.refresh_token) == ("reused", True)
    assert not await lives(auth, newest)


async def test_a_replay_ends_one_session_and_no_other(
    auth: FastAuth[Any], ada: Account[Any], pair: TokenPair, clock: ManualClock
) -> None:
    """What was stolen on one device signs nobody out on another."""
    other = await auth.sessions.start(ada)
    await auth.sessions.refresh(pair.refresh_token)
    clock.move(timedelta(seconds=11))
    await refresh_refusal(auth, pair.refresh_token)

    assert await lives(auth, other)


async def test_a_session_that_lies_idle_for_too_long_ends(
    auth: FastAuth[Any], pair: TokenPair, clock: ManualClock
) -> None:
    """A refresh moves the end on by seven days; who does not come back by then signs in again."""
    clock.move(timedelta(days=7, seconds=-1))
    next_pair = await auth.sessions.refresh(pair.refresh_token)
    clock.move(timedelta(days=7))

    assert next_pair.refresh_expires_in == 7 * 86_400
    assert await refresh_refusal(auth, next_pair.refresh_token) == ("session ended", False)
    clock.move(timedelta(seconds=10))
    assert await refresh_refusal(auth, next_pair.refresh_token) == ("expired", False)


async def test_no_chain_of_refreshes_outlives_the_longest_session(
    auth: FastAuth[Any], pair: TokenPair, clock: ManualClock
) -> None:
    """Thirty days after the sign-in a session ends, however often it was refreshed."""
    days = []
    for _ in range(4):
        clock.move(timedelta(days=6))
        pair = await auth.sessions.refresh(pair.refresh_token)
        days.append(pair.refresh_expires_in // 86_400)
    clock.move(timedelta(days=6))

    assert days == [7, 7, 7, 6]
    assert await refresh_refusal(auth, pair.refresh_token) == ("session ended", False)
    assert not await lives(auth, pair)


async def test_a_longest_session_that_was_made_shorter_ends_older_ones(
    store: Store[Any], make_auth: MakeAuth, pair: TokenPair, clock: ManualClock
) -> None:
    """When the setting becomes shorter, a session that is older than it ends at its next refresh."""
    clock.move(timedelta(days=2))
    shorter = make_auth(store, tokens=TokenSettings(session_expires_in=timedelta(days=1)))

    assert await refresh_refusal(shorter, pair.refresh_token) == ("session ended", False)


@memory_only
async def test_garbage_and_other_tokens_refresh_nothing(auth: FastAuth[Any], pair: TokenPair) -> None:
    """What is no refresh token of ours is refused for the reason that the gate gives."""
    assert await refresh_refusal(auth, pair.access_token) == ("purpose", False)
    assert await refresh_refusal(auth, "\ud800.a.b") == ("malformed", False)
    assert await refresh_refusal(auth, pair.refresh_token[:-4] + "AAAA") == ("signature", False)
    assert generation(await auth.sessions.refresh(pair.refresh_token)) == 1


@pytest.mark.parametrize("change", ["end", "set_password", "disable", "delete"])
async def test_a_session_that_was_ended_is_not_refreshed(
    auth: FastAuth[Any], ada: Account[Any], pair: TokenPair, change: str
) -> None:
    """After a sign-out, a new password, a disabling or a deletion no refresh token works."""
    if change == "end":
        await auth.sessions.end(pair.session_id)
    elif change == "set_password":
        await auth.accounts.set_password(ada.id, "another password")
    else:
        await getattr(auth.accounts, change)(ada.id)

    assert await refresh_refusal(auth, pair.refresh_token) == ("session ended", False)


async def test_an_account_that_the_app_itself_disabled_is_not_refreshed(
    auth: FastAuth[Any], ada: Account[Any], pair: TokenPair, store: Store[Any]
) -> None:
    """Where the app set ``disabled`` on its own row, a refresh says so and moves nothing on."""
    await disable_behind_our_back(store, ada)

    with pytest.raises(InactiveUserException):
        await auth.sessions.refresh(pair.refresh_token)
    [session] = await auth.sessions.list(ada.id)
    assert session.generation == 0


async def test_a_token_of_a_generation_that_is_yet_to_come_ends_nothing(auth: FastAuth[Any], pair: TokenPair) -> None:
    """After the database was set back to a backup, a token from after it is refused, and the session lives."""
    future = await auth.sessions._signer.sign(Purpose.REFRESH, {**claims_of(pair.refresh_token), "gen": 5})

    assert await refresh_refusal(auth, future) == ("not current", False)
    assert await lives(auth, pair)


@pytest.mark.parametrize("claim", ["sub", "sid"])
async def test_a_session_is_refreshed_by_its_own_user_only(auth: FastAuth[Any], pair: TokenPair, claim: str) -> None:
    """Subject and session have to belong together, even in a token that is properly signed."""
    eve = await auth.accounts.register("eve", "eve@example.com", PASSWORD)
    eves = claims_of((await auth.sessions.start(eve)).refresh_token)
    mixed = {**claims_of(pair.refresh_token), claim: eves[claim]}

    token = await auth.sessions._signer.sign(Purpose.REFRESH, mixed)

    assert await refresh_refusal(auth, token) == ("session ended", False)
    assert await lives(auth, pair)
