"""For a service that only verifies: the claims of tokens that another service signs, ours or another issuer's."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

from fastapi.openapi.models import HTTPBearer
from fastapi.openapi.models import SecurityBase as SecurityModel
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from fastauth.core.checks import check_list
from fastauth.core.clock import Clock, system_clock
from fastauth.core.exceptions import (
    ConfigurationError,
    FastAuthException,
    KeysUnavailableException,
    TokenException,
)
from fastauth.core.gate import Gate, Rejections, is_subject, refuse
from fastauth.core.key_material import ALGORITHMS, MIN_BYTES
from fastauth.core.models import Claims
from fastauth.core.settings import MAX_LEEWAY
from fastauth.services.remote_keys import RemoteKeys
from fastauth.web.error_handlers import refusal
from fastauth.web.transport import bearer_token

_ASYMMETRIC = frozenset(ALGORITHMS) - MIN_BYTES.keys()
_IGNORED_NAMES = frozenset({"cty", "x5t", "x5t#S256"})  # hints of other issuers, which are never followed


class TokenVerifier:
    """Verifies access tokens by the issuer's published keys, with no store and no secret of its own.

    ``current_claims`` is the dependency. A token is good until it expires, whether or not its session was ended.

    Args:
        jwks_url: Where the issuer publishes its keys; ``https``, or ``http`` at a loopback address.
        issuer: The ``iss`` claim, compared exactly.
        audience: The ``aud`` claim, one or several; a token must name at least one of them.
        types: The ``typ`` of the tokens, in any case; an empty text stands for none. RFC 9068 has ``at+jwt``, and many
            issuers write ``JWT`` or nothing.
        leeway: How far the clocks of two machines may be apart.
        max_age: How long the keys are used before they are fetched again.
        keep_for: How long they are used at most, while the issuer cannot be reached.
        refetch_interval: The time between two fetches at least, whatever keys tokens ask for.
        timeout: How long a fetch may take in all.
        max_token_length: Longer tokens are refused unread; in characters.
        remembered_tokens: How many verified tokens are remembered; zero remembers none.
        clock: Where the time comes from; for tests.

    Raises:
        ConfigurationError: Something cannot work, or is not safe.
    """

    def __init__(
        self,
        *,
        jwks_url: str,
        issuer: str,
        audience: str | Sequence[str],
        types: Collection[str] = ("at+jwt", "JWT", ""),
        leeway: timedelta = timedelta(seconds=10),
        max_age: timedelta = timedelta(minutes=5),
        keep_for: timedelta = timedelta(hours=1),
        refetch_interval: timedelta = timedelta(seconds=15),
        timeout: timedelta = timedelta(seconds=5),
        max_token_length: int = 8192,
        remembered_tokens: int = 2048,
        clock: Clock = system_clock,
    ) -> None:
        audiences = [audience] if isinstance(audience, str) else list(audience)
        if not issuer or not audiences or not all(audiences):
            raise ConfigurationError("TokenVerifier needs issuer and audience: without them any token would do.")
        check_list("TokenVerifier(types=...)", types)
        if not timedelta(0) <= leeway <= MAX_LEEWAY:
            raise ConfigurationError("TokenVerifier(leeway=...) is between 0 and 5 minutes.")
        if min(refetch_interval, timeout) <= timedelta(0) or not timedelta(0) < max_age <= keep_for:
            raise ConfigurationError("TokenVerifier: the times are positive, and max_age is at most keep_for.")
        self._types = frozenset(name.lower().removeprefix("application/") for name in types)
        self._clock = clock
        self._gate = Gate(
            issuer=issuer,
            audiences=audiences,
            leeway=leeway,
            clock=clock,
            max_length=max_token_length,
            optional={"typ"} if "" in self._types else (),
            ignored=_IGNORED_NAMES,
        )
        self._keys = RemoteKeys(
            jwks_url,
            max_age=max_age,
            keep_for=keep_for,
            interval=refetch_interval,
            timeout=timeout,
            remembered_tokens=remembered_tokens,
        )
        self.rejections: Rejections = Rejections()
        """How many tokens were refused since the start, by reason; for a gauge, never for a client."""
        self.current_claims: CurrentForeignClaims = CurrentForeignClaims(self)
        """What the access token of the request says, or 401. An HTTP or a WebSocket connection."""

    async def read(self, token: object) -> Claims:
        """Return what a token of the issuer says.

        Raises:
            TokenException: It is not good; ``reason`` says why, for the log.
            KeysUnavailableException: The keys to judge it with cannot be fetched now.
        """
        try:
            return Claims.of(await self._read(token))
        except KeysUnavailableException:
            raise
        except Exception as error:  # whatever a hostile token does to a parser, it is a bad token and nothing more
            refused = self.rejections.refusal(error)
            if refused is error:
                raise
            raise refused from error

    async def _read(self, token: object) -> Mapping[str, Any]:
        fresh = self._keys.fresh()
        claims = None if fresh is None else fresh.seen.get(token, self._clock().timestamp())
        if claims is not None:
            return claims
        opened = self._gate.open(token)
        if opened.header["alg"] not in _ASYMMETRIC:  # before anything is fetched for it
            refuse("algorithm")
        key_set, key = await self._keys.find(opened.header["kid"])
        verified = self._gate.verify(opened, key, types=self._types, max_lifetime=None)
        if not is_subject(verified.claims.get("sub")):
            refuse("sub")
        key_set.seen.add(cast("str", token), verified)
        return verified.claims


class CurrentForeignClaims(SecurityBase):
    """The dependency: what the access token of the request says, or 401; 503 while the keys cannot be had."""

    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier
        self.scheme_name = "FastAuthBearer"
        self.model: SecurityModel = HTTPBearer(bearerFormat="JWT")

    async def __call__(self, connection: HTTPConnection) -> Claims:
        """Return the claims of the access token."""
        try:
            token = bearer_token(connection)
            if token is None:
                raise TokenException(missing=True)
            return await self._verifier.read(token)
        except FastAuthException as error:
            raise refusal(error, connection) from error
