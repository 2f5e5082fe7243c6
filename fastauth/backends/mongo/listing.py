"""Pages of users."""

from collections.abc import Sequence

from fastauth.backends.mongo.base import UNSET, MongoBase, is_text
from fastauth.backends.mongo.database import Raw
from fastauth.backends.mongo.state import OR_NONE
from fastauth.core.models import VERIFIED, Account, U


class MongoUserListing(MongoBase[U]):
    """The verb of :class:`~fastauth.core.protocols.UserStore` that lists users, on MongoDB."""

    async def list_users(
        self,
        *,
        search: str | None = None,
        role: str | None = None,
        disabled: bool | None = None,
        after: str | None = None,
        limit: int,
    ) -> Sequence[Account[U]]:
        """Return a page of accounts in the order of their keys."""
        users, accounts, roles, *_ = await self._database.ready()
        where: Raw = {}
        if after is not None:
            key = self._mapping.parse_key(after)
            if key is None:
                return []
            where["_id"] = {"$gt": self._mapping.encode(key)}
        if limit < 1 or any(text is not None and not is_text(text) for text in (search, role)):
            return []
        account = {"from": accounts.name, "localField": "_id", "foreignField": "_id", "as": "account"}
        user = {"from": users.name, "localField": "_id", "foreignField": "_id", "as": "user"}
        matching = self._matching(search, disabled)
        if role is None:
            first = users
            stages: list[Raw] = [{"$replaceWith": {"_id": "$_id", "user": ["$$ROOT"]}}, {"$lookup": account}, OR_NONE]
        else:
            held = await roles.find_one({"name": {"$eq": role}})
            if held is None:
                return []
            # From the few who hold it, not from all.
            first, where["roles"] = accounts, held["_id"]
            stages = [{"$replaceWith": {"_id": "$_id", "account": "$$ROOT"}}, {"$lookup": user}]
            if role == VERIFIED:
                stages.append({"$match": {"$expr": self._is_verified()}})
        names = {"from": roles.name, "localField": "account.roles", "foreignField": "_id", "as": "roles"}
        rows = await first.aggregate(
            [{"$match": where}, {"$sort": {"_id": 1}}, *stages, matching, {"$limit": limit}, {"$lookup": names}]
        )
        return [self._account(state) for state in map(self._state, rows) if state is not None]

    def _matching(self, search: str | None, disabled: bool | None) -> Raw:
        conditions: list[Raw] = [{"user": {"$ne": []}, "account.deleted": UNSET}]
        if disabled is not None:
            is_disabled: list[Raw] = [{f"user.{self._disabled}": self._is_disabled}, {"account.disabling": True}]
            conditions.append({"$or" if disabled else "$nor": is_disabled})
        if search is not None:
            found = [self._contains(stored_name, search) for stored_name in (self._username, self._email)]
            conditions.append({"$expr": {"$or": found}})
        return {"$match": {"$and": conditions}}

    def _is_verified(self) -> Raw:
        address = {"$getField": {"field": self._email, "input": {"$first": "$user"}}}
        return {"$in": [address, {"$ifNull": ["$account.verified_for", [address]]}]}

    @staticmethod
    def _contains(stored_name: str, part: str) -> Raw:
        # Not a pattern: letter by letter, and any letter may be in it.
        text = {"$getField": {"field": stored_name, "input": {"$first": "$user"}}}
        return {"$gte": [{"$indexOfCP": [text, {"$literal": part}]}, 0]}
