"""Claims in, token out, and back: the gate that every token passes before anything else happens.

PyJWT signs and verifies; what it leaves open is closed here (RFC 8725). The gate reads a token once and strictly, so
that no two readings of it can differ, and it does no I/O: garbage never costs a database call.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from enum import Enum
from typing import Any, NoReturn, cast

from fastauth.core.clock import Clock
from fastauth.core.exceptions import ConfigurationError, TokenException
from fastauth.core.keys import Key, KeyRing
from fastauth.core.settings import TokenSettings

_MAX_TOKEN_LENGTH = 4096
_TOKEN = re.compile(r"[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]{2,}", re.ASCII)
_HEADER_NAMES = {"alg", "typ", "kid"}
_MAX_TIME = 2**53  # what every JSON reader holds exactly
_MAX_GENERATION = 2**31

_SUBJECT = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,255}")
_OPAQUE_ID = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)


def _is_time(value: object) -> bool:
    return type(value) is int and 0 < value < _MAX_TIME


def _is_generation(value: object) -> bool:
    return type(value) is int and 0 <= value < _MAX_GENERATION


def _is_subject(value: object) -> bool:
    return isinstance(value, str) and _SUBJECT.fullmatch(value) is not None


def _is_opaque_id(value: object) -> bool:
    return isinstance(value, str) and _OPAQUE_ID.fullmatch(value) is not None


# Checked for form before any of them reaches a database.
_GRAMMAR: Mapping[str, Callable[[object], bool]] = {
    "sub": _is_subject,
    "sid": _is_opaque_id,
    "jti": _is_opaque_id,
    "gen": _is_generation,
    "auth_time": _is_time,
    "state": _is_opaque_id,
    "email": _is_subject,
}


class Purpose(Enum):
    """What a token is for; the value is its ``typ`` header, signed with the rest (RFC 8725, 3.11)."""

    ACCESS = "at+jwt"
    REFRESH = "refresh+jwt"
    VERIFY_EMAIL = "verify-email+jwt"
    RESET_PASSWORD = "reset-password+jwt"  # noqa: S105
    CHANGE_EMAIL = "change-email+jwt"

    @property
    def required(self) -> tuple[str, ...]:
        """The claims a token of this purpose has besides ``iat`` and ``exp``."""
        return _REQUIRED[self]


_REQUIRED: Mapping[Purpose, tuple[str, ...]] = {
    Purpose.ACCESS: ("sub", "sid", "jti"),
    Purpose.REFRESH: ("sub", "sid", "jti", "gen", "auth_time"),
    Purpose.VERIFY_EMAIL: ("sub", "jti", "state"),
    Purpose.RESET_PASSWORD: ("sub", "jti", "state"),
    Purpose.CHANGE_EMAIL: ("sub", "jti", "state", "email"),
}
_REGISTERED = {"iss", "aud", "iat", "exp", "nbf", "typ", "ver", "client_id"}
RESERVED_CLAIMS = frozenset(_REGISTERED.union(*_REQUIRED.values()))


class Signer:
    """Signs claims for one purpose, and reads them back only for that purpose.

    Args:
        ring: The keys.
        settings: Issuer, audience and leeway.
        lifetimes: The longest lifetime of each purpose; a token that claims a longer one is refused.
        clock: The time.
    """

    def __init__(
        self, ring: KeyRing, settings: TokenSettings, *, lifetimes: Mapping[Purpose, timedelta], clock: Clock
    ) -> None:
        self._ring = ring
        self._issuer = settings.issuer
        self._audiences = settings.audiences
        self._leeway = int(settings.leeway.total_seconds())
        self._lifetimes = {purpose: int(lifetime.total_seconds()) for purpose, lifetime in lifetimes.items()}
        self._clock = clock
        # The header of a token depends on the key and the purpose only.
        self._headers = {purpose: _header(ring.current, purpose) for purpose in Purpose}

    def sign(self, purpose: Purpose, claims: Mapping[str, Any]) -> str:
        """Return a token with these claims, and the issuer and audience of the settings.

        Args:
            purpose: What the token is for.
            claims: All of the purpose's claims, with ``iat`` and ``exp`` in whole seconds since 1970.

        Raises:
            ConfigurationError: It would be longer than any that is read.
        """
        payload = dict(claims)
        if self._issuer is not None:
            payload["iss"] = self._issuer
        if self._audiences:
            payload["aud"] = self._audiences[0] if len(self._audiences) == 1 else list(self._audiences)
        message = self._headers[purpose] + b"." + _encode(payload)
        token = (message + b"." + _b64(self._ring.current.sign(message))).decode("ascii")
        if len(token) > _MAX_TOKEN_LENGTH:  # we would not read it ourselves
            raise ConfigurationError(
                f"A token would have {len(token)} characters, and {_MAX_TOKEN_LENGTH} are read: put less into it."
            )
        return token

    def read(self, token: object, purpose: Purpose) -> Mapping[str, Any]:
        """Return the claims of a token that is whole, ours, for this purpose and in its time.

        Raises:
            TokenException: It is not; ``reason`` says why, for the log.
        """
        try:
            return self._read(token, purpose)
        except TokenException:
            raise
        except Exception as error:  # whatever a hostile token does to a parser, it is a bad token and nothing more
            raise TokenException(reason="unreadable") from error

    def _read(self, token: object, purpose: Purpose) -> Mapping[str, Any]:
        if type(token) is not str or len(token) > _MAX_TOKEN_LENGTH or _TOKEN.fullmatch(token) is None:
            _refuse("malformed")
        message, _, signature = token.rpartition(".")
        header_segment, _, payload_segment = message.partition(".")

        header = _decode(header_segment)
        if header.keys() != _HEADER_NAMES or not all(isinstance(value, str) for value in header.values()):
            _refuse("header")
        key = self._ring.get(header["kid"])
        if key is None:
            _refuse("unknown key")
        if header["alg"] != key.algorithm:
            _refuse("algorithm")
        if header["typ"].lower().removeprefix("application/") != purpose.value:
            _refuse("purpose")
        if not key.verify(message.encode("ascii"), _unb64(signature)):
            _refuse("signature")

        claims = _decode(payload_segment)
        self._check_times(claims, purpose)
        self._check_audience(claims)
        for name in purpose.required:
            if not _GRAMMAR[name](claims.get(name)):
                _refuse(name)
        return claims

    def _check_times(self, claims: Mapping[str, Any], purpose: Purpose) -> None:
        now = self._clock().timestamp()
        if not (_is_time(claims.get("iat")) and _is_time(claims.get("exp")) and _is_time(claims.get("nbf", 1))):
            _refuse("times")
        issued: int = claims["iat"]
        expires: int = claims["exp"]
        if expires <= now - self._leeway:
            _refuse("expired")
        if max(issued, claims.get("nbf", 0)) > now + self._leeway:
            _refuse("not yet valid")
        if expires - issued > self._lifetimes[purpose]:
            _refuse("lifetime")

    def _check_audience(self, claims: Mapping[str, Any]) -> None:
        if self._issuer is not None and claims.get("iss") != self._issuer:
            _refuse("issuer")
        if not self._audiences:
            return
        audience = claims.get("aud")
        named = [audience] if isinstance(audience, str) else _strings(audience)
        if not set(self._audiences).intersection(named):
            _refuse("audience")


def _strings(values: Any) -> Sequence[str]:
    if type(values) is not list:
        _refuse("audience")
    items: list[Any] = values  # pyright: ignore[reportUnknownVariableType]
    if not all(isinstance(item, str) for item in items):
        _refuse("audience")
    return items


def _refuse(reason: str) -> NoReturn:
    raise TokenException(reason=reason)


def _header(key: Key, purpose: Purpose) -> bytes:
    return _encode({"alg": key.algorithm, "kid": key.kid, "typ": purpose.value})


def _encode(value: Mapping[str, Any]) -> bytes:
    return _b64(json.dumps(value, separators=(",", ":")).encode("ascii"))


def _b64(value: bytes) -> bytes:
    return base64.urlsafe_b64encode(value).rstrip(b"=")


def _unb64(segment: str) -> bytes:
    value = base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    if _b64(value) != segment.encode("ascii"):  # one token has one spelling (RFC 4648, 3.5)
        raise binascii.Error("unused bits are not zero")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        _refuse("repeated name")
    return value


def _no_constant(name: str) -> NoReturn:
    _refuse(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant)


def _decode(segment: str) -> dict[str, Any]:
    # From text, not bytes: json.loads would guess UTF-16 and UTF-32 from bytes.
    value: Any = _DECODER.decode(_unb64(segment).decode("utf-8"))
    if type(value) is not dict:
        _refuse("not an object")
    return cast("dict[str, Any]", value)
