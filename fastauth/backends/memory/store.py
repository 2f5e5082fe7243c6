"""The store itself: one lock around each verb makes it one atomic step."""

import copy
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from fastauth.backends.memory import audit, roles, tokens, users
from fastauth.backends.memory.data import Data, User
from fastauth.backends.memory.roles import ensure_roles as _ensure_roles
from fastauth.core.models import Account, AuditRecord, Login, NewUser, Role, Session
from fastauth.core.protocols import Commit, CommitStep
from fastauth.core.user_schema import UserSchema

_R = TypeVar("_R")


class MemoryStore:
    """Keeps users, roles and sessions in dictionaries.

    The user objects that are handed out are copies, as a database's would be.
    """

    def __init__(self) -> None:
        self.schema: UserSchema = UserSchema(name="User", id_type=int, settable=())
        self._shared = _Shared()
        self._step: CommitStep[User] | None = None

    def before_commit(self, step: CommitStep[User]) -> "MemoryStore":
        """Return the same store, whose verbs await ``step`` when they are about to change something."""
        store = copy.copy(self)
        store._step = step  # noqa: SLF001  # of the same class
        return store

    @property
    def data(self) -> Data:
        """What the store holds, for a test that looks or changes something behind its back."""
        return self._shared.data

    async def _change(self, verb: Callable[[Data], _R]) -> _R:
        if self._step is None:
            with self._shared.lock:
                return verb(self._shared.data)
        # The step may take its time, and nobody should wait for it: so the verb works on a copy, which takes the place
        # of the original if nothing else has happened to that meanwhile, and otherwise it all begins anew.
        while True:
            seen = self._shared.snapshot()
            draft = MemoryStore()
            draft._shared.data = copy.deepcopy(seen)  # of the same class
            result = verb(draft._shared.data)
            if result:
                await self._step(Commit(result, draft))
            with self._shared.lock:
                if self._shared.data == seen:
                    self._shared.data = draft._shared.data
                    return result

    def _read(self, verb: Callable[[Data], _R]) -> _R:
        with self._shared.lock:
            return verb(self._shared.data)

    async def has_transactions(self) -> bool:
        """Say yes: a step works on the copy that takes the place of the original."""
        return True

    async def create_schema(self) -> None:
        """Do nothing: dictionaries need no schema."""

    async def missing_schema(self) -> Sequence[str]:
        """Return nothing: dictionaries need no schema."""
        return ()

    async def close(self) -> None:
        """Do nothing: there is no connection to give back."""

    async def add_user(self, new: NewUser, *, roles: Collection[str]) -> Account[User]:
        """Store a user who holds these roles."""
        return await self._change(lambda data: users.add_user(data, new, roles=roles))

    async def get_user(self, user_id: str) -> Account[User] | None:
        """Return the account of this user with its roles, or None."""
        return self._read(lambda data: users.get_user(data, user_id))

    async def find_user(self, login: Login) -> Account[User] | None:
        """Return the account with this username or with this e-mail address, or None."""
        return self._read(lambda data: users.find_user(data, login))

    async def list_users(
        self,
        *,
        search: str | None = None,
        role: str | None = None,
        disabled: bool | None = None,
        after: str | None = None,
        limit: int,
    ) -> Sequence[Account[User]]:
        """Return a page of accounts in the order of their keys."""
        return self._read(
            lambda data: users.list_users(data, search=search, role=role, disabled=disabled, after=after, limit=limit)
        )

    async def replace_password(self, user_id: str, *, old_hash: str, new_hash: str) -> bool:
        """Replace the hash if it is still ``old_hash``; say whether it was replaced."""
        return await self._change(
            lambda data: users.replace_password(data, user_id, old_hash=old_hash, new_hash=new_hash)
        )

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
        return await self._change(
            lambda data: users.set_password(
                data, user_id, new_hash, now=now, old_hash=old_hash, keep_session=keep_session
            )
        )

    async def update_user(
        self, user_id: str, fields: Mapping[str, Any], *, unless_holding: Collection[str] = ()
    ) -> Account[User] | None:
        """Return the account; this user model has no attributes of its own to change."""
        return await self._change(lambda data: users.update_user(data, user_id, fields, unless_holding=unless_holding))

    async def set_email(
        self,
        user_id: str,
        email: str,
        *,
        verified: bool,
        old_email: str | None = None,
        unless_holding: Collection[str] = (),
    ) -> bool:
        """Set the address and grant or take the role ``verified`` with it; say whether it was set."""
        return await self._change(
            lambda data: users.set_email(
                data, user_id, email, verified=verified, old_email=old_email, unless_holding=unless_holding
            )
        )

    async def set_disabled(
        self, user_id: str, disabled: bool, *, now: datetime, unless_holding: Collection[str] = ()
    ) -> bool:
        """Disable the user and revoke every live session, or enable the user; False when there is no such user."""
        return await self._change(
            lambda data: users.set_disabled(data, user_id, disabled, now=now, unless_holding=unless_holding)
        )

    async def delete_user(
        self, user_id: str, *, old_hash: str | None = None, unless_holding: Collection[str] = ()
    ) -> bool:
        """Delete the user, their sessions and role holdings; say whether there was such a user."""
        return await self._change(
            lambda data: users.delete_user(data, user_id, old_hash=old_hash, unless_holding=unless_holding)
        )

    def public_values(self, user: User) -> Mapping[str, Any]:
        """Return the key; this user model has no public fields of its own."""
        return {"id": user.id}

    async def list_roles(self) -> Sequence[Role]:
        """Return all roles by name."""
        return self._read(roles.list_roles)

    async def get_role(self, role_id: str) -> Role | None:
        """Return the role, or None."""
        return self._read(lambda data: roles.get_role(data, role_id))

    async def add_role(self, name: str, description: str) -> Role:
        """Store a role."""
        return await self._change(lambda data: roles.add_role(data, name, description))

    async def ensure_roles(self, roles: Mapping[str, str]) -> None:
        """Store those of the roles that do not exist yet."""
        await self._change(lambda data: _ensure_roles(data, roles))

    async def update_role(self, role_id: str, *, name: str | None, description: str | None) -> Role | None:
        """Change what is not None and return the role; None when there is no such role."""
        return await self._change(lambda data: roles.update_role(data, role_id, name=name, description=description))

    async def delete_role(self, role_id: str) -> bool:
        """Delete the role and take it from its holders; False when there is no such role."""
        return await self._change(lambda data: roles.delete_role(data, role_id))

    async def grant_role(self, user_id: str, role_name: str, *, unless_holding: Collection[str] = ()) -> bool:
        """Give the user the role; False when they hold it already."""
        return await self._change(
            lambda data: roles.grant_role(data, user_id, role_name, unless_holding=unless_holding)
        )

    async def revoke_role(self, user_id: str, role_name: str, *, unless_holding: Collection[str] = ()) -> bool:
        """Take the role from the user; False when they do not hold it."""
        return await self._change(
            lambda data: roles.revoke_role(data, user_id, role_name, unless_holding=unless_holding)
        )

    async def add_session(self, session: Session, *, hashed_password: str) -> bool:
        """Store the session if its user is enabled and still has this password hash; say whether it was stored."""
        return await self._change(lambda data: tokens.add_session(data, session, hashed_password=hashed_password))

    async def authenticate(self, session_id: str) -> Account[User] | None:
        """Return the account of this session with its roles, and with ``account.session`` set, or None."""
        return self._read(lambda data: tokens.authenticate(data, session_id))

    async def rotate_session(
        self, session_id: str, *, user_id: str, generation: int, now: datetime, expires_at: datetime
    ) -> bool:
        """Move the session from this generation to the next; say whether it moved."""
        return await self._change(
            lambda data: tokens.rotate_session(
                data, session_id, user_id=user_id, generation=generation, now=now, expires_at=expires_at
            )
        )

    async def revoke_session(self, session_id: str, *, now: datetime, user_id: str | None = None) -> bool:
        """Revoke the session; False when there is no live session of this id, or it is not this user's."""
        return await self._change(lambda data: tokens.revoke_session(data, session_id, now=now, user_id=user_id))

    async def revoke_sessions(
        self,
        user_id: str,
        *,
        now: datetime,
        except_session: str | None = None,
        unless_holding: Collection[str] = (),
    ) -> int:
        """Revoke the user's live sessions but one; return how many were revoked."""
        return await self._change(
            lambda data: tokens.revoke_sessions(
                data, user_id, now=now, except_session=except_session, unless_holding=unless_holding
            )
        )

    async def list_sessions(self, user_id: str, *, now: datetime) -> Sequence[Session]:
        """Return the user's live sessions, newest first."""
        return self._read(lambda data: tokens.list_sessions(data, user_id, now=now))

    async def use_token(self, token_id: str, *, expires_at: datetime) -> bool:
        """Note that a single-use token was used; False when it was used before."""
        return await self._change(lambda data: tokens.use_token(data, token_id, expires_at=expires_at))

    async def purge_expired(self, now: datetime) -> int:
        """Delete the sessions that have expired, and what is known of tokens that have; return how many sessions."""
        return await self._change(lambda data: tokens.purge_expired(data, now))

    async def add_audit_record(self, record: AuditRecord) -> bool:
        """Store a record, and say that it is stored."""
        return await self._change(lambda data: audit.add_audit_record(data, record))

    async def list_audit_records(
        self,
        *,
        user_id: str | None = None,
        event: str | None = None,
        since: datetime | None = None,
        before: str | None = None,
        limit: int,
    ) -> Sequence[AuditRecord]:
        """Return a page of records, newest first."""
        return self._read(
            lambda data: audit.list_audit_records(
                data, user_id=user_id, event=event, since=since, before=before, limit=limit
            )
        )

    async def purge_audit_records(self, before: datetime) -> int:
        """Delete the records of what happened before this moment; return how many there were."""
        return await self._change(lambda data: audit.purge_audit_records(data, before))


class _Shared:
    """The data and its lock, for a store and for those made of it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.data = Data()

    def snapshot(self) -> Data:
        with self.lock:
            return copy.deepcopy(self.data)

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy or a pickle of the store holds: everything but the lock."""
        return {"data": self.snapshot()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.lock = threading.Lock()
        self.data = state["data"]
