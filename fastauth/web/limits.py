"""Rate limits on routes: who is counted, and what the answer tells of it."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from starlette.requests import HTTPConnection

from fastauth.core.exceptions import (
    AuthorizationException,
    ConflictException,
    CredentialsException,
    FastAuthException,
    UnavailableException,
    WeakPasswordException,
)
from fastauth.services.events import client_of_request
from fastauth.services.limits import Attempt, LimitedRoute, Limiter
from fastauth.web.client_address import client_network

_IN_SCOPE = "fastauth.limits"
# What is told of a request with the current password only to who has proved to know it.
_TOLD_AFTER_PROOF = (AuthorizationException, ConflictException, WeakPasswordException)


class RouteLimits:
    """The limits of the routes, by the name of the route.

    Args:
        limiter: Counts; None when there are no limits.
    """

    def __init__(self, limiter: Limiter | None) -> None:
        self._limiter = limiter

    async def check(self, request: HTTPConnection, route: LimitedRoute, *, account: str | None = None) -> None:
        """Count a request, before it does anything, against the limits of a route, whatever becomes of it.

        Args:
            request: The request; its answer then tells how the limits stand.
            route: The name of the limits in ``LimitSettings``.
            account: What was sent as the name of an account, in any spelling, whether or not there is one.

        Raises:
            RateLimitedException: It is over a limit.
            StoreUnavailableException: It cannot be counted.
        """
        if self._limiter is not None:
            await self._count(self._limiter, request, route, account)

    @asynccontextmanager
    async def attempt(
        self,
        request: HTTPConnection,
        route: LimitedRoute,
        *,
        account: str | None,
        told_after_proof: tuple[type[FastAuthException], ...] = (),
    ) -> AsyncGenerator[None, None]:
        """Count an attempt as :meth:`check` does, and judge by its end, inside of the context, whether it stays so.

        One that succeeds clears the account of its failures; the client's stay. One that was not possible is given
        back: it has not failed. But a guess that was wrong stays counted where only the record of it was not
        possible: whoever can keep the database from writing would guess for nothing.

        Args:
            request: The request.
            route: The name of the limits in ``LimitSettings``.
            account: What was sent as the name of an account.
            told_after_proof: What is raised for other reasons than the proof, and only once that was good.

        Raises:
            RateLimitedException: It is over a limit.
            StoreUnavailableException: It cannot be counted.
        """
        if self._limiter is None:
            yield
            return
        attempt = await self._count(self._limiter, request, route, account)
        try:
            yield
        except UnavailableException as error:
            if not _was_refused(error):
                await self._limiter.undecided(attempt)
                request.scope.pop(_IN_SCOPE, None)  # the answer would tell of an attempt that is not counted
            raise
        except told_after_proof:
            await self._limiter.succeeded(attempt)
            raise
        await self._limiter.succeeded(attempt)

    def proof(self, request: HTTPConnection, *, account: str) -> AbstractAsyncContextManager[None]:
        """Count an attempt at the current password as one to sign in, of whoever is signed in.

        It has succeeded when the password was right, although what was asked for is refused after that.

        Args:
            request: The request.
            account: Whose password it is.

        Raises:
            RateLimitedException: It is over a limit.
            StoreUnavailableException: It cannot be counted.
        """
        return self.attempt(request, "sign_in", account=account, told_after_proof=_TOLD_AFTER_PROOF)

    async def _count(
        self, limiter: Limiter, request: HTTPConnection, route: LimitedRoute, account: str | None
    ) -> Attempt:
        address = client_of_request().ip
        client = None if address is None else client_network(address)
        attempt = await limiter.attempt(route, account=account, client=client)
        request.scope[_IN_SCOPE] = attempt
        attempt.require()
        return attempt


def _was_refused(error: BaseException) -> bool:
    """Say whether it went wrong while credentials were being refused."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, CredentialsException):
        seen = seen.__context__
    return seen is not None


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
