"""Counts in Redis (or Valkey by its Redis protocol), for several processes: one script, one round trip, one step."""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from limits.storage import storage_from_string
from redis.asyncio import Redis
from redis.exceptions import RedisError

from fastauth.core.exceptions import StoreUnavailableException
from fastauth.services.limit_storages.base import Bucket, Count, Mark, new_count, standing_of

_MAX_AT_ONCE = 50  # the driver refuses a call for which it may open no further connection, rather than let it wait

# The server's clock: the clocks of the processes may differ, and be set back. Times are in milliseconds.
# Each bucket has five arguments: amount, window, first delay, longest delay, keep; the last one of all is the number of
# a count that begins. Each answers hits, the end of the window and of the delay, and the number of its count.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local states, allowed = {}, 1
for i, key in ipairs(KEYS) do
    local at = (i - 1) * 5
    local state = {amount = tonumber(ARGV[at + 1]), window = tonumber(ARGV[at + 2]), first = tonumber(ARGV[at + 3]),
                   longest = tonumber(ARGV[at + 4]), keep = tonumber(ARGV[at + 5])}
    local kept = redis.call('HMGET', key, 'hits', 'streak', 'ends', 'opens', 'began')
    state.hits, state.streak = tonumber(kept[1]) or 0, tonumber(kept[2]) or 0
    state.ends, state.opens = tonumber(kept[3]) or 0, tonumber(kept[4]) or 0
    state.began = tonumber(kept[5]) or (kept[2] and 0 or tonumber(ARGV[#ARGV]))
    if state.window > 0 and state.ends <= now then
        state.hits, state.ends = 0, now + state.window
    end
    if state.hits >= state.amount or state.opens > now then
        allowed = 0
    end
    states[i] = state
end
local answer = {allowed, now}
for i, key in ipairs(KEYS) do
    local state = states[i]
    if allowed == 1 then
        state.hits, state.streak = state.hits + 1, state.streak + 1
        if state.first > 0 and state.streak >= state.amount then
            state.opens = now + math.min(state.first * 2 ^ math.min(state.streak - state.amount, 32), state.longest)
        end
        redis.call('HSET', key, 'hits', state.hits, 'streak', state.streak,
                   'ends', string.format('%d', state.ends), 'opens', string.format('%d', state.opens),
                   'began', string.format('%d', state.began))
        if state.window == 0 and state.hits >= state.amount then
            redis.call('PERSIST', key)
        else
            redis.call('PEXPIRE', key, state.keep)
        end
    end
    table.insert(answer, state.hits)
    table.insert(answer, state.ends)
    table.insert(answer, state.opens)
    table.insert(answer, state.began)
end
return answer
"""

# Each bucket has six arguments: amount, window, keep, the number of the count, and the end of the window and the delay.
_GIVE_BACK = """
for i, key in ipairs(KEYS) do
    local at = (i - 1) * 6
    local amount, window, keep = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    local began, ends, opens = ARGV[at + 4], ARGV[at + 5], ARGV[at + 6]
    local kept = redis.call('HMGET', key, 'hits', 'streak', 'ends', 'opens', 'began')
    if kept[5] == began then
        local hits, streak = tonumber(kept[1]), math.max(0, tonumber(kept[2]) - 1)
        if kept[3] == ends then
            hits = math.max(0, hits - 1)
        end
        redis.call('HSET', key, 'hits', hits, 'streak', streak)
        if kept[4] == opens or streak < amount then -- as before, or it would not have been counted
            redis.call('HSET', key, 'opens', 0)
        end
        if window > 0 or hits < amount then
            redis.call('PEXPIRE', key, keep)
        end
    end
end
"""


@contextmanager
def _mapped() -> Generator[None, None, None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise StoreUnavailableException from error


class RedisLimitStorage:
    """A storage on Redis; a socket, sentinels and a cluster are reached as the library ``limits`` reaches them.

    Args:
        uri: Such as ``redis://:password@host:6379/0``.
    """

    def __init__(self, uri: str) -> None:
        if uri.startswith(("redis://", "rediss://")):
            one_server: Any = Redis
            self._client: Any = one_server.from_url(uri)  # which needs no port, as the library does
        else:
            storage: Any = storage_from_string(f"async+{uri}", implementation="redispy")
            self._client = storage.bridge.get_connection()
        self._turn = asyncio.Semaphore(_MAX_AT_ONCE)
        self._take: Any = self._client.register_script(_TAKE)
        self._give_back: Any = self._client.register_script(_GIVE_BACK)

    async def take(self, buckets: Sequence[Bucket]) -> Count:
        """Count an attempt in every bucket, or in none, in one round trip."""
        arguments = [
            number
            for each in buckets
            for number in (
                each.amount,
                (each.window or 0) * 1000,
                each.first_delay * 1000,
                each.longest_delay * 1000,
                each.keep * 1000,
            )
        ]
        async with self._turn:
            with _mapped():
                allowed, now, *states = await self._take(
                    keys=[each.key for each in buckets], args=[*arguments, new_count()]
                )
        counted = list(zip(buckets, states[::4], states[1::4], states[2::4], states[3::4], strict=True))
        standings = [
            standing_of(bucket, hits, (ends - now) / 1000, (opens - now) / 1000)
            for bucket, hits, ends, opens, _ in counted
        ]
        marks = [Mark(bucket, began, ends, opens) for bucket, _, ends, opens, began in counted] if allowed else ()
        return Count(bool(allowed), standings, marks)

    async def give_back(self, marks: Sequence[Mark]) -> None:
        """Take one attempt out of each bucket that it is still counted in, in one round trip."""
        arguments = [
            number
            for bucket, *times in marks
            for number in (bucket.amount, (bucket.window or 0) * 1000, bucket.keep * 1000, *times)
        ]
        async with self._turn:
            with _mapped():
                await self._give_back(keys=[each.bucket.key for each in marks], args=arguments)

    async def clear(self, keys: Sequence[str]) -> None:
        """Empty these buckets."""
        async with self._turn:
            with _mapped():
                await self._client.delete(*keys)

    async def close(self) -> None:
        """Give connections back."""
        with _mapped():
            await self._client.aclose()


open_uri = RedisLimitStorage
