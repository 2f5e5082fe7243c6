"""Refreshes at once, without a grace, and while something else happens, on every store."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from fastauth import (
    Account,
    FastAuth,
    InactiveUserException,
    RefreshTokenException,
    Store,
    StoreUnavailableException,
    TokenPair,
    TokenSettings,
)
from fastauth.testing import ManualClock
from tests.services.conftest import MakeAuth, generation, lives, refresh_refusal
from tests.services.watched_store import WatchedStore, disable_behind_our_back

STRICT = TokenSettings(refresh_grace=timedelta(0))


async def test_without_a_grace_every_replay_ends_the_session(
    store: Store[Any], make_auth: MakeAuth, ada: Account[Any]
) -> None:
    """Strictly by RFC 9700, a token works once and a second try ends the session, even in the same moment."""
    auth = make_auth(store, tokens=STRICT)
    pair = await auth.sessions.start(ada)
    current = await auth.sessions.refresh(pair.refresh_token)

    assert await refresh_refusal(auth, pair.refresh_token) == ("reused", True)
    assert not await lives(auth, current)


async def test_without_a_grace_a_clock_that_is_behind_grants_none(
    store: Store[Any], make_auth: MakeAuth, ada: Account[Any], clock: ManualClock
) -> None:
    """Where the machine that sees the replay has an earlier time than the one that rotated, strict stays strict."""
    auth = make_auth(store, tokens=STRICT)
    pair = await auth.sessions.start(ada)
    await auth.sessions.refresh(pair.refresh_token)
    clock.move(-timedelta(seconds=3))

    assert await refresh_refusal(auth, pair.refresh_token) == ("reused", True)


async def test_r_se_12_who_was_replayed_after_a_restart_is_found_out_too(
    auth: FastAuth[Any], store: Store[Any], make_auth: MakeAuth, pair: TokenPair, clock: ManualClock
) -> None:
    """What a replay is known by is in the store and not in the process."""
    current = await auth.sessions.refresh(pair.refresh_token)
    clock.move(timedelta(seconds=11))
    restarted = make_auth(store)

    assert await refresh_refusal(restarted, pair.refresh_token) == ("reused", True)
    assert not await lives(restarted, current)


async def test_r_se_13_a_store_that_fails_consumes_no_token(
    store: Store[Any], make_auth: MakeAuth, ada: Account[Any]
) -> None:
    """When the store cannot be reached nothing was decided, and the same token works afterwards."""
    watched = WatchedStore(store)
    auth = make_auth(watched)
    pair = await auth.sessions.start(ada)

    async def outage() -> None:
        raise StoreUnavailableException

    watched.before["rotate_session"] = outage
    with pytest.raises(StoreUnavailableException):
        await auth.sessions.refresh(pair.refresh_token)

    assert generation(await auth.sessions.refresh(pair.refresh_token)) == 1


async def test_a_refresh_that_moved_nothing_on_ends_nothing(
    store: Store[Any], make_auth: MakeAuth, ada: Account[Any]
) -> None:
    """Where a refresh failed though the generation is still the presented one, nobody is taken for a thief."""
    watched = WatchedStore(store)
    auth = make_auth(watched)
    pair = await auth.sessions.start(ada)
    watched.before["rotate_session"] = lambda: disable_behind_our_back(store, ada)
    watched.before["authenticate"] = lambda: store.set_disabled(ada.id, False, now=auth.sessions._now())

    assert await refresh_refusal(auth, pair.refresh_token) == ("not current", False)
    assert generation(await auth.sessions.refresh(pair.refresh_token)) == 1


async def test_r_se_2_of_a_hundred_simultaneous_refreshes_one_moves_the_session_on(
    auth: FastAuth[Any], ada: Account[Any], pair: TokenPair
) -> None:
    """All who come at once are answered, with one and the same next generation."""
    pairs = await asyncio.gather(*(auth.sessions.refresh(pair.refresh_token) for _ in range(100)))

    [session] = await auth.sessions.list(ada.id)
    assert session.generation == 1
    assert {generation(each) for each in pairs} == {1}
    assert len({each.refresh_token for each in pairs}) == 100
    assert await lives(auth, pairs[0])


async def test_of_a_hundred_simultaneous_refreshes_one_is_answered_without_a_grace(
    store: Store[Any], make_auth: MakeAuth, ada: Account[Any]
) -> None:
    """Strictly, one of all gets the next generation, and the others have ended the session."""
    auth = make_auth(store, tokens=STRICT)
    pair = await auth.sessions.start(ada)

    outcomes = await asyncio.gather(
        *(auth.sessions.refresh(pair.refresh_token) for _ in range(100)), return_exceptions=True
    )

    winners = [outcome for outcome in outcomes if isinstance(outcome, TokenPair)]
    assert len(winners) == 1
    assert {type(outcome) for outcome in outcomes} == {TokenPair, RefreshTokenException}
    assert not await lives(auth, winners[0])


@pytest.mark.parametrize("change", ["disable", "set_password"])
async def test_no_refresh_survives_what_ends_all_sessions(
    auth: FastAuth[Any], ada: Account[Any], pair: TokenPair, change: str
) -> None:
    """However refreshes and a disabling, or a new password, fall together: afterwards no token works."""
    arguments = [ada.id, "another password"] if change == "set_password" else [ada.id]

    *outcomes, _ = await asyncio.gather(
        *(auth.sessions.refresh(pair.refresh_token) for _ in range(30)),
        getattr(auth.accounts, change)(*arguments),
        return_exceptions=True,
    )

    assert {type(outcome) for outcome in outcomes} <= {TokenPair, RefreshTokenException, InactiveUserException}
    for outcome in [pair, *outcomes]:
        if isinstance(outcome, TokenPair):
            assert not await lives(auth, outcome)
            assert await refresh_refusal(auth, outcome.refresh_token) == ("session ended", False)
