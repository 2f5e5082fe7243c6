"""The settings, in small frozen groups; each is checked when it is made, and every one of them changes something."""

import re
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, NamedTuple

from fastauth.core.checks import check_kind, check_kinds, check_list
from fastauth.core.exceptions import ConfigurationError
from fastauth.core.protocols import PasswordHasher

MIN_PASSWORD_LENGTH = 8  # NIST SP 800-63B-4 and ASVS 6.2.1: the floor under any setting
MAX_PASSWORD_LENGTH = 1024
LONGEST_SPELLING = 4 * MAX_PASSWORD_LENGTH  # no character of NFC is spelled with more than four (UAX #15)
MAX_LEEWAY = timedelta(minutes=5)
_MAX_REMEMBERED_TOKENS = 65_536  # some hundred megabytes
MAX_FAILURES_PER_NAME = 50  # NIST SP 800-63B-4, 3.2.2: 100 per account, which has a username and an address
LIMITED_ROUTES = ("sign_in", "refresh", "register", "forgot_password", "verify_email")
LIMIT_STORAGES = (
    "memory",
    "redis",
    "rediss",
    "redis+unix",
    "redis+sentinel",
    "redis+cluster",
    "mongodb",
    "mongodb+srv",
)
_RATE = re.compile(r"\s*([0-9]{1,18})\s*(?:/|per)\s*([0-9]{1,18})?\s*(second|minute|hour|day|month|year)s?\s*")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "month": 2_592_000, "year": 31_104_000}
_COOKIE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.IGNORECASE)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ConfigurationError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSettings:
    """How tokens are made and judged.

    Args:
        issuer: The ``iss`` claim, compared exactly; None leaves it out and does not look at it.
        audience: The ``aud`` claim, one or several; a token must name at least one of them.
        leeway: How far the clocks of two machines may be apart.
        refresh_grace: How long the refresh token before the current one is still answered, for lost answers and for
            two tabs that refresh at once; zero is strict (RFC 9700, 4.14.2).
        session_expires_in: How long after the sign-in a session ends, however often it was refreshed.
        remembered_tokens: How many access tokens that have verified are remembered, which spares the work of their
            signatures; sessions are looked up all the same. Zero remembers none.
        ticket_expires_in: How long the ticket for a WebSocket is good for, which works once, and travels in a URL.
    """

    issuer: str | None = None
    audience: str | Sequence[str] | None = None
    leeway: timedelta = timedelta(seconds=10)
    refresh_grace: timedelta = timedelta(seconds=10)
    session_expires_in: timedelta = timedelta(days=30)
    remembered_tokens: int = 2048
    ticket_expires_in: timedelta = timedelta(seconds=30)

    def __post_init__(self) -> None:
        check_kinds(self)
        _require(self.issuer != "", "TokenSettings(issuer=...) may not be empty; leave it out instead.")
        if self.audience is not None and not isinstance(self.audience, str):
            check_list("TokenSettings(audience=...)", self.audience, such_as="a text")
        for audience in self.audiences:
            check_kind("TokenSettings(audience=...)", audience, str)
        _require(all(self.audiences), "TokenSettings(audience=...) may not be empty; leave it out instead.")
        _require(
            timedelta(0) <= self.leeway <= MAX_LEEWAY,
            "TokenSettings(leeway=...) is between 0 and 5 minutes: it prolongs every expired token.",
        )
        _require(
            timedelta(0) <= self.refresh_grace <= timedelta(minutes=5),
            "TokenSettings(refresh_grace=...) is between 0 and 5 minutes: a stolen token works as long.",
        )
        _require(self.session_expires_in > timedelta(0), "TokenSettings(session_expires_in=...) must be positive.")
        _require(
            0 <= self.remembered_tokens <= _MAX_REMEMBERED_TOKENS,
            f"TokenSettings(remembered_tokens=...) is between 0 and {_MAX_REMEMBERED_TOKENS}.",
        )
        _require(
            timedelta(seconds=1) <= self.ticket_expires_in <= timedelta(minutes=5),
            "TokenSettings(ticket_expires_in=...) is between a second and 5 minutes: it travels in a URL.",
        )

    @property
    def audiences(self) -> tuple[str, ...]:
        """The audiences as a tuple; empty when none is set."""
        if self.audience is None:
            return ()
        return (self.audience,) if isinstance(self.audience, str) else tuple(self.audience)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordSettings:
    """What a password must be, and how it is hashed.

    Args:
        min_length: In code points; None is 15 in production (NIST SP 800-63B-4) and 8 in development. Never below 8.
        bcrypt_cost: The work factor of new hashes, the base-2 logarithm of the rounds.
        hasher: What makes new hashes instead of bcrypt; bcrypt hashes are verified all the same, and made anew.
        verifies: What verifies hashes that were made elsewhere, besides bcrypt; after the right password they are made
            anew. Until then, the time of an answer may tell such a user from one without an account.
        threads: How many hashes may be computed at once; None is one per processor core.
        queue_timeout: How long a password may wait for one of the threads. Who would have to wait longer is answered
            503 ``FASTAUTH_OVERLOADED`` at once.
        blocklist: Further passwords to refuse, beside the shipped list of some 16,000 common ones.
        service_name: The name of your service, which is no password for it.
        breach_check: Asks a service for breached passwords: given the first five hexadecimal digits of a SHA-1, it
            returns the text of the range answer, a line ``rest of the digest:count`` for each. A password is never
            sent. If the service does not answer within three seconds, the password is accepted and a warning logged.
    """

    min_length: int | None = None
    bcrypt_cost: int = 12
    hasher: PasswordHasher | None = None
    verifies: Sequence[PasswordHasher] = ()
    threads: int | None = None
    queue_timeout: timedelta = timedelta(seconds=10)
    blocklist: Collection[str] = field(default=(), repr=False)
    service_name: str | None = None
    breach_check: Callable[[str], Awaitable[str]] | None = None

    def __post_init__(self) -> None:
        check_kinds(self)
        _require(
            self.min_length is None or MIN_PASSWORD_LENGTH <= self.min_length <= MAX_PASSWORD_LENGTH,
            f"PasswordSettings(min_length=...) is between {MIN_PASSWORD_LENGTH} and {MAX_PASSWORD_LENGTH}.",
        )
        _require(4 <= self.bcrypt_cost <= 31, "PasswordSettings(bcrypt_cost=...) is between 4 and 31.")
        _require(self.threads is None or self.threads >= 1, "PasswordSettings(threads=...) is at least 1.")
        _require(self.queue_timeout > timedelta(0), "PasswordSettings(queue_timeout=...) must be positive.")
        check_list("PasswordSettings(blocklist=...)", self.blocklist, such_as="...")
        check_list("PasswordSettings(verifies=...)", self.verifies, such_as="a hasher")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """Where the links in mails lead, below ``base_url``, and how long they are good for.

    The pages are the app's own: each takes the token and sends it to the route that the setting is named after. By
    default the token stands behind ``#``, where no server and no log ever sees it.

    Args:
        verify_email: The path of the page that verifies an address, with ``{token}`` in it.
        reset_password: The path of the page that asks for a new password.
        change_email: The path of the page that confirms a new address.
        verify_email_expires_in: How long the link to verify an address is good for.
        reset_password_expires_in: How long the link to a new password is good for.
        change_email_expires_in: How long the link to a new address is good for.
        timeout: How long a notifier may take for one mail.
    """

    verify_email: str = "/verify-email#token={token}"
    reset_password: str = "/reset-password#token={token}"  # noqa: S105
    change_email: str = "/change-email#token={token}"
    verify_email_expires_in: timedelta = timedelta(days=1)
    reset_password_expires_in: timedelta = timedelta(hours=1)
    change_email_expires_in: timedelta = timedelta(hours=1)
    timeout: timedelta = timedelta(seconds=30)

    def __post_init__(self) -> None:
        check_kinds(self)
        for name in ("verify_email", "reset_password", "change_email"):
            path: str = getattr(self, name)
            _require(
                path.startswith("/")
                and path.count("{token}") == 1
                and not set("{}") & set(path.replace("{token}", "")),
                f"LinkSettings({name}=...) begins with a slash and has {{token}} in it once.",
            )
            lifetime: timedelta = getattr(self, f"{name}_expires_in")
            _require(
                timedelta(minutes=1) <= lifetime <= timedelta(days=30),
                f"LinkSettings({name}_expires_in=...) is between a minute and 30 days.",
            )
        _require(self.timeout > timedelta(0), "LinkSettings(timeout=...) must be positive.")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """What becomes of the audit trail; it is always logged, by the logger ``fastauth.audit``.

    Args:
        keep: Keep it in the database, too, each record in the transaction of what it records.
        mask_emails: Show no more of an e-mail address than its first letter and its domain.
        keep_for: How long a record stays in the database; None: for ever, or until ``auth.audit.purge``.
    """

    keep: bool = False
    mask_emails: bool = False
    keep_for: timedelta | None = None

    def __post_init__(self) -> None:
        check_kinds(self)
        _require(
            self.keep_for is None or self.keep_for >= timedelta(days=1),
            "AuditSettings(keep_for=...) is at least a day.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CookieSettings:
    """How the tokens travel in cookies, with ``use_cookie=True``.

    Args:
        name: The cookies are called ``{name}_access``, ``{name}_refresh`` and ``{name}_csrf``.
        samesite: Of the access cookie; the refresh cookie is always ``strict``.
        trusted_origins: Other origins whose pages may send what a cookie authenticates, such as
            ``https://app.example.com``; behind a proxy that changes ``Host`` also the app's own.
        allow_same_site: Whether all pages of the same site may, such as those of every sibling domain.
        allow_none: Whether a request that no page has made may (``Sec-Fetch-Site: none``), such as a bookmark's.
    """

    name: str = "fastauth"
    samesite: Literal["lax", "strict"] = "lax"
    trusted_origins: Sequence[str] = ()
    allow_same_site: bool = False
    allow_none: bool = True

    def __post_init__(self) -> None:
        check_kinds(self)
        _require(
            _COOKIE_NAME.fullmatch(self.name) is not None,
            "CookieSettings(name=...) has 1 to 64 letters, digits or _ . - and no prefix; that one is added.",
        )
        _require(
            self.samesite in {"lax", "strict"},
            "CookieSettings(samesite=...) is 'lax' or 'strict'; 'none' would send the tokens along from any site.",
        )
        check_list("CookieSettings(trusted_origins=...)", self.trusted_origins)
        for origin in self.trusted_origins:
            _require(
                _ORIGIN.fullmatch(origin) is not None,
                f"CookieSettings(trusted_origins=...): {origin!r} is no origin. Write scheme, host and port as "
                "browsers do, with nothing after it: 'https://app.example.com' or 'http://localhost:3000'.",
            )


class Rate(NamedTuple):
    """How many in which time.

    Attributes:
        amount: How many.
        seconds: The time.
    """

    amount: int
    seconds: int


def parse_rate(notation: str) -> Rate:
    """Return what ``"10/minute"``, ``"100 per 2 hours"`` and the like say, in the notation of the library ``limits``.

    Raises:
        ConfigurationError: It says nothing, or several things.
    """
    match = _RATE.fullmatch(str(notation).lower())
    if match is None or int(match[1]) < 1:
        raise ConfigurationError(f"LimitSettings: {notation!r} is no limit. Write one like '10/minute' or '5/2 hours'.")
    return Rate(int(match[1]), (int(match[2] or 1) or 1) * _SECONDS[match[3]])


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """How often something may be asked, as ``"10/minute"``; None: as often as one likes.

    Args:
        storage: Where attempts are counted: ``memory://``, each process for itself; ``redis://`` (also ``rediss://``,
            ``redis+unix://``, ``redis+sentinel://``, ``redis+cluster://``) or ``mongodb://``, all processes together.
        sign_in: Sign-ins per account and client. After as many failures in a row, delays begin.
        sign_in_per_client: Sign-ins per client, whatever the account.
        first_delay: The first delay; each failure after it doubles it.
        longest_delay: No delay is longer.
        max_failures: Failures in a row per username, and as many per address, from all clients together; then only a
            reset of the password, or an admin, opens the account. At most 50, which makes 100 per account
            (NIST SP 800-63B-4, 3.2.2).
        refresh: Refreshes per session.
        refresh_per_client: Refreshes per client.
        register: Registrations per address.
        register_per_client: Registrations per client.
        forgot_password: Forgotten passwords per account.
        forgot_password_per_client: Forgotten passwords per client.
        verify_email: Requests for the mail that proves an address, per account.
        verify_email_per_client: The same per client.
    """

    storage: str = field(default="memory://", repr=False)  # there may be a password in it
    sign_in: str | None = "10/minute"
    sign_in_per_client: str | None = "60/minute"
    first_delay: timedelta = timedelta(seconds=30)
    longest_delay: timedelta = timedelta(hours=1)
    max_failures: int = MAX_FAILURES_PER_NAME
    refresh: str | None = "30/minute"
    refresh_per_client: str | None = "300/minute"
    register: str | None = "10/hour"
    register_per_client: str | None = "30/hour"
    forgot_password: str | None = "5/hour"  # noqa: S105
    forgot_password_per_client: str | None = "30/hour"  # noqa: S105
    verify_email: str | None = "5/hour"
    verify_email_per_client: str | None = "30/hour"

    def __post_init__(self) -> None:
        check_kinds(self)
        scheme, separator, _ = self.storage.partition("://")
        _require(
            bool(separator) and scheme in LIMIT_STORAGES,
            f"LimitSettings(storage=...) begins with one of {', '.join(f'{each}://' for each in LIMIT_STORAGES)}.",
        )
        _require(
            timedelta(seconds=1) <= self.first_delay <= self.longest_delay <= timedelta(days=1),
            "LimitSettings: first_delay is at least a second, and longest_delay between it and a day.",
        )
        _require(
            1 <= self.max_failures <= MAX_FAILURES_PER_NAME,
            f"LimitSettings(max_failures=...) is between 1 and {MAX_FAILURES_PER_NAME}.",
        )
        self.rates()

    def rates(self) -> dict[str, Rate]:
        """Return the limits that are set, by the name of the setting.

        Raises:
            ConfigurationError: One of them is no limit.
        """
        names = (name for route in LIMITED_ROUTES for name in (route, f"{route}_per_client"))
        return {name: parse_rate(notation) for name in names if (notation := getattr(self, name)) is not None}


DEFAULT_LIMITS = LimitSettings()


def canonical_origin(origin: str) -> str:
    """Return an origin in its one spelling: in lower case, and without the port that its scheme has anyway."""
    origin = origin.lower()
    return origin.removesuffix(":443") if origin.startswith("https:") else origin.removesuffix(":80")
