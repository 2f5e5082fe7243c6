"""Sessions: start, authenticate, refresh, end."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Generic

from fastauth.core.clock import Clock
from fastauth.core.exceptions import (
    CredentialsException,
    InactiveUserException,
    RefreshTokenException,
    SessionNotFoundException,
    TokenException,
)
from fastauth.core.models import Account, Claims, Session, TokenPair, U
from fastauth.core.protocols import TokenStore
from fastauth.core.signing import Purpose, Signer

_ID_BYTES = 16  # 128 bits from the system's generator (ASVS 7.2.3)
_MAX_USER_AGENT = 255
_MAX_IP = 45  # an IPv6 address in its longest spelling


class Sessions(Generic[U]):
    """Everything that happens to a sign-in, from its first token pair to its end.

    Args:
        store: Where sessions are kept.
        signer: Makes and reads the tokens.
        access_expires_in: Lifetime of an access token.
        refresh_expires_in: How long a session may lie idle: each refresh moves its end on by this.
        session_expires_in: How long a session may live in all.
        refresh_grace: How long the refresh token before the current one is still answered.
        clock: The time.
    """

    def __init__(
        self,
        store: TokenStore[U],
        signer: Signer,
        *,
        access_expires_in: timedelta,
        refresh_expires_in: timedelta,
        session_expires_in: timedelta,
        refresh_grace: timedelta,
        clock: Clock,
    ) -> None:
        self._store = store
        self._signer = signer
        self._access_expires_in = access_expires_in
        self._refresh_expires_in = refresh_expires_in
        self._session_expires_in = session_expires_in
        self._refresh_grace = refresh_grace
        self._clock = clock

    async def start(self, account: Account[U], *, user_agent: str | None = None, ip: str | None = None) -> TokenPair:
        """Sign the account in, and return its first tokens.

        Args:
            account: An account that has just proved who it is.
            user_agent: The client's own description, for the list of sessions.
            ip: The client's address, for the list of sessions.

        Raises:
            InactiveUserException: The account is disabled.
            CredentialsException: The account was disabled or given another password since it was read.
        """
        if account.disabled:
            raise InactiveUserException
        now = self._now()
        session = Session(
            id=secrets.token_urlsafe(_ID_BYTES),
            user_id=account.id,
            generation=0,
            created_at=now,
            rotated_at=now,
            expires_at=self._end(now, signed_in_at=now),
            user_agent=_printable(user_agent, _MAX_USER_AGENT),
            ip=_printable(ip, _MAX_IP),
        )
        pair = await self._pair(session, now)  # before anything is written: where nothing can be signed nothing is
        if not await self._store.add_session(session, hashed_password=account.hashed_password):
            raise CredentialsException
        return pair

    async def authenticate(self, access_token: str) -> Account[U]:
        """Return the account behind an access token, as the store has it now; one store call, none for a bad token.

        Raises:
            TokenException: The token is not good, or its session has ended.
            InactiveUserException: The account is disabled.
        """
        claims = self._signer.read(access_token, Purpose.ACCESS)
        account = await self._store.authenticate(claims["sid"])
        if account is None or account.session is None or account.id != claims["sub"]:
            raise TokenException(reason="no such session")
        if not account.session.is_live(self._clock()):
            raise TokenException(reason="session ended")
        if account.disabled:
            raise InactiveUserException
        return account

    def read(self, access_token: str) -> Claims:
        """Return what an access token says, without asking the store: true until the token expires, revoked or not.

        Raises:
            TokenException: The token is not good.
        """
        return Claims.of(self._signer.read(access_token, Purpose.ACCESS))

    async def refresh(self, refresh_token: str) -> TokenPair:
        """Exchange a refresh token for new tokens; it works once (RFC 9700, 2.2.2).

        The generation before the current one is answered with the current one for a short while: the client whose
        answer was lost and the second tab are not the thief. Anything older is a stolen copy, and ends the session.

        Raises:
            RefreshTokenException: The token is not good, its session has ended, or it was used before.
            InactiveUserException: The account is disabled.
        """
        claims = self._read_refresh(refresh_token)
        session_id, user_id, generation = claims["sid"], claims["sub"], claims["gen"]
        now = self._now()
        expires_at = self._end(now, signed_in_at=_moment(claims["auth_time"]))
        if expires_at <= now:
            raise RefreshTokenException(reason="session ended")
        # Before the generation moves on: a client that gets no answer must not lose the one it has.
        pair = await self._sign(session_id, user_id, generation + 1, claims["auth_time"], now, expires_at)
        moved = await self._store.rotate_session(
            session_id, user_id=user_id, generation=generation, now=now, expires_at=expires_at
        )
        if moved:
            return pair
        return await self._refresh_again(session_id, user_id, generation, now)

    async def _refresh_again(self, session_id: str, user_id: str, generation: int, now: datetime) -> TokenPair:
        account = await self._store.authenticate(session_id)
        session = account.session if account is not None and account.id == user_id else None
        if account is None or session is None or not session.is_live(now):
            raise RefreshTokenException(reason="session ended")
        if account.disabled:
            raise InactiveUserException
        if session.generation <= generation:  # the store lost the race that we lost, or went back in time
            raise RefreshTokenException(reason="not current")
        # Where the clock that rotated is ahead of ours, the time since is negative, and within any grace but none.
        graceful = bool(self._refresh_grace) and now - session.rotated_at < self._refresh_grace
        if session.generation == generation + 1 and graceful:
            return await self._pair(session, now)
        # We cannot tell the thief from the owner, so neither keeps the session.
        await self._store.revoke_session(session_id, now=now)
        raise RefreshTokenException(reason="reused", reused=True)

    async def end(self, session_id: str) -> None:
        """End one session; its tokens are refused from the next request on.

        Raises:
            SessionNotFoundException: There is no live session of this id.
        """
        if not await self._store.revoke_session(session_id, now=self._now()):
            raise SessionNotFoundException

    async def end_all(self, user_id: str, *, except_session: str | None = None) -> int:
        """End the user's sessions, but for one if it is named; return how many were ended."""
        return await self._store.revoke_sessions(user_id, now=self._now(), except_session=except_session)

    async def list(self, user_id: str) -> Sequence[Session]:
        """Return the user's live sessions, newest first."""
        return await self._store.list_sessions(user_id, now=self._clock())

    async def sign_out(self, *, access_token: str | None = None, refresh_token: str | None = None) -> None:
        """End the session that one of the tokens belongs to; the access token is looked at first.

        Raises:
            TokenException: Neither is good, or the session has ended already.
        """
        try:
            await self.end(self.session_of(access_token=access_token, refresh_token=refresh_token))
        except SessionNotFoundException as error:
            raise TokenException(reason="session ended") from error

    def session_of(self, *, access_token: str | None = None, refresh_token: str | None = None) -> str:
        """Return the id of the session that one of the tokens names, without asking the store.

        Raises:
            TokenException: Neither is good.
        """
        if refresh_token is None:
            if access_token is None:
                raise TokenException(missing=True)
            session_id: str = self._signer.read(access_token, Purpose.ACCESS)["sid"]
            return session_id
        try:
            session_id = self._signer.read(access_token, Purpose.ACCESS)["sid"]
        except TokenException:  # expired, as it may well be where there is a refresh token
            session_id = self._signer.read(refresh_token, Purpose.REFRESH)["sid"]
        return session_id

    async def purge_expired(self) -> int:
        """Delete the sessions that have expired, and no revoked one before; return how many were deleted."""
        return await self._store.purge_expired(self._clock())

    def _read_refresh(self, refresh_token: str) -> Mapping[str, Any]:
        try:
            return self._signer.read(refresh_token, Purpose.REFRESH)
        except TokenException as error:
            raise RefreshTokenException(reason=error.reason) from error

    def _now(self) -> datetime:
        # What is written has whole seconds: databases differ in how finely they keep time, tokens count in seconds.
        return self._clock().replace(microsecond=0)

    def _end(self, now: datetime, *, signed_in_at: datetime) -> datetime:
        return min(now + self._refresh_expires_in, signed_in_at + self._session_expires_in)

    async def _pair(self, session: Session, now: datetime) -> TokenPair:
        signed_in_at = int(session.created_at.timestamp())
        return await self._sign(session.id, session.user_id, session.generation, signed_in_at, now, session.expires_at)

    async def _sign(
        self, session_id: str, user_id: str, generation: int, signed_in_at: int, now: datetime, expires_at: datetime
    ) -> TokenPair:
        issued = int(now.timestamp())
        refresh_expires = int(expires_at.timestamp())
        access_expires = min(issued + int(self._access_expires_in.total_seconds()), refresh_expires)
        shared = {"sub": user_id, "sid": session_id, "iat": issued}
        access = {**shared, "exp": access_expires, "jti": secrets.token_urlsafe(_ID_BYTES)}
        refresh = {
            **shared,
            "exp": refresh_expires,
            "jti": secrets.token_urlsafe(_ID_BYTES),
            "gen": generation,
            "auth_time": signed_in_at,
        }
        return TokenPair(
            session_id=session_id,
            access_token=await self._signer.sign(Purpose.ACCESS, access),
            refresh_token=await self._signer.sign(Purpose.REFRESH, refresh),
            expires_in=access_expires - issued,
            refresh_expires_in=refresh_expires - issued,
        )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


def _printable(text: str | None, length: int) -> str | None:
    return None if text is None else "".join(char for char in text if char.isprintable())[:length]
