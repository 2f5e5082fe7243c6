"""The session verbs, on the dictionaries."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from fastauth.backends.memory.data import Data, User
from fastauth.core.models import Account, Session


def add_session(data: Data, session: Session, *, hashed_password: str) -> bool:
    """Store the session if its user is enabled and still has this password hash; say whether it was stored."""
    user = data.users.get(session.user_id)
    if user is None or user.disabled or user.hashed_password != hashed_password or session.id in data.sessions:
        return False
    data.sessions[session.id] = session
    return True


def authenticate(data: Data, session_id: str) -> Account[User] | None:
    """Return the account of this session with its roles, and with ``account.session`` set, or None."""
    session = data.sessions.get(session_id)
    return replace(data.account(data.users[session.user_id]), session=session) if session else None


def rotate_session(
    data: Data, session_id: str, *, user_id: str, generation: int, now: datetime, expires_at: datetime
) -> bool:
    """Move the session from this generation to the next; say whether it moved."""
    session = data.sessions.get(session_id)
    if session is None or (session.user_id, session.generation) != (user_id, generation):
        return False
    if not session.is_live(now) or data.users[user_id].disabled:
        return False
    data.sessions[session_id] = replace(session, generation=generation + 1, rotated_at=now, expires_at=expires_at)
    return True


def revoke_session(data: Data, session_id: str, *, now: datetime, user_id: str | None) -> bool:
    """Revoke the session; False when there is no live session of this id, or it is not this user's."""
    session = data.sessions.get(session_id)
    if session is None or not session.is_live(now) or user_id not in {None, session.user_id}:
        return False
    data.sessions[session_id] = replace(session, revoked_at=now)
    return True


def revoke_sessions(
    data: Data, user_id: str, *, now: datetime, except_session: str | None, unless_holding: Collection[str]
) -> int:
    """Revoke the user's live sessions but one; return how many were revoked."""
    user = data.users.get(user_id)
    if user is None:
        return 0
    data.check_rank(user, unless_holding)
    return data.revoke_sessions(user_id, now, except_session)


def list_sessions(data: Data, user_id: str, *, now: datetime) -> Sequence[Session]:
    """Return the user's live sessions, newest first."""
    live = [session for session in data.sessions.values() if session.user_id == user_id and session.is_live(now)]
    return sorted(live, key=lambda session: (session.created_at, session.id), reverse=True)


def use_token(data: Data, token_id: str, *, expires_at: datetime) -> bool:
    """Note that a single-use token was used; False when it was used before."""
    if token_id in data.used_tokens:
        return False
    data.used_tokens[token_id] = expires_at
    return True


def purge_expired(data: Data, now: datetime) -> int:
    """Delete the sessions that have expired, and what is known of tokens that have; return how many sessions."""
    before = len(data.sessions)
    data.sessions = {key: session for key, session in data.sessions.items() if session.expires_at > now}
    data.used_tokens = {key: expires_at for key, expires_at in data.used_tokens.items() if expires_at > now}
    return before - len(data.sessions)
