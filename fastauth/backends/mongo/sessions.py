"""The session verbs."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from fastauth.backends.mongo.base import UNSET, MongoBase, changing, is_text
from fastauth.backends.mongo.database import Collections, Raw
from fastauth.backends.mongo.state import UserState, fingerprint_of, joins, live, session_of
from fastauth.core.models import Account, Session, U

_MAX_GENERATION = 2**31


class MongoTokenStore(MongoBase[U]):
    """:class:`~fastauth.core.protocols.TokenStore` on MongoDB."""

    @changing
    async def add_session(self, session: Session, *, hashed_password: str) -> bool:
        """Store the session if its user is enabled and still has this password hash; say whether it was stored.

        What the condition was judged by is written into the session, its epoch and its root. So if the user is disabled
        or given a new password between the look and the insert, the session is over as soon as it is there.
        """
        collections, key = await self._database.ready(), self._mapping.parse_key(session.user_id)
        if key is None or not is_text(hashed_password):
            return False
        look = self._look_at(collections, self._mapping.encode(key), hashed_password, session)
        try:
            if self._step is None and not self._database.in_transaction:  # which allows no $merge
                return await collections.sessions.insert_from(look, collections.users)
            allowed = await collections.users.aggregate(look)
            if not allowed:
                return False
            await self._deciding()
            await collections.sessions.insert_one(allowed[0])
        except DuplicateKeyError:  # an id is never given out twice, and never handed from one to another
            return False
        return True

    async def authenticate(self, session_id: str) -> Account[U] | None:
        """Return the account of this session with its roles, and with ``account.session`` set, or None."""
        found = await self._find_session(session_id)
        return None if found is None else self._account_in(*found)

    @changing
    async def rotate_session(
        self, session_id: str, *, user_id: str, generation: int, now: datetime, expires_at: datetime
    ) -> bool:
        """Move the session from this generation to the next, as one compare-and-swap; say whether it moved."""
        found, key = await self._find_session(session_id), self._mapping.parse_key(user_id)
        if found is None or key is None or not 0 <= generation < _MAX_GENERATION:
            return False
        state, stored = found
        if state.disabled or state.key != self._mapping.encode(key) or stored["generation"] != generation:
            return False
        if not session_of(stored, user_id).is_live(now):
            return False
        await self._deciding()
        current = {"_id": session_id, **state.its_sessions, "generation": generation, **live(now)}
        moved = {"generation": generation + 1, "rotated_at": now, "expires_at": expires_at}
        sessions = (await self._database.ready()).sessions
        return await sessions.update_one(current, {"$set": moved})

    @changing
    async def revoke_session(self, session_id: str, *, now: datetime, user_id: str | None = None) -> bool:
        """Revoke the session; False when there is no live session of this id, or it is not this user's."""
        found = await self._find_session(session_id)
        if found is None:
            return False
        state, stored = found
        if user_id is not None:
            key = self._mapping.parse_key(user_id)
            if key is None or state.key != self._mapping.encode(key):
                return False
        if not session_of(stored, "").is_live(now):
            return False
        await self._deciding()
        sessions = (await self._database.ready()).sessions
        still_live = {"_id": session_id, **state.its_sessions, **live(now)}
        return await sessions.update_one(still_live, {"$set": {"revoked_at": now}})

    @changing
    async def revoke_sessions(
        self,
        user_id: str,
        *,
        now: datetime,
        except_session: str | None = None,
        unless_holding: Collection[str] = (),
    ) -> int:
        """Revoke the user's live sessions but one; return how many were revoked."""
        state = await self._read_user(user_id)
        if state is None:
            return 0
        self._check_rank(state, unless_holding)
        keep = except_session if is_text(except_session) else None
        sessions = (await self._database.ready()).sessions
        ending = await sessions.count({"_id": {"$ne": keep}, **state.its_sessions, **live(now)})
        if not ending:
            return 0
        await self._deciding(ending)
        await self._end_sessions(state, now, keep=keep)
        return await self._write_revoked(state, now, but=keep)

    async def list_sessions(self, user_id: str, *, now: datetime) -> Sequence[Session]:
        """Return the user's live sessions, newest first."""
        state = await self._read_user(user_id)
        if state is None:
            return ()
        sessions = (await self._database.ready()).sessions
        rows = await sessions.find({**state.its_sessions, **live(now)}, sort=[("created_at", -1), ("_id", -1)])
        account_id = str(self._mapping.parse_key(user_id))
        return [session_of(row, account_id) for row in rows]

    @changing
    async def use_token(self, token_id: str, *, expires_at: datetime) -> bool:
        """Note that a single-use token was used; False when it was used before, also at this very moment."""
        used_tokens = (await self._database.ready()).used_tokens
        # A look first: a transaction is over with a duplicate.
        if not is_text(token_id) or await used_tokens.find_one({"_id": token_id}) is not None:
            return False
        await self._deciding()
        try:
            await used_tokens.insert_one({"_id": token_id, "expires_at": expires_at})
        except DuplicateKeyError:
            return False
        return True

    async def purge_expired(self, now: datetime) -> int:
        """Delete the sessions that have expired, and what is known of tokens that have; return how many sessions."""
        used_tokens = (await self._database.ready()).used_tokens
        await used_tokens.delete_many({"expires_at": {"$lte": now}})
        return await self._purge_sessions(now)

    @changing
    async def _purge_sessions(self, now: datetime) -> int:
        sessions, expired = (await self._database.ready()).sessions, {"expires_at": {"$lte": now}}
        purged = await sessions.count(expired)
        if purged:
            await self._deciding(purged)
            purged = await sessions.delete_many(expired)
        return purged

    def _look_at(self, collections: Collections, key: Any, hashed_password: str, session: Session) -> list[Raw]:
        """Return the stages that look at the user, and give the session as it is stored, if it may be."""
        fingerprint = fingerprint_of(hashed_password)
        its_own = {
            "_id": session.id,
            "generation": session.generation,
            "created_at": session.created_at,
            "rotated_at": session.rotated_at,
            "expires_at": session.expires_at,
            "revoked_at": session.revoked_at,
            "user_agent": session.user_agent,
            "ip": session.ip,
        }
        marks = {
            name: [{"$ifNull": [f"$account.{path}", otherwise]}]
            for name, path, otherwise in (("epochs", "epoch", ""), ("roots", f"roots.{fingerprint}", fingerprint))
        }
        enabled = {
            f"user.{self._disabled}": {"$ne": self._is_disabled},
            "account.disabling": UNSET,
            "account.deleted": UNSET,
        }
        return [
            {"$match": {"_id": key}},
            {"$project": {"_id": 1}},
            *joins(collections, "_id"),
            {"$match": {f"user.{self._hash}": hashed_password, **enabled}},
            {"$replaceWith": {"$mergeObjects": [{"$literal": its_own}, {"user_id": "$_id", **marks}]}},
        ]

    async def _find_session(self, session_id: str) -> tuple[UserState, Raw] | None:
        """Return the session, revoked if anything has ended it, and its user's state, or None."""
        found = await self._read_session(session_id)
        if found is None or not found[0].has_ended(found[1]):
            return found
        # It has, or it was read just before it was made good for the epoch or the hash that came after it.
        found = await self._read_session(session_id)
        if found is None or not found[0].has_ended(found[1]):
            return found
        state, stored = found
        return state, {**stored, "revoked_at": state.end_of(stored)}

    async def _read_session(self, session_id: str) -> tuple[UserState, Raw] | None:
        collections = await self._database.ready()
        if not is_text(session_id):
            return None
        stages = [{"$match": {"_id": session_id}}, *joins(collections, "user_id")]
        rows = await collections.sessions.aggregate(stages)
        state = self._state(rows[0]) if rows else None
        return None if state is None or state.deleted else (state, rows[0])
