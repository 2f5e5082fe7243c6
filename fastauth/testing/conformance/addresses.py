"""The promises of :class:`~fastauth.core.protocols.UserStore` about addresses, own attributes and rank."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from fastauth.core.exceptions import (
    PermissionDeniedException,
    RoleNotFoundException,
    UserExistsException,
    ValidationException,
)
from fastauth.core.models import VERIFIED
from fastauth.core.protocols import Store
from fastauth.testing.conformance.base import NOW, Conformance, facts, hash_of, race, strange_ids

Acting = Callable[[Store[Any], str, list[str]], Awaitable[Any]]

ACTS: dict[str, Acting] = {
    "update": lambda store, user_id, roles: store.update_user(user_id, {}, unless_holding=roles),
    "address": lambda store, user_id, roles: store.set_email(
        user_id, "new@example.com", verified=False, unless_holding=roles
    ),
    "disable": lambda store, user_id, roles: store.set_disabled(user_id, True, now=NOW, unless_holding=roles),
    "sign out": lambda store, user_id, roles: store.revoke_sessions(user_id, now=NOW, unless_holding=roles),
    "delete": lambda store, user_id, roles: store.delete_user(user_id, unless_holding=roles),
}


class AddressConformance(Conformance):
    """The address and whether it is verified, in one step; and whom an administrator may touch."""

    async def test_an_address_is_set_and_verified_in_one_step(self, store: Store[Any]) -> None:
        """The address and the role `verified` change together, and to set the address anew is to verify it."""
        await store.ensure_roles({VERIFIED: "A role."})
        account = await self.add_user(store)

        assert await store.set_email(account.id, "new@example.com", verified=True)
        moved = replace(account, email="new@example.com", roles=frozenset({VERIFIED}))
        assert facts(await store.get_user(account.id)) == facts(moved)
        assert await store.set_email(account.id, "newer@example.com", verified=False)
        assert facts(await store.get_user(account.id)) == facts(replace(account, email="newer@example.com"))
        assert await store.set_email(account.id, "newer@example.com", verified=True)
        found = await store.get_user(account.id)
        assert found is not None
        assert found.verified

    @pytest.mark.parametrize("old_email", ["another@example.com", "ADA@example.com", "ada@example.co", "", "%"])
    async def test_an_address_that_moved_on_is_left_alone(self, store: Store[Any], old_email: str) -> None:
        """With the old address named, another one in its place stays, letter by letter."""
        await store.ensure_roles({VERIFIED: "A role."})
        account = await self.add_user(store)

        assert await store.set_email(account.id, "new@example.com", verified=True, old_email=old_email) is False
        assert facts(await store.get_user(account.id)) == facts(account)

    async def test_an_address_that_somebody_has_is_refused(self, store: Store[Any]) -> None:
        """An address that is taken is refused by name, and nothing has changed."""
        await store.ensure_roles({VERIFIED: "A role."})
        ada, grace = await self.add_user(store, "ada"), await self.add_user(store, "grace")

        with pytest.raises(UserExistsException) as refused:
            await store.set_email(ada.id, grace.email, verified=True)

        assert refused.value.field == "email"
        assert facts(await store.get_user(ada.id)) == facts(ada)

    async def test_an_address_is_given_to_one_of_those_who_want_it(self, store: Store[Any]) -> None:
        """Of ten users who take one address at once, exactly one gets it."""
        accounts = [await self.add_user(store, f"user{number}") for number in range(10)]

        taken = await race(
            (store.set_email(account.id, "new@example.com", verified=False) for account in accounts),
            losing=(UserExistsException,),
        )

        found = [await store.get_user(account.id) for account in accounts]
        assert taken.count(True) == 1
        assert [account is not None and account.email for account in found].count("new@example.com") == 1

    async def test_no_address_is_verified_without_the_role(self, store: Store[Any]) -> None:
        """Where there is no role `verified`, verifying says so, and nothing has changed."""
        account = await self.add_user(store)

        with pytest.raises(RoleNotFoundException):
            await store.set_email(account.id, "new@example.com", verified=True)

        assert facts(await store.get_user(account.id)) == facts(account)

    async def test_nobody_has_no_address(self, store: Store[Any]) -> None:
        """A user who does not exist, and what cannot be an id, is not found by any of these verbs."""
        unknown = await self.unknown_user_id(store)

        for user_id in (unknown, *strange_ids(unknown)):
            assert await store.set_email(user_id, "new@example.com", verified=False) is False, user_id
            assert await store.update_user(user_id, {}) is None, user_id
            assert await store.delete_user(user_id, old_hash="hash", unless_holding=["admin"]) is False, user_id

    async def test_an_attribute_that_is_not_there_is_refused(self, store: Store[Any]) -> None:
        """An attribute that the user model has not, or that is ours, is refused, and nothing has changed."""
        account = await self.add_user(store)

        for name in ("no_such_attribute", "hashed_password", "username", "disabled", "id"):
            with pytest.raises(ValidationException):
                await store.update_user(account.id, {name: "value"})
        assert facts(await store.update_user(account.id, {})) == facts(account)

    async def test_only_the_password_of_now_deletes(self, store: Store[Any]) -> None:
        """With the old hash named, a user who has another one by now stays."""
        account = await self.add_user(store)

        assert await store.delete_user(account.id, old_hash="another hash") is False
        assert facts(await store.get_user(account.id)) == facts(account)
        assert await store.delete_user(account.id, old_hash=hash_of("ada")) is True
        assert await store.get_user(account.id) is None

    @pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
    async def test_nobody_of_a_rank_is_touched(self, store: Store[Any], act: Acting) -> None:
        """Who holds one of the roles is left as they are; who holds none of them is not protected."""
        admin = await self.add_user(store, "admin", roles=["admin", "user"])
        user = await self.add_user(store, "user", roles=["user"])
        for account in (admin, user):
            await self.add_session(store, account, f"of-{account.username}")

        with pytest.raises(PermissionDeniedException):
            await act(store, admin.id, ["superadmin", "admin"])
        assert await act(store, user.id, ["superadmin", "admin"])

        assert facts(await store.get_user(admin.id)) == facts(admin)
        assert await self.is_signed_in(store, "of-admin")
