"""Counts in the memory of this process; each process counts for itself, and forgets when it ends."""

import time
from collections.abc import Callable, Sequence

from fastauth.core.clock import Clock, system_clock
from fastauth.services.limit_storages.base import Bucket, Count, Mark, Standing, delay_of, new_count, standing_of

_MAX_BUCKETS = 200_000  # some sixty megabytes; a flood of names must not eat the memory of the app
_FIRST_SWEEP = 1_000


class _Counted:
    __slots__ = ("began", "ends", "hits", "keep_until", "opens", "streak")

    def __init__(self) -> None:
        self.began = new_count()
        self.hits = self.streak = 0
        self.ends = self.opens = 0.0
        self.keep_until = 0.0


class MemoryLimitStorage:
    """A storage in memory. It never awaits while it counts, so that the event loop makes each step atomic.

    Args:
        clock: The app's clock. The system's is not asked, but the monotonic one, which nobody can set back.
        max_buckets: How many buckets are kept; beyond them, those that were used least recently are forgotten.
    """

    def __init__(self, clock: Clock = system_clock, *, max_buckets: int = _MAX_BUCKETS) -> None:
        self._time = time.monotonic if clock is system_clock else _never_back(clock)
        self._max_buckets = max_buckets
        self._sweep_at = min(_FIRST_SWEEP, max_buckets)
        self._buckets: dict[str, _Counted] = {}  # the one used last comes last

    async def take(self, buckets: Sequence[Bucket]) -> Count:
        """Count an attempt in every bucket, or in none."""
        now = self._time()
        counted = [self._begin(bucket, now) for bucket in buckets]
        allowed = not any(_standing(*pair, now).wait for pair in zip(buckets, counted, strict=True))
        if allowed:
            for bucket, state in zip(buckets, counted, strict=True):
                state.hits += 1
                state.streak += 1
                delay = delay_of(bucket, state.streak)
                if delay:
                    state.opens = now + delay
                state.keep_until = _keep_until(bucket, state, now)
                self._buckets.pop(bucket.key, None)
                self._buckets[bucket.key] = state
            if len(self._buckets) > self._sweep_at:
                self._sweep(now)
        pairs = list(zip(buckets, counted, strict=True))
        marks = [Mark(bucket, state.began, state.ends, state.opens) for bucket, state in pairs] if allowed else ()
        return Count(allowed, [_standing(*pair, now) for pair in pairs], marks)

    async def give_back(self, marks: Sequence[Mark]) -> None:
        """Take one attempt out of each bucket that it is still counted in."""
        now = self._time()
        for bucket, began, ends, opens in marks:
            state = self._buckets.get(bucket.key)
            if state is None or state.began != began:
                continue
            state.streak = max(0, state.streak - 1)
            if state.ends == ends:
                state.hits = max(0, state.hits - 1)
            if state.opens == opens or state.streak < bucket.amount:
                state.opens = 0.0  # as it was before, or the attempt would not have been counted
            state.keep_until = min(state.keep_until, _keep_until(bucket, state, now))

    async def clear(self, keys: Sequence[str]) -> None:
        """Empty these buckets."""
        for key in keys:
            self._buckets.pop(key, None)

    async def close(self) -> None:
        """Do nothing: what was counted stays, as on a server."""

    def _begin(self, bucket: Bucket, now: float) -> _Counted:
        state = self._buckets.get(bucket.key)
        if state is None or state.keep_until <= now:
            state = _Counted()
        if bucket.window is not None and state.ends <= now:
            state.hits, state.ends = 0, now + bucket.window
        return state

    def _sweep(self, now: float) -> None:
        # Of the whole, but only when it has doubled: so each attempt pays for a constant number of buckets.
        kept = {key: state for key, state in self._buckets.items() if state.keep_until > now}
        for key in list(kept)[: len(kept) - self._max_buckets // 2] if len(kept) > self._max_buckets else ():
            del kept[key]
        self._buckets = kept
        self._sweep_at = min(max(2 * len(kept), _FIRST_SWEEP), self._max_buckets)


def _keep_until(bucket: Bucket, state: _Counted, now: float) -> float:
    full_for_ever = bucket.window is None and state.hits >= bucket.amount
    return float("inf") if full_for_ever else now + bucket.keep


def _standing(bucket: Bucket, state: _Counted, now: float) -> Standing:
    return standing_of(bucket, state.hits, state.ends - now, state.opens - now)


def _never_back(clock: Clock) -> Callable[[], float]:
    latest = 0.0

    def read() -> float:
        nonlocal latest
        latest = max(latest, clock().timestamp())
        return latest

    return read
