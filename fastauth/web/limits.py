"""Rate limits on routes: who is counted, and what the answer tells of it."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import HTTPConnection

from fastauth.services.limits import Attempt, LimitedRoute, Limiter
from fastauth.web.client_address import ClientAddresses, client_network

_IN_SCOPE = "fastauth.limits"


class RouteLimits:
    """The limits of the routes, by the name of the route.

    Args:
        limiter: Counts; None when there are no limits.
        client_address: Answers whom to count.
    """

    def __init__(self, limiter: Limiter | None, client_address: ClientAddresses) -> None:
        self._limiter = limiter
        self._client_address = client_address

    async def check(self, request: HTTPConnection, route: LimitedRoute, *, account: str | None = None) -> None:
        """Count a request, before it does anything, against the limits of a route.

        Args:
            request: The request; its answer then tells how the limits stand.
            route: The name of the limits in ``LimitSettings``.
            account: What was sent as the name of an account, in any spelling, whether or not there is one.

        Raises:
            RateLimitedException: It is over a limit.
            StoreUnavailableException: It cannot be counted.
        """
        if self._limiter is None:
            return
        address = self._client_address(request)
        client = None if address is None else client_network(address)
        attempt = await self._limiter.attempt(route, account=account, client=client)
        request.scope[_IN_SCOPE] = attempt
        attempt.require()

    async def succeeded(self, request: HTTPConnection) -> None:
        """Forget the failures of the account that has just proved itself; the client's stay."""
        attempt: Attempt | None = request.scope.get(_IN_SCOPE)
        if self._limiter is not None and attempt is not None:
            await self._limiter.succeeded(attempt)


def limit_headers(scope: Mapping[str, Any]) -> Mapping[str, str]:
    """Return what an answer tells of the limits that its request was counted against; nothing if it was not.

    The fields are those of draft-ietf-httpapi-ratelimit-headers-10, "RateLimit header fields for HTTP".
    """
    attempt: Attempt | None = scope.get(_IN_SCOPE)
    if attempt is None or not attempt.quotas:
        return {}
    policies = [f'"{each.name}";q={each.rate.amount};w={each.rate.seconds}' for each in attempt.quotas]
    quotas = [f'"{each.name}";r={each.remaining};t={each.reset}' for each in attempt.quotas]
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(quotas)}
