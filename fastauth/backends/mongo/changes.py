"""The user verbs that set a password, disable and delete."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from bson import ObjectId

from fastauth.backends.mongo.base import UNSET, changing, is_text
from fastauth.backends.mongo.database import Raw
from fastauth.backends.mongo.errors import LostRaceError
from fastauth.backends.mongo.state import UserState, fingerprint_of, new_token
from fastauth.backends.mongo.users import MongoUserStore
from fastauth.core.exceptions import ValidationException
from fastauth.core.models import U


class MongoUserChanges(MongoUserStore[U]):
    """A good part of :class:`~fastauth.core.protocols.UserStore` on MongoDB."""

    @changing
    async def replace_password(self, user_id: str, *, old_hash: str, new_hash: str) -> bool:
        """Replace the hash if it is still ``old_hash``; say whether it was replaced."""
        state = await self._read_user(user_id)
        if state is None or state.hash != old_hash:
            return False
        try:
            change = self._objects.change(state.user, "hashed_password", new_hash)
        except ValidationException:
            return False  # and the old one stays good, as this is an upgrade in passing
        await self._deciding()
        if new_hash == old_hash:
            return True
        await self._note_root(state, new_hash, state.root)
        try:
            replaced = await self._write_hash(state, change)
        except ValidationException:
            return False
        if not replaced:
            # Of two who make the same hash anew, one may have stored the very string that the other came with.
            state = await self._read_user(user_id)
        if state is not None and (replaced or state.hash != new_hash):
            await self._forget_root(state, old_hash if replaced else new_hash)
        return replaced

    @changing
    async def set_password(
        self,
        user_id: str,
        new_hash: str,
        *,
        now: datetime,
        old_hash: str | None = None,
        keep_session: str | None = None,
    ) -> bool:
        """Set the hash and revoke every live session but ``keep_session``; say whether it was set."""
        state = await self._read_user(user_id)
        if state is None or (old_hash is not None and state.hash != old_hash):
            return False
        keep = keep_session if is_text(keep_session) else None
        change = self._objects.change(state.user, "hashed_password", new_hash)
        await self._deciding()
        if state.hash == new_hash:
            await self._end_sessions(state, now, keep=keep)
        else:
            root = new_token()
            if keep is not None:
                await self._keep_session(state, keep, now, roots=root)
            await self._note_root(state, new_hash, root, ended_at=now)
            if not await self._write_hash(state, change):
                raise LostRaceError
            await self._forget_root(state, state.hash)
        await self._write_revoked(state, now, but=keep)
        return True

    async def _write_hash(self, state: UserState, change: Raw) -> bool:
        users = (await self._database.ready()).users
        unchanged = {"_id": state.key, self._hash: {"$eq": state.hash}}
        try:
            return await users.update_one(unchanged, change)
        except ValidationException:
            if not self._database.in_transaction:  # which takes it back itself
                await self._forget_root(state, change["$set"][self._hash])
            raise

    async def _note_root(self, state: UserState, new_hash: str, root: str, **more: Any) -> None:
        note = {f"roots.{fingerprint_of(new_hash)}": root, **more}
        change = {"$set": note, "$setOnInsert": {"revision": ObjectId()}}
        await self._update_account(state, {"deleted": UNSET}, change)

    async def _forget_root(self, state: UserState, unused_hash: Any) -> None:
        accounts = (await self._database.ready()).accounts
        await accounts.update_one({"_id": state.key}, {"$unset": {f"roots.{fingerprint_of(unused_hash)}": ""}})

    @changing
    async def set_disabled(
        self, user_id: str, disabled: bool, *, now: datetime, unless_holding: Collection[str] = ()
    ) -> bool:
        """Disable the user and revoke every live session, or enable the user; False when there is no such user.

        The account decides: from its one write on, the user is disabled and the sessions are over. ``disabled`` is
        then written into the app's document, which is where the app reads it and may change it back; and then the
        account's word is taken back, lest it outweigh the app's.
        """
        state = await self._read_user(user_id)
        if state is None:
            return False
        self._check_rank(state, unless_holding)
        if not disabled:
            return await self._enable(state, unless_holding)
        change = self._objects.change(state.user, "disabled", self._is_disabled)
        await self._keep_a_superadmin(state)
        await self._deciding()
        await self._end_sessions(state, now, keep=None, disabling=True)
        users, accounts, *_ = await self._database.ready()
        await users.update_one({"_id": state.key}, change)
        # A new epoch once more: who was enabled, signed in and was disabled by the write above stays signed out.
        decided = {"epoch": new_token(), "revision": ObjectId()}
        await accounts.update_one({"_id": state.key}, {"$set": decided, "$unset": {"disabling": ""}})
        await self._write_revoked(state, now, but=None)
        return True

    async def _enable(self, state: UserState, unless_holding: Collection[str]) -> bool:
        users = (await self._database.ready()).users
        change = self._objects.change(state.user, "disabled", not self._is_disabled)
        await self._deciding()
        if unless_holding:
            state = await self._change_account(state, {})
        there = await users.update_one({"_id": state.key}, change)
        if there and state.account.get("disabling"):
            await self._change_account(state, {"disabling": False, "epoch": new_token()})
        return there

    @changing
    async def delete_user(
        self, user_id: str, *, old_hash: str | None = None, unless_holding: Collection[str] = ()
    ) -> bool:
        """Delete the user, their sessions and role holdings; say whether there was such a user.

        The account decides: once it says ``deleted``, nobody finds the user any more. What a crash leaves undone is
        done when somebody asks for the names again.
        """
        state = await self._read_user(user_id)
        if state is None or (old_hash is not None and state.hash != old_hash):
            return False
        self._check_rank(state, unless_holding)
        await self._keep_a_superadmin(state)
        leaving = self._objects.leaving(state.user)
        await self._objects.before_delete(leaving)
        await self._deciding()
        await self._change_account(state, {"deleted": True, "roles": []})
        await self._erase(state, leaving)
        return True
