"""Claims of the app's own in access tokens."""

from typing import Any, cast

import pytest

from fastauth import Account, ConfigurationError, FastAuth, Store
from tests.core.forge import claims_of
from tests.services.conftest import MakeAuth, memory_only
from tests.services.watched_store import WatchedStore


async def test_claims_are_in_every_access_token_and_as_the_account_is_then(
    store: Store[Any], make_auth: MakeAuth
) -> None:
    """At sign-in, at a refresh and at its repetition, functions of both kinds are asked; refresh tokens stay small."""
    auth = make_auth(store)
    await auth.initialize_db()

    @auth.token_claims
    async def roles(account: Account[Any]) -> dict[str, Any]:
        return {"roles": sorted(account.roles)}

    auth.token_claims(lambda account: {"plan": {"name": "pro"}})
    ada = await auth.accounts.create("ada", "ada@example.com", "correct horse battery")
    first = await auth.sessions.start(ada)
    await auth.roles.grant(ada.id, "premium")
    second = await auth.sessions.refresh(first.refresh_token)
    repeated = await auth.sessions.refresh(first.refresh_token)

    said = [auth.sessions.read(pair.access_token).extra for pair in (first, second, repeated)]
    assert [each["roles"] for each in said] == [["user"], ["premium", "user"], ["premium", "user"]]
    assert {each["plan"]["name"] for each in said} == {"pro"}
    assert "plan" not in claims_of(second.refresh_token)
    assert (await auth.sessions.authenticate(second.access_token)).id == ada.id


async def test_without_such_functions_a_refresh_is_one_store_call(
    store: Store[Any], make_auth: MakeAuth, ada: Account[Any]
) -> None:
    """Only apps with claims of their own pay for reading the account at a refresh."""
    watched = WatchedStore(store)
    auth = make_auth(watched)
    pair = await auth.sessions.start(ada)
    watched.calls.clear()
    pair = await auth.sessions.refresh(pair.refresh_token)
    plain = list(watched.calls)
    auth.token_claims(lambda account: {})
    await auth.sessions.refresh(pair.refresh_token)

    assert plain == ["rotate_session"]
    assert watched.calls[len(plain) :] == ["authenticate", "rotate_session"]


@memory_only
@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"x": object()}, "no JSON"),
        ({"x": float("nan")}, "no JSON"),
        ({("a", "b"): 1}, "no JSON"),
        (None, "claims by name"),
        ([("a", 1)], "claims by name"),
        ({"x": "y" * 4096}, "4096 are read"),
    ],
)
async def test_claims_that_no_token_can_carry_are_refused(
    auth: FastAuth[Any], ada: Account[Any], made: Any, said: str
) -> None:
    """What is no JSON, has no names, or would make a token that is never read, is a mistake that is named at once."""
    auth.token_claims(lambda account: made)

    with pytest.raises(ConfigurationError, match=said):
        await auth.sessions.start(ada)


@memory_only
async def test_a_function_takes_the_account_and_nothing_else(auth: FastAuth[Any]) -> None:
    """A function of another shape is refused when it is registered."""

    def nothing() -> dict[str, Any]:
        return {}

    for function in (nothing, lambda account, more: {}, None):
        with pytest.raises(ConfigurationError, match="takes the account"):
            auth.token_claims(cast("Any", function))
