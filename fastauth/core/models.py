"""What the library talks about: accounts, sessions, roles, tokens. All are frozen; secrets stay out of every ``repr``.

Two words to keep apart: a *user* is the app's own object, a mapped class or a document, and the library never looks
inside it. An :class:`Account` is what the library knows about a user, and holds that object in ``account.user``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal, NamedTuple

from typing_extensions import TypeVar

from fastauth.core.deferred import HasUser

U = TypeVar("U", default=Any)
"""The app's own user class."""

SUPERADMIN = "superadmin"
ADMIN = "admin"
MODERATOR = "moderator"
PREMIUM = "premium"
VERIFIED = "verified"
USER = "user"

_MAX_USER_AGENT = 255
_MAX_IP = 45  # an IPv6 address in its longest spelling

STANDARD_ROLES: Mapping[str, str] = {
    SUPERADMIN: "May do everything; at least one enabled superadmin always remains.",
    ADMIN: "Manages users and roles.",
    MODERATOR: "Moderates content.",
    PREMIUM: "Has the paid features.",
    VERIFIED: "Has a verified e-mail address.",
    USER: "Every registered user.",
}
"""The roles that every installation has, with their descriptions. They cannot be renamed or deleted."""


@dataclass(frozen=True, slots=True)
class Role:
    """A named permission that users can hold."""

    id: str
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in: a row that lives until its refresh token expires, is revoked, or gives itself away.

    Attributes:
        generation: How often the refresh token has been rotated; only the current generation refreshes.
        rotated_at: When ``generation`` last moved on.
        expires_at: When the session ends unless it is refreshed before.
        revoked_at: When it was ended, or None.
    """

    id: str
    user_id: str
    generation: int
    created_at: datetime
    rotated_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    user_agent: str | None = None
    ip: str | None = None

    def is_live(self, now: datetime) -> bool:
        """Say whether the session still stands for a signed-in user at that moment."""
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class Account(HasUser[U]):
    """What the library knows about a user, and the app's own user object with it.

    Attributes:
        id: The user's key as a string, whatever its type in the database.
        roles: The names of the roles the user holds.
        user: The app's own object, loaded and detached: reading its columns never does I/O.
        session: The session this account was authenticated by; None where there is none.
    """

    id: str
    username: str
    email: str
    hashed_password: str = field(repr=False)
    disabled: bool
    roles: frozenset[str]
    user: U = field(repr=False)
    session: Session | None = field(default=None, compare=False)

    @property
    def verified(self) -> bool:
        """Whether the e-mail address has been verified: that fact is kept once, as the role ``verified``."""
        return VERIFIED in self.roles


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request came from.

    Attributes:
        ip: The client's address; None where it is not known.
        user_agent: The client's own description.
    """

    ip: str | None = None
    user_agent: str | None = None

    @classmethod
    def of(cls, ip: str | None, user_agent: str | None) -> "Client":
        """Return a client with what a client says of itself made safe to store and to print."""
        return cls(_printable(ip, _MAX_IP), _printable(user_agent, _MAX_USER_AGENT))


def _printable(text: str | None, length: int) -> str | None:
    return None if text is None else "".join(char for char in text if char.isprintable())[:length]


class Login(NamedTuple):
    """What somebody signs in with, in canonical form."""

    kind: Literal["username", "email"]
    value: str


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user to be stored.

    Attributes:
        username: In canonical form.
        email: In canonical form.
        fields: The app's own attributes, by name.
    """

    username: str
    email: str
    hashed_password: str = field(repr=False)
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a sign-in or a refresh gives the client.

    Attributes:
        expires_in: Seconds until the access token expires.
        refresh_expires_in: Seconds until the refresh token expires.
    """

    session_id: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    refresh_expires_in: int


@dataclass(frozen=True, slots=True)
class WebSocketTicket:
    """What opens one WebSocket, once.

    Attributes:
        expires_in: Seconds until it opens nothing any more.
    """

    ticket: str = field(repr=False)
    expires_in: int


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified access token says.

    Attributes:
        user_id: The ``sub`` claim: the user's key, never a name.
        session_id: The ``sid`` claim; ours have one, those of other issuers may have none.
        token_id: The ``jti`` claim; likewise.
        extra: All claims that have no attribute here.
        issuer: The ``iss`` claim, where there is one.
    """

    user_id: str
    session_id: str | None
    token_id: str | None
    issued_at: datetime
    expires_at: datetime
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    issuer: str | None = None

    @classmethod
    def of(cls, claims: Mapping[str, Any]) -> "Claims":
        """Return the claims of a token that has been verified, with ``sub``, ``iat`` and ``exp`` of the right types."""
        return cls(
            user_id=claims["sub"],
            session_id=_text(claims.get("sid")),
            token_id=_text(claims.get("jti")),
            issued_at=datetime.fromtimestamp(claims["iat"], timezone.utc),
            expires_at=datetime.fromtimestamp(claims["exp"], timezone.utc),
            issuer=_text(claims.get("iss")),
            extra={name: value for name, value in claims.items() if name not in _CLAIMS_WITH_ATTRIBUTES},
        )


_CLAIMS_WITH_ATTRIBUTES = frozenset({"sub", "sid", "jti", "iat", "exp", "nbf", "iss", "aud"})


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One line of the audit trail: who did what to whom, when, from where, and with what outcome.

    Attributes:
        id: Records sort by it in the order in which they were made.
        event: The stable name of the event, such as ``user.registered``.
        outcome: Whether it was done or refused.
        actor_id: The user who did it; None for the system, and for whoever is not signed in.
        user_id: The user it happened to; None where no user is known.
        session_id: The session it happened to.
        ip: The client's address.
        user_agent: The client's own description.
        details: What else there is to say, without any secret.
    """

    id: str
    at: datetime
    event: str
    outcome: Literal["success", "failure"]
    actor_id: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    details: Mapping[str, str] = field(default_factory=dict[str, str])
