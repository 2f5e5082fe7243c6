"""How a token travels: in by header or cookie, out by body and cookie."""

from collections.abc import Callable
from typing import NamedTuple

from starlette.datastructures import QueryParams
from starlette.requests import HTTPConnection
from starlette.responses import Response

from fastauth.core.exceptions import BadRequestException, TokenException
from fastauth.core.models import TokenPair
from fastauth.web.cookies import Cookies
from fastauth.web.csrf import CSRFGuard


class CookieTokens(NamedTuple):
    """The tokens of a request's cookies, unread."""

    access_token: str | None
    refresh_token: str | None


class TokenTransport:
    """Finds the tokens in a request, and puts them into a response.

    What is found in a cookie has passed the check against cross-site requests; there is no other way to get at it.

    Args:
        cookies: Reads and writes cookies.
        csrf: Checks requests that have them.
        use_cookie: Whether cookies are read and set at all.
    """

    def __init__(self, cookies: Cookies, csrf: CSRFGuard, *, use_cookie: bool) -> None:
        self.use_cookie = use_cookie
        self._cookies = cookies
        self._csrf = csrf

    def access_token(self, connection: HTTPConnection, session_of: Callable[[str], str]) -> str | None:
        """Return the access token, None when nothing was sent. The header comes before the cookie.

        A header that is no good is not made up for by a cookie: one request, one way to sign in (RFC 6750, 2).

        Args:
            connection: The request, or the handshake of a WebSocket.
            session_of: Reads the session's id off an access token.

        Raises:
            BadRequestException: There are two ``Authorization`` headers, or the cookie is repeated.
            TokenException: The header holds no bearer token.
            CSRFException: The cookie came with a request that may be another site's.
        """
        token = self.bearer(connection)
        if token is not None or not self.use_cookie:
            return token
        cookie = self._cookies.read(connection, "access")
        if cookie is not None:
            self._csrf.check(connection, lambda: session_of(cookie))
        return cookie

    def ticket(self, connection: HTTPConnection) -> str | None:
        """Return the ticket in the URL of a WebSocket's handshake; None on a request, and where there is a header.

        A ticket comes before a cookie: the page has asked for it, and a browser sends a cookie whoever asks.

        Raises:
            BadRequestException: The parameter is repeated.
        """
        scope = connection.scope
        if scope["type"] != "websocket" or any(name == b"authorization" for name, _ in scope["headers"]):
            return None
        tickets = QueryParams(scope["query_string"]).getlist("ticket")
        if len(tickets) > 1:
            raise BadRequestException("The parameter ticket is repeated.")
        return tickets[0] if tickets else None

    def bearer(self, connection: HTTPConnection) -> str | None:
        """Return the token of the ``Authorization`` header, None when there is no such header."""
        return bearer_token(connection)

    def cookie_tokens(self, connection: HTTPConnection, session_of: Callable[[CookieTokens], str]) -> CookieTokens:
        """Return both tokens of the cookies.

        Args:
            connection: The request.
            session_of: Reads the session's id off the tokens.

        Raises:
            BadRequestException: One of the cookies is repeated.
            CSRFException: They came with a request that may be another site's.
        """
        if not self.use_cookie:
            return CookieTokens(None, None)
        tokens = CookieTokens(self._cookies.read(connection, "access"), self._cookies.read(connection, "refresh"))
        if tokens != (None, None):
            self._csrf.check(connection, lambda: session_of(tokens))
        return tokens

    def check_sign_in(self, connection: HTTPConnection) -> None:
        """Refuse a request that would set cookies, and that a page of another origin sends.

        Raises:
            CSRFException: It does; the visitor would work in the attacker's account without knowing.
        """
        if self.use_cookie:
            self._csrf.check_source(connection)

    def set_cookies(self, response: Response, pair: TokenPair, connection: HTTPConnection) -> None:
        """Put both tokens into cookies, for as long as they are good, and the session's CSRF token beside them."""
        if self.use_cookie:
            csrf_token = self._csrf.token_for(pair.session_id)
            self._cookies.set(response, connection, "access", pair.access_token, pair.expires_in)
            self._cookies.set(response, connection, "refresh", pair.refresh_token, pair.refresh_expires_in)
            self._cookies.set(response, connection, "csrf", csrf_token, pair.refresh_expires_in)

    def clear_cookies(self, response: Response, connection: HTTPConnection) -> None:
        """Delete all cookies."""
        if self.use_cookie:
            self._cookies.clear(response, connection)


def bearer_token(connection: HTTPConnection) -> str | None:
    """Return the token of the ``Authorization`` header, None when there is no such header.

    Raises:
        BadRequestException: There are two such headers.
        TokenException: The header holds no bearer token.
    """
    # Read where the server put them, with their names in lower case (ASGI); Starlette would make an object first.
    headers: list[bytes] = [value for name, value in connection.scope["headers"] if name == b"authorization"]
    if not headers:
        return None
    if len(headers) > 1:
        raise BadRequestException("The request has more than one Authorization header.")
    scheme, _, token = headers[0].decode("latin-1").partition(" ")
    token = token.strip(" ")
    if scheme.lower() != "bearer" or not token:
        raise TokenException("Send the access token as: Authorization: Bearer <token>", reason="scheme")
    return token
