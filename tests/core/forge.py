"""Tokens made by hand, properly signed whatever they say; so it is the gate that refuses them, not the signature."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, TypeAlias

from fastauth.core.keys import Key, KeyRing
from fastauth.core.settings import TokenSettings
from fastauth.core.signing import Purpose, Signer
from fastauth.testing import ManualClock

SECRET = "kQ3vN8xW1rT6yU2pL9sD4fG7hJ0zX5cB-mA_eR2tY8w"  # never a key of anything
NOW = datetime(2031, 5, 6, 7, 8, 9, tzinfo=timezone.utc)
SECONDS = int(NOW.timestamp())
ISSUER = "https://issuer.example"
AUDIENCE = "https://api.example"
LIFETIMES = {
    Purpose.ACCESS: timedelta(minutes=30),
    Purpose.REFRESH: timedelta(days=7),
    Purpose.VERIFY_EMAIL: timedelta(days=1),
    Purpose.RESET_PASSWORD: timedelta(hours=1),
    Purpose.CHANGE_EMAIL: timedelta(hours=1),
    Purpose.WEBSOCKET_TICKET: timedelta(minutes=30),
}

HEADER: Mapping[str, Any] = {"alg": "HS256", "kid": "one", "typ": "at+jwt"}
CLAIMS: Mapping[str, Any] = {
    "sub": "1",
    "sid": "s" * 22,
    "jti": "j" * 22,
    "iat": SECONDS,
    "exp": SECONDS + 1800,
    "iss": ISSUER,
    "aud": AUDIENCE,
}
REFRESH_CLAIMS: Mapping[str, Any] = {**CLAIMS, "gen": 0, "auth_time": SECONDS}
EVERY_CLAIM: Mapping[str, Any] = {**REFRESH_CLAIMS, "state": "t" * 22, "email": "ada@example.com"}

Part: TypeAlias = "Mapping[str, Any] | str | bytes"


def make_signer(
    *keys: Key, clock: ManualClock | None = None, settings: TokenSettings | None = None, **options: Any
) -> Signer:
    """Return a signer with the key ``one``, our issuer and audience, at :data:`NOW`, unless told otherwise."""
    ring = KeyRing(keys or [Key(SECRET, kid="one")])
    settings = settings or TokenSettings(**{"issuer": ISSUER, "audience": AUDIENCE, **options})
    return Signer(ring, settings, lifetimes=LIFETIMES, clock=clock or ManualClock(NOW))


def signed(signer: Signer, purpose: Purpose, claims: Mapping[str, Any]) -> str:
    """Return the token that the signer makes."""
    return asyncio.run(signer.sign(purpose, claims))


def b64(value: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def unb64(segment: str) -> bytes:
    """Read base64url without padding."""
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def segment(part: Part) -> str:
    """Return a segment of a token: of an object as JSON, of a text as it is."""
    if isinstance(part, str):
        part = part.encode()
    return b64(part if isinstance(part, bytes) else json.dumps(part).encode())


def forge(header: Part = HEADER, claims: Part = CLAIMS, *, secret: str = SECRET) -> str:
    """Return a token of these parts with the right HS256 signature."""
    message = f"{segment(header)}.{segment(claims)}"
    return f"{message}.{b64(hmac.new(secret.encode(), message.encode(), hashlib.sha256).digest())}"


def without(part: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """Return the object without these names."""
    return {name: value for name, value in part.items() if name not in names}


def claims_of(token: str) -> dict[str, Any]:
    """Return what a token says, without judging it."""
    claims: dict[str, Any] = json.loads(unb64(token.split(".")[1]))
    return claims
