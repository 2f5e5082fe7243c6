"""Accounts, page by page, on every store."""

from typing import Any

import pytest

from fastauth import Account, FastAuth, ValidationException
from tests.conftest import PASSWORD
from tests.services.conftest import memory_only

NAMES = ["ada", "brian", "carol", "dave", "straße", "100%_sure"]


@pytest.fixture
async def accounts(auth: FastAuth[Any]) -> list[Account[Any]]:
    """Six accounts, in the order in which they were made."""
    return [
        await auth.accounts.register(name, f"{name.strip('%')[:3]}{number}@example.com", PASSWORD)
        for number, name in enumerate(NAMES)
    ]


async def names(auth: FastAuth[Any], **options: Any) -> list[str]:
    return [account.username for account in await auth.accounts.list(**options)]


@pytest.mark.usefixtures("accounts")
async def test_accounts_are_listed_in_the_order_of_their_keys(auth: FastAuth[Any]) -> None:
    """A list has every account once, in the order in which they were made."""
    assert await names(auth) == NAMES


async def test_pages_join_without_a_gap(auth: FastAuth[Any], accounts: list[Account[Any]]) -> None:
    """A page begins behind the last account of the page before, also when that one has been deleted meanwhile."""
    first = await auth.accounts.list(limit=2)
    second = await auth.accounts.list(limit=2, after=first[-1].id)
    await auth.accounts.delete(second[-1].id)
    third = await auth.accounts.list(limit=50, after=second[-1].id)

    assert [account.id for account in [*first, *second, *third]] == [account.id for account in accounts]
    assert not await auth.accounts.list(after=third[-1].id)


@pytest.mark.usefixtures("accounts")
async def test_behind_what_is_no_id_there_is_nothing(auth: FastAuth[Any]) -> None:
    """An ``after`` that cannot be an id has nothing behind it."""
    for after in ("", "x", "1.5", "\u0661", "\0"):
        assert not await auth.accounts.list(after=after)


@pytest.mark.usefixtures("accounts")
async def test_a_search_finds_part_of_a_name_or_an_address(auth: FastAuth[Any]) -> None:
    """Any part of either is found in any case, and no character is a wildcard."""
    searches = {
        "": NAMES,
        "example.com": NAMES,
        "ADA": ["ada"],
        "roL": ["carol"],
        "Bri1@": ["brian"],
        "zzz": [],
        "%": ["100%_sure"],
        "_": ["100%_sure"],
        "100%_": ["100%_sure"],
        "\\": [],
        "'": [],
    }

    assert {search: await names(auth, search=search) for search in searches} == searches


@pytest.mark.usefixtures("accounts")
async def test_a_search_finds_a_name_as_it_is_kept(auth: FastAuth[Any]) -> None:
    """Whoever searches for the very name that is kept finds it, in any script."""
    assert await names(auth, search="stra\u00dfe") == ["stra\u00dfe"]


async def test_a_list_may_be_of_those_with_a_role_or_of_the_disabled(
    auth: FastAuth[Any], accounts: list[Account[Any]]
) -> None:
    """Role and state narrow a list down, together with the rest."""
    await auth.roles.grant(accounts[1].id, "moderator")
    await auth.roles.grant(accounts[2].id, "moderator")
    await auth.accounts.disable(accounts[2].id)

    assert await names(auth, role="moderator") == ["brian", "carol"]
    assert await names(auth, disabled=True) == ["carol"]
    assert await names(auth, disabled=False) == [name for name in NAMES if name != "carol"]
    assert await names(auth, role="moderator", disabled=False) == ["brian"]
    assert await names(auth, role="moderator", search="car", limit=1) == ["carol"]
    assert await names(auth, role="nothing") == []


async def test_a_role_is_found_in_any_case(auth: FastAuth[Any], accounts: list[Account[Any]]) -> None:
    """A role is named as freely as where it is granted, and what no role can be called has no holders."""
    await auth.roles.grant(accounts[1].id, "Moderator")

    assert await names(auth, role="MODERATOR") == ["brian"]
    for role in ("", "moder ator", "\0", "moderator\n", "x" * 1000):
        assert await names(auth, role=role) == []


@memory_only
async def test_a_page_has_between_one_and_a_thousand_accounts(auth: FastAuth[Any]) -> None:
    """A limit that is out of bounds is refused."""
    for limit in (0, -1, 1001):
        with pytest.raises(ValidationException, match="between 1 and 1000"):
            await auth.accounts.list(limit=limit)
