"""The broom: what has passed its time is deleted in the background, by one process for all of them."""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from types import NoneType
from typing import Any

from fastauth.core.checks import check_kind
from fastauth.core.clock import Clock
from fastauth.core.exceptions import ConfigurationError
from fastauth.core.protocols import Store

logger: logging.Logger = logging.getLogger("fastauth")


class Purge:
    """Deletes expired sessions, used tokens that have expired, and old records of the audit trail, once per period.

    Time is divided into periods, the same ones for every process. Each process comes at its own moment of a period and
    notes the period in the store as a used token: of all that come, one is the first, and sweeps.

    Args:
        store: What is swept.
        every: The period; None: nothing runs in the background.
        keep_audit_for: How long records of the audit trail stay; None: for ever.
        clock: The time.

    Raises:
        ConfigurationError: The period is shorter than a second.
    """

    def __init__(
        self, store: Store[Any], *, every: timedelta | None, keep_audit_for: timedelta | None, clock: Clock
    ) -> None:
        check_kind("purge_every", every, timedelta, NoneType)
        if every is not None and every < timedelta(seconds=1):
            raise ConfigurationError(f"purge_every={every!r} must be at least one second, or None.")
        self._store = store
        self._every = every
        self._keep_audit_for = keep_audit_for
        self._clock = clock

    @asynccontextmanager
    async def in_background(self) -> AsyncGenerator[None, None]:
        """Sweep once per period for as long as the context lasts; leaving it stops a sweep that is under way."""
        if self._every is None:
            yield
            return
        sweeping = asyncio.get_running_loop().create_task(self._sweep_for_ever(self._every), name="fastauth purge")
        try:
            yield
        finally:
            sweeping.cancel()
            await asyncio.wait([sweeping])

    async def _sweep_for_ever(self, every: timedelta) -> None:
        while True:
            # Somewhere in the first tenth of the period, so that not all processes come at the same moment.
            await asyncio.sleep(random.uniform(0, every.total_seconds() / 10))  # noqa: S311
            try:
                await self.sweep(every)
            except Exception:
                logger.exception("Deleting what has expired failed; the next attempt is in the next period.")
            now = self._clock()
            await asyncio.sleep((_period_of(now, every) + every - now).total_seconds())

    async def sweep(self, every: timedelta) -> bool:
        """Delete what has passed its time, unless another process has taken this period; say whether it was taken.

        Args:
            every: The length of a period.
        """
        now = self._clock()
        period = _period_of(now, every)
        # The note outlives the period by another one, for processes whose clocks are behind.
        if not await self._store.use_token(f"purge:{period.timestamp():.0f}", expires_at=period + 2 * every):
            return False
        sessions = await self._store.purge_expired(now)
        records = 0
        if self._keep_audit_for is not None:
            records = await self._store.purge_audit_records(now - self._keep_audit_for)
        logger.info("Deleted %d expired sessions and %d old records of the audit trail.", sessions, records)
        return True


def _period_of(now: datetime, every: timedelta) -> datetime:
    """Return when the period began in which ``now`` is."""
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
    return now - (now - epoch) % every
