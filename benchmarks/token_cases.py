"""The token hot path: what is timed, for each algorithm, with PyJWT alone beside it and a bare HMAC below it."""

import hashlib
import hmac
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from fastauth import Key, TokenException, TokenSettings
from fastauth.core.clock import system_clock
from fastauth.core.keys import KeyRing
from fastauth.core.signing import Purpose, Signer

ALGORITHMS = ("HS256", "RS256", "ES256", "EdDSA")
_SECRET = b"benchmarks-only-3Jq8vXo2LkTzR5uWcY7bNfMd9hGpAe1s"
_ID = "A" * 22

Case = Callable[[], object]


def cases_of(algorithm: str) -> Mapping[str, Case]:
    """Return what to time, by name; each does its work once."""
    private, public, key = _keys(algorithm)
    forgetful = _signer(key, remembered_tokens=0)
    mindful = _signer(key)
    now = int(time.time())
    claims = {"sub": "1", "sid": _ID, "jti": _ID, "iat": now, "exp": now + 1800}
    header = {"kid": key.kid, "typ": Purpose.ACCESS.value}
    token = _at_once(mindful.sign(Purpose.ACCESS, claims))
    expired = jwt.encode({**claims, "iat": now - 3600, "exp": now - 1800}, private, algorithm, headers=header)
    strange = jwt.encode(claims, private, algorithm, headers={**header, "kid": "nobody"})
    mindful.read(token, Purpose.ACCESS)

    def refused(bad: str) -> Case:
        def case() -> None:
            with suppress(TokenException):
                mindful.read(bad, Purpose.ACCESS)

        return case

    cases: dict[str, Case] = {
        "sign": lambda: _at_once(mindful.sign(Purpose.ACCESS, claims)),
        "sign, PyJWT": lambda: jwt.encode(claims, private, algorithm, headers=header),
        "verify, first time": lambda: forgetful.read(token, Purpose.ACCESS),
        "verify, seen before": lambda: mindful.read(token, Purpose.ACCESS),
        "verify, PyJWT": lambda: jwt.decode(token, public, algorithms=[algorithm]),
        "garbage": refused("x" * len(token)),
        "another signature": refused(token[:-8] + "AAAAAAAA"),
        "expired": refused(expired),
        "unknown kid": refused(strange),
    }
    if algorithm == "HS256":
        message = token.rpartition(".")[0].encode("ascii")
        cases["a bare HMAC of the same bytes"] = lambda: hmac.digest(_SECRET, message, hashlib.sha256)
    return cases


def _signer(key: Key, **settings: Any) -> Signer:
    lifetimes = {purpose: timedelta(minutes=30) for purpose in Purpose}
    return Signer(KeyRing([key]), TokenSettings(**settings), lifetimes=lifetimes, clock=system_clock)


def _keys(algorithm: str) -> tuple[Any, Any, Key]:
    if algorithm == "HS256":
        return _SECRET, _SECRET, Key(_SECRET)
    private: Any
    if algorithm == "RS256":
        private = rsa.generate_private_key(65537, 2048)
    elif algorithm == "ES256":
        private = ec.generate_private_key(ec.SECP256R1())
    else:
        private = ed25519.Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, private.public_key(), Key.from_pem(pem, algorithm=algorithm)


def _at_once(coroutine: Coroutine[Any, Any, str]) -> str:
    # A key that is kept here signs without waiting for anything, and so needs no loop to be timed.
    try:
        coroutine.send(None)
    except StopIteration as done:
        signed: str = done.value
        return signed
    raise RuntimeError("It waited.")
