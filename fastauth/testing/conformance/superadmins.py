"""The superadmin rule: where there was an enabled superadmin, one always remains."""

from dataclasses import replace
from typing import Any

import pytest

from fastauth.core.exceptions import ProtectedRoleException
from fastauth.core.models import SUPERADMIN
from fastauth.core.protocols import Store
from fastauth.testing.conformance.base import NOW, Conformance, facts


class SuperadminConformance(Conformance):
    """What ``revoke_role``, ``set_disabled`` and ``delete_user`` keep; :class:`RaceConformance` has the races."""

    async def test_the_last_superadmin_is_not_disabled(self, store: Store[Any]) -> None:
        """The last enabled superadmin is not disabled, and keeps their sessions."""
        root = await self.add_superadmin(store)
        session = await self.add_session(store, root)
        await self.add_user(store, "ada")

        with pytest.raises(ProtectedRoleException):
            await store.set_disabled(root.id, True, now=NOW)

        assert facts(await store.authenticate("session-1")) == facts(replace(root, session=session))

    async def test_the_last_superadmin_is_not_deleted(self, store: Store[Any]) -> None:
        """The last enabled superadmin is not deleted, and keeps their sessions."""
        root = await self.add_superadmin(store)
        session = await self.add_session(store, root)
        await self.add_user(store, "ada")

        with pytest.raises(ProtectedRoleException):
            await store.delete_user(root.id)

        assert facts(await store.authenticate("session-1")) == facts(replace(root, session=session))

    async def test_the_last_superadmin_stays_one(self, store: Store[Any]) -> None:
        """The role superadmin is not taken from its last enabled holder."""
        root = await self.add_superadmin(store)

        with pytest.raises(ProtectedRoleException):
            await store.revoke_role(root.id, SUPERADMIN)

        assert facts(await store.get_user(root.id)) == facts(root)

    async def test_a_disabled_superadmin_does_not_count(self, store: Store[Any]) -> None:
        """A second superadmin who is disabled does not let the first one go."""
        root, second = await self.add_superadmin(store), await self.add_superadmin(store, "second")
        assert await store.set_disabled(second.id, True, now=NOW)

        with pytest.raises(ProtectedRoleException):
            await store.set_disabled(root.id, True, now=NOW)
        with pytest.raises(ProtectedRoleException):
            await store.delete_user(root.id)
        with pytest.raises(ProtectedRoleException):
            await store.revoke_role(root.id, SUPERADMIN)

        assert facts(await store.get_user(root.id)) == facts(root)

    async def test_one_of_two_superadmins_may_go(self, store: Store[Any]) -> None:
        """While another enabled superadmin remains, one may be disabled, deleted or demoted."""
        await self.add_superadmin(store)
        disabled, deleted, demoted = [await self.add_superadmin(store, name) for name in ("one", "two", "three")]

        assert await store.set_disabled(disabled.id, True, now=NOW)
        assert await store.delete_user(deleted.id)
        await store.revoke_role(demoted.id, SUPERADMIN)

        assert facts(await store.get_user(disabled.id)) == facts(replace(disabled, disabled=True))
        assert await store.get_user(deleted.id) is None
        assert facts(await store.get_user(demoted.id)) == facts(replace(demoted, roles=frozenset()))

    async def test_a_disabled_superadmin_may_always_go(self, store: Store[Any]) -> None:
        """A disabled superadmin, of whom nothing depends, may be disabled again, demoted and deleted."""
        await self.add_superadmin(store)
        second = await self.add_superadmin(store, "second")
        await store.set_disabled(second.id, True, now=NOW)

        assert await store.set_disabled(second.id, True, now=NOW)
        await store.revoke_role(second.id, SUPERADMIN)
        assert await store.delete_user(second.id)

    async def test_where_there_is_no_enabled_superadmin_there_is_no_rule(self, store: Store[Any]) -> None:
        """Who is no enabled superadmin may go, even where there is no enabled superadmin at all."""
        root, second = await self.add_superadmin(store), await self.add_superadmin(store, "second")
        await store.set_disabled(second.id, True, now=NOW)
        await self.add_user(store, "ada")
        await store.set_disabled(second.id, False, now=NOW)
        await store.set_disabled(root.id, True, now=NOW)

        with pytest.raises(ProtectedRoleException):
            await store.delete_user(second.id)

        assert await store.delete_user(root.id)

    async def test_others_are_free_of_the_rule(self, store: Store[Any]) -> None:
        """Who is no superadmin may be disabled and deleted, and taking from them what they do not hold is nothing."""
        await self.add_superadmin(store)
        ada = await self.add_user(store, "ada")

        await store.revoke_role(ada.id, SUPERADMIN)
        assert await store.set_disabled(ada.id, True, now=NOW)
        assert await store.delete_user(ada.id)

    async def test_the_rule_needs_no_superadmin_role(self, store: Store[Any]) -> None:
        """Where nobody ever made the role superadmin, users may be disabled and deleted."""
        ada = await self.add_user(store, "ada", roles=["user"])

        await store.revoke_role(ada.id, "user")
        assert await store.set_disabled(ada.id, True, now=NOW)
        assert await store.delete_user(ada.id)
