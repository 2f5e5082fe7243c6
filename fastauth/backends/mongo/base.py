"""What all verbs of the store stand on: the state of a user, read in one round trip and changed by comparison."""

import asyncio
import copy
import functools
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from bson import ObjectId
from pymongo.errors import DuplicateKeyError
from typing_extensions import Self

from fastauth.backends.mongo.database import Database, Raw
from fastauth.backends.mongo.errors import LostRaceError, retried
from fastauth.backends.mongo.mapping import UserMapping
from fastauth.backends.mongo.objects import UserObjects
from fastauth.backends.mongo.state import UserState, joins, live, new_token, session_of
from fastauth.core.deferred import Deferred
from fastauth.core.exceptions import PermissionDeniedException, ProtectedRoleException
from fastauth.core.models import SUPERADMIN, VERIFIED, Account, Session, U
from fastauth.core.protocols import Commit, CommitStep

_Verb = TypeVar("_Verb", bound=Callable[..., Awaitable[Any]])

UNSET: Raw = {"$ne": True}
"""Matches a mark that is not there."""
_MOST_MARKS = 1000  # which a session is good for, old ones and those to come
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def changing(verb: _Verb) -> _Verb:
    """Make the method a verb that changes something: taken again when it loses a race, and with the step's consent."""

    @functools.wraps(verb)
    async def take(store: "MongoBase[Any]", *args: Any, **kwargs: Any) -> Any:
        return await store.take(lambda store: verb(store, *args, **kwargs))

    return cast("_Verb", take)  # a type checker sees the method itself: its name, arguments and result are the same


class MongoBase(Generic[U]):
    """The common ground of all verbs.

    Args:
        database: Gives out the collections.
        mapping: The app's user class.
    """

    def __init__(self, database: Database, mapping: UserMapping[U]) -> None:
        self._database = database
        self._mapping = mapping
        self._objects = UserObjects(mapping)
        self._contended = asyncio.Lock()
        self._step: CommitStep[U] | None = None
        self._outside: Self | None = None
        self._username, self._email, self._hash, self._disabled = (
            mapping.stored_name(name) for name in ("username", "email", "hashed_password", "disabled")
        )
        self._texts = (self._username, self._email, self._hash)
        self._is_disabled = mapping.shape.flag(disabled=True)

    def _with(self, **attributes: Any) -> Self:
        other = copy.copy(self)
        vars(other).update(attributes)
        return other

    @retried
    async def take(self, verb: Callable[[Self], Awaitable[Any]]) -> Any:
        """Return what the verb returns, in one transaction with the step where there is one and the server can.

        Without transactions the verb itself awaits the step, by :meth:`_deciding`. So it does in a caller's
        transaction, where nothing can be undone but the whole.
        """
        step, database = self._step, self._database
        if step is None or database.session is not None or not await database.transactions.supported():
            return await verb(self)

        async def verb_and_step(session: Any) -> Any:
            store = self._with(_database=database.joined(session), _step=None, _outside=self)
            result = await verb(store)
            if result:
                await step(Commit(result, cast("Any", store), session))
            return result

        return await database.transactions.run(verb_and_step)

    async def _deciding(self, result: Any = True) -> None:
        """Await the step, if it is to come before the write that decides, which is the next one."""
        if self._step is not None:
            await self._step(Commit(result, cast("Any", self._with(_step=None)), self._database.session))

    async def _read_user(self, user_id: str, *, role_names: Sequence[str] = ()) -> UserState | None:
        """Return the state of this user, or None."""
        await self._database.ready()
        key = self._mapping.parse_key(user_id)
        if key is None:
            return None
        return await self._read_user_where({"_id": self._mapping.encode(key)}, role_names=role_names)

    async def _read_user_where(
        self, where: Raw, *, role_names: Sequence[str] = (), also_deleted: bool = False
    ) -> UserState | None:
        collections = await self._database.ready()
        stages = [{"$match": where}, {"$project": {"_id": 1}}, *joins(collections, "_id", role_names)]
        rows = await collections.users.aggregate(stages)
        state = self._state(rows[0]) if rows else None
        return state if state is not None and (also_deleted or not state.deleted) else None

    def _state(self, row: Raw) -> UserState | None:
        if not row["user"]:
            return None
        user: Raw = row["user"][0]
        account: Raw = row.get("account", {})
        if account.get("disabling"):
            user[self._disabled] = self._is_disabled
        email, roles = user.get(self._email), {role["name"] for role in row["roles"]}
        verified_for = set[Any](account.get("verified_for", [email])) if VERIFIED in roles else set[Any]()
        if email not in verified_for:
            roles.discard(VERIFIED)
        return UserState(
            key=user["_id"],
            user=user,
            account=account,
            roles=frozenset(roles),
            named={role["name"]: role["_id"] for role in row.get("named", ())},
            hash_name=self._hash,
            email=email,
            verified_for=frozenset(verified_for),
            disabled=self._mapping.shape.is_disabled(user.get(self._disabled)),
        )

    def _account(self, state: UserState) -> Account[U]:
        user = self._objects.build(state.user)
        return self._account_of(state, str(getattr(user, "id", None)), user)

    def _account_in(self, state: UserState, stored: Raw) -> Account[U]:
        """Return the account of a session; the object is made of its document when it is first asked for."""
        user_id = self._mapping.text_of(state.key)
        # Where what we need of it ourselves is no text, the object decides whether this is a user.
        if user_id is None or not all(isinstance(state.user.get(name), str) for name in self._texts):
            account = self._account(state)
            return replace(account, session=session_of(stored, account.id))
        make = functools.partial(self._objects.build, state.user)
        return self._account_of(state, user_id, cast("U", Deferred(make)), session_of(stored, user_id))

    def _account_of(self, state: UserState, user_id: str, user: U, session: Session | None = None) -> Account[U]:
        return Account(
            id=user_id,
            username=state.user[self._username],
            email=state.email,
            hashed_password=state.hash or "",
            disabled=state.disabled,
            roles=state.roles,
            user=user,
            session=session,
        )

    @staticmethod
    def _check_rank(state: UserState, unless_holding: Collection[str]) -> None:
        """Refuse by the rank rule."""
        if not state.roles.isdisjoint(unless_holding):
            raise PermissionDeniedException(required=[SUPERADMIN])

    async def _change_account(self, state: UserState, changes: Mapping[str, Any]) -> UserState:
        """Write these fields of the account, if it is still as it was read; return the state as it is then.

        Raises:
            LostRaceError: It is not.
        """
        revision = {"$exists": False} if state.revision is None else state.revision
        changes = {**changes, "revision": ObjectId()}
        await self._update_account(state, {"revision": revision}, {"$set": changes})
        return replace(state, account={**state.account, **changes})

    async def _update_account(self, state: UserState, where: Raw, change: Raw) -> None:
        """Change the account where this is so of it; where there was none yet, make it.

        Raises:
            LostRaceError: It is not so, or somebody has made it meanwhile.
        """
        accounts = (await self._database.ready()).accounts
        try:
            made = await accounts.update_one({"_id": state.key, **where}, change, upsert=state.revision is None)
        except DuplicateKeyError as error:
            raise LostRaceError from error
        if not made:
            raise LostRaceError

    @staticmethod
    def _verification(state: UserState, addresses: Collection[Any]) -> Raw:
        """Return the fields of the account that make the role ``verified`` count for these addresses."""
        role_id, roles = state.named.get(VERIFIED), state.account.get("roles", [])
        held = [role_id] if addresses and role_id is not None else []
        return {"roles": [*(each for each in roles if each != role_id), *held], "verified_for": [*addresses]}

    async def _keep_a_superadmin(self, state: UserState) -> None:
        """Refuse when the user is the last enabled superadmin; otherwise see to it that another one remains.

        The other one's account gets a new revision, and then the caller changes the user's by compare-and-swap from
        the revision in ``state``, which was read before. Of two who would be rid of each other, the one who comes
        second finds a new revision. So at the moment of each such change there is another one, of whom nobody has
        decided the same since; and whoever does so later has found yet another in turn. A crash in between leaves a
        new revision behind, which says nothing.

        Raises:
            ProtectedRoleException: The user is the last one.
            LostRaceError: The other one has changed.
        """
        if SUPERADMIN not in state.roles or state.disabled:
            return
        collections = await self._database.ready()
        holders = {"from": collections.accounts.name, "localField": "_id", "foreignField": "roles", "as": "account"}
        users = {"from": collections.users.name, "localField": "account._id", "foreignField": "_id", "as": "user"}
        another = await collections.roles.aggregate(
            [
                {"$match": {"name": SUPERADMIN}},
                {"$lookup": holders},
                {"$unwind": "$account"},
                {"$match": {"account._id": {"$ne": state.key}, "account.disabling": UNSET, "account.deleted": UNSET}},
                {"$lookup": users},
                {"$unwind": "$user"},
                {"$match": {f"user.{self._disabled}": {"$ne": self._is_disabled}}},
                {"$limit": 1},
                {"$replaceWith": {"_id": "$account._id", "revision": "$account.revision"}},
            ]
        )
        if not another:
            raise ProtectedRoleException("The last enabled superadmin stays.")
        if not await collections.accounts.update_one(another[0], {"$set": {"revision": ObjectId()}}):
            raise LostRaceError

    async def _end_sessions(self, state: UserState, now: datetime, *, keep: str | None, **changes: Any) -> None:
        """End every session but one, and write more fields of the account, in the one write that decides both."""
        epoch = new_token()
        if keep is not None:
            await self._keep_session(state, keep, now, epochs=epoch)
        await self._change_account(state, {**changes, "epoch": epoch, "ended_at": now})

    async def _keep_session(self, state: UserState, session_id: str, now: datetime, **good_for: str) -> None:
        """Make a live session good for an epoch or a root that is to come, and in the end no longer for the oldest."""
        sessions = (await self._database.ready()).sessions
        added = {name: {"$each": [value], "$slice": -_MOST_MARKS} for name, value in good_for.items()}
        await sessions.update_one({"_id": session_id, **state.its_sessions, **live(now)}, {"$push": added})

    async def _write_revoked(self, state: UserState, now: datetime, *, but: str | None) -> int:
        """Write the time into the sessions that have just been ended; return how many there are."""
        sessions = (await self._database.ready()).sessions
        return await sessions.update_many(
            {"_id": {"$ne": but}, **state.its_sessions, **live(now)}, {"$set": {"revoked_at": now}}
        )


def is_text(value: object) -> bool:
    """Say whether this is a string that MongoDB can compare; what is not never gets into a filter."""
    return isinstance(value, str) and _SURROGATES.search(value) is None
