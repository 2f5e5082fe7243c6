"""A registered user and their first tokens, and the small words that tests of services speak in."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import pytest

from fastauth import Account, FastAuth, RefreshTokenException, TokenException, TokenPair
from tests.conftest import PASSWORD
from tests.core.forge import claims_of

MakeAuth: TypeAlias = Callable[..., FastAuth[Any]]

memory_only = pytest.mark.parametrize("store", ["memory"], indirect=True)
"""For a promise that is kept above the store, and so the same on each of them."""


@pytest.fixture
async def ada(auth: FastAuth[Any]) -> Account[Any]:
    """A registered user."""
    return await auth.accounts.register("ada", "ada@example.com", PASSWORD)


@pytest.fixture
async def pair(auth: FastAuth[Any], ada: Account[Any]) -> TokenPair:
    """The first tokens of a sign-in."""
    return await auth.sessions.start(ada)


async def make(auth: FastAuth[Any], name: str, *roles: str) -> Account[Any]:
    """Make a user who holds the role ``user`` and these."""
    return await auth.accounts.create(name, f"{name}@example.com", PASSWORD, roles=("user", *roles))


async def roles_of(auth: FastAuth[Any], account: Account[Any]) -> list[str]:
    """Return the names of the roles that the user holds now."""
    return [role.name for role in await auth.roles.of(account.id)]


def facts(account: Account[Any] | None) -> Account[Any]:
    """Return the account without the user object, which is another one at each reading."""
    assert account is not None
    return replace(account, user=None)


async def accepts(auth: FastAuth[Any], user_id: str, password: str) -> bool:
    """Say whether it is the password of the user."""
    return (await auth.passwords.verify(password, (await auth.accounts.get(user_id)).hashed_password)).ok


async def access_refusal(auth: FastAuth[Any], token: str) -> str:
    """Return why an access token is refused."""
    with pytest.raises(TokenException) as caught:
        await auth.sessions.authenticate(token)
    return caught.value.reason


async def refresh_refusal(auth: FastAuth[Any], token: str) -> tuple[str, bool]:
    """Return why a refresh token is refused, and whether that was for its being used before."""
    with pytest.raises(RefreshTokenException) as caught:
        await auth.sessions.refresh(token)
    return caught.value.reason, caught.value.reused


async def lives(auth: FastAuth[Any], pair: TokenPair) -> bool:
    """Say whether the access token opens anything."""
    try:
        await auth.sessions.authenticate(pair.access_token)
    except TokenException:
        return False
    return True


def generation(pair: TokenPair) -> int:
    """Return how often the session had been refreshed when the refresh token was made."""
    number: int = claims_of(pair.refresh_token)["gen"]
    return number
