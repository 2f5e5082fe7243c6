"""How a token travels: in by header or cookie, out by body and cookie."""

import re
from collections.abc import Iterator
from typing import Literal

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import Response

from fastauth.core.exceptions import BadRequestException, TokenException
from fastauth.core.models import TokenPair
from fastauth.core.settings import CookieSettings

_LOOPBACK = re.compile(r"(?:(?:[^:]+\.)?localhost|127\.0\.0\.1|\[::1\])(?::[0-9]+)?")


class TokenTransport:
    """Finds the tokens in a request, and puts them into a response.

    Args:
        settings: Names and attributes of the cookies.
        use_cookie: Whether cookies are read and set at all.
        secure_cookies: Whether the cookies are ``Secure`` and have the ``__Host-`` prefix.
        production: Whether loopback addresses are like any others.
    """

    def __init__(self, settings: CookieSettings, *, use_cookie: bool, secure_cookies: bool, production: bool) -> None:
        self.use_cookie = use_cookie
        self._settings = settings
        self._secure = secure_cookies
        self._production = production

    def access_token(self, connection: HTTPConnection) -> str | None:
        """Return the access token, None when nothing was sent. The header comes before the cookie.

        A header that is no good is not made up for by a cookie: one request, one way to sign in (RFC 6750, 2).

        Raises:
            BadRequestException: There are two ``Authorization`` headers, or the cookie is repeated.
            TokenException: The header holds no bearer token.
        """
        return self.bearer(connection) or self._cookie(connection, "access")

    def bearer(self, connection: HTTPConnection) -> str | None:
        """Return the token of the ``Authorization`` header, None when there is no such header."""
        headers = Headers(scope=connection.scope).getlist("authorization")
        if not headers:
            return None
        if len(headers) > 1:
            raise BadRequestException("The request has more than one Authorization header.")
        scheme, _, token = headers[0].partition(" ")
        token = token.strip(" ")
        if scheme.lower() != "bearer" or not token:
            raise TokenException("Send the access token as: Authorization: Bearer <token>", reason="scheme")
        return token

    def cookies(self, connection: HTTPConnection) -> tuple[str | None, str | None]:
        """Return the access and the refresh token of the cookies.

        Raises:
            BadRequestException: One of the cookies is repeated.
        """
        return self._cookie(connection, "access"), self._cookie(connection, "refresh")

    def set_cookies(self, response: Response, pair: TokenPair, connection: HTTPConnection) -> None:
        """Put both tokens into cookies, for as long as they are good."""
        if self.use_cookie:
            self._write(response, connection, "access", pair.access_token, pair.expires_in)
            self._write(response, connection, "refresh", pair.refresh_token, pair.refresh_expires_in)

    def clear_cookies(self, response: Response, connection: HTTPConnection) -> None:
        """Delete both cookies."""
        if self.use_cookie:
            self._write(response, connection, "access", "", 0)
            self._write(response, connection, "refresh", "", 0)

    def _cookie(self, connection: HTTPConnection, kind: Literal["access", "refresh"]) -> str | None:
        if not self.use_cookie:
            return None
        name = self._name(connection, kind)
        values = [value for each, value in _raw_cookies(connection) if each == name]
        if len(values) > 1:
            raise BadRequestException(f"The cookie {name} was sent more than once.")
        return values[0] if values and values[0] else None

    def _write(
        self,
        response: Response,
        connection: HTTPConnection,
        kind: Literal["access", "refresh"],
        value: str,
        max_age: int,
    ) -> None:
        # The one place that writes cookies: a browser deletes a cookie only if its attributes are the same.
        response.set_cookie(
            self._name(connection, kind),
            value,
            max_age=max_age,
            path="/",
            secure=self._is_secure(connection),
            httponly=True,
            samesite=self._settings.samesite if kind == "access" else "strict",
        )

    def _name(self, connection: HTTPConnection, kind: str) -> str:
        prefix = "__Host-" if self._is_secure(connection) else ""
        return f"{prefix}{self._settings.name}_{kind}"

    def _is_secure(self, connection: HTTPConnection) -> bool:
        if not self._secure:
            return False
        if self._production or connection.scope["scheme"] in {"https", "wss"}:
            return True
        # Not connection.url, which raises where the query is not UTF-8. What counts is what the browser calls us.
        host = Headers(scope=connection.scope).get("host", "").lower()
        return _LOOPBACK.fullmatch(host) is None


def _raw_cookies(connection: HTTPConnection) -> Iterator[tuple[str, str]]:
    # Not request.cookies: it trims more than RFC 6265 allows, so that "\x85__Host-x" passes for "__Host-x", and keeps
    # the last of two cookies with one name.
    for header in Headers(scope=connection.scope).getlist("cookie"):
        for pair in header.split(";"):
            name, equals, value = pair.strip(" \t").partition("=")
            if equals:
                yield name.rstrip(" \t"), value.lstrip(" \t")
