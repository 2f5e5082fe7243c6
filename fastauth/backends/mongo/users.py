"""The user verbs that store and find a user."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, NoReturn

from beanie import Document
from bson import ObjectId
from pymongo.errors import DuplicateKeyError, OperationFailure
from typing_extensions import Self

from fastauth.backends.mongo.base import MongoBase, changing, is_text
from fastauth.backends.mongo.database import Raw
from fastauth.backends.mongo.errors import LostRaceError
from fastauth.backends.mongo.state import UserState
from fastauth.core.exceptions import (
    RoleNotFoundException,
    StoreUnavailableException,
    UserExistsException,
    ValidationException,
)
from fastauth.core.models import VERIFIED, Account, Login, NewUser, U

_LEFT_BEHIND = timedelta(minutes=1)  # far longer than a verb is given


class MongoUserStore(MongoBase[U]):
    """The beginning of :class:`~fastauth.core.protocols.UserStore` on MongoDB."""

    @changing
    async def add_user(self, new: NewUser, *, roles: Collection[str]) -> Account[U]:
        """Store a user who holds these roles.

        The account is made first, and is nobody's until the app's document is there: that one insert decides. An
        account that a crash left alone belongs to a key which nobody has.
        """
        collections = await self._database.ready()
        document = self._objects.new(new)
        named = await collections.roles.find({"name": {"$in": [name for name in roles if is_text(name)]}})
        if len(named) != len(set(roles)):
            raise RoleNotFoundException(roles=set(roles).difference(role["name"] for role in named))
        await self._objects.before_insert(document)
        raw = self._objects.encode(document)
        account: Raw = {"_id": raw["_id"], "roles": [role["_id"] for role in named], "revision": ObjectId()}
        if VERIFIED in roles:
            account["verified_for"] = [raw[self._email]]
        # Read back from the bytes, so that it is to the letter what a later read gives: times in milliseconds, say.
        row = {"user": [collections.users.read_back(raw)], "account": account, "roles": named}
        state = self._state(row)
        assert state is not None  # there is a user in the row
        stored = self._account(state)
        await self._add_account(account)
        try:
            if self._step is not None:  # which is not awaited for what will be refused
                await self._check_names(raw)
            await self._deciding(stored)
            await collections.users.insert_one(raw)
        except StoreUnavailableException:
            # The document may be there, or be there soon, and is not to be without an account.
            raise
        except Exception as error:
            if not self._database.in_transaction:  # which takes it back itself
                await collections.accounts.delete_one({"_id": account["_id"], "revision": account["revision"]})
            if isinstance(error, OperationFailure):
                await self._explain(error, raw, self._check_names)
            raise
        await self._objects.after_insert(document)
        return stored

    async def _add_account(self, account: Raw) -> None:
        key = {"_id": account["_id"]}
        if not self._mapping.makes_random_keys:
            await self._check_free(key, "id")
        try:
            await (await self._database.ready()).accounts.insert_one(account)
        except DuplicateKeyError as error:
            # A key that the app's class makes, and that a user had whom the app itself deleted, or a crash half made;
            # unless somebody is just being stored with it.
            long_ago = ObjectId.from_datetime(datetime.now(timezone.utc) - _LEFT_BEHIND)
            left_behind = {"$or": [{"deleted": True}, {"revision": {"$lt": long_ago}}]}
            accounts = (await self._beside._database.ready()).accounts  # noqa: SLF001  # of the same class
            if not await accounts.delete_one({**key, **left_behind}):
                raise UserExistsException(field="id") from error
            raise LostRaceError from error

    async def _check_names(self, raw: Raw) -> None:
        for name in dict.fromkeys((self._mapping.shape.username, "email")):
            stored_name = self._mapping.stored_name(name)
            await self._check_free({stored_name: {"$eq": raw[stored_name]}}, name)

    async def _check_free(self, where: Raw, name: str, *, but: Any = None) -> None:
        """Refuse when another user has this; one whose deletion was decided and not finished is deleted first."""
        state = await self._beside._read_user_where(where, also_deleted=True)  # noqa: SLF001  # of the same class
        if state is None:
            return
        if but is not None and state.key == but:  # it is their own by now
            raise LostRaceError
        if not state.deleted:
            raise UserExistsException(field=name)
        await self._beside._erase(state, self._objects.leaving(state.user))  # noqa: SLF001
        raise LostRaceError

    @property
    def _beside(self) -> Self:
        """The store outside a transaction of our own, which may be over with an error, or see the past."""
        return self._outside or self

    async def _explain(
        self,
        error: OperationFailure | ValidationException,
        raw: Raw,
        check: Callable[[Raw], Awaitable[None]] | None = None,
    ) -> NoReturn:
        """Raise what the error stands for; one that says so itself, as it is.

        Args:
            error: What was raised.
            raw: What was to be stored.
            check: Looks for what may be the reason, as the database looks at its indexes in any order.

        Raises:
            UserExistsException: Somebody has this value of a field.
            ValidationException: A unique index of the app's own refuses several values together.
            LostRaceError: Nobody has the value any more.
        """
        if not isinstance(error, DuplicateKeyError):
            raise error
        can_look = self._outside is not None or not self._database.in_transaction  # a caller's is over with this error
        if can_look and check is not None:
            await check(raw)
        details: Mapping[str, Any] = error.details or {}
        stored_names = list(details.get("keyPattern", ()))
        field = self._mapping.field_stored_as(stored_names[0]) if len(stored_names) == 1 else None
        if field is None:
            raise ValidationException("A value is refused by the database.") from error
        if can_look:
            await self._check_free({stored_names[0]: {"$eq": raw.get(stored_names[0])}}, field)
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

    async def _erase(self, state: UserState, leaving: Document | None) -> None:
        users, accounts, _, sessions, *_ = await self._database.ready()
        deleted = await users.delete_one({"_id": state.key})
        await sessions.delete_many({"user_id": state.key})
        await accounts.delete_one({"_id": state.key, "deleted": True})
        if deleted:  # and not by another one, who finished what was begun here
            await self._objects.after_delete(leaving)

    def public_values(self, user: U) -> Mapping[str, Any]:
        """Return the key (as ``id``) and the public fields of a user object; no I/O."""
        return self._mapping.public_values(user)
