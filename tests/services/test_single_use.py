"""Tokens that are mailed: each for one purpose, for the state it was made in, and good once."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from fastauth import Account, FastAuth, Store, TokenException
from fastauth.core.signing import Purpose
from fastauth.services.single_use import SingleUseTokens, fingerprint
from fastauth.testing import ManualClock
from tests.core.forge import claims_of
from tests.services.conftest import memory_only

MAILED = (Purpose.VERIFY_EMAIL, Purpose.RESET_PASSWORD, Purpose.CHANGE_EMAIL)


def tokens_of(auth: FastAuth[Any]) -> SingleUseTokens:
    return auth.accounts._tokens


async def token(auth: FastAuth[Any], account: Account[Any], purpose: Purpose = Purpose.CHANGE_EMAIL) -> str:
    """Return a token with a state of two words."""
    return await tokens_of(auth).make(purpose, account, "one", "two", email="new@example.com")


@memory_only
async def test_a_token_says_whose_it_is_and_hides_its_state(auth: FastAuth[Any], ada: Account[Any]) -> None:
    """It names the account by its id; what it dies with cannot be read from it."""
    made = await token(auth, ada)
    claims = claims_of(made)

    assert (claims["sub"], claims["email"]) == (ada.id, "new@example.com")
    assert claims["exp"] - claims["iat"] == 3600
    assert len(claims["jti"]) == 22
    assert not any(word in str(claims) for word in ("one", "two", ada.username, ada.hashed_password))


@memory_only
async def test_two_tokens_of_one_moment_are_two(auth: FastAuth[Any], ada: Account[Any]) -> None:
    """To use one of two tokens up leaves the other good."""
    first, second = claims_of(await token(auth, ada)), claims_of(await token(auth, ada))

    assert first["jti"] != second["jti"]
    assert first["state"] == second["state"]


@memory_only
@pytest.mark.parametrize("purpose", MAILED)
async def test_a_token_is_read_for_its_purpose_and_in_its_time(
    auth: FastAuth[Any], ada: Account[Any], clock: ManualClock, purpose: Purpose
) -> None:
    """For another purpose, or when it has expired, it is refused in words about mails; why is for the log."""
    made = await token(auth, ada, purpose)
    assert tokens_of(auth).read(made, purpose)["sub"] == ada.id
    refusals = []
    for other in Purpose:
        if other is not purpose:
            with pytest.raises(TokenException, match="ask for a new one") as caught:
                tokens_of(auth).read(made, other)
            refusals.append(caught.value.reason)
    clock.move(tokens_of(auth).lifetimes[purpose] + timedelta(seconds=10))
    with pytest.raises(TokenException, match="ask for a new one") as caught:
        tokens_of(auth).read(made, purpose)

    assert refusals == ["purpose"] * (len(Purpose) - 1)
    assert caught.value.reason == "expired"


@pytest.mark.parametrize("state", [("one",), ("one", "three"), ("two", "one"), ("onetwo",), ("one", "two", "")])
async def test_another_state_is_another_fingerprint(state: tuple[str, ...]) -> None:
    """Neither order nor seams of a state can be mistaken."""
    assert fingerprint(*state) != fingerprint("one", "two")
    with pytest.raises(TokenException) as caught:
        SingleUseTokens.check_state({"state": fingerprint("one", "two")}, *state)

    assert caught.value.reason == "moved on"


async def test_of_fifty_uses_one_succeeds_and_what_fails_uses_nothing_up(
    store: Store[Any], auth: FastAuth[Any], ada: Account[Any]
) -> None:
    """A token is used up with what it is used for, on every store; and not where that does not come about."""
    claims = tokens_of(auth).read(await token(auth, ada), Purpose.CHANGE_EMAIL)
    using = store.before_commit(SingleUseTokens.use(claims))

    async def use(number: int) -> bool:
        try:
            return await using.set_email(ada.id, f"new{number}@example.com", verified=False)
        except TokenException:
            return False

    assert await using.set_email("0", "new@example.com", verified=False) is False
    outcomes = await asyncio.gather(*(use(number) for number in range(50)))

    assert outcomes.count(True) == 1
    assert (await auth.accounts.get(ada.id)).email == f"new{outcomes.index(True)}@example.com"


async def test_what_is_known_of_used_tokens_goes_when_they_have_expired(
    store: Store[Any], auth: FastAuth[Any], ada: Account[Any], clock: ManualClock
) -> None:
    """A purge forgets a used token no sooner than it would be refused anyway."""
    made = await token(auth, ada, Purpose.VERIFY_EMAIL)
    claims = tokens_of(auth).read(made, Purpose.VERIFY_EMAIL)
    await store.before_commit(SingleUseTokens.use(claims)).set_email(ada.id, ada.email, verified=True)

    again = store.before_commit(SingleUseTokens.use(claims))
    for step in (timedelta(hours=23), timedelta(hours=1), timedelta(seconds=9)):
        clock.move(step)
        await auth.sessions.purge_expired()
        assert tokens_of(auth).read(made, Purpose.VERIFY_EMAIL) == claims  # it is good for as long as the leeway
        with pytest.raises(TokenException) as caught:
            await again.set_email(ada.id, ada.email, verified=True)
        assert caught.value.reason == "used"

    clock.move(timedelta(minutes=5))
    await auth.sessions.purge_expired()
    with pytest.raises(TokenException) as caught:
        tokens_of(auth).read(made, Purpose.VERIFY_EMAIL)
    assert caught.value.reason == "expired"
    assert await again.set_email(ada.id, ada.email, verified=True)  # nothing is known of it any more
