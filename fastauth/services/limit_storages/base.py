"""What is counted, and the seam of the storages that count it."""

import secrets
from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Bucket(NamedTuple):
    """One thing to count.

    Attributes:
        key: Its name in the storage; it tells nobody whom it is about.
        amount: How many attempts fit into one window.
        window: Seconds after which the count begins anew; None: never, only :meth:`LimitStorage.clear` empties it.
        first_delay: Seconds to wait after the attempt that made ``amount`` of them since the bucket was cleared; each
            one after it doubles the delay. Zero: no delays.
        longest_delay: Seconds; no delay is longer. It is also what a full bucket without a window tells to wait.
        keep: Seconds after the last attempt until the bucket may be forgotten; a full one without a window never is.
    """

    key: str
    amount: int
    window: int | None
    keep: int
    first_delay: int = 0
    longest_delay: int = 0


class Standing(NamedTuple):
    """How a bucket stands, after an attempt was counted or refused.

    Attributes:
        wait: Seconds until the next attempt fits; zero when it does now.
        remaining: How many fit now.
        reset: Seconds until the count begins anew, or the delay is over.
    """

    wait: float
    remaining: int
    reset: float


class Mark(NamedTuple):
    """By what an attempt that was counted is found again in a bucket; the times are those of the storage.

    Attributes:
        bucket: Where it was counted.
        began: Which count of the bucket it is part of, as a number that no other has: one that was cleared or forgotten
            begins another.
        ends: The end of the window that it was counted in.
        opens: The end of the delay that it brought.
    """

    bucket: Bucket
    began: int
    ends: float
    opens: float


class Count(NamedTuple):
    """What became of an attempt.

    Attributes:
        allowed: Whether it fitted into every bucket, and was counted in each; otherwise it was counted in none.
        standings: How each bucket stands now, in their order.
        marks: What gives it back; nothing when it was not counted.
    """

    allowed: bool
    standings: Sequence[Standing]
    marks: Sequence[Mark] = ()


class LimitStorage(Protocol):
    """Counts. A server that cannot be reached is ``StoreUnavailableException``, and nothing else is."""

    async def take(self, buckets: Sequence[Bucket]) -> Count:
        """Count an attempt in every bucket, or in none when one of them is full; no two attempts take one place."""
        ...

    async def give_back(self, marks: Sequence[Mark]) -> None:
        """Take one attempt out of each bucket that it is still counted in, with the delay that it brought.

        The attempts of others stay: a window that is over, or a bucket that was cleared, has forgotten it already.
        """
        ...

    async def clear(self, keys: Sequence[str]) -> None:
        """Empty these buckets."""
        ...

    async def close(self) -> None:
        """Give connections back; the storage may be used again afterwards."""
        ...


def new_count() -> int:
    """Return the number of a count that begins; small enough for a double."""
    return secrets.randbits(52)


def delay_of(bucket: Bucket, streak: int) -> int:
    """Return how many seconds to wait after so many attempts in a row."""
    if not bucket.first_delay or streak < bucket.amount:
        return 0
    doublings = min(streak - bucket.amount, 32)
    return min(bucket.first_delay << doublings, bucket.longest_delay)


def standing_of(bucket: Bucket, hits: int, until_end: float, until_open: float) -> Standing:
    """Return how a bucket stands, from what it has counted in this window, and how far off its two moments are."""
    full = hits >= bucket.amount
    end = max(0.0, until_end) if bucket.window is not None else float(bucket.longest_delay if full else 0)
    wait = max(0.0, until_open, end if full else 0.0)
    return Standing(wait=wait, remaining=0 if wait else bucket.amount - hits, reset=max(wait, end))
