"""The user verbs that change the app's own attributes, and the address."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from bson import ObjectId
from pymongo.errors import OperationFailure

from fastauth.backends.mongo.base import changing
from fastauth.backends.mongo.database import Raw
from fastauth.backends.mongo.errors import LostRaceError
from fastauth.backends.mongo.state import UserState, new_token
from fastauth.backends.mongo.users import MongoUserStore
from fastauth.core.exceptions import RoleNotFoundException, ValidationException
from fastauth.core.models import VERIFIED, Account, U


class MongoUserAttributes(MongoUserStore[U]):
    """A further part of :class:`~fastauth.core.protocols.UserStore` on MongoDB."""

    @changing
    async def update_user(
        self, user_id: str, fields: Mapping[str, Any], *, unless_holding: Collection[str] = ()
    ) -> Account[U] | None:
        """Change the app's own attributes of the user and return the account; None when there is no such user."""
        state = await self._read_user(user_id)
        if state is None:
            return None
        self._check_rank(state, unless_holding)
        users = (await self._database.ready()).users
        changed = self._objects.changed(state.user, fields)
        await self._objects.before_update(changed)
        update = self._objects.difference(changed)
        to_be = {**state.user, **update.get("$set", {})}
        for name in update.get("$unset", ()):
            to_be.pop(name, None)  # a default of the class may stand for what was never stored
        await self._deciding(self._account(replace(state, user=users.read_back(to_be))))
        if unless_holding:
            await self._change_account(state, {})
        if not update:
            return self._account(state)
        try:
            # Where the address has changed, the roles that were read may not be those that go with it.
            stored = await users.find_one_and_update({"_id": state.key, self._email: {"$eq": state.email}}, update)
        except OperationFailure as error:
            await self._explain(error, to_be)
        if stored is None:
            raise LostRaceError
        await self._objects.after_update(changed)
        if state.account.get("disabling"):
            stored[self._disabled] = self._is_disabled
        disabled = self._mapping.shape.is_disabled(stored.get(self._disabled))
        return self._account(replace(state, user=stored, disabled=disabled))

    @changing
    async def set_email(
        self,
        user_id: str,
        email: str,
        *,
        verified: bool,
        old_email: str | None = None,
        unless_holding: Collection[str] = (),
    ) -> bool:
        """Set the address and grant or take the role ``verified`` with it; say whether it was set.

        The app's document decides: from the write of the address on, the role counts for it or does not, as the
        account was told before. Another ``set_email`` that is under way may write another address than this one, or the
        same; so the account keeps what holds for the others', and is told of this one afterwards where it is in doubt.
        """
        state = await self._read_user(user_id, role_names=[VERIFIED])
        if state is None or old_email not in {None, state.email}:
            return False
        self._check_rank(state, unless_holding)
        if verified and VERIFIED not in state.named:
            raise RoleNotFoundException(roles=[VERIFIED])
        new = self._mapping.encode(email)
        if new == state.email:
            await self._deciding()
            verified_for = {*state.verified_for, new} if verified else state.verified_for - {new}
            await self._change_account(state, self._verification(state, verified_for))
            return True
        change = self._objects.change(state.user, "email", email)
        if self._step is not None:  # which is not awaited for what will be refused
            await self._check_free({self._email: {"$eq": new}}, "email", but=state.key)
        await self._deciding()
        await self._move(state, new, change, verified=verified)
        return True

    async def _move(self, state: UserState, new: Any, change: Raw, *, verified: bool) -> None:
        users, accounts, *_ = await self._database.ready()
        move = new_token()
        is_sure = verified and "moving" not in state.account
        verified_for = {*state.verified_for, new} if is_sure else state.verified_for - {new}
        await self._change_account(state, {**self._verification(state, verified_for), "moving": move})
        where = {"_id": state.key, self._email: {"$eq": state.email}}
        refused: OperationFailure | ValidationException | None = None
        try:
            is_moved = await users.update_one(where, change)
        except (OperationFailure, ValidationException) as error:
            refused, is_moved = error, False
        if not is_moved and not self._database.in_transaction:  # which takes it back itself
            back = {"$addToSet" if new in state.verified_for else "$pull": {"verified_for": new}}
            await accounts.update_one({"_id": state.key, "moving": move}, {**back, "$unset": {"moving": ""}})
        if refused is not None:
            await self._explain(refused, {self._email: new})
        if not is_moved:
            raise LostRaceError
        moved: Raw = {"$set": {"verified_for": [new] * verified, "revision": ObjectId()}, "$unset": {"moving": ""}}
        if VERIFIED in state.named:
            moved["$addToSet" if verified else "$pull"] = {"roles": state.named[VERIFIED]}
        await accounts.update_one({"_id": state.key, "moving": move}, moved)
