"""The gate that every token passes, ours or another issuer's: shape, header, key, signature, times, issuer, audience.

PyJWT verifies the signature; what it leaves open is closed here (RFC 8725). A token is read once and strictly, so that
no two readings of it can differ, and without I/O. Any error on the way is a refusal, and is counted.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from threading import Lock
from typing import Any, NamedTuple, NoReturn

from fastauth.core.clock import Clock
from fastauth.core.encoding import UnreadableError, read_json_object, unb64
from fastauth.core.exceptions import TokenException
from fastauth.core.keys import Key

MAX_TOKEN_LENGTH = 4096
HEADER_NAMES = frozenset({"alg", "typ", "kid"})
_TOKEN = re.compile(r"[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]{2,}", re.ASCII)
_SUBJECT = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,255}")
_MAX_TIME = 2**53  # what every JSON reader holds exactly


class Opened(NamedTuple):
    """A token in its parts, of which only the header has been read, and nothing believed."""

    header: Mapping[str, str]
    message: bytes
    payload: str
    signature: str


class Verified(NamedTuple):
    """The claims of a token that passed, and from when to when they hold: leeway included, in seconds since 1970."""

    claims: Mapping[str, Any]
    starts: int
    ends: int


class Rejections(Mapping[str, int]):
    """How many tokens were refused, by reason; the reasons are few, and say nothing of the tokens.

    Args:
        told: Is told the reason of each.
    """

    def __init__(self, told: Callable[[str], None] | None = None) -> None:
        self._told = told
        self._counts: Counter[str] = Counter()
        self._lock = Lock()

    def refusal(self, error: Exception) -> TokenException:
        """Count the error, and return what to raise for it."""
        if not isinstance(error, TokenException):
            error = TokenException(reason=str(error) if isinstance(error, UnreadableError) else "unreadable")
        with self._lock:
            self._counts[error.reason] += 1
        if self._told is not None:
            self._told(error.reason)
        return error

    def __getitem__(self, reason: str) -> int:
        return self._counts[reason]

    def __iter__(self) -> Any:
        return iter(dict(self._counts))

    def __len__(self) -> int:
        return len(self._counts)

    def __repr__(self) -> str:
        return f"Rejections({dict(self._counts)!r})"


class Gate:
    """What a token has to be, whatever it is for.

    Args:
        issuer: The ``iss`` claim, compared exactly; None does not look at it.
        audiences: A token names at least one of them; none are asked for where there are none.
        leeway: How far the clocks of two machines may be apart.
        clock: The time.
        max_length: Of a token, in characters.
        optional: Names of the header that may be missing.
        ignored: Further names that the header may have; their values are never used.
    """

    def __init__(
        self,
        *,
        issuer: str | None,
        audiences: Sequence[str],
        leeway: timedelta,
        clock: Clock,
        max_length: int = MAX_TOKEN_LENGTH,
        optional: Collection[str] = (),
        ignored: Collection[str] = (),
    ) -> None:
        self._issuer = issuer
        self._audiences = frozenset(audiences)
        self._leeway = int(leeway.total_seconds())
        self._clock = clock
        self._max_length = max_length
        self._allowed = HEADER_NAMES.union(ignored)
        self._required = HEADER_NAMES.difference(optional)

    def open(self, token: object) -> Opened:
        """Take a token apart and read its header; what it raises is a refusal."""
        if type(token) is not str or len(token) > self._max_length or _TOKEN.fullmatch(token) is None:
            refuse("malformed")
        message, _, signature = token.rpartition(".")
        head, _, payload = message.partition(".")
        header = _decode(head)
        if not self._required <= header.keys() <= self._allowed or not all(
            isinstance(value, str) for value in header.values()
        ):
            refuse("header")
        return Opened(header, message.encode("ascii"), payload, signature)

    @staticmethod
    def authenticate(token: Opened, key: Key | None, *, types: Collection[str]) -> None:
        """Look at the header and the signature only; what it raises is a refusal. For the arguments see ``verify``."""
        if key is None:
            refuse("unknown key")
        if token.header["alg"] != key.algorithm:
            refuse("algorithm")
        if token.header.get("typ", "").lower().removeprefix("application/") not in types:
            refuse("purpose")
        if not key.verify(token.message, unb64(token.signature)):
            refuse("signature")

    def verify(self, token: Opened, key: Key | None, *, types: Collection[str], max_lifetime: int | None) -> Verified:
        """Verify a token with the key that its ``kid`` names; what it raises is a refusal.

        Args:
            token: The token.
            key: The key; None where there is none of that name.
            types: The ``typ`` it may have, in lower case and without ``application/``; empty for none.
            max_lifetime: The longest lifetime in seconds that it may claim; None is any.
        """
        self.authenticate(token, key, types=types)
        claims = _decode(token.payload)
        verified = self._check_times(claims, max_lifetime)
        self._check_issuer_and_audience(claims)
        return verified

    def _check_times(self, claims: Mapping[str, Any], max_lifetime: int | None) -> Verified:
        if not (is_time(claims.get("iat")) and is_time(claims.get("exp")) and is_time(claims.get("nbf", 1))):
            refuse("times")
        issued: int = claims["iat"]
        expires: int = claims["exp"]
        verified = Verified(claims, max(issued, claims.get("nbf", 0)) - self._leeway, expires + self._leeway)
        now = self._clock().timestamp()
        if now >= verified.ends:
            refuse("expired")
        if now < verified.starts:
            refuse("not yet valid")
        if max_lifetime is not None and expires - issued > max_lifetime:
            refuse("lifetime")
        return verified

    def _check_issuer_and_audience(self, claims: Mapping[str, Any]) -> None:
        if self._issuer is not None and claims.get("iss") != self._issuer:
            refuse("issuer")
        if not self._audiences:
            return
        audience: Any = claims.get("aud")
        named: list[Any] = [audience] if isinstance(audience, str) else audience
        if type(named) is not list or not all(isinstance(name, str) for name in named):
            refuse("audience")
        if self._audiences.isdisjoint(named):
            refuse("audience")


def is_time(value: object) -> bool:
    """Say whether the value is a time as a claim has it: a whole number of seconds since 1970."""
    return type(value) is int and 0 < value < _MAX_TIME


def is_subject(value: object) -> bool:
    """Say whether the value can be the key of a user: a text of 1 to 255 characters, none of them a control."""
    return isinstance(value, str) and _SUBJECT.fullmatch(value) is not None


def refuse(reason: str) -> NoReturn:
    """Refuse the token, for one of a few reasons that say nothing of it."""
    raise TokenException(reason=reason)


def _decode(segment: str) -> dict[str, Any]:
    # From text, not bytes: json.loads would guess UTF-16 and UTF-32 from bytes.
    return read_json_object(unb64(segment).decode("utf-8"))
