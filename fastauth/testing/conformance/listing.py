"""The promises of :meth:`fastauth.core.protocols.UserStore.list_users`."""

from collections.abc import Sequence
from typing import Any

import pytest

from fastauth.core.models import Account
from fastauth.core.protocols import Store
from fastauth.testing.conformance.base import MALFORMED_IDS, NOW, Conformance, facts


class UserListingConformance(Conformance):
    """Users, page by page."""

    async def pages(self, store: Store[Any], size: int, **wanted: Any) -> list[Account[Any]]:
        """Return all the accounts, read in pages of this size."""
        accounts: list[Account[Any]] = []
        while page := await store.list_users(after=accounts[-1].id if accounts else None, limit=size, **wanted):
            assert len(page) <= size
            accounts += page
        return accounts

    async def add_users(self, store: Store[Any], *names: str) -> dict[str, Account[Any]]:
        """Store users of these names."""
        return {name: await self.add_user(store, name) for name in names}

    @pytest.mark.parametrize("size", [1, 2, 3, 100])
    async def test_pages_have_everyone_once(self, store: Store[Any], size: int) -> None:
        """Page by page everyone is listed once, as the account that a look-up gives, whatever the size of a page."""
        added = await self.add_users(store, "ada", "bob", "eve", "kim", "zoe")

        listed = await self.pages(store, size)

        assert {account.username: facts(account) for account in listed} == {
            name: facts(account) for name, account in added.items()
        }
        assert len(listed) == len(added)

    async def test_the_order_stands(self, store: Store[Any]) -> None:
        """Two readings have the same order."""
        await self.add_users(store, "kim", "ada", "zoe", "bob")

        assert _names(await self.pages(store, 2)) == _names(await self.pages(store, 3))

    async def test_pages_stand_while_users_are_added(self, store: Store[Any]) -> None:
        """Whoever was there when the reading began is listed once, though users are added and deleted meanwhile."""
        names = [f"user-{number}" for number in range(10)]
        before = await self.add_users(store, *names)
        listed: list[Account[Any]] = []

        while page := await store.list_users(after=listed[-1].id if listed else None, limit=2):
            listed += page
            if len(listed) < len(names):
                await self.add_user(store, f"late-{len(listed)}")
                await store.delete_user(listed[0].id)

        seen = [name for name in _names(listed) if name in before]
        assert sorted(seen) == names

    async def test_a_search_matches_a_part_letter_by_letter(self, store: Store[Any]) -> None:
        """A search finds a part of the username or of the address, and takes no character for a wildcard."""
        await self.add_users(store, "ada", "adam", "a_a", "a%a", "a.a")
        await store.add_user(self.new_user("bob", email="bob@lovelace.example"), roles=())

        found = {
            text: sorted(_names(await self.pages(store, 2, search=text))) for text in ("ada", "_", "%", ".a", "lace")
        }

        assert found == {"ada": ["ada", "adam"], "_": ["a_a"], "%": ["a%a"], ".a": ["a.a"], "lace": ["bob"]}

    async def test_a_role_narrows_the_list(self, store: Store[Any]) -> None:
        """With a role, only its holders are listed, with all of their roles."""
        await self.add_user(store, "ada", roles=["editor", "user"])
        await self.add_user(store, "bob", roles=["user"])

        (ada,) = await self.pages(store, 1, role="editor")

        assert (ada.username, set(ada.roles)) == ("ada", {"editor", "user"})
        assert await self.pages(store, 1, role="nobody-has-it") == []

    async def test_the_state_narrows_the_list(self, store: Store[Any]) -> None:
        """With a state, only the disabled are listed, or only the others."""
        added = await self.add_users(store, "ada", "bob")
        await store.set_disabled(added["bob"].id, True, now=NOW)

        assert _names(await self.pages(store, 1, disabled=True)) == ["bob"]
        assert _names(await self.pages(store, 1, disabled=False)) == ["ada"]

    async def test_conditions_add_up(self, store: Store[Any]) -> None:
        """Several conditions hold together."""
        await self.add_user(store, "ada", roles=["editor"])
        await self.add_user(store, "adam", roles=["user"])
        await self.add_user(store, "bob", roles=["editor"])

        assert _names(await self.pages(store, 1, search="ada", role="editor", disabled=False)) == ["ada"]

    async def test_after_no_id_there_is_nobody(self, store: Store[Any]) -> None:
        """Nobody comes after what cannot be an id; where ids are any strings, it may have its place among them."""
        await self.add_users(store, "ada")

        for after in MALFORMED_IDS:
            assert _names(await store.list_users(after=after, limit=10)) in ([], ["ada"]), after

    async def test_a_search_for_what_no_name_has_finds_nobody(self, store: Store[Any]) -> None:
        """Whatever is searched for, and whatever role is named, it is no mistake; there is just nobody."""
        await self.add_users(store, "ada")

        for text in ("\x00", "\ud800", "ada\x00", "ADA\n", "'", '"', "\\", "{", "(", "x" * 10_000):
            assert list(await store.list_users(search=text, limit=10)) == [], text
            assert list(await store.list_users(role=text, limit=10)) == [], text


def _names(accounts: Sequence[Account[Any]]) -> list[str]:
    return [account.username for account in accounts]
