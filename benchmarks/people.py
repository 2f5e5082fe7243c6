"""Who is in the databases, and the tokens they hold: the same for every app of ours, made without asking it."""

import secrets
import time
from collections.abc import Sequence
from typing import Any

import jwt

from fastauth import Key

SECRET = "benchmarks-only-3Jq8vXo2LkTzR5uWcY7bNfMd9hGpAe1s"  # never a key of anything
PASSWORD = "correct horse battery staple"
USERS = 1_000
_KEY = Key(SECRET)
_HOUR = 3600


def name_of(number: int) -> str:
    """Return the username of a person."""
    return f"user{number:07}"


def session_id(number: int) -> str:
    """Return the id of a session, which has the form that the library gives ids."""
    return f"bench{number:017}"


def access_token(user_id: object, session: str) -> str:
    """Return an access token as the library signs it."""
    return _signed("at+jwt", {"sub": str(user_id), "sid": session})


def refresh_token(user_id: object, session: str) -> str:
    """Return the first refresh token of a session, as the library signs it."""
    claims = {"sub": str(user_id), "sid": session, "gen": 0, "auth_time": int(time.time())}
    return _signed("refresh+jwt", claims, lifetime=7 * 24 * _HOUR)


def access_tokens(user_ids: Sequence[object], first_session: int = 1) -> list[str]:
    """Return one token per user; their sessions are numbered from the first on."""
    return [access_token(user, session_id(number)) for number, user in enumerate(user_ids, first_session)]


def refresh_tokens(user_ids: Sequence[object], first_session: int = 1) -> list[str]:
    """Return one token per user; their sessions are numbered from the first on."""
    return [refresh_token(user, session_id(number)) for number, user in enumerate(user_ids, first_session)]


def _signed(kind: str, claims: dict[str, Any], lifetime: int = 30 * 60) -> str:
    now = int(time.time())
    payload = {**claims, "jti": secrets.token_urlsafe(16), "iat": now, "exp": now + lifetime}
    return jwt.encode(payload, SECRET, "HS256", headers={"kid": _KEY.kid, "typ": kind})
