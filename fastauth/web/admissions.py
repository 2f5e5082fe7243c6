"""Whom a connection has let in, asked for once: all dependencies of ours on it share the answer, and so do watches."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple

from starlette.requests import HTTPConnection

from fastauth.core.exceptions import ConfigurationError, FastAuthException, InactiveUserException
from fastauth.core.models import Account, Claims, U
from fastauth.services.sessions import Sessions
from fastauth.services.tickets import Tickets
from fastauth.web.transport import CookieTokens, TokenTransport

_IN_SCOPE = "fastauth"

Check = Callable[[Account[Any]], FastAuthException | None]
"""What a guard asks of an account; it answers with what to refuse it with, or None."""


class PresentedTokens(NamedTuple):
    """The tokens of a request, wherever they were, unread. Where there is a header, nobody looked at the cookies."""

    bearer: str | None
    cookies: CookieTokens


@dataclass(slots=True)
class Admission(Generic[U]):
    """Whom a connection has let in, as far as it was asked.

    Attributes:
        asked: Whether the store was asked.
        account: Who it is; None when nothing was sent.
        claims: What the token says, where a dependency believed that.
        checks: What the guards asked of the account.
    """

    asked: bool = False
    account: Account[U] | None = None
    claims: Claims | None = None
    checks: tuple[Check, ...] = ()


class Admissions(Generic[U]):
    """Finds the token of a connection, and out whom it lets in.

    Args:
        sessions: Judges tokens.
        tickets: Judges tickets.
        transport: Finds both.
        production: Whether nobody may be pretended to be signed in.
    """

    def __init__(
        self, sessions: Sessions[U], tickets: Tickets[U], transport: TokenTransport, *, production: bool
    ) -> None:
        self._sessions = sessions
        self._tickets = tickets
        self.transport = transport
        self._production = production
        self.pretended: Account[U] | None = None
        """Who everybody is taken for, while a test says so."""

    def of(self, connection: HTTPConnection) -> Admission[U]:
        """Return what is known of a connection."""
        # By FastAuth: an app may have several.
        known: dict[int, Admission[U]] = connection.scope.setdefault(_IN_SCOPE, {})
        admission = known.get(id(self))
        if admission is None:
            admission = known[id(self)] = Admission()
        return admission

    async def account(self, connection: HTTPConnection) -> Account[U] | None:
        """Return who is signed in, as the store has it now; None when nothing was sent."""
        if self.pretended is not None:
            if self.pretended.disabled:
                raise InactiveUserException
            return self.pretended
        admission = self.of(connection)
        if not admission.asked:
            admission.account = await self._ask(connection)
            admission.asked = True
        return admission.account

    async def claims(self, connection: HTTPConnection) -> Claims | None:
        """Return what the access token says; None when nothing was sent. The store is asked about a ticket only."""
        if self.pretended is not None or self.transport.ticket(connection) is not None:
            account = await self.account(connection)
            session = None if account is None else account.session
            return None if account is None or session is None else await self._sessions.claims_of(account, session)
        token = self._token(connection)
        if token is None:
            return None
        admission = self.of(connection)
        admission.claims = self._sessions.read(token)
        return admission.claims

    def presented(self, connection: HTTPConnection) -> PresentedTokens:
        """Return the tokens that were sent, good or not."""
        bearer = self.transport.bearer(connection)
        if bearer is not None:
            return PresentedTokens(bearer, CookieTokens(None, None))
        return PresentedTokens(None, self.cookie_tokens(connection))

    def cookie_tokens(self, connection: HTTPConnection) -> CookieTokens:
        """Return the tokens of the cookies, good or not."""
        return self.transport.cookie_tokens(
            connection, session_of=lambda tokens: self._sessions.session_of(**tokens._asdict())
        )

    @contextmanager
    def pretending(self, account: Account[U]) -> Generator[None, None, None]:
        """Take everybody for this account, whatever they send, for as long as the context lasts.

        Raises:
            ConfigurationError: The app is in production.
        """
        if self._production:
            raise ConfigurationError("Nobody is pretended to be signed in in production: test with production=False.")
        before, self.pretended = self.pretended, account
        try:
            yield
        finally:
            self.pretended = before

    async def _ask(self, connection: HTTPConnection) -> Account[U] | None:
        ticket = self.transport.ticket(connection)
        if ticket is not None:
            return await self._tickets.redeem(ticket)
        token = self._token(connection)
        return None if token is None else await self._sessions.authenticate(token)

    def _token(self, connection: HTTPConnection) -> str | None:
        return self.transport.access_token(
            connection, session_of=lambda token: self._sessions.session_of(access_token=token)
        )
