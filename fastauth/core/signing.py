"""Claims in, token out, and back, each token for one purpose.

What every token has to be is judged by :mod:`fastauth.core.gate`; what ours have to say is judged here.
"""

import json
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import Enum
from typing import Any, cast

from fastauth.core.clock import Clock
from fastauth.core.encoding import b64
from fastauth.core.exceptions import ConfigurationError
from fastauth.core.gate import MAX_TOKEN_LENGTH, Gate, Rejections, Verified, is_subject, is_time, refuse
from fastauth.core.keys import Key, KeyRing
from fastauth.core.settings import TokenSettings
from fastauth.core.telemetry import SILENT, Telemetries
from fastauth.core.verified_tokens import VerifiedTokens

_MAX_GENERATION = 2**31

_ID_BYTES = 16
_OPAQUE_ID = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)


def new_id() -> str:
    """Return an id that nobody guesses: 128 bits from the system's generator (ASVS 7.2.3)."""
    return secrets.token_urlsafe(_ID_BYTES)


def _is_generation(value: object) -> bool:
    return type(value) is int and 0 <= value < _MAX_GENERATION


def _is_opaque_id(value: object) -> bool:
    return isinstance(value, str) and _OPAQUE_ID.fullmatch(value) is not None


# Checked for form before any of them reaches a database.
_GRAMMAR: Mapping[str, Callable[[object], bool]] = {
    "sub": is_subject,
    "sid": _is_opaque_id,
    "jti": _is_opaque_id,
    "gen": _is_generation,
    "auth_time": is_time,
    "state": _is_opaque_id,
    "email": is_subject,
}


class Purpose(Enum):
    """What a token is for; the value is its ``typ`` header, signed with the rest (RFC 8725, 3.11)."""

    ACCESS = "at+jwt"
    REFRESH = "refresh+jwt"
    VERIFY_EMAIL = "verify-email+jwt"
    RESET_PASSWORD = "reset-password+jwt"  # noqa: S105
    CHANGE_EMAIL = "change-email+jwt"
    WEBSOCKET_TICKET = "websocket-ticket+jwt"

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
    Purpose.WEBSOCKET_TICKET: ("sub", "sid", "jti"),
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
        telemetry: Is told of every token that is refused.

    Attributes:
        ring: The keys; a signer has the same ring all its life.
        rejections: How many tokens were refused, by reason.
    """

    def __init__(
        self,
        ring: KeyRing,
        settings: TokenSettings,
        *,
        lifetimes: Mapping[Purpose, timedelta],
        clock: Clock,
        telemetry: Telemetries = SILENT,
    ) -> None:
        self.ring = ring
        self.rejections: Rejections = Rejections(telemetry.token_rejected if telemetry else None)
        self._issuer = settings.issuer
        self._audiences = settings.audiences
        self._gate = Gate(issuer=settings.issuer, audiences=settings.audiences, leeway=settings.leeway, clock=clock)
        self._lifetimes = {purpose: int(lifetime.total_seconds()) for purpose, lifetime in lifetimes.items()}
        self._clock = clock
        self._seen = VerifiedTokens(settings.remembered_tokens)
        # The header of a token depends on the key and the purpose only.
        self._headers = {purpose: _header(ring.current, purpose) for purpose in Purpose}

    async def sign(self, purpose: Purpose, claims: Mapping[str, Any]) -> str:
        """Return a token with these claims, and the issuer and audience of the settings.

        Args:
            purpose: What the token is for.
            claims: All of the purpose's claims, with ``iat`` and ``exp`` in whole seconds since 1970.

        Raises:
            ConfigurationError: It would be longer than any that is read.
            KeysUnavailableException: The key is kept elsewhere, and does not sign now.
        """
        payload = dict(claims)
        if self._issuer is not None:
            payload["iss"] = self._issuer
        if self._audiences:
            payload["aud"] = self._audiences[0] if len(self._audiences) == 1 else list(self._audiences)
        message = self._headers[purpose] + b"." + _encode(payload)
        token = (message + b"." + b64(await self.ring.current.signature(message))).decode("ascii")
        if len(token) > MAX_TOKEN_LENGTH:  # we would not read it ourselves
            raise ConfigurationError(
                f"A token would have {len(token)} characters, and {MAX_TOKEN_LENGTH} are read: put less into it."
            )
        return token

    def read(self, token: object, purpose: Purpose) -> Mapping[str, Any]:
        """Return the claims of a token that is whole, ours, for this purpose and in its time.

        Raises:
            TokenException: It is not; ``reason`` says why, for the log.
        """
        try:
            # Only access tokens come again and again; the others are good once.
            if purpose is not Purpose.ACCESS:
                return self._read(token, purpose).claims
            claims = self._seen.get(token, self._clock().timestamp())
            if claims is None:
                verified = self._read(token, purpose)
                self._seen.add(cast("str", token), verified)
                claims = verified.claims
        except Exception as error:  # whatever a hostile token does to a parser, it is a bad token and nothing more
            refusal = self.rejections.refusal(error)
            if refusal is error:
                raise
            raise refusal from error
        return claims

    def _read(self, token: object, purpose: Purpose) -> Verified:
        opened = self._gate.open(token)
        verified = self._gate.verify(
            opened,
            self.ring.get(opened.header["kid"]),
            types=(purpose.value,),
            max_lifetime=self._lifetimes[purpose],
        )
        for name in purpose.required:
            if not _GRAMMAR[name](verified.claims.get(name)):
                refuse(name)
        return verified


def _header(key: Key, purpose: Purpose) -> bytes:
    return _encode({"alg": key.algorithm, "kid": key.kid, "typ": purpose.value})


def _encode(value: Mapping[str, Any]) -> bytes:
    return b64(json.dumps(value, separators=(",", ":")).encode("ascii"))
