"""Tokens that are mailed: each for one purpose, for the state it was made in, and good once."""

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from fastauth.core.clock import Clock
from fastauth.core.exceptions import TokenException
from fastauth.core.models import Account
from fastauth.core.protocols import Commit, CommitStep
from fastauth.core.settings import MAX_LEEWAY
from fastauth.core.signing import Purpose, Signer, new_id

_STATE_BYTES = 16


class SingleUseTokens:
    """Makes and takes the tokens that prove that a mail was received.

    No token is kept, only the id of one that was used, until every clock refuses it. What a token was made for is
    signed into it as a fingerprint: it dies when that changes.

    Args:
        signer: Signs and reads.
        clock: The time.
        lifetimes: How long a token of each purpose is good for.
    """

    def __init__(self, signer: Signer, *, clock: Clock, lifetimes: Mapping[Purpose, timedelta]) -> None:
        self._signer = signer
        self._clock = clock
        self.lifetimes = lifetimes

    async def make(self, purpose: Purpose, account: Account[Any], *state: str, **claims: str) -> str:
        """Return a new token.

        Args:
            purpose: What it is for.
            account: Whose it is.
            state: What it dies with.
            claims: What else the purpose wants to be signed.
        """
        issued = int(self._clock().timestamp())
        return await self._signer.sign(
            purpose,
            {
                "sub": account.id,
                "iat": issued,
                "exp": issued + int(self.lifetimes[purpose].total_seconds()),
                "jti": new_id(),
                "state": fingerprint(*state),
                **claims,
            },
        )

    def read(self, token: str, purpose: Purpose) -> Mapping[str, Any]:
        """Return what a token says that is ours, for this purpose and in its time, used or not.

        Raises:
            TokenException: It is not.
        """
        try:
            return self._signer.read(token, purpose)
        except TokenException as error:
            raise refusal(error.reason) from error

    @staticmethod
    def check_state(claims: Mapping[str, Any], *state: str) -> None:
        """Refuse a token whose account has moved on since it was made.

        Raises:
            TokenException: The state is another one by now.
        """
        if claims["state"] != fingerprint(*state):
            raise refusal("moved on")

    @staticmethod
    def use(claims: Mapping[str, Any]) -> CommitStep[Any]:
        """Return the step that uses the token up, as a part of what it is used for.

        The step raises ``TokenException`` when the token was used before, also at this very moment.
        """
        expires_at = datetime.fromtimestamp(claims["exp"], timezone.utc) + MAX_LEEWAY

        async def step(commit: Commit[Any]) -> None:
            if not await commit.store.use_token(claims["jti"], expires_at=expires_at):
                raise refusal("used")

        return step


def refusal(reason: str) -> TokenException:
    """Return what to raise about a token that was mailed; the reason is for logs and tests."""
    return TokenException("The token of the mail is not valid any more: ask for a new one.", reason=reason)


def fingerprint(*state: str) -> str:
    """Return 128 bits that stand for a state, from which it cannot be read."""
    digest = hashlib.sha256("\x00".join(state).encode("utf-8", "surrogatepass")).digest()[:_STATE_BYTES]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
