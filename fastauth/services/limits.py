"""The rules of rate limits: what is counted of an attempt, how long its maker has to wait, and what a success forgives.

A sign-in is counted by the pair of account and client, so that a stranger's failures do not lock the owner out; and by
the client alone, so that nobody tries one password on many accounts. Only the failures in a row that NIST SP 800-63B-4,
3.2.2 allows in all are counted by the account alone.
"""

import base64
import hashlib
import hmac
import logging
import math
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Literal, NamedTuple, TypeAlias

from fastauth.core.exceptions import RateLimitedException, StoreUnavailableException
from fastauth.core.identity import canonical_login
from fastauth.core.settings import LimitSettings, Rate
from fastauth.core.telemetry import SILENT, Telemetries
from fastauth.services.deadline import timed
from fastauth.services.limit_storages.base import Bucket, LimitStorage, Mark

logger: logging.Logger = logging.getLogger("fastauth")

LimitedRoute: TypeAlias = Literal["sign_in", "refresh", "register", "forgot_password", "verify_email"]

LIMIT_KEY_LABEL = b"fastauth limits"

_DAY = 86_400
_YEAR = 365 * _DAY
# The braces keep all keys in one slot of a Redis cluster, where one step may only touch one slot.
_PREFIX = "{fastauth}:limits"


class Quota(NamedTuple):
    """What a client may know of one limit, in whole seconds.

    Attributes:
        name: ``account`` or ``client``; ``failures`` when there were as many as there may ever be.
        rate: How many in which time.
        remaining: How many are left.
        reset: Seconds until there are more.
    """

    name: str
    rate: Rate
    remaining: int
    reset: int


class Attempt(NamedTuple):
    """An attempt that was counted, or refused.

    Attributes:
        retry_after: Seconds to wait; zero when it was counted.
        quotas: How the limits stand.
        forgiven_by_success: What a success empties.
        marks: What gives it back, where it was counted.
    """

    retry_after: int
    quotas: Sequence[Quota]
    forgiven_by_success: Sequence[str]
    marks: Sequence[Mark]

    def require(self) -> None:
        """Let an attempt that was counted through.

        Raises:
            RateLimitedException: It was refused.
        """
        if self.retry_after:
            raise RateLimitedException(retry_after=self.retry_after)


class _Limit(NamedTuple):
    name: Literal["account", "client", "failures"]
    rate: Rate
    bucket: Bucket
    forgiven: bool = False


class Limiter:
    """Counts attempts, and says who has to wait.

    Args:
        settings: How many are allowed.
        storage: Counts them.
        key: What names are hashed with before they get into the storage.
        timeout: How long a call of the storage may take.
        telemetry: Is told of every attempt that is refused.
    """

    def __init__(
        self,
        settings: LimitSettings,
        storage: LimitStorage,
        *,
        key: bytes,
        timeout: timedelta,
        telemetry: Telemetries = SILENT,
    ) -> None:
        self._settings = settings
        self._rates = settings.rates()
        self._storage = storage
        self._key = key
        self._telemetry = telemetry
        self._take = timed(storage.take, timeout.total_seconds())
        self._give_back = timed(storage.give_back, timeout.total_seconds())
        self._clear = timed(storage.clear, timeout.total_seconds())

    async def attempt(self, route: LimitedRoute, *, account: str | None, client: str | None) -> Attempt:
        """Count an attempt before it is made, as one step: of many at once, exactly as many as fit are allowed.

        Args:
            route: Which limits hold.
            account: What names the account, whether or not there is one; None where nothing does.
            client: What the client is counted by; None when it is unknown, and nothing is then counted by client.

        Raises:
            StoreUnavailableException: It cannot be counted, and so must not be made.
        """
        limits = list(self._limits(route, account, client))
        if not limits:
            return Attempt(0, (), (), ())
        try:
            count = await self._take([limit.bucket for limit in limits])
        except StoreUnavailableException as error:
            cause = type(error.__cause__ or TimeoutError()).__name__  # its text may hold the address
            logger.warning("The storage of the rate limits does not answer (%s): attempts are refused.", cause)
            raise
        wait = 0
        if not count.allowed:
            wait = max(1, math.ceil(max(standing.wait for standing in count.standings)))
            self._telemetry.rate_limited(route)
        quotas = [
            Quota(limit.name, limit.rate, standing.remaining, math.ceil(standing.reset))
            for limit, standing in zip(limits, count.standings, strict=True)
            # Of the failures in a row a client is told only when there were too many.
            if limit.bucket.window is not None or standing.wait
        ]
        return Attempt(wait, quotas, [limit.bucket.key for limit in limits if limit.forgiven], count.marks)

    async def succeeded(self, attempt: Attempt) -> None:
        """Forget the failures of the account, and never those of the client, who may be guessing at others.

        A storage that is out of reach is logged and no more: whoever has proved who they are is let in.
        """
        if attempt.forgiven_by_success:
            await self._forget(attempt.forgiven_by_success)

    async def undecided(self, attempt: Attempt) -> None:
        """Give this attempt back, and no other: it went wrong on the way, and says nothing of who made it.

        A storage that is out of reach is logged and no more: what went wrong first is what its maker hears.
        """
        if not attempt.marks:
            return
        try:
            await self._give_back(attempt.marks)
        except StoreUnavailableException:
            logger.warning(
                "The storage of the rate limits cannot be reached: an attempt that went wrong on the way counts."
            )

    async def unlock(self, *names: str) -> None:
        """Open an account that had as many failures as it may ever have; for a reset of the password, or an admin.

        Args:
            names: Its username and its address.
        """
        await self._forget([self._key_of("sign_in", "failures", _canonical(name)) for name in names])

    async def check(self) -> None:
        """Have the storage write, and change nothing by it: a replica that may only be read is of no use.

        Raises:
            StoreUnavailableException: It cannot be reached.
        """
        await self._clear([f"{_PREFIX}:health"])  # which nothing is ever counted by

    async def close(self) -> None:
        """Give the storage's connections back."""
        await self._storage.close()

    async def _forget(self, keys: Sequence[str]) -> None:
        try:
            await self._clear(keys)
        except StoreUnavailableException:
            logger.warning("The storage of the rate limits cannot be reached: failures are not forgotten after all.")

    def _limits(self, route: LimitedRoute, account: str | None, client: str | None) -> Iterable[_Limit]:
        by_account = self._rates.get(route)
        by_client = self._rates.get(f"{route}_per_client")
        name = None if account is None else _canonical(account)
        if name is not None and by_account is not None:
            if route == "sign_in":
                bucket = self._with_delays(self._key_of(route, "pair", name, client or ""), by_account)
            else:
                bucket = _window(self._key_of(route, "account", name), by_account)
            yield _Limit("account", by_account, bucket, forgiven=route == "sign_in")
        if client is not None and by_client is not None:
            yield _Limit("client", by_client, _window(self._key_of(route, "client", client), by_client))
        if name is not None and route == "sign_in":
            longest = int(self._settings.longest_delay.total_seconds())
            rate = Rate(self._settings.max_failures, _YEAR)
            key = self._key_of(route, "failures", name)
            bucket = Bucket(key, rate.amount, None, keep=rate.seconds, longest_delay=longest)
            yield _Limit("failures", rate, bucket, forgiven=True)

    def _with_delays(self, key: str, rate: Rate) -> Bucket:
        first = int(self._settings.first_delay.total_seconds())
        longest = int(self._settings.longest_delay.total_seconds())
        keep = max(_DAY, 2 * longest, rate.seconds)
        return Bucket(key, rate.amount, rate.seconds, keep=keep, first_delay=first, longest_delay=longest)

    def _key_of(self, route: str, kind: str, *values: str) -> str:
        # Hashed with a key: who reads the storage learns neither who signs in here nor from where.
        message = "\0".join((route, kind, *values)).encode("utf-8", "surrogatepass")
        digest = hmac.new(self._key, message, hashlib.sha256).digest()[:18]
        return f"{_PREFIX}:{route}:{kind}:{base64.urlsafe_b64encode(digest).decode('ascii')}"


def _window(key: str, rate: Rate) -> Bucket:
    return Bucket(key, rate.amount, rate.seconds, keep=rate.seconds)


def _canonical(account: str) -> str:
    login = canonical_login(account)
    return account if login is None else f"{login.kind}:{login.value}"
