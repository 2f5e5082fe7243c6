"""Everything that can go wrong, as one tree; a class says what happened, its fields hold the evidence.

::

    FastAuthException
    ├── ConfigurationError              raised when things are built, never during a request
    ├── BadRequestException             a request that cannot be read
    │   └── TooLargeException           ... or that is too large to be read
    ├── AuthenticationException         who are you?
    │   ├── CredentialsException
    │   ├── TokenException
    │   └── RefreshTokenException
    ├── AuthorizationException          you may not
    │   ├── InactiveUserException
    │   ├── PermissionDeniedException
    │   ├── EmailNotVerifiedException
    │   └── CSRFException
    ├── NotFoundException
    │   ├── UserNotFoundException
    │   ├── RoleNotFoundException
    │   └── SessionNotFoundException
    ├── ConflictException
    │   ├── UserExistsException
    │   ├── RoleExistsException
    │   └── ProtectedRoleException
    ├── ValidationException             a value that does not fit, with details
    │   └── WeakPasswordException
    ├── RateLimitedException
    └── UnavailableException            not now
        ├── StoreUnavailableException
        ├── KeysUnavailableException    an external signer, or another issuer's keys
        └── OverloadedException         more passwords than can be hashed in time

Codes are part of the HTTP contract and never change; statuses belong to :mod:`fastauth.web.error_handlers`.
"""

from collections.abc import Collection, Sequence
from typing import ClassVar, Literal, TypedDict

_SHOWN_LENGTH = 64  # no role has a longer name


class FastAuthException(Exception):
    """The root of every error of this library.

    Args:
        message: A sentence for people; it may reach the client, so it never holds a secret.

    Attributes:
        code: The stable name of the error in answers and logs.
        message: The sentence.
    """

    code: ClassVar[str] = "FASTAUTH_ERROR"
    default_message: ClassVar[str] = "Something went wrong."

    def __init__(self, message: str | None = None) -> None:
        self.message: str = message or self.default_message
        super().__init__(self.message)


class ConfigurationError(FastAuthException):
    """Something is set up in a way that cannot work or is not safe; the message says what to do."""

    code = "FASTAUTH_CONFIGURATION"
    default_message = "FastAuth is not configured correctly."


class BadRequestException(FastAuthException):
    """A request that cannot be read: a broken body, a repeated parameter, two ``Authorization`` headers."""

    code = "FASTAUTH_BAD_REQUEST"
    default_message = "The request cannot be read."


class TooLargeException(BadRequestException):
    """A request body over the limit.

    Args:
        limit: The limit in bytes.
    """

    code = "FASTAUTH_TOO_LARGE"
    default_message = "The request body is too large."

    def __init__(self, message: str | None = None, *, limit: int | None = None) -> None:
        self.limit = limit
        super().__init__(message or (f"The request body is larger than {limit} bytes." if limit else None))


class AuthenticationException(FastAuthException):
    """The caller has not proved who they are."""

    code = "FASTAUTH_UNAUTHENTICATED"
    default_message = "Sign in first."


class CredentialsException(AuthenticationException):
    """Wrong credentials; the same for an unknown user and for a wrong password."""

    code = "FASTAUTH_INVALID_CREDENTIALS"
    default_message = "Incorrect username or password."


class TokenException(AuthenticationException):
    """No access token, or one that is not good (any more).

    Args:
        reason: Why it was refused, for logs and tests only; it is never told to the client.
        missing: True when nothing was sent at all.
    """

    code = "FASTAUTH_INVALID_TOKEN"
    default_message = "The access token is not valid."

    def __init__(self, message: str | None = None, *, reason: str = "", missing: bool = False) -> None:
        self.reason = reason
        self.missing = missing
        super().__init__(message or ("Not signed in: send an access token." if missing else None))


class RefreshTokenException(AuthenticationException):
    """No refresh token, or one that is not good (any more).

    Args:
        reason: Why it was refused, for logs and tests only; it is never told to the client.
        reused: True when an old generation was presented, and its session was ended for it (RFC 9700, 4.14.2).
    """

    code = "FASTAUTH_INVALID_REFRESH_TOKEN"
    default_message = "The refresh token is not valid. Sign in again."

    def __init__(self, message: str | None = None, *, reason: str = "", reused: bool = False) -> None:
        self.reason = reason
        self.reused = reused
        super().__init__(message)


class AuthorizationException(FastAuthException):
    """The caller is known, and may not do this."""

    code = "FASTAUTH_FORBIDDEN"
    default_message = "You may not do this."


class InactiveUserException(AuthorizationException):
    """The account is disabled."""

    code = "FASTAUTH_INACTIVE_USER"
    default_message = "This account is disabled."


class PermissionDeniedException(AuthorizationException):
    """A role is missing, or the act is above the caller's rank.

    Args:
        required: The roles that were asked for.
    """

    code = "FASTAUTH_PERMISSION_DENIED"
    default_message = "You do not have permission to do this."

    def __init__(self, message: str | None = None, *, required: Collection[str] = ()) -> None:
        self.required: frozenset[str] = frozenset(required)
        super().__init__(message)


class EmailNotVerifiedException(AuthorizationException):
    """The account's e-mail address has not been verified."""

    code = "FASTAUTH_EMAIL_NOT_VERIFIED"
    default_message = "Verify your e-mail address first."


class CSRFException(AuthorizationException):
    """A request that a cookie authenticated did not prove that it came from the app's own pages.

    Args:
        check: What refused it: ``"sec-fetch-site"``, ``"origin"`` or ``"token"``.
    """

    code = "FASTAUTH_CSRF_FAILED"
    default_message = "The cross-site request check failed."

    def __init__(self, message: str | None = None, *, check: str = "") -> None:
        self.check = check
        super().__init__(message)


class NotFoundException(FastAuthException):
    """What was asked for is not there."""

    code = "FASTAUTH_NOT_FOUND"
    default_message = "Not found."


class UserNotFoundException(NotFoundException):
    """There is no such user."""

    code = "FASTAUTH_USER_NOT_FOUND"
    default_message = "User not found."


class RoleNotFoundException(NotFoundException):
    """There is no such role.

    Args:
        roles: The names of those that are not there; none where one was asked for by its id.
    """

    code = "FASTAUTH_ROLE_NOT_FOUND"
    default_message = "Role not found."

    def __init__(self, message: str | None = None, *, roles: Collection[str] = ()) -> None:
        self.roles: tuple[str, ...] = tuple(sorted(roles))
        shown = ", ".join(name for name in self.roles if name.isprintable() and len(name) <= _SHOWN_LENGTH)
        super().__init__(message or (f"Role not found: {shown}." if shown else None))


class SessionNotFoundException(NotFoundException):
    """There is no such session."""

    code = "FASTAUTH_SESSION_NOT_FOUND"
    default_message = "Session not found."


class ConflictException(FastAuthException):
    """The act does not fit what is stored."""

    code = "FASTAUTH_CONFLICT"
    default_message = "This conflicts with what is stored."


class UserExistsException(ConflictException):
    """The username or the e-mail address is taken.

    Args:
        field: The name of the attribute whose value is taken.
    """

    code = "FASTAUTH_USER_EXISTS"
    default_message = "A user with this username or e-mail address already exists."

    def __init__(self, message: str | None = None, *, field: str | None = None) -> None:
        self.field = field
        super().__init__(message or (f"A user with this {field} already exists." if field else None))


class RoleExistsException(ConflictException):
    """The role name is taken."""

    code = "FASTAUTH_ROLE_EXISTS"
    default_message = "A role with this name already exists."


class ProtectedRoleException(ConflictException):
    """A standard role cannot be renamed or deleted, and the last enabled superadmin stays."""

    code = "FASTAUTH_PROTECTED_ROLE"
    default_message = "Standard roles cannot be renamed or deleted."


class ErrorDetail(TypedDict):
    """One thing that is wrong with a request: where, in words, and as a stable type. Never the input itself."""

    loc: Sequence[str | int]
    msg: str
    type: str


class ValidationException(FastAuthException):
    """A value that does not fit.

    Args:
        details: What is wrong, value by value. Locations are as the client sent them.
    """

    code = "FASTAUTH_VALIDATION_ERROR"
    default_message = "The request is not valid."

    def __init__(self, message: str | None = None, *, details: Sequence[ErrorDetail] = ()) -> None:
        self.details: tuple[ErrorDetail, ...] = tuple(details)
        super().__init__(message or (details[0]["msg"] if len(details) == 1 else None))

    @classmethod
    def of(cls, field: str, message: str, kind: str = "value_error") -> "ValidationException":
        """Build the error for one field."""
        return cls(details=[ErrorDetail(loc=["body", field], msg=message, type=kind)])


PasswordReason = Literal["too_short", "too_long", "common", "personal", "breached"]
"""Why a password is refused; ``personal`` is the account's own name or address, or the name of the service."""


class WeakPasswordException(ValidationException):
    """The password does not meet the policy; the message says which rule.

    Args:
        reason: The rule, for programs; None where the app itself refused the password.
    """

    code = "FASTAUTH_WEAK_PASSWORD"
    default_message = "This password is too weak."

    def __init__(
        self,
        message: str | None = None,
        *,
        details: Sequence[ErrorDetail] = (),
        reason: PasswordReason | None = None,
    ) -> None:
        self.reason = reason
        super().__init__(message, details=details)


class RateLimitedException(FastAuthException):
    """Too many attempts.

    Args:
        retry_after: Seconds until another attempt makes sense.
    """

    code = "FASTAUTH_RATE_LIMITED"
    default_message = "Too many attempts. Try again later."

    def __init__(self, message: str | None = None, *, retry_after: int = 60) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class UnavailableException(FastAuthException):
    """It cannot be done now, and has nothing to do with who asks; try again.

    With a :class:`StoreUnavailableException` it is open whether it was done all the same; with the others it was not.

    Args:
        retry_after: Seconds until another attempt makes sense.
    """

    code = "FASTAUTH_UNAVAILABLE"
    default_message = "This is not possible at the moment. Try again."

    def __init__(self, message: str | None = None, *, retry_after: int = 1) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class StoreUnavailableException(UnavailableException):
    """The database cannot be reached, or did not answer in time.

    Whether a change was made is open: the connection may have been lost with the answer, and what did not answer in
    time goes on for some seconds more, and may still be committed. Look before you repeat what must not happen twice.
    """

    code = "FASTAUTH_STORE_UNAVAILABLE"
    default_message = "The service is temporarily unavailable. Try again."


class KeysUnavailableException(UnavailableException):
    """The external signer, or the keys of another issuer, cannot be reached."""

    code = "FASTAUTH_KEYS_UNAVAILABLE"
    default_message = "Tokens cannot be signed or verified at the moment. Try again."


class OverloadedException(UnavailableException):
    """So many passwords are waiting to be hashed that this one would not be in time."""

    code = "FASTAUTH_OVERLOADED"
    default_message = "Too many people are signing in at the moment. Try again later."


REFUSALS: tuple[type[FastAuthException], ...] = (
    BadRequestException,
    AuthenticationException,
    AuthorizationException,
    NotFoundException,
    ConflictException,
    ValidationException,
    RateLimitedException,
)
"""The branches that are an answer to whoever asks; with any other exception, something has failed."""
