"""Sessions: start, authenticate, refresh, end."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Generic

from fastauth.core.clock import Clock
from fastauth.core.events import RefreshTokenReused, SessionRevoked, SignedIn
from fastauth.core.exceptions import (
    CredentialsException,
    InactiveUserException,
    RefreshTokenException,
    SessionNotFoundException,
    TokenException,
)
from fastauth.core.models import Account, Claims, Client, Session, TokenPair, U
from fastauth.core.protocols import Store
from fastauth.core.signing import Purpose, Signer, new_id
from fastauth.core.telemetry import SILENT, RefreshOutcome, Telemetries
from fastauth.services.events import Events
from fastauth.services.ranks import beyond_reach
from fastauth.services.token_claims import TokenClaims
from fastauth.services.token_pairs import RefreshClaims, TokenPairs


class Sessions(Generic[U]):
    """Everything that happens to a sign-in, from its first token pair to its end.

    Args:
        store: Where sessions are kept.
        signer: Makes and reads the tokens.
        events: Tells the app and the audit trail.
        claims: The app's own, for access tokens.
        access_expires_in: Lifetime of an access token.
        refresh_expires_in: How long a session may lie idle: each refresh moves its end on by this.
        session_expires_in: How long a session may live in all.
        refresh_grace: How long the refresh token before the current one is still answered.
        clock: The time.
        telemetry: Counts what becomes of refreshes.
    """

    def __init__(
        self,
        store: Store[U],
        signer: Signer,
        *,
        events: Events[U],
        claims: TokenClaims[U],
        access_expires_in: timedelta,
        refresh_expires_in: timedelta,
        session_expires_in: timedelta,
        refresh_grace: timedelta,
        clock: Clock,
        telemetry: Telemetries = SILENT,
    ) -> None:
        self._store = store
        self._signer = signer
        self._events = events
        self._claims = claims
        self._pairs = TokenPairs(signer, access_expires_in=access_expires_in)
        self._refresh_expires_in = refresh_expires_in
        self._session_expires_in = session_expires_in
        self._refresh_grace = refresh_grace
        self._clock = clock
        self._telemetry = telemetry

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
        now, client = self._now(), Client.of(ip, user_agent)
        # Before anything is stored: what the app's function raises leaves no session behind.
        own = await self._claims.of(account)
        session = Session(
            id=new_id(),
            user_id=account.id,
            generation=0,
            created_at=now,
            rotated_at=now,
            expires_at=self._end(now, signed_in_at=now),
            user_agent=client.user_agent,
            ip=client.ip,
        )
        # Before anything is written: where nothing can be signed, nothing is.
        pair = await self._pairs.of(session, now, own)
        started = await self._events.commit(
            self._store,
            lambda store: store.add_session(session, hashed_password=account.hashed_password),
            SignedIn,
            lambda _: self._events.make(SignedIn, by=account, account=account, session=session),
        )
        if not started:
            raise CredentialsException
        return pair

    async def authenticate(self, access_token: str) -> Account[U]:
        """Return the account behind an access token, as the store has it now; one store call, none for a bad token.

        Raises:
            TokenException: The token is not good, or its session has ended.
            InactiveUserException: The account is disabled.
        """
        claims = self._signer.read(access_token, Purpose.ACCESS)
        return await self.account_of(claims["sid"], user_id=claims["sub"])

    async def account_of(self, session_id: str, *, user_id: str) -> Account[U]:
        """Return the account of a live session, as the store has it now; one store call.

        Args:
            session_id: The session, from a token that was read or from an account.
            user_id: Whose it has to be.

        Raises:
            TokenException: There is no such session, or it has ended.
            InactiveUserException: The account is disabled.
        """
        account = await self._store.authenticate(session_id)
        if account is None or account.session is None or account.id != user_id:
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

    async def claims_of(self, account: Account[U], session: Session) -> Claims:
        """Return what an access token would say that this session of the account were given now; no store call."""
        own = await self._claims.of(account)
        return Claims.of(self._pairs.access_claims(session.id, account.id, self._now(), session.expires_at, own))

    async def refresh(self, refresh_token: str) -> TokenPair:
        """Exchange a refresh token for new tokens; it works once (RFC 9700, 2.2.2).

        The generation before the current one is answered with the current one for a short while: the client whose
        answer was lost and the second tab are not the thief. Anything older is a stolen copy, and ends the session.

        Raises:
            RefreshTokenException: The token is not good, its session has ended, or it was used before.
            InactiveUserException: The account is disabled.
        """
        return await self.exchange(self.read_refresh(refresh_token))

    def read_refresh(self, refresh_token: str) -> RefreshClaims:
        """Return what a refresh token says, without asking the store: the first half of :meth:`refresh`.

        Raises:
            RefreshTokenException: The token is not good.
        """
        try:
            return self._pairs.read_refresh(refresh_token)
        except TokenException as error:
            self._telemetry.refreshed("refused")
            raise RefreshTokenException(reason=error.reason) from error

    async def exchange(self, refresh: RefreshClaims) -> TokenPair:
        """Exchange a refresh token that has been read: the second half of :meth:`refresh`.

        Raises:
            RefreshTokenException: Its session has ended, or it was used before.
            InactiveUserException: The account is disabled.
        """
        try:
            pair, outcome = await self._exchange(refresh)
        except (RefreshTokenException, InactiveUserException) as error:
            reused = isinstance(error, RefreshTokenException) and error.reused
            self._telemetry.refreshed("reused" if reused else "refused")
            raise
        self._telemetry.refreshed(outcome)
        return pair

    async def _exchange(self, refresh: RefreshClaims) -> tuple[TokenPair, RefreshOutcome]:
        now = self._now()
        expires_at = self._end(now, signed_in_at=datetime.fromtimestamp(refresh.signed_in_at, timezone.utc))
        if expires_at <= now:
            raise RefreshTokenException(reason="session ended")
        # Before the generation moves on: what the app's function raises leaves the token good (ASVS 2.3.3), and a
        # client that gets no answer must not lose the one it has.
        own = await self._claims.of(await self._store.authenticate(refresh.session_id) if self._claims else None)
        pair = await self._pairs.make(refresh.next(), now, expires_at, own)
        moved = await self._store.rotate_session(
            refresh.session_id, user_id=refresh.user_id, generation=refresh.generation, now=now, expires_at=expires_at
        )
        if moved:
            return pair, "rotated"
        return await self._refresh_again(refresh, now), "repeated"

    async def _refresh_again(self, refresh: RefreshClaims, now: datetime) -> TokenPair:
        account = await self._store.authenticate(refresh.session_id)
        session = account.session if account is not None and account.id == refresh.user_id else None
        if account is None or session is None or not session.is_live(now):
            raise RefreshTokenException(reason="session ended")
        if account.disabled:
            raise InactiveUserException
        if session.generation <= refresh.generation:  # the store lost the race that we lost, or went back in time
            raise RefreshTokenException(reason="not current")
        # Where the clock that rotated is ahead of ours, the time since is negative, and within any grace but none.
        graceful = bool(self._refresh_grace) and now - session.rotated_at < self._refresh_grace
        if session.generation == refresh.next().generation and graceful:
            return await self._pairs.of(session, now, await self._claims.of(account))
        # We cannot tell the thief from the owner, so neither keeps the session.
        await self._events.commit(
            self._store,
            lambda store: store.revoke_session(session.id, now=now),
            RefreshTokenReused,
            lambda _: self._events.make(RefreshTokenReused, user_id=refresh.user_id, session_id=session.id),
        )
        raise RefreshTokenException(reason="reused", reused=True)

    async def end(self, session_id: str, *, user_id: str | None = None, by: Account[Any] | None = None) -> None:
        """End one session; its tokens are refused from the next request on.

        Args:
            session_id: The session.
            user_id: Whose it has to be; None is anybody's.
            by: Who acts.

        Raises:
            SessionNotFoundException: There is no live session of this id, or it is not this user's.
        """
        await self._revoke(session_id, user_id, by.id if by is not None else None)

    async def _revoke(self, session_id: str, user_id: str | None, actor_id: str | None) -> None:
        now = self._now()
        ended = await self._events.commit(
            self._store,
            lambda store: store.revoke_session(session_id, now=now, user_id=user_id),
            SessionRevoked,
            lambda _: self._events.make(SessionRevoked, by=actor_id, user_id=user_id, session_id=session_id),
        )
        if not ended:
            raise SessionNotFoundException

    async def end_all(self, user_id: str, *, except_session: str | None = None, by: Account[Any] | None = None) -> int:
        """End the user's sessions, but for one if it is named; return how many were ended.

        Args:
            user_id: The user.
            except_session: The session that stays.
            by: Who acts: the user, or an administrator above them; None is the system.

        Raises:
            PermissionDeniedException: ``by`` may not act on this user.
        """
        now = self._now()
        above = () if by is not None and by.id == user_id else beyond_reach(by)
        return await self._events.commit(
            self._store,
            lambda store: store.revoke_sessions(user_id, now=now, except_session=except_session, unless_holding=above),
            SessionRevoked,
            lambda count: self._events.make(SessionRevoked, by=by, user_id=user_id, count=count),
        )

    async def list(self, user_id: str) -> Sequence[Session]:
        """Return the user's live sessions, newest first."""
        return await self._store.list_sessions(user_id, now=self._clock())

    async def sign_out(self, *, access_token: str | None = None, refresh_token: str | None = None) -> None:
        """End the session that one of the tokens belongs to; the access token is looked at first.

        Raises:
            TokenException: Neither is good, or the session has ended already.
        """
        claims = self._claims_of(access_token, refresh_token)
        try:
            await self._revoke(claims["sid"], claims["sub"], claims["sub"])
        except SessionNotFoundException as error:
            raise TokenException(reason="session ended") from error

    def session_of(self, *, access_token: str | None = None, refresh_token: str | None = None) -> str:
        """Return the id of the session that one of the tokens names, without asking the store.

        Raises:
            TokenException: Neither is good.
        """
        session_id: str = self._claims_of(access_token, refresh_token)["sid"]
        return session_id

    def _claims_of(self, access_token: str | None, refresh_token: str | None) -> Mapping[str, Any]:
        if access_token is None and refresh_token is None:
            raise TokenException(missing=True)
        if access_token is not None:
            try:
                return self._signer.read(access_token, Purpose.ACCESS)
            except TokenException:  # expired, as it may well be where there is a refresh token
                if refresh_token is None:
                    raise
        return self._signer.read(refresh_token, Purpose.REFRESH)

    async def purge_expired(self) -> int:
        """Delete the sessions that have expired, and no revoked one before; return how many were deleted."""
        return await self._store.purge_expired(self._clock())

    def _now(self) -> datetime:
        # What is written has whole seconds: databases differ in how finely they keep time, tokens count in seconds.
        return self._clock().replace(microsecond=0)

    def _end(self, now: datetime, *, signed_in_at: datetime) -> datetime:
        return min(now + self._refresh_expires_in, signed_in_at + self._session_expires_in)
