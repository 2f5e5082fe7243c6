"""The two tokens of a session: what they say, how they are made, and how the one that refreshes is read."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from fastauth.core.models import Session, TokenPair
from fastauth.core.signing import Purpose, Signer, new_id


class RefreshClaims(NamedTuple):
    """What a refresh token says: which generation of which session it belongs to, and when that began, since 1970."""

    session_id: str
    user_id: str
    generation: int
    signed_in_at: int

    def next(self) -> "RefreshClaims":
        """Return what the token after this one says."""
        return self._replace(generation=self.generation + 1)


class TokenPairs:
    """Makes the tokens of sessions.

    Args:
        signer: Signs and reads them.
        access_expires_in: Lifetime of an access token.
    """

    def __init__(self, signer: Signer, *, access_expires_in: timedelta) -> None:
        self._signer = signer
        self._access_expires_in = access_expires_in

    async def of(self, session: Session, now: datetime, own: Mapping[str, Any]) -> TokenPair:
        """Return tokens for a session as it is.

        Args:
            session: The session.
            now: When they are issued.
            own: The app's own claims, for the access token.
        """
        signed_in_at = int(session.created_at.timestamp())
        refresh = RefreshClaims(session.id, session.user_id, session.generation, signed_in_at)
        return await self.make(refresh, now, session.expires_at, own)

    async def make(
        self, refresh: RefreshClaims, now: datetime, expires_at: datetime, own: Mapping[str, Any]
    ) -> TokenPair:
        """Return a refresh token that says this, and an access token beside it.

        Args:
            refresh: What the refresh token says.
            now: When they are issued.
            expires_at: When the session ends, and the refresh token with it.
            own: The app's own claims, for the access token.
        """
        access = self.access_claims(refresh.session_id, refresh.user_id, now, expires_at, own)
        issued, refresh_expires = access["iat"], int(expires_at.timestamp())
        said = {
            "sub": refresh.user_id,
            "sid": refresh.session_id,
            "iat": issued,
            "exp": refresh_expires,
            "jti": new_id(),
            "gen": refresh.generation,
            "auth_time": refresh.signed_in_at,
        }
        return TokenPair(
            session_id=refresh.session_id,
            access_token=await self._signer.sign(Purpose.ACCESS, access),
            refresh_token=await self._signer.sign(Purpose.REFRESH, said),
            expires_in=access["exp"] - issued,
            refresh_expires_in=refresh_expires - issued,
        )

    def access_claims(
        self, session_id: str, user_id: str, now: datetime, expires_at: datetime, own: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return what an access token says that is issued now, for a session that ends then."""
        issued = int(now.timestamp())
        expires = min(issued + int(self._access_expires_in.total_seconds()), int(expires_at.timestamp()))
        ours = {"sub": user_id, "sid": session_id, "iat": issued, "exp": expires}
        return {**own, **ours, "jti": new_id()}

    def read_refresh(self, refresh_token: str) -> RefreshClaims:
        """Return what a refresh token says.

        Raises:
            TokenException: The token is not good.
        """
        claims = self._signer.read(refresh_token, Purpose.REFRESH)
        return RefreshClaims(claims["sid"], claims["sub"], claims["gen"], claims["auth_time"])
