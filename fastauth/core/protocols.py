"""The seams. Whoever writes a store, or a way to sign in, reads this page and no other.

Every verb of a store is **one atomic step**, so that no caller needs a transaction: what must happen together is one
verb. A verb that loses a race says so by its result or by one of our exceptions, never by a driver's error; a database
that cannot be reached is :class:`~fastauth.core.exceptions.StoreUnavailableException`, and nothing else is.

Ids are strings here. A malformed id is simply not found. Usernames and e-mail addresses arrive in canonical form, and
are compared letter by letter. Times are aware and in UTC.

*The superadmin rule*, which ``revoke_role``, ``set_disabled`` and ``delete_user`` keep under any race: a step that
would leave no enabled holder of the role ``superadmin``, where there was one, does nothing and raises
:class:`~fastauth.core.exceptions.ProtectedRoleException`.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel
from typing_extensions import TypeVar

from fastauth.core.models import Account, Login, NewUser, Role, Session, U, UserSchema
from fastauth.core.notifications import Notification

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
        """
        ...

    async def set_disabled(self, user_id: str, disabled: bool, *, now: datetime) -> bool:
        """Disable the user and revoke every live session, or enable the user; False when there is no such user.

        Raises:
            ProtectedRoleException: By the superadmin rule.
        """
        ...

    async def delete_user(self, user_id: str) -> bool:
        """Delete the user, their sessions and role holdings; False when there is no such user.

        Raises:
            ProtectedRoleException: By the superadmin rule.
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

    async def grant_role(self, user_id: str, role_name: str, *, unless_holding: Collection[str] = ()) -> None:
        """Give the user the role; nothing changes when they hold it.

        Args:
            user_id: The user.
            role_name: The role.
            unless_holding: Refuse when the user holds one of these roles at that moment.

        Raises:
            UserNotFoundException: There is no such user.
            RoleNotFoundException: There is no such role.
            PermissionDeniedException: By ``unless_holding``.
        """
        ...

    async def revoke_role(self, user_id: str, role_name: str, *, unless_holding: Collection[str] = ()) -> None:
        """Take the role from the user; nothing changes when they do not hold it.

        Raises:
            UserNotFoundException: There is no such user.
            RoleNotFoundException: There is no such role.
            PermissionDeniedException: By ``unless_holding``, as in :meth:`grant_role`.
            ProtectedRoleException: By the superadmin rule.
        """
        ...


class TokenStore(Protocol[U]):
    """Sessions. No token is ever stored, only how often a session's refresh token has been rotated."""

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

    async def revoke_session(self, session_id: str, *, now: datetime) -> bool:
        """Revoke the session; False when there is no live session of this id."""
        ...

    async def revoke_sessions(self, user_id: str, *, now: datetime, except_session: str | None = None) -> int:
        """Revoke the user's live sessions but one; return how many were revoked."""
        ...

    async def list_sessions(self, user_id: str, *, now: datetime) -> Sequence[Session]:
        """Return the user's live sessions, newest first."""
        ...

    async def purge_expired(self, now: datetime) -> int:
        """Delete the sessions that have expired; return how many were deleted.

        A session that was revoked stays until then, so that it can still be told when it was ended.
        """
        ...


@runtime_checkable
class Store(UserStore[U], RoleStore, TokenStore[U], Protocol[U]):
    """A whole backend: users, roles, sessions and the life of the schema.

    Attributes:
        schema: What the HTTP floor has to know of the app's user model.
    """

    schema: UserSchema

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
