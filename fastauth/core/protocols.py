"""The seams. Whoever writes a store, or a way to sign in, reads this page and no other.

Every verb of a store is **one atomic step**, so that no caller needs a transaction: what must happen together is one
verb. A verb that loses a race says so by its result or by one of our exceptions, never by a driver's error; a database
that cannot be reached is :class:`~fastauth.core.exceptions.StoreUnavailableException`, and nothing else is.

Ids are strings here. A malformed id is simply not found. Usernames and e-mail addresses arrive in canonical form, and
are compared letter by letter. Times are aware and in UTC.

*The superadmin rule*, which ``revoke_role``, ``set_disabled`` and ``delete_user`` keep under any race: a step that
would leave no enabled holder of the role ``superadmin``, where there was one, does nothing and raises
:class:`~fastauth.core.exceptions.ProtectedRoleException`.

*The rank rule*: a verb that is given ``unless_holding`` does nothing and raises
:class:`~fastauth.core.exceptions.PermissionDeniedException` when the user holds one of these roles at that moment. So
an administrator's right to act on somebody is judged in the very step that acts.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeAlias, runtime_checkable

from pydantic import BaseModel
from typing_extensions import TypeVar

from fastauth.core.models import Account, AuditRecord, Login, NewUser, Role, Session, U
from fastauth.core.notifications import Notification
from fastauth.core.user_schema import UserSchema

C_contra = TypeVar("C_contra", bound=BaseModel, contravariant=True, default=Any)


class UserStore(Protocol[U]):
    """Users, and what must change together with them."""

    async def add_user(self, new: NewUser, *, roles: Collection[str]) -> Account[U]:
        """Store a user who holds these roles.

        Raises:
            UserExistsException: The username or the e-mail address is taken; also when taken at this very moment.
            RoleNotFoundException: One of the roles does not exist; then no user was stored.
            ValidationException: A field does not fit the model.
        """
        ...

    async def get_user(self, user_id: str) -> Account[U] | None:
        """Return the account of this user with its roles, or None."""
        ...

    async def find_user(self, login: Login) -> Account[U] | None:
        """Return the account with this username or with this e-mail address, or None."""
        ...

    async def list_users(
        self,
        *,
        search: str | None = None,
        role: str | None = None,
        disabled: bool | None = None,
        after: str | None = None,
        limit: int,
    ) -> Sequence[Account[U]]:
        """Return a page of accounts in the order of their keys, which stays the same when users are added meanwhile.

        Args:
            search: Part of the username or the e-mail address, in lower case; letter by letter, without wildcards.
            role: Only who holds this role.
            disabled: Only who is disabled, or only who is not.
            after: The id of the last account of the page before; one that cannot be an id has nothing after it.
            limit: How many accounts at most.
        """
        ...

    async def replace_password(self, user_id: str, *, old_hash: str, new_hash: str) -> bool:
        """Replace the hash if it is still ``old_hash``, and touch nothing else; say whether it was replaced."""
        ...

    async def set_password(
        self,
        user_id: str,
        new_hash: str,
        *,
        now: datetime,
        old_hash: str | None = None,
        keep_session: str | None = None,
    ) -> bool:
        """Set the hash and revoke every live session but ``keep_session``; say whether it was set.

        It is not set when there is no such user, nor when ``old_hash`` is given and the hash is another one by now.

        Raises:
            ValidationException: The app's own class does not take the hash.
        """
        ...

    async def update_user(
        self, user_id: str, fields: Mapping[str, Any], *, unless_holding: Collection[str] = ()
    ) -> Account[U] | None:
        """Change the app's own attributes of the user and return the account; None when there is no such user.

        Raises:
            UserExistsException: Somebody else has one of the values, and it may occur only once.
            ValidationException: A field does not fit the model.
            PermissionDeniedException: By the rank rule.
        """
        ...

    async def set_email(
        self,
        user_id: str,
        email: str,
        *,
        verified: bool,
        old_email: str | None = None,
        unless_holding: Collection[str] = (),
    ) -> bool:
        """Set the address and grant or take the role ``verified`` with it; say whether it was set.

        It is not set when there is no such user, nor when ``old_email`` is given and the address is another one by now.
        To verify the address that the user has is to set it anew.

        Raises:
            UserExistsException: The address is taken.
            ValidationException: The app's own class does not take the address.
            RoleNotFoundException: There is no role ``verified`` to grant.
            PermissionDeniedException: By the rank rule.
        """
        ...

    async def set_disabled(
        self, user_id: str, disabled: bool, *, now: datetime, unless_holding: Collection[str] = ()
    ) -> bool:
        """Disable the user and revoke every live session, or enable the user; False when there is no such user.

        Raises:
            ValidationException: The app's own class does not take such a user.
            ProtectedRoleException: By the superadmin rule.
            PermissionDeniedException: By the rank rule.
        """
        ...

    async def delete_user(
        self, user_id: str, *, old_hash: str | None = None, unless_holding: Collection[str] = ()
    ) -> bool:
        """Delete the user, their sessions and role holdings; say whether there was such a user.

        With ``old_hash``, a user who has another password hash by now is left alone, and the answer is False.

        Raises:
            ProtectedRoleException: By the superadmin rule.
            PermissionDeniedException: By the rank rule.
            ConflictException: The app's own rows still refer to the user.
        """
        ...

    def public_values(self, user: U) -> Mapping[str, Any]:
        """Return the key (as ``id``) and the public fields of a user object; no I/O."""
        ...


class RoleStore(Protocol):
    """Roles, and who holds them."""

    async def list_roles(self) -> Sequence[Role]:
        """Return all roles by name."""
        ...

    async def get_role(self, role_id: str) -> Role | None:
        """Return the role, or None."""
        ...

    async def add_role(self, name: str, description: str) -> Role:
        """Store a role.

        Raises:
            RoleExistsException: The name is taken.
        """
        ...

    async def ensure_roles(self, roles: Mapping[str, str]) -> None:
        """Store those of the roles (descriptions by name) that do not exist yet, and leave the others as they are."""
        ...

    async def update_role(self, role_id: str, *, name: str | None, description: str | None) -> Role | None:
        """Change what is not None and return the role; None when there is no such role.

        Raises:
            RoleExistsException: The name is taken.
        """
        ...

    async def delete_role(self, role_id: str) -> bool:
        """Delete the role and take it from its holders; False when there is no such role."""
        ...

    async def grant_role(self, user_id: str, role_name: str, *, unless_holding: Collection[str] = ()) -> bool:
        """Give the user the role; False when they hold it already.

        Raises:
            UserNotFoundException: There is no such user.
            RoleNotFoundException: There is no such role.
            PermissionDeniedException: By the rank rule.
        """
        ...

    async def revoke_role(self, user_id: str, role_name: str, *, unless_holding: Collection[str] = ()) -> bool:
        """Take the role from the user; False when they do not hold it.

        Raises:
            UserNotFoundException: There is no such user.
            RoleNotFoundException: There is no such role.
            PermissionDeniedException: By the rank rule.
            ProtectedRoleException: By the superadmin rule.
        """
        ...


class TokenStore(Protocol[U]):
    """Sessions, and which single-use tokens were used.

    No token is ever stored: of a session, how often its refresh token has been rotated; of a single-use token, its id.
    """

    async def add_session(self, session: Session, *, hashed_password: str) -> bool:
        """Store the session if its user is enabled and still has this password hash; say whether it was stored.

        The condition closes the gap between the check of a password and the sign-in: an account that is disabled, or
        given a new password, in between gets no session.
        """
        ...

    async def authenticate(self, session_id: str) -> Account[U] | None:
        """Return the account of this session with its roles, and with ``account.session`` set, or None.

        One round trip. Revoked and expired sessions are returned too: the caller judges.
        """
        ...

    async def rotate_session(
        self, session_id: str, *, user_id: str, generation: int, now: datetime, expires_at: datetime
    ) -> bool:
        """Move the session from this generation to the next, as one compare-and-swap; say whether it moved.

        It moves only if it belongs to the user, is live at ``now``, and the user is enabled; ``rotated_at`` becomes
        ``now`` and the session then expires at ``expires_at``.
        """
        ...

    async def revoke_session(self, session_id: str, *, now: datetime, user_id: str | None = None) -> bool:
        """Revoke the session; False when there is no live session of this id, or it is not this user's."""
        ...

    async def revoke_sessions(
        self,
        user_id: str,
        *,
        now: datetime,
        except_session: str | None = None,
        unless_holding: Collection[str] = (),
    ) -> int:
        """Revoke the user's live sessions but one; return how many were revoked.

        Raises:
            PermissionDeniedException: By the rank rule.
        """
        ...

    async def list_sessions(self, user_id: str, *, now: datetime) -> Sequence[Session]:
        """Return the user's live sessions, newest first."""
        ...

    async def use_token(self, token_id: str, *, expires_at: datetime) -> bool:
        """Note that a single-use token was used; False when it was used before, also at this very moment.

        The note may be forgotten once the token has expired.
        """
        ...

    async def purge_expired(self, now: datetime) -> int:
        """Delete the sessions that have expired, and what is known of tokens that have; return how many sessions.

        A revoked session stays until it expires: while it is there, a stolen token of it is known for what it is.
        """
        ...


class AuditStore(Protocol):
    """The audit trail, where it is kept in the database."""

    async def add_audit_record(self, record: AuditRecord) -> bool:
        """Store a record, and say that it is stored."""
        ...

    async def list_audit_records(
        self,
        *,
        user_id: str | None = None,
        event: str | None = None,
        since: datetime | None = None,
        before: str | None = None,
        limit: int,
    ) -> Sequence[AuditRecord]:
        """Return a page of records, newest first.

        Args:
            user_id: Only what this user did, or what happened to them.
            event: Only events of this name.
            since: Only what happened at this moment or later.
            before: The id of the last record of the page before.
            limit: How many records at most.
        """
        ...

    async def purge_audit_records(self, before: datetime) -> int:
        """Delete the records of what happened before this moment; return how many there were."""
        ...


@dataclass(frozen=True, slots=True)
class Commit(Generic[U]):
    """A step of a store that is about to become true; see :meth:`Store.before_commit`.

    Attributes:
        result: What the verb is about to return; what a verb that says *whether* is about to return is True.
        store: The store, with its verbs inside this very step.
        session: The transaction: SQLAlchemy's ``AsyncSession``, or the driver's client session on MongoDB; None where
            there is none.
    """

    result: Any
    store: "Store[U]"
    session: Any = None


CommitStep: TypeAlias = Callable[[Commit[U]], Awaitable[None]]
"""What is awaited before a step of a store becomes true."""


@runtime_checkable
class Store(UserStore[U], RoleStore, TokenStore[U], AuditStore, Protocol[U]):
    """A whole backend: users, roles, sessions, the audit trail and the life of the schema.

    Attributes:
        schema: What the HTTP floor has to know of the app's user model.
    """

    schema: UserSchema

    def before_commit(self, step: CommitStep[U]) -> "Store[U]":
        """Return the same store, whose verbs await ``step`` when they are about to change something.

        It is awaited inside the verb's own atomic step, and nobody sees the change before it has returned. If it
        raises, nothing has changed, whatever it did through ``commit.store`` is undone with it, and the exception rises
        as it is. It is not awaited when there is nothing to change: where a verb answers False or None, or raises. When
        a verb begins anew after a conflict, it is awaited again. Of two calls, the later counts.

        Where the database has no transactions (MongoDB as a single server), it is awaited just before the write that
        decides: what it wrote itself stays if that write then comes too late.
        """
        ...

    async def has_transactions(self) -> bool:
        """Say whether what a step of ``before_commit`` does through ``commit.store`` is one with the verb."""
        ...

    async def create_schema(self) -> None:
        """Make what is missing of the tables or collections and indexes; safe from several processes at once."""
        ...

    async def missing_schema(self) -> Sequence[str]:
        """Return the names of the tables or collections that are missing."""
        ...

    async def close(self) -> None:
        """Give idle connections back; the store may be used again afterwards."""
        ...


class SignInMethod(Protocol[U, C_contra]):
    """A way to prove who you are. One module in ``signin/``; its route, OpenAPI body and errors come by themselves.

    Attributes:
        name: One word; the route is ``{token_url}/{name}``.
        credentials: The model of the JSON body.
    """

    name: str
    credentials: type[BaseModel]

    async def authenticate(self, credentials: C_contra, /) -> Account[U]:
        """Return the account that these credentials prove.

        Raises:
            CredentialsException: They prove none.
            InactiveUserException: They prove an account that is disabled.
        """
        ...


class Notifier(Protocol):
    """Tells people what happened to their account, by mail or another way."""

    async def notify(self, notification: Notification, /) -> None:
        """Put the notification into words and send it.

        Called in the background and with a time-out, never while a request waits. It may raise: the failure is
        logged by its kind, and nothing is tried again unless the notifier does so.
        """
        ...


class PasswordHasher(Protocol):
    """Turns passwords into strings that can be stored, and compares. Called in a worker thread, never on the loop."""

    def recognizes(self, stored: str) -> bool:
        """Say whether ``stored`` is a well-formed hash of this hasher."""
        ...

    def hash(self, password: str) -> str:
        """Return a new hash, with a fresh salt."""
        ...

    def verify(self, password: str, stored: str) -> bool:
        """Say whether the password made this hash; takes as long for a wrong password as for the right one."""
        ...

    def needs_rehash(self, stored: str) -> bool:
        """Say whether a hash that was made elsewhere or earlier should be made anew."""
        ...

    def decoy(self) -> str:
        """Return a hash that no password makes, which takes as long to compare as a new one."""
        ...


class ExternalSigner(Protocol):
    """A private key that never leaves its place, such as a KMS or an HSM; its public half is a ``Key`` of ours."""

    async def sign(self, message: bytes, /) -> bytes:
        """Return the signature of the message, for the algorithm of the ``Key``; soon, or it is given up.

        For ES256 it may be the 64 bytes of RFC 7518, or the ASN.1 that most of these services answer with. Whatever is
        raised is an outage: the client is told to try again.
        """
        ...
