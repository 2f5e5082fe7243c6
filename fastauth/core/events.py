"""What happens to accounts, as classes: for hooks of the app's own, and for the audit trail.

An event says what was done, to whom, by whom and from where. Its ``name`` is stable and part of the log's contract. No
event holds a secret: a password, a hash's own text or a token.

A class with no attribute of its own is no dataclass anew: it has inherited all there is to generate, and to generate it
again would take every start of every process half a millisecond for each.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Generic, Literal

from fastauth.core.models import Account, Client, Role, Session, U


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, or is about to.

    Attributes:
        at: When.
        actor_id: The user who did it; None for the system, and for whoever is not signed in.
        client: Where it came from.
    """

    name: ClassVar[str] = "event"
    outcome: ClassVar[Literal["success", "failure"]] = "success"
    nothing_to_undo: ClassVar[bool] = False  # nothing is committed with it, and so there is no before

    at: datetime
    actor_id: str | None = None
    client: Client = field(default_factory=Client)

    @property
    def affected_id(self) -> str | None:
        """The user it happened to; None where no user is known."""
        return None

    @property
    def details(self) -> dict[str, str]:
        """What else the audit trail says."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEvent(Event, Generic[U]):
    """Something that happened to an account that is at hand.

    Attributes:
        account: The account as it is afterwards; where it is gone, as it was. Its ``user`` is the object that was
            read before.
    """

    account: Account[U]

    @property
    def affected_id(self) -> str | None:
        """The user it happened to."""
        return self.account.id


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEvent(Event):
    """Something that happened to a user of whom only the id is known."""

    user_id: str

    @property
    def affected_id(self) -> str | None:
        """The user it happened to."""
        return self.user_id


class UserRegistered(AccountEvent[U]):
    """An account was made."""

    __slots__ = ()
    name: ClassVar[str] = "user.registered"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserUpdated(UserEvent):
    """Attributes of the app's own user model were changed.

    Attributes:
        fields: Their names.
    """

    name: ClassVar[str] = "user.updated"
    fields: tuple[str, ...]

    @property
    def details(self) -> dict[str, str]:
        """The names of the attributes."""
        return {"fields": ",".join(self.fields)}


class UserDisabled(UserEvent):
    """An account was disabled, and its sessions ended."""

    __slots__ = ()
    name: ClassVar[str] = "user.disabled"


class UserEnabled(UserEvent):
    """A disabled account may sign in again."""

    __slots__ = ()
    name: ClassVar[str] = "user.enabled"


class UserDeleted(AccountEvent[U]):
    """An account was deleted, with its sessions and role holdings."""

    __slots__ = ()
    name: ClassVar[str] = "user.deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged(AccountEvent[U]):
    """A password was set, and other sessions ended.

    Attributes:
        how: By its owner who knows the old one, by a token that was mailed, or by the system.
    """

    name: ClassVar[str] = "password.changed"
    how: Literal["change", "reset", "set"]

    @property
    def details(self) -> dict[str, str]:
        """How it was set."""
        return {"how": self.how}


class PasswordResetRequested(AccountEvent[U]):
    """A token to reset the password was made, to be mailed."""

    __slots__ = ()
    name: ClassVar[str] = "password.reset_requested"
    nothing_to_undo: ClassVar[bool] = True


class EmailVerified(AccountEvent[U]):
    """The owner of the account has shown that mail to its address reaches them."""

    __slots__ = ()
    name: ClassVar[str] = "email.verified"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChangeRequested(AccountEvent[U]):
    """A token to change the address was made, to be mailed to the new one.

    Attributes:
        new_email: The address that is to be.
    """

    name: ClassVar[str] = "email.change_requested"
    nothing_to_undo: ClassVar[bool] = True
    new_email: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChanged(AccountEvent[U]):
    """The address was changed.

    Attributes:
        old_email: The address that was.
        new_email: The address that is.
    """

    name: ClassVar[str] = "email.changed"
    old_email: str = field(repr=False)
    new_email: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEvent(Event):
    """Something that happened to a session.

    Attributes:
        user_id: Whose it was; None where only the session is known.
        session_id: The session; None where there were several.
    """

    user_id: str | None = None
    session_id: str | None = None

    @property
    def affected_id(self) -> str | None:
        """Whose session it was."""
        return self.user_id


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn(AccountEvent[U]):
    """Somebody signed in.

    Attributes:
        session: What began with it.
    """

    name: ClassVar[str] = "session.started"
    session: Session

    @property
    def session_id(self) -> str | None:
        """The session that began."""
        return self.session.id


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInFailed(Event):
    """Somebody could not sign in.

    Attributes:
        login: What was given as the name, in canonical form; empty where it could not be one.
        reason: The code of the error that was answered.
    """

    name: ClassVar[str] = "session.refused"
    nothing_to_undo: ClassVar[bool] = True
    outcome: ClassVar[Literal["success", "failure"]] = "failure"
    login: str
    reason: str

    @property
    def details(self) -> dict[str, str]:
        """Why, and for which name."""
        return {"login": self.login, "reason": self.reason}


class PasswordRefused(AccountEvent[U]):
    """Somebody who is signed in gave a wrong password where the current one is the proof of who they are."""

    __slots__ = ()
    name: ClassVar[str] = "password.refused"
    nothing_to_undo: ClassVar[bool] = True
    outcome: ClassVar[Literal["success", "failure"]] = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRevoked(SessionEvent):
    """One session was ended, or all of a user's but one.

    Attributes:
        count: How many there were.
    """

    name: ClassVar[str] = "session.revoked"
    count: int = 1

    @property
    def details(self) -> dict[str, str]:
        """How many sessions ended."""
        return {"count": str(self.count)}


class RefreshTokenReused(SessionEvent):
    """A refresh token that had been used before came again: somebody has a copy, and the session was ended."""

    __slots__ = ()
    name: ClassVar[str] = "session.reused"
    outcome: ClassVar[Literal["success", "failure"]] = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGranted(UserEvent):
    """A user was given a role.

    Attributes:
        role: Its name.
    """

    name: ClassVar[str] = "role.granted"
    role: str

    @property
    def details(self) -> dict[str, str]:
        """The role."""
        return {"role": self.role}


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRevoked(UserEvent):
    """A role was taken from a user.

    Attributes:
        role: Its name.
    """

    name: ClassVar[str] = "role.revoked"
    role: str

    @property
    def details(self) -> dict[str, str]:
        """The role."""
        return {"role": self.role}


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleEvent(Event):
    """Something that happened to a role."""

    role: Role

    @property
    def details(self) -> dict[str, str]:
        """The name of the role."""
        return {"role": self.role.name}


class RoleCreated(RoleEvent):
    """A role was made."""

    __slots__ = ()
    name: ClassVar[str] = "role.created"


class RoleUpdated(RoleEvent):
    """A role was given another name or description."""

    __slots__ = ()
    name: ClassVar[str] = "role.updated"


class RoleDeleted(RoleEvent):
    """A role was deleted, and taken from its holders."""

    __slots__ = ()
    name: ClassVar[str] = "role.deleted"
