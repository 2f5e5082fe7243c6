"""Overriding a dependency in an app's tests: one root, and all guards follow it."""

from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import pytest
from fastapi import Depends, Request

from fastauth import Account, ConfigurationError, FastAuth
from fastauth.backends.memory import MemoryStore, User
from tests.conftest import client_of
from tests.web.helpers import guarded_app

Make = Callable[..., FastAuth[Any]]
GUARDS = ("current_user", "optional_user", "verified_user", "is_admin", "any_of_two", "all_of_two")


def fake_account(*roles: str) -> Account[User]:
    user = User(7, "fake", "fake@example.com", "")
    return Account("7", "fake", "fake@example.com", "", disabled=False, roles=frozenset(roles), user=user)


async def yielding() -> AsyncGenerator[Account[User], None]:
    yield fake_account("superadmin", "verified")


async def asking(request: Request) -> Account[User]:
    return fake_account("superadmin", "verified", *request.headers.getlist("x-role"))


async def waiting() -> Account[User]:
    return fake_account("superadmin", "verified")


def returning() -> Account[User]:
    return fake_account("superadmin", "verified")


# The optional user stands beside the root, and follows an override that needs nothing from the request.
CASES = [(guard, override) for guard in GUARDS for override in (returning, waiting)]
CASES += [(guard, override) for guard in GUARDS if guard != "optional_user" for override in (asking, yielding)]


@pytest.mark.parametrize(("guard", "override"), CASES)
async def test_overriding_the_root_changes_every_guard(
    make_auth: Make, guard: str, override: Callable[..., Any]
) -> None:
    """Overriding ``auth.current_account`` in a test signs everyone in, for every guard and with no store."""
    auth = make_auth(MemoryStore())
    app = guarded_app(auth)
    app.dependency_overrides[auth.current_account] = override

    async with client_of(app) as client:
        answer = await client.get(f"/{guard}")
        me = await client.get("/users/me")

    assert (answer.status_code, answer.json()) == (200, "fake")
    assert me.json()["username"] == "fake"


@pytest.mark.parametrize("guard", ["verified_user", "is_admin", "any_of_two", "all_of_two"])
async def test_a_guard_judges_the_account_of_the_override(make_auth: Make, guard: str) -> None:
    """A guard refuses the account of the override when it lacks the role."""
    auth = make_auth(MemoryStore())
    app = guarded_app(auth)
    app.dependency_overrides[auth.current_account] = lambda: fake_account("user")

    async with client_of(app) as client:
        assert (await client.get(f"/{guard}")).status_code == 403


def arguing(account: Account[User] = Depends(returning)) -> Account[User]:
    return account


def handing_over() -> Generator[Account[User], None, None]:
    yield fake_account()


@pytest.mark.parametrize("override", [asking, arguing, yielding, handing_over, lambda: None])
async def test_what_the_optional_user_cannot_follow_is_said(make_auth: Make, override: Callable[..., Any]) -> None:
    """Nobody is silently a stranger to the optional user alone: it is an error, which says what to override as well."""
    auth = make_auth(MemoryStore())
    app = guarded_app(auth)
    app.dependency_overrides[auth.current_account] = override

    async with client_of(app) as client:
        with pytest.raises(ConfigurationError, match=r"Override auth\.optional_user too"):
            await client.get("/optional_user")
        app.dependency_overrides[auth.optional_user] = lambda: fake_account().user
        answer = await client.get("/optional_user")

    assert answer.json() == "fake"


async def test_one_guard_can_be_overridden_alone(make_auth: Make) -> None:
    """A single guard can be overridden as well, and the others stay."""
    auth = make_auth(MemoryStore())
    app = guarded_app(auth)
    app.dependency_overrides[auth.require_roles(["admin"])] = lambda: fake_account().user
    app.dependency_overrides[auth.optional_user] = lambda: None

    async with client_of(app) as client:
        answers = [(await client.get(f"/{guard}")).status_code for guard in ("is_admin", "optional_user", "any_of_two")]

    assert answers == [200, 200, 401]
