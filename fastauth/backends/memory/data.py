"""The dictionaries, and what all verbs ask of them."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime

from fastauth.core.exceptions import (
    PermissionDeniedException,
    ProtectedRoleException,
    RoleNotFoundException,
    UserNotFoundException,
)
from fastauth.core.models import SUPERADMIN, Account, AuditRecord, Role, Session


@dataclass
class User:
    """The ready-made user of :class:`~fastauth.backends.memory.MemoryStore`."""

    id: int
    username: str
    email: str
    hashed_password: str = field(repr=False)
    disabled: bool = False


@dataclass
class Data:
    """Everything that a store holds; two of them are equal when they hold the same."""

    users: dict[str, User] = field(default_factory=dict[str, User])
    roles: dict[str, Role] = field(default_factory=dict[str, Role])
    holdings: dict[str, set[str]] = field(default_factory=dict[str, set[str]])  # of each user, the ids of roles
    sessions: dict[str, Session] = field(default_factory=dict[str, Session])
    used_tokens: dict[str, datetime] = field(default_factory=dict[str, datetime])
    audit_records: list[AuditRecord] = field(default_factory=list[AuditRecord])
    last_user_id: int = 0

    def account(self, user: User) -> Account[User]:
        """Return the account of a user, with a copy of the user, as a database would give."""
        user_id = str(user.id)
        return Account(
            id=user_id,
            username=user.username,
            email=user.email,
            hashed_password=user.hashed_password,
            disabled=user.disabled,
            roles=frozenset(self.roles[role_id].name for role_id in self.holdings[user_id]),
            user=User(**vars(user)),
        )

    def role_named(self, name: str) -> Role:
        """Return the role of this name, or raise."""
        for role in self.roles.values():
            if role.name == name:
                return role
        raise RoleNotFoundException(roles=[name])

    def check_rank(self, user: User, unless_holding: Collection[str]) -> None:
        """Refuse by the rank rule."""
        if not self.account(user).roles.isdisjoint(unless_holding):
            raise PermissionDeniedException(required=[SUPERADMIN])

    def changeable(self, user_id: str, role_name: str, unless_holding: Collection[str]) -> tuple[set[str], str]:
        """Return the ids of the roles that this user holds, to be changed, and the id of this role; or raise."""
        user = self.users.get(user_id)
        if user is None:
            raise UserNotFoundException
        role = self.role_named(role_name)
        self.check_rank(user, unless_holding)
        return self.holdings[user_id], role.id

    def keep_a_superadmin(self, leaving: str) -> None:
        """Refuse by the superadmin rule."""
        enabled = {
            holder
            for holder, held in self.holdings.items()
            if not self.users[holder].disabled and any(self.roles[each].name == SUPERADMIN for each in held)
        }
        if enabled == {leaving}:
            raise ProtectedRoleException("The last enabled superadmin stays.")

    def revoke_sessions(self, user_id: str, now: datetime, but: str | None = None) -> int:
        """Revoke the user's live sessions but one; return how many there were."""
        live = [
            session
            for session in self.sessions.values()
            if session.user_id == user_id and session.id != but and session.is_live(now)
        ]
        self.sessions.update((session.id, replace(session, revoked_at=now)) for session in live)
        return len(live)
