"""The role verbs."""

import secrets
from collections.abc import Collection, Mapping, Sequence

from bson import ObjectId
from pymongo.errors import BulkWriteError, DuplicateKeyError

from fastauth.backends.mongo.base import UNSET, MongoBase, changing, is_text
from fastauth.backends.mongo.database import Raw
from fastauth.backends.mongo.state import UserState
from fastauth.core.exceptions import (
    RoleExistsException,
    RoleNotFoundException,
    UserNotFoundException,
)
from fastauth.core.models import SUPERADMIN, VERIFIED, Role, U

_ID_BYTES = 8
_DUPLICATE_KEY = 11000


class MongoRoleStore(MongoBase[U]):
    """:class:`~fastauth.core.protocols.RoleStore` on MongoDB."""

    async def list_roles(self) -> Sequence[Role]:
        """Return all roles by name."""
        roles = (await self._database.ready()).roles
        return sorted(map(_role_of, await roles.find({})), key=lambda role: role.name)

    async def get_role(self, role_id: str) -> Role | None:
        """Return the role, or None."""
        roles = (await self._database.ready()).roles
        stored = await roles.find_one({"_id": role_id}) if is_text(role_id) else None
        return None if stored is None else _role_of(stored)

    @changing
    async def add_role(self, name: str, description: str) -> Role:
        """Store a role."""
        roles = (await self._database.ready()).roles
        stored = _new_role(name, description)
        await self._check_role_name(name)
        await self._deciding(_role_of(stored))
        try:
            await roles.insert_one(stored)
        except DuplicateKeyError as error:
            raise RoleExistsException from error
        return _role_of(stored)

    async def ensure_roles(self, roles: Mapping[str, str]) -> None:
        """Store those of the roles that do not exist yet."""
        collection = (await self._database.ready()).roles
        existing = {stored["name"] for stored in await collection.find({"name": {"$in": list(roles)}})}
        missing = [_new_role(name, description) for name, description in roles.items() if name not in existing]
        if not missing:
            return
        try:
            await collection.insert_many(missing)
        except BulkWriteError as error:
            # Another process stored one meanwhile, which is as good.
            problems = error.details.get("writeErrors", [])
            if error.details.get("writeConcernErrors") or any(each["code"] != _DUPLICATE_KEY for each in problems):
                raise

    @changing
    async def update_role(self, role_id: str, *, name: str | None, description: str | None) -> Role | None:
        """Change what is not None and return the role; None when there is no such role."""
        changes = {key: value for key, value in (("name", name), ("description", description)) if value is not None}
        if not is_text(role_id) or not changes:
            return await self.get_role(role_id)
        roles = (await self._database.ready()).roles
        found = await roles.find_one({"_id": role_id})
        if found is None:
            return None
        if name not in {None, found["name"]}:
            await self._check_role_name(name)
        await self._deciding(_role_of({**found, **changes}))
        try:
            stored = await roles.find_one_and_update({"_id": role_id}, {"$set": changes})
        except DuplicateKeyError as error:
            raise RoleExistsException from error
        return None if stored is None else _role_of(stored)

    async def _check_role_name(self, name: str | None) -> None:
        # Before the unique index does: a transaction is over with its error.
        roles = (await self._database.ready()).roles
        if await roles.find_one({"name": {"$eq": name}}) is not None:
            raise RoleExistsException

    @changing
    async def delete_role(self, role_id: str) -> bool:
        """Delete the role and take it from its holders; False when there is no such role.

        The first step decides: an id whose role is gone is no role any more, and no other role ever gets it.
        """
        _, accounts, roles, *_ = await self._database.ready()
        if not is_text(role_id) or await roles.find_one({"_id": role_id}) is None:
            return False
        await self._deciding()
        deleted = await roles.delete_one({"_id": role_id})
        await accounts.update_many({"roles": role_id}, {"$pull": {"roles": role_id}})
        return deleted

    @changing
    async def grant_role(self, user_id: str, role_name: str, *, unless_holding: Collection[str] = ()) -> bool:
        """Give the user the role; False when they hold it already."""
        state, role_id = await self._holding(user_id, role_name, unless_holding)
        if role_name in state.roles:
            return False
        await self._deciding()
        if role_name == VERIFIED:
            await self._change_account(state, self._verification(state, {*state.verified_for, state.email}))
        else:
            await self._change_roles(state, {"$addToSet": {"roles": role_id}}, {"$ne": role_id}, unless_holding)
        return True

    @changing
    async def revoke_role(self, user_id: str, role_name: str, *, unless_holding: Collection[str] = ()) -> bool:
        """Take the role from the user; False when they do not hold it."""
        state, role_id = await self._holding(user_id, role_name, unless_holding)
        if role_name not in state.roles:
            return False
        if role_name == SUPERADMIN:
            await self._keep_a_superadmin(state)
        await self._deciding()
        if role_name == SUPERADMIN:
            await self._change_account(state, {"roles": [each for each in state.account["roles"] if each != role_id]})
        elif role_name == VERIFIED:
            await self._change_account(state, self._verification(state, state.verified_for - {state.email}))
        else:
            await self._change_roles(state, {"$pull": {"roles": role_id}}, {"$eq": role_id}, unless_holding)
        return True

    async def _holding(self, user_id: str, role_name: str, unless_holding: Collection[str]) -> tuple[UserState, str]:
        """Return the user's state and the id of the role."""
        names = [name for name in {role_name, *unless_holding} if is_text(name)]
        state = await self._read_user(user_id, role_names=names)
        if state is None:
            raise UserNotFoundException
        if role_name not in state.named:
            raise RoleNotFoundException(roles=[role_name])
        self._check_rank(state, unless_holding)
        return state, state.named[role_name]

    async def _change_roles(self, state: UserState, change: Raw, still: Raw, unless_holding: Collection[str]) -> None:
        """Change one role, where this is still so of the roles and none of the others is among them.

        Not by the revision: so a hundred who change roles of one user at once do not have to wait for one another.
        """
        forbidden = [state.named[name] for name in unless_holding if name in state.named]
        where: Raw = {"deleted": UNSET, "roles": {"$nin": forbidden, **still}}
        await self._update_account(state, where, {**change, "$set": {"revision": ObjectId()}})


def _new_role(name: str, description: str) -> Raw:
    return {"_id": secrets.token_hex(_ID_BYTES), "name": name, "description": description}


def _role_of(stored: Raw) -> Role:
    return Role(stored["_id"], stored["name"], stored["description"])
