"""The user verbs."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, NoReturn

from bson import ObjectId
from pymongo.errors import DuplicateKeyError, WriteError

from fastauth.backends.mongo.base import UNSET, MongoBase, is_text
from fastauth.backends.mongo.database import Raw
from fastauth.backends.mongo.errors import LostRaceError, retried
from fastauth.backends.mongo.state import UserState, fingerprint_of, new_token
from fastauth.core.exceptions import RoleNotFoundException, UserExistsException, ValidationException
from fastauth.core.models import Account, Login, NewUser, U

_REFUSED_BY_SCHEMA = 121
_LEFT_BEHIND = timedelta(minutes=1)  # far longer than a verb is given


class MongoUserStore(MongoBase[U]):
    """:class:`~fastauth.core.protocols.UserStore` on MongoDB."""

    @retried
    async def add_user(self, new: NewUser, *, roles: Collection[str]) -> Account[U]:
        """Store a user who holds these roles.

        The account is made first, and is nobody's until the app's document is there: that one insert decides. An
        account that a crash left alone belongs to a key which nobody has.
        """
        collections = await self._database.ready()
        document = self._objects.new(new)
        named = await collections.roles.find({"name": {"$in": [name for name in roles if is_text(name)]}})
        if len(named) != len(set(roles)):
            raise RoleNotFoundException
        await self._objects.before_insert(document)
        raw = self._objects.encode(document)
        account: Raw = {"_id": raw["_id"], "roles": [role["_id"] for role in named], "revision": ObjectId()}
        await self._add_account(account)
        try:
            await collections.users.insert_one(raw)
        except WriteError as error:
            if not self._database.in_transaction:  # which is over with this error
                await collections.accounts.delete_one({"_id": account["_id"], "revision": account["revision"]})
            await self._explain(error, raw)
        await self._objects.after_insert(document)
        # Read back from the bytes, so that it is to the letter what a later read gives: times in milliseconds, say.
        row = {"user": [collections.users.read_back(raw)], "account": [account], "roles": named}
        state = self._state(row)
        assert state is not None  # there is a user in the row
        return self._account(state)

    async def _add_account(self, account: Raw) -> None:
        collections = await self._database.ready()
        key = {"_id": account["_id"]}
        if not self._mapping.makes_random_keys:
            await self._check_free(key, "id")
        try:
            await collections.accounts.insert_one(account)
        except DuplicateKeyError as error:
            # A key that the app's class makes, and that a user had whom the app itself deleted, or a crash half made;
            # unless somebody is just being stored with it.
            long_ago = ObjectId.from_datetime(datetime.now(timezone.utc) - _LEFT_BEHIND)
            left_behind = {"$or": [{"deleted": True}, {"revision": {"$lt": long_ago}}]}
            if not await collections.accounts.replace_one({**key, **left_behind}, account):
                raise UserExistsException(field="id") from error

    async def _check_free(self, where: Raw, name: str) -> None:
        """Refuse when a user has this; one whose deletion was decided and not finished is deleted first."""
        state = await self._read_user_where(where, also_deleted=True)
        if state is None:
            return
        if not state.deleted:
            raise UserExistsException(field=name)
        await self._erase(state)
        raise LostRaceError

    async def _explain(self, error: WriteError, raw: Raw) -> NoReturn:
        """Raise what the error stands for; the name before the address, whichever index was looked at first.

        Raises:
            UserExistsException: Somebody has this value of a field.
            ValidationException: An index or a schema of the app's own refuses the values.
            LostRaceError: Nobody has the value any more.
        """
        if error.code == _REFUSED_BY_SCHEMA:
            # Without the cause: its text holds the values, and that is the password hash among others.
            raise ValidationException("A value is refused by the database.") from None
        if not isinstance(error, DuplicateKeyError):
            raise error
        if not self._database.in_transaction:
            for name in ("username", "email"):
                stored_name = self._mapping.stored_name(name)
                await self._check_free({stored_name: {"$eq": raw[stored_name]}}, name)
        details: Mapping[str, Any] = error.details or {}
        stored_names = list(details.get("keyPattern", ()))
        field = self._mapping.field_stored_as(stored_names[0]) if len(stored_names) == 1 else None
        if field is None:
            raise ValidationException("A value is refused by the database.") from error
        raise UserExistsException(field=field) from error

    async def get_user(self, user_id: str) -> Account[U] | None:
        """Return the account of this user with its roles, or None."""
        state = await self._read_user(user_id)
        return None if state is None else self._account(state)

    async def find_user(self, login: Login) -> Account[U] | None:
        """Return the account with this username or with this e-mail address, or None."""
        stored_name = self._email if login.kind == "email" else self._username
        if not is_text(login.value):
            return None
        state = await self._read_user_where({stored_name: {"$eq": login.value}})
        return None if state is None else self._account(state)

    @retried
    async def replace_password(self, user_id: str, *, old_hash: str, new_hash: str) -> bool:
        """Replace the hash if it is still ``old_hash``; say whether it was replaced."""
        state = await self._read_user(user_id)
        if state is None or state.hash != old_hash:
            return False
        if new_hash == old_hash:
            return True
        await self._note_root(state, new_hash, state.root)
        replaced = await self._write_hash(state, new_hash)
        if not replaced:
            # Of two who make the same hash anew, one may have stored the very string that the other came with.
            state = await self._read_user(user_id)
        if state is not None and (replaced or state.hash != new_hash):
            await self._forget_root(state, old_hash if replaced else new_hash)
        return replaced

    @retried
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
        if state.hash == new_hash:
            await self._end_sessions(state, now, keep=keep)
        else:
            root = new_token()
            if keep is not None:
                await self._keep_session(state, keep, now, roots=root)
            await self._note_root(state, new_hash, root, ended_at=now)
            if not await self._write_hash(state, new_hash):
                raise LostRaceError
            await self._forget_root(state, state.hash)
        await self._write_revoked(state, now, but=keep)
        return True

    async def _write_hash(self, state: UserState, new_hash: str) -> bool:
        users = (await self._database.ready()).users
        unchanged = {"_id": state.key, self._hash: {"$eq": state.hash}}
        return await users.update_one(unchanged, self._objects.change("hashed_password", new_hash))

    async def _note_root(self, state: UserState, new_hash: str, root: str, **more: Any) -> None:
        note = {f"roots.{fingerprint_of(new_hash)}": root, **more}
        change = {"$set": note, "$setOnInsert": {"revision": ObjectId()}}
        await self._update_account(state, {"deleted": UNSET}, change)

    async def _forget_root(self, state: UserState, unused_hash: Any) -> None:
        accounts = (await self._database.ready()).accounts
        await accounts.update_one({"_id": state.key}, {"$unset": {f"roots.{fingerprint_of(unused_hash)}": ""}})

    @retried
    async def set_disabled(self, user_id: str, disabled: bool, *, now: datetime) -> bool:
        """Disable the user and revoke every live session, or enable the user; False when there is no such user.

        The account decides: from its one write on, the user is disabled and the sessions are over. ``disabled`` is
        then written into the app's document, which is where the app reads it and may change it back; and then the
        account's word is taken back, lest it outweigh the app's.
        """
        state = await self._read_user(user_id)
        if state is None:
            return False
        if not disabled:
            return await self._enable(state)
        await self._keep_a_superadmin(state)
        await self._end_sessions(state, now, keep=None, disabling=True)
        users, accounts, *_ = await self._database.ready()
        await users.update_one({"_id": state.key}, self._objects.change("disabled", True))
        # A new epoch once more: who was enabled, signed in and was disabled by the write above stays signed out.
        decided = {"epoch": new_token(), "revision": ObjectId()}
        await accounts.update_one({"_id": state.key}, {"$set": decided, "$unset": {"disabling": ""}})
        await self._write_revoked(state, now, but=None)
        return True

    async def _enable(self, state: UserState) -> bool:
        users = (await self._database.ready()).users
        there = await users.update_one({"_id": state.key}, self._objects.change("disabled", False))
        if there and state.account.get("disabling"):
            await self._change_account(state, {"disabling": False, "epoch": new_token()})
        return there

    @retried
    async def delete_user(self, user_id: str) -> bool:
        """Delete the user, their sessions and role holdings; False when there is no such user.

        The account decides: once it says ``deleted``, nobody finds the user any more. What a crash leaves undone is
        done when somebody asks for the names again.
        """
        state = await self._read_user(user_id)
        if state is None:
            return False
        await self._keep_a_superadmin(state)
        await self._change_account(state, {"deleted": True, "roles": []})
        await self._erase(state)
        return True

    async def _erase(self, state: UserState) -> None:
        users, accounts, _, sessions = await self._database.ready()
        await users.delete_one({"_id": state.key})
        await sessions.delete_many({"user_id": state.key})
        await accounts.delete_one({"_id": state.key, "deleted": True})

    def public_values(self, user: U) -> Mapping[str, Any]:
        """Return the key (as ``id``) and the public fields of a user object; no I/O."""
        return self._mapping.public_values(user)
