"""A store in the memory of one process: for tests, examples and trying things out. Nothing outlives the process."""

import secrets
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from fastauth.core.exceptions import (
    PermissionDeniedException,
    ProtectedRoleException,
    RoleExistsException,
    RoleNotFoundException,
    UserExistsException,
    UserNotFoundException,
    ValidationException,
)
from fastauth.core.models import SUPERADMIN, Account, Login, NewUser, Role, Session, UserSchema


@dataclass
class User:
    """The ready-made user of :class:`MemoryStore`."""

    id: int
    username: str
    email: str
    hashed_password: str = field(repr=False)
    disabled: bool = False


class MemoryStore:
    """Keeps users, roles and sessions in dictionaries.

    One lock around each verb makes it one atomic step, in whichever thread it is called. The user objects that are
    handed out are copies, as a database's would be.
    """

    def __init__(self) -> None:
        self.schema = UserSchema(name="User", id_type=int)
        self._lock = threading.Lock()
        self._users: dict[str, User] = {}
        self._roles: dict[str, Role] = {}
        self._holdings: set[tuple[str, str]] = set()  # (user id, role id)
        self._sessions: dict[str, Session] = {}
        self._last_user_id = 0

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy or a pickle of the store holds: everything but the lock."""
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=threading.Lock())

    async def create_schema(self) -> None:
        """Do nothing: dictionaries need no schema."""

    async def missing_schema(self) -> Sequence[str]:
        """Return nothing: dictionaries need no schema."""
        return ()

    async def close(self) -> None:
        """Do nothing: there is no connection to give back."""

    async def add_user(self, new: NewUser, *, roles: Collection[str]) -> Account[User]:
        """Store a user who holds these roles."""
        with self._lock:
            for name in new.fields:
                raise ValidationException.of(name, f"The user model has no field {name!r}.", "extra_forbidden")
            for user in self._users.values():
                if user.username == new.username:
                    raise UserExistsException(field="username")
                if user.email == new.email:
                    raise UserExistsException(field="email")
            role_ids = [self._role_named(name).id for name in roles]
            self._last_user_id += 1
            user = User(self._last_user_id, new.username, new.email, new.hashed_password)
            user_id = str(user.id)
            self._users[user_id] = user
            self._holdings.update((user_id, role_id) for role_id in role_ids)
            return self._account(user)

    async def get_user(self, user_id: str) -> Account[User] | None:
        """Return the account of this user with its roles, or None."""
        with self._lock:
            user = self._users.get(user_id)
            return self._account(user) if user is not None else None

    async def find_user(self, login: Login) -> Account[User] | None:
        """Return the account with this username or with this e-mail address, or None."""
        with self._lock:
            for user in self._users.values():
                if (user.email if login.kind == "email" else user.username) == login.value:
                    return self._account(user)
            return None

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
        if after is not None and not (after.isascii() and after.isdecimal()):
            return []
        with self._lock:
            accounts = [self._account(user) for user in self._users.values() if user.id > int(after or 0)]
        return [
            account
            for account in sorted(accounts, key=lambda account: account.user.id)
            if (search is None or search in account.username or search in account.email)
            and (role is None or role in account.roles)
            and (disabled is None or disabled == account.disabled)
        ][:limit]

    async def replace_password(self, user_id: str, *, old_hash: str, new_hash: str) -> bool:
        """Replace the hash if it is still ``old_hash``; say whether it was replaced."""
        with self._lock:
            user = self._users.get(user_id)
            if user is None or user.hashed_password != old_hash:
                return False
            user.hashed_password = new_hash
            return True

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
        with self._lock:
            user = self._users.get(user_id)
            if user is None or old_hash not in {None, user.hashed_password}:
                return False
            user.hashed_password = new_hash
            self._revoke_all(user_id, now, keep_session)
            return True

    async def set_disabled(self, user_id: str, disabled: bool, *, now: datetime) -> bool:
        """Disable the user and revoke every live session, or enable the user; False when there is no such user."""
        with self._lock:
            user = self._users.get(user_id)
            if user is None:
                return False
            if disabled:
                self._keep_a_superadmin(user_id)
                self._revoke_all(user_id, now)
            user.disabled = disabled
            return True

    async def delete_user(self, user_id: str) -> bool:
        """Delete the user, their sessions and role holdings; False when there is no such user."""
        with self._lock:
            if user_id not in self._users:
                return False
            self._keep_a_superadmin(user_id)
            del self._users[user_id]
            self._holdings = {holding for holding in self._holdings if holding[0] != user_id}
            self._sessions = {key: session for key, session in self._sessions.items() if session.user_id != user_id}
            return True

    def public_values(self, user: User) -> Mapping[str, Any]:
        """Return the key; this user model has no public fields of its own."""
        return {"id": user.id}

    async def list_roles(self) -> Sequence[Role]:
        """Return all roles by name."""
        with self._lock:
            return sorted(self._roles.values(), key=lambda role: role.name)

    async def get_role(self, role_id: str) -> Role | None:
        """Return the role, or None."""
        with self._lock:
            return self._roles.get(role_id)

    async def add_role(self, name: str, description: str) -> Role:
        """Store a role."""
        with self._lock:
            return self._add_role(name, description)

    async def ensure_roles(self, roles: Mapping[str, str]) -> None:
        """Store those of the roles that do not exist yet."""
        with self._lock:
            existing = {role.name for role in self._roles.values()}
            for name, description in roles.items():
                if name not in existing:
                    self._add_role(name, description)

    async def update_role(self, role_id: str, *, name: str | None, description: str | None) -> Role | None:
        """Change what is not None and return the role; None when there is no such role."""
        with self._lock:
            role = self._roles.get(role_id)
            if role is None:
                return None
            if name is not None and any(other.name == name for other in self._roles.values() if other != role):
                raise RoleExistsException
            self._roles[role_id] = replace(
                role,
                name=role.name if name is None else name,
                description=role.description if description is None else description,
            )
            return self._roles[role_id]

    async def delete_role(self, role_id: str) -> bool:
        """Delete the role and take it from its holders; False when there is no such role."""
        with self._lock:
            self._holdings = {holding for holding in self._holdings if holding[1] != role_id}
            return self._roles.pop(role_id, None) is not None

    async def grant_role(self, user_id: str, role_name: str, *, unless_holding: Collection[str] = ()) -> None:
        """Give the user the role; nothing changes when they hold it."""
        with self._lock:
            self._holdings.add(self._holding(user_id, role_name, unless_holding))

    async def revoke_role(self, user_id: str, role_name: str, *, unless_holding: Collection[str] = ()) -> None:
        """Take the role from the user; nothing changes when they do not hold it."""
        with self._lock:
            holding = self._holding(user_id, role_name, unless_holding)
            if role_name == SUPERADMIN:
                self._keep_a_superadmin(user_id)
            self._holdings.discard(holding)

    async def add_session(self, session: Session, *, hashed_password: str) -> bool:
        """Store the session if its user is enabled and still has this password hash; say whether it was stored."""
        with self._lock:
            user = self._users.get(session.user_id)
            if user is None or user.disabled or user.hashed_password != hashed_password:
                return False
            self._sessions[session.id] = session
            return True

    async def authenticate(self, session_id: str) -> Account[User] | None:
        """Return the account of this session with its roles, and with ``account.session`` set, or None."""
        with self._lock:
            session = self._sessions.get(session_id)
            return replace(self._account(self._users[session.user_id]), session=session) if session else None

    async def rotate_session(
        self, session_id: str, *, user_id: str, generation: int, now: datetime, expires_at: datetime
    ) -> bool:
        """Move the session from this generation to the next; say whether it moved."""
        with self._lock:
            session = self._sessions.get(session_id)
            if session is None or (session.user_id, session.generation) != (user_id, generation):
                return False
            if not session.is_live(now) or self._users[user_id].disabled:
                return False
            self._sessions[session_id] = replace(
                session, generation=generation + 1, rotated_at=now, expires_at=expires_at
            )
            return True

    async def revoke_session(self, session_id: str, *, now: datetime) -> bool:
        """Revoke the session; False when there is no live session of this id."""
        with self._lock:
            session = self._sessions.get(session_id)
            if session is None or not session.is_live(now):
                return False
            self._sessions[session_id] = replace(session, revoked_at=now)
            return True

    async def revoke_sessions(self, user_id: str, *, now: datetime, except_session: str | None = None) -> int:
        """Revoke the user's live sessions but one; return how many were revoked."""
        with self._lock:
            return self._revoke_all(user_id, now, except_session)

    async def list_sessions(self, user_id: str, *, now: datetime) -> Sequence[Session]:
        """Return the user's live sessions, newest first."""
        with self._lock:
            live = [
                session for session in self._sessions.values() if session.user_id == user_id and session.is_live(now)
            ]
        return sorted(live, key=lambda session: (session.created_at, session.id), reverse=True)

    async def purge_expired(self, now: datetime) -> int:
        """Delete the sessions that have expired, and no revoked one before; return how many were deleted."""
        with self._lock:
            before = len(self._sessions)
            self._sessions = {key: session for key, session in self._sessions.items() if session.expires_at > now}
            return before - len(self._sessions)

    # The lock is held by whoever calls one of these.

    def _account(self, user: User) -> Account[User]:
        user_id = str(user.id)
        return Account(
            id=user_id,
            username=user.username,
            email=user.email,
            hashed_password=user.hashed_password,
            disabled=user.disabled,
            roles=frozenset(self._roles[role_id].name for holder, role_id in self._holdings if holder == user_id),
            user=User(**{each.name: getattr(user, each.name) for each in fields(user)}),
        )

    def _add_role(self, name: str, description: str) -> Role:
        if any(role.name == name for role in self._roles.values()):
            raise RoleExistsException
        role = Role(secrets.token_hex(8), name, description)
        self._roles[role.id] = role
        return role

    def _role_named(self, name: str) -> Role:
        for role in self._roles.values():
            if role.name == name:
                return role
        raise RoleNotFoundException

    def _holding(self, user_id: str, role_name: str, unless_holding: Collection[str]) -> tuple[str, str]:
        user = self._users.get(user_id)
        if user is None:
            raise UserNotFoundException
        role = self._role_named(role_name)
        if not self._account(user).roles.isdisjoint(unless_holding):
            raise PermissionDeniedException(required=[SUPERADMIN])
        return (user_id, role.id)

    def _keep_a_superadmin(self, leaving: str) -> None:
        enabled = {
            holder
            for holder, role_id in self._holdings
            if self._roles[role_id].name == SUPERADMIN and not self._users[holder].disabled
        }
        if enabled == {leaving}:
            raise ProtectedRoleException("The last enabled superadmin stays.")

    def _revoke_all(self, user_id: str, now: datetime, but: str | None = None) -> int:
        revoked = 0
        for key, session in self._sessions.items():
            if session.user_id == user_id and key != but and session.is_live(now):
                self._sessions[key] = replace(session, revoked_at=now)
                revoked += 1
        return revoked
