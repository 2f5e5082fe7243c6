"""The promises of :class:`~fastauth.core.protocols.UserStore` that change or delete a user."""

from dataclasses import replace
from typing import Any

import pytest

from fastauth.core.protocols import Store
from fastauth.testing.conformance.base import MINUTE, NEW_HASH, NOW, Conformance, facts, hash_of, strange_ids


class UserChangeConformance(Conformance):
    """A new password, disabling, deleting, and what must change together with them."""

    async def test_a_hash_is_replaced_where_it_is_still_the_old_one(self, store: Store[Any]) -> None:
        """A hash is replaced where it is still the old one, and the sessions live on."""
        account = await self.add_user(store)
        await self.add_session(store, account)

        replaced = await store.replace_password(account.id, old_hash=hash_of("ada"), new_hash=NEW_HASH)

        found = await store.authenticate("session-1")
        assert replaced is True
        assert found is not None
        assert found.hashed_password == NEW_HASH
        assert await self.is_signed_in(store, "session-1")

    @pytest.mark.parametrize("old_hash", ["another", "HASH OF ADA", "hash of ad", "", "%"])
    async def test_a_hash_that_moved_on_is_not_replaced(self, store: Store[Any], old_hash: str) -> None:
        """A hash that is not letter by letter the old one is left as it is."""
        account = await self.add_user(store)

        replaced = await store.replace_password(account.id, old_hash=old_hash, new_hash=NEW_HASH)

        assert replaced is False
        assert facts(await store.get_user(account.id)) == facts(account)

    async def test_a_new_password_ends_every_session(self, store: Store[Any]) -> None:
        """A new password revokes every live session of the user, and of nobody else."""
        ada, grace = await self.add_user(store, "ada"), await self.add_user(store, "grace")
        for account, session_id in ((ada, "ada-1"), (ada, "ada-2"), (grace, "grace-1")):
            await self.add_session(store, account, session_id)

        changed = await store.set_password(ada.id, NEW_HASH, now=NOW + MINUTE)

        found = await store.get_user(ada.id)
        assert changed is True
        assert found is not None
        assert found.hashed_password == NEW_HASH
        assert [await self.is_signed_in(store, each) for each in ("ada-1", "ada-2", "grace-1")] == [False, False, True]
        assert facts(await store.get_user(grace.id)) == facts(grace)

    async def test_a_new_password_is_set_only_where_the_old_one_stands(self, store: Store[Any]) -> None:
        """With the old hash named, another hash in its place stays, and so do the sessions."""
        account = await self.add_user(store)
        await self.add_session(store, account, "session")

        missed = await store.set_password(account.id, NEW_HASH, now=NOW, old_hash="a hash of before")
        after_the_miss = await store.get_user(account.id)
        live_after_the_miss = await self.is_signed_in(store, "session")
        hit = await store.set_password(account.id, NEW_HASH, now=NOW, old_hash=account.hashed_password)

        assert (missed, hit) == (False, True)
        assert after_the_miss is not None
        assert after_the_miss.hashed_password == account.hashed_password
        assert live_after_the_miss
        assert not await self.is_signed_in(store, "session")

    async def test_a_new_password_keeps_the_session_that_is_named(self, store: Store[Any]) -> None:
        """A new password keeps the named session alive, and only that one."""
        account = await self.add_user(store)
        for session_id in ("kept", "other"):
            await self.add_session(store, account, session_id)

        await store.set_password(account.id, NEW_HASH, now=NOW, keep_session="kept")

        assert [await self.is_signed_in(store, each) for each in ("kept", "other")] == [True, False]

    async def test_a_strange_session_to_keep_keeps_none(self, store: Store[Any]) -> None:
        """Whatever is named as the session to keep, it is no mistake, and all the others are revoked."""
        account = await self.add_user(store)

        for number, strange in enumerate(strange_ids("session")):
            await self.add_session(store, account, f"a-{number}")
            assert await store.set_password(account.id, hash_of("ada"), now=NOW, keep_session=strange), strange
            await self.add_session(store, account, f"b-{number}")
            assert await store.revoke_sessions(account.id, now=NOW, except_session=strange) == 1, strange
        assert not await store.list_sessions(account.id, now=NOW)

    async def test_disabling_ends_every_session(self, store: Store[Any]) -> None:
        """Disabling a user revokes every live session, and enabling brings none of them back."""
        account, other = await self.add_user(store, "ada"), await self.add_user(store, "grace")
        await self.add_session(store, account, "ada-1")
        await self.add_session(store, other, "grace-1")

        assert await store.set_disabled(account.id, True, now=NOW)
        assert facts(await store.get_user(account.id)) == facts(replace(account, disabled=True))
        assert await store.set_disabled(account.id, True, now=NOW)
        assert await store.set_disabled(account.id, False, now=NOW)

        assert facts(await store.get_user(account.id)) == facts(account)
        assert [await self.is_signed_in(store, each) for each in ("ada-1", "grace-1")] == [False, True]

    async def test_what_was_revoked_before_keeps_its_time(self, store: Store[Any]) -> None:
        """Only live sessions are revoked: one that was revoked before keeps the time of it."""
        account = await self.add_user(store)
        await self.add_session(store, account)
        await store.revoke_session("session-1", now=NOW)

        await store.set_password(account.id, NEW_HASH, now=NOW + MINUTE)
        await store.set_disabled(account.id, True, now=NOW + MINUTE)

        found = await store.authenticate("session-1")
        assert found is not None
        assert found.session is not None
        assert found.session.revoked_at == NOW

    async def test_a_deleted_user_leaves_nothing(self, store: Store[Any]) -> None:
        """A deleted user is gone with their sessions, their names are free, and whoever takes them inherits nothing."""
        ada = await self.add_user(store, "ada", roles=["editor"])
        grace = await self.add_user(store, "grace", roles=["editor"])
        await self.add_session(store, ada, "ada-1")
        kept = await self.add_session(store, grace, "grace-1")

        assert await store.delete_user(ada.id)
        assert not await store.delete_user(ada.id)
        assert await store.get_user(ada.id) is None
        assert await store.authenticate("ada-1") is None
        again = await store.add_user(self.new_user("ada"), roles=[])

        assert again.roles == frozenset()
        assert await store.authenticate("ada-1") is None
        assert not await store.list_sessions(again.id, now=NOW)
        assert facts(await store.authenticate("grace-1")) == facts(replace(grace, session=kept))

    async def test_an_unknown_user_cannot_be_changed(self, store: Store[Any]) -> None:
        """Every change of a user who does not exist says so by returning False."""
        unknown = await self.unknown_user_id(store)

        assert await store.replace_password(unknown, old_hash=hash_of("gone"), new_hash=NEW_HASH) is False
        assert await store.set_password(unknown, NEW_HASH, now=NOW) is False
        assert await store.set_disabled(unknown, True, now=NOW) is False
        assert await store.set_disabled(unknown, False, now=NOW) is False
        assert await store.delete_user(unknown) is False
