"""Tickets for WebSockets: a browser can send no header with a handshake, so what lets it in stands in the URL, once."""

from datetime import datetime, timedelta, timezone
from typing import Generic

from fastauth.core.clock import Clock
from fastauth.core.exceptions import TokenException
from fastauth.core.models import Account, U, WebSocketTicket
from fastauth.core.protocols import Store
from fastauth.core.signing import Purpose, Signer, new_id
from fastauth.services.sessions import Sessions


class Tickets(Generic[U]):
    """Issues tickets to whoever is signed in, and takes each of them once.

    A URL ends up in logs, so what stands in it must be worth nothing by then: a ticket is of a purpose of its own, good
    for half a minute and for one handshake, and only as long as the session lives that asked for it.

    Args:
        store: Notes which tickets were used.
        signer: Signs and reads.
        sessions: Judges the session that a ticket stands for.
        expires_in: How long a ticket is good for.
        leeway: How much longer it is read, for clocks that are apart.
        clock: The time.
    """

    def __init__(
        self,
        store: Store[U],
        signer: Signer,
        sessions: Sessions[U],
        *,
        expires_in: timedelta,
        leeway: timedelta,
        clock: Clock,
    ) -> None:
        self._store = store
        self._signer = signer
        self._sessions = sessions
        self._expires_in = int(expires_in.total_seconds())
        self._leeway = leeway
        self._clock = clock

    async def issue(self, account: Account[U]) -> WebSocketTicket:
        """Return a ticket for the session that the account was authenticated by.

        Raises:
            TokenException: The account has no session.
        """
        if account.session is None:
            raise TokenException(reason="no session")
        issued = int(self._clock().timestamp())
        claims = {
            "sub": account.id,
            "sid": account.session.id,
            "iat": issued,
            "exp": issued + self._expires_in,
            "jti": new_id(),
        }
        return WebSocketTicket(await self._signer.sign(Purpose.WEBSOCKET_TICKET, claims), self._expires_in)

    async def redeem(self, ticket: str) -> Account[U]:
        """Use the ticket up, and return the account behind it as the store has it now.

        Raises:
            TokenException: It is no good, was used before, also at this very moment, or its session has ended.
            InactiveUserException: The account is disabled.
        """
        claims = self._signer.read(ticket, Purpose.WEBSOCKET_TICKET)
        # Looked up first: what cannot be asked for now, or is refused, uses up no ticket.
        account = await self._sessions.account_of(claims["sid"], user_id=claims["sub"])
        # The note stays for as long as the ticket is read, and not only until it says that it expires.
        read_until = datetime.fromtimestamp(claims["exp"], timezone.utc) + self._leeway
        if not await self._store.use_token(claims["jti"], expires_at=read_until):
            raise TokenException("A ticket opens one WebSocket: ask for a new one.", reason="used")
        return account
