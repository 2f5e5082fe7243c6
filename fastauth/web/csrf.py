"""One rule against cross-site requests: what a cookie authenticates must come from a page of the app's own.

A browser sends cookies along whoever wrote the page (OWASP, Cross-Site Request Forgery Prevention; ASVS 3.5.1).
A bearer token is sent by a page that holds it, so a request that has one is not looked at.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from fastauth.core.exceptions import CSRFException, TokenException
from fastauth.core.settings import CookieSettings, canonical_origin
from fastauth.web.cookies import Cookies

CSRF_HEADER = "X-CSRF-Token"
CSRF_KEY_LABEL = b"fastauth csrf"

_SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}  # RFC 9110, 9.2.1


class CSRFGuard:
    """Refuses what another site's page makes a browser send.

    An origin that the app has listed passes. For all others ``Sec-Fetch-Site`` decides where it was sent, else
    ``Origin`` where that was sent, else a token that is bound to the session must be in a cookie and in a header.

    Args:
        settings: Whom to trust.
        keys: What the tokens are made with, newest first; tokens of all of them are good.
        cookies: Where the token is kept.
        production: Whether the app's own pages are on https for certain.
    """

    def __init__(self, settings: CookieSettings, keys: Sequence[bytes], cookies: Cookies, *, production: bool) -> None:
        self._trusted = frozenset(canonical_origin(origin) for origin in settings.trusted_origins)
        self._passing_sites = {
            "same-origin",
            *(["same-site"] if settings.allow_same_site else []),
            *(["none"] if settings.allow_none else []),
        }
        self._keys = tuple(keys)
        self._cookies = cookies
        self._production = production

    def token_for(self, session_id: str) -> str:
        """Return the token that a page of this session sends where the browser does not say where it comes from."""
        return _token(self._keys[0], session_id)

    def check(self, connection: HTTPConnection, session_id: Callable[[], str]) -> None:
        """Refuse an unsafe request, or a WebSocket handshake, that did not come from a page of the app's own.

        Args:
            connection: What a cookie has authenticated, or is about to.
            session_id: Gives the id of the session in the cookie; called only if the token is to be looked at.

        Raises:
            CSRFException: It did not; the message says which check failed, and what to send.
        """
        if connection.scope["type"] == "http" and connection.scope["method"] in _SAFE_METHODS:
            return
        if self.check_source(connection):
            return
        try:
            session = session_id()
        except TokenException:
            return  # a cookie that is no good authenticates nothing, and whoever reads it next says so
        self._check_token(connection, session)

    def check_source(self, connection: HTTPConnection) -> bool:
        """Refuse a request that says that it comes from elsewhere; return whether it says where it comes from.

        This alone is the check of a sign-in, which has no session yet. Every browser says where a form comes from; a
        client that does not is no browser, and has no cookies that could be replaced.

        Raises:
            CSRFException: It comes from elsewhere.
        """
        headers = Headers(scope=connection.scope)
        sites, origins = headers.getlist("sec-fetch-site"), headers.getlist("origin")
        if len(origins) == 1 and canonical_origin(origins[0]) in self._trusted:
            return True
        if sites:
            if len(sites) == 1 and sites[0] in self._passing_sites:
                return True
            raise CSRFException(
                "The request comes from a page of another origin (Sec-Fetch-Site). Send it from the app's own pages, "
                "or list the page's origin in trusted_origins.",
                check="sec-fetch-site",
            )
        if origins:
            if len(origins) == 1 and canonical_origin(origins[0]) in self._own_origins(connection):
                return True
            raise CSRFException(
                "The request comes from a page of another origin (Origin). Send it from the app's own pages, or list "
                "the page's origin in trusted_origins; behind a proxy, list the app's own.",
                check="origin",
            )
        return False

    def _own_origins(self, connection: HTTPConnection) -> set[str]:
        # From the Host header alone, which no page can choose; request.url mixes in what a client can (CVE-2026-48710).
        hosts = Headers(scope=connection.scope).getlist("host")
        if len(hosts) != 1:
            return set()
        scheme = connection.scope["scheme"].replace("ws", "http", 1)
        # A proxy that speaks https to the browser may speak http to us; in production nothing else has our cookies.
        schemes = {"https"} if self._production else {"https", scheme}
        return {canonical_origin(f"{each}://{hosts[0]}") for each in schemes}

    def _check_token(self, connection: HTTPConnection, session_id: str) -> None:
        sent = Headers(scope=connection.scope).getlist(CSRF_HEADER)
        kept = self._cookies.read(connection, "csrf")
        if len(sent) != 1 or kept is None:
            name = self._cookies.name(connection, "csrf")
            raise CSRFException(
                f"The request does not say where it comes from. Send Sec-Fetch-Site or Origin, as browsers do, or the "
                f"value of the cookie {name} in the header {CSRF_HEADER}.",
                check="token",
            )
        token = sent[0].encode("latin-1")
        is_ours = [hmac.compare_digest(_token(key, session_id).encode(), token) for key in self._keys]
        if not (any(is_ours) and hmac.compare_digest(kept.encode("latin-1"), token)):
            raise CSRFException(
                f"The header {CSRF_HEADER} does not hold the token of this session. Send the value of the cookie "
                f"{self._cookies.name(connection, 'csrf')}.",
                check="token",
            )


def _token(key: bytes, session_id: str) -> str:
    mac = hmac.new(key, session_id.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode("ascii")
