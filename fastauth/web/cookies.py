"""The cookies: one object names, reads, sets and clears them, so that their attributes can never differ."""

import logging
import re
from collections.abc import Iterator
from typing import Literal, TypeAlias

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import Response

from fastauth.core.exceptions import BadRequestException, ConfigurationError
from fastauth.core.settings import CookieSettings

logger: logging.Logger = logging.getLogger("fastauth")

CookieKind: TypeAlias = Literal["access", "refresh", "csrf"]

_MAX_COOKIE_BYTES = 4096  # name and value; a browser drops what is longer without a word (RFC 6265bis, 5.6)
_LOOPBACK = re.compile(r"(?:(?:[^:]+\.)?localhost|127\.0\.0\.1|\[::1\])(?::[0-9]+)?")


class Cookies:
    """Names, reads, sets and clears the cookies of the access token, the refresh token and the CSRF token.

    Args:
        settings: Names and attributes.
        secure: Whether the cookies are ``Secure`` and have the ``__Host-`` prefix.
        production: Whether loopback addresses are like any others.
    """

    def __init__(self, settings: CookieSettings, *, secure: bool, production: bool) -> None:
        self._settings = settings
        self._secure = secure
        self._production = production
        self._hinted = False

    def read(self, connection: HTTPConnection, kind: CookieKind) -> str | None:
        """Return the value of a cookie, None when it was not sent or is empty.

        Raises:
            BadRequestException: The cookie is repeated.
        """
        name = self.name(connection, kind)
        values = [value for each, value in _raw_cookies(connection) if each == name]
        if len(values) > 1:
            raise BadRequestException(f"The cookie {name} was sent more than once.")
        return values[0] if values and values[0] else None

    def set(self, response: Response, connection: HTTPConnection, kind: CookieKind, value: str, max_age: int) -> None:
        """Set a cookie.

        Args:
            response: The answer that carries it.
            connection: The request that is answered.
            kind: Which one.
            value: Its value.
            max_age: Seconds until the browser forgets it; the token in it has an end of its own.

        Raises:
            ConfigurationError: No browser would keep a cookie of this size.
        """
        name = self.name(connection, kind)
        size = len(name.encode()) + len(value.encode())
        if size > _MAX_COOKIE_BYTES:
            raise ConfigurationError(
                f"The cookie {name} would have {size} bytes, and browsers keep no more than {_MAX_COOKIE_BYTES}: put "
                "less into the tokens, such as fewer audiences or smaller claims."
            )
        self._write(response, connection, kind, value, max_age)

    def clear(self, response: Response, connection: HTTPConnection) -> None:
        """Delete all our cookies."""
        for kind in ("access", "refresh", "csrf"):
            self._write(response, connection, kind, "", 0)

    def name(self, connection: HTTPConnection, kind: CookieKind) -> str:
        """Return the name that a cookie has on this connection."""
        prefix = "__Host-" if self._is_secure(connection) else ""
        return f"{prefix}{self._settings.name}_{kind}"

    def _write(
        self, response: Response, connection: HTTPConnection, kind: CookieKind, value: str, max_age: int
    ) -> None:
        # The one place that writes cookies: a browser deletes a cookie only if its attributes are the same.
        secure = self._is_secure(connection)
        if self._secure and not secure:
            self._hint()
        response.set_cookie(
            self.name(connection, kind),
            value,
            max_age=max_age,
            path="/",
            secure=secure,
            httponly=kind != "csrf",  # the page reads that one, and sends it back in a header
            samesite=self._settings.samesite if kind == "access" else "strict",
        )

    def _is_secure(self, connection: HTTPConnection) -> bool:
        if not self._secure:
            return False
        if self._production or connection.scope["scheme"] in {"https", "wss"}:
            return True
        # Not connection.url, which raises where the query is not UTF-8. What counts is what the browser calls us.
        host = Headers(scope=connection.scope).get("host", "").lower()
        return _LOOPBACK.fullmatch(host) is None

    def _hint(self) -> None:
        if not self._hinted:
            self._hinted = True
            logger.warning(
                "Cookies are set without Secure and without the __Host- prefix, because this is http at a loopback "
                "address in development. Anywhere else they are Secure, and need https."
            )


def _raw_cookies(connection: HTTPConnection) -> Iterator[tuple[str, str]]:
    # Not request.cookies: it trims more than RFC 6265 allows, so that "\x85__Host-x" passes for "__Host-x", and keeps
    # the last of two cookies with one name.
    for header in Headers(scope=connection.scope).getlist("cookie"):
        for pair in header.split(";"):
            name, equals, value = pair.strip(" \t").partition("=")
            if equals:
                yield name.rstrip(" \t"), value.lstrip(" \t")
