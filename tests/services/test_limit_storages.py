"""The storages of the rate limits count as one step, and all of them alike."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from fastauth import ConfigurationError, LimitSettings, StoreUnavailableException
from fastauth.core.clock import system_clock
from fastauth.services.limit_storages import open_storage
from fastauth.services.limit_storages.base import Bucket, LimitStorage, Mark
from fastauth.services.limit_storages.memory import MemoryLimitStorage
from fastauth.testing import ManualClock
from tests.services.limit_storages import LIMIT_STORAGES, own_key

EVER = 10**6


@pytest.fixture(params=LIMIT_STORAGES)
async def storage(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncGenerator[LimitStorage, None]:
    """A storage of each kind; only that in memory goes by the test's clock."""
    async with LIMIT_STORAGES[request.param](clock) as storage:
        yield storage


@pytest.fixture
def in_memory(clock: ManualClock) -> MemoryLimitStorage:
    return MemoryLimitStorage(clock)


def window(amount: int, seconds: int = 1000) -> Bucket:
    return Bucket(own_key(), amount, seconds, keep=seconds)


def delaying(amount: int, seconds: int = 1000) -> Bucket:
    return Bucket(own_key(), amount, seconds, keep=EVER, first_delay=3000, longest_delay=7000)


def endless(amount: int) -> Bucket:
    return Bucket(own_key(), amount, None, keep=EVER, longest_delay=3600)


async def test_as_many_as_fit_are_allowed_and_no_more(storage: LimitStorage) -> None:
    """Attempts are counted down to none, and then refused with the time to wait."""
    bucket = window(3)

    counts = [await storage.take([bucket]) for _ in range(5)]

    assert [count.allowed for count in counts] == [True, True, True, False, False]
    assert [count.standings[0].remaining for count in counts] == [2, 1, 0, 0, 0]
    assert all(990 < count.standings[0].reset <= 1000 for count in counts)
    assert [count.standings[0].wait > 990 for count in counts] == [False, False, True, True, True]


async def test_of_many_at_once_exactly_as_many_as_fit_are_allowed(storage: LimitStorage) -> None:
    """Of a hundred simultaneous attempts at a limit of ten, ten are allowed."""
    buckets = [delaying(10), window(60), endless(50)]

    counts = await asyncio.gather(*(storage.take(buckets) for _ in range(100)))

    assert [count.allowed for count in counts].count(True) == 10


@pytest.mark.parametrize("full", [0, 1, 2])
async def test_an_attempt_that_is_refused_is_counted_nowhere(full: int, storage: LimitStorage) -> None:
    """When one of several buckets is full, the attempt is counted in none of them."""
    buckets = [delaying(5), window(5), endless(5)]
    for _ in range(5):
        await storage.take([buckets[full]])
    refused = [await storage.take(buckets) for _ in range(7)]
    await storage.clear([buckets[full].key])

    count = await storage.take(buckets)

    assert [each.allowed for each in refused] == [False] * 7
    assert [[standing.remaining for standing in each.standings] for each in refused] == [
        [0 if number == full else 5 for number in range(3)]
    ] * 7
    assert count.allowed
    assert [standing.remaining for standing in count.standings] == [4, 4, 4]


async def test_delays_begin_when_the_bucket_is_full_and_grow(storage: LimitStorage) -> None:
    """The attempt that fills a bucket brings the first delay, longer than the window; clearing takes it away."""
    bucket = delaying(2)

    counts = [await storage.take([bucket]) for _ in range(3)]
    await storage.clear([bucket.key])
    after = await storage.take([bucket])

    assert [count.allowed for count in counts] == [True, True, False]
    assert [round(count.standings[0].wait, -2) for count in counts] == [0, 3000, 3000]
    assert after.allowed
    assert after.standings[0].remaining == 1


async def test_a_bucket_without_a_window_stays_full(storage: LimitStorage) -> None:
    """A full bucket without a window says how long to wait at most, and opens only when it is cleared."""
    bucket = endless(2)

    counts = [await storage.take([bucket]) for _ in range(4)]
    await storage.clear([bucket.key])

    assert [count.allowed for count in counts] == [True, True, False, False]
    assert counts[-1].standings[0] == (3600, 0, 3600)
    assert (await storage.take([bucket])).allowed


async def test_a_window_ends(storage: LimitStorage, clock: ManualClock) -> None:
    """When the window is over, the count begins anew, on the clock of the storage."""
    bucket = window(1, seconds=1)
    await storage.take([bucket])

    for _ in range(600):
        clock.move(timedelta(seconds=0.05))
        if (await storage.take([bucket])).allowed:
            break
        await asyncio.sleep(0.05)
    else:
        pytest.fail("the window never ended")


@pytest.mark.parametrize("kind", [delaying, window, endless])
async def test_an_attempt_that_is_given_back_was_never_made(
    storage: LimitStorage, kind: Callable[[int], Bucket]
) -> None:
    """The bucket stands as before it, without the delay that it brought, and is as full again after the next."""
    bucket = kind(3)
    before = [await storage.take([bucket]) for _ in range(2)]
    last = await storage.take([bucket])

    for _ in range(5):
        await storage.give_back(last.marks)
        last = await storage.take([bucket])

    assert before[0].standings[0].remaining == 2
    assert last.allowed
    assert last.standings[0].remaining == 0
    assert not (await storage.take([bucket])).allowed


@pytest.mark.parametrize("order", [1, -1])
async def test_many_at_once_are_given_back_in_any_order(storage: LimitStorage, order: int) -> None:
    """Of ten attempts at once nothing is left, whichever is given back first, and those of others stay."""
    buckets = [delaying(12), window(60), endless(50)]
    failures = [await storage.take(buckets) for _ in range(2)]
    undecided = await asyncio.gather(*(storage.take(buckets) for _ in range(10)))

    for count in undecided[::order]:
        await storage.give_back(count.marks)
    after = await storage.take(buckets)

    assert all(count.allowed for count in (*failures, *undecided, after))
    assert [standing.remaining for standing in after.standings] == [12 - 3, 60 - 3, 50 - 3]
    assert after.standings[0].wait == 0


async def test_an_attempt_that_was_refused_has_nothing_to_give_back(storage: LimitStorage) -> None:
    """What was counted nowhere leaves no marks."""
    bucket = window(1)
    await storage.take([bucket])

    assert (await storage.take([endless(1), bucket])).marks == ()


@pytest.mark.parametrize("kind", [delaying, window, endless])
async def test_what_a_bucket_has_forgotten_is_not_given_back(
    storage: LimitStorage, kind: Callable[[int], Bucket]
) -> None:
    """Who had an attempt under way when the bucket was cleared takes no failure out of it that came after that."""
    bucket = kind(3)
    earlier = await storage.take([bucket])
    await storage.clear([bucket.key])
    await storage.give_back(earlier.marks)
    await storage.take([bucket])

    await storage.give_back(earlier.marks)

    assert (await storage.take([bucket])).standings[0].remaining == 1


@pytest.mark.parametrize("kind", [delaying, window, endless])
async def test_no_bucket_holds_less_than_nothing(storage: LimitStorage, kind: Callable[[int], Bucket]) -> None:
    """An attempt that is given back twice, as by a driver that tries again, opens no place that was not there."""
    bucket = kind(2)
    once = await storage.take([bucket])
    for _ in range(3):
        await storage.give_back(once.marks)

    counts = [await storage.take([bucket]) for _ in range(3)]

    assert [count.allowed for count in counts] == [True, True, False]
    assert [count.standings[0].remaining for count in counts] == [1, 0, 0]


async def test_a_window_that_is_over_gives_nothing_back(storage: LimitStorage, clock: ManualClock) -> None:
    """An attempt of an earlier window is in no later one, and cannot be taken out of it."""
    short = Bucket(own_key(), 1000, 1, keep=EVER)
    long = short._replace(window=1000)
    earlier = await storage.take([short])
    for _ in range(600):
        later = await storage.take([long])
        if later.marks[0].ends != earlier.marks[0].ends:
            break
        clock.move(timedelta(seconds=0.05))
        await asyncio.sleep(0.05)
    else:
        pytest.fail("the window never ended")

    await storage.give_back(earlier.marks)

    assert (await storage.take([long])).standings[0].remaining == 998


async def test_a_bucket_that_is_not_full_any_more_is_forgotten_in_time(
    storage: LimitStorage, clock: ManualClock
) -> None:
    """A bucket without a window is kept for ever while it is full, and no longer when an attempt was given back."""
    bucket = Bucket(own_key(), 2, None, keep=1, longest_delay=3600)
    await storage.take([bucket])
    for patience in range(40):
        latest = await storage.take([bucket])
        if latest.standings[0].remaining == 1:
            break
        await storage.give_back(latest.marks)
        clock.move(timedelta(seconds=1.1))
        await asyncio.sleep(0 if isinstance(storage, MemoryLimitStorage) else 1.1 + patience / 10)
    else:
        pytest.fail("the bucket was never forgotten")


async def test_a_later_delay_stays(in_memory: MemoryLimitStorage, clock: ManualClock) -> None:
    """An attempt that took its time takes no delay away that a later one has brought."""
    bucket = Bucket(own_key(), 1, 10, keep=EVER, first_delay=30, longest_delay=3600)
    slow = await in_memory.take([bucket])
    clock.move(timedelta(seconds=30))
    await in_memory.take([bucket])

    await in_memory.give_back(slow.marks)

    assert (await in_memory.take([bucket])).standings[0].wait == 60


async def test_many_calls_at_once_wait_for_their_turn(storage: LimitStorage) -> None:
    """No call is refused because many others are under way: neither to count, nor to give back, nor to clear."""
    bucket = window(400)
    counts = await asyncio.gather(*(storage.take([bucket]) for _ in range(200)))
    await asyncio.gather(*(storage.give_back(count.marks) for count in counts))

    full = await storage.take([bucket])
    await asyncio.gather(*(storage.clear([own_key()]) for _ in range(400)))

    assert full.standings[0].remaining == 399


async def test_every_delay_is_twice_the_one_before(in_memory: MemoryLimitStorage, clock: ManualClock) -> None:
    """Each further failure doubles the delay, up to the longest."""
    bucket = Bucket(own_key(), 3, 10, keep=EVER, first_delay=30, longest_delay=3600)
    waits: list[float] = []
    for _ in range(13):
        count = await in_memory.take([bucket])
        assert count.allowed
        waits.append(count.standings[0].wait)
        clock.move(timedelta(seconds=waits[-1]))

    assert waits == [0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]


async def test_a_clock_that_is_set_back_frees_nobody(in_memory: MemoryLimitStorage, clock: ManualClock) -> None:
    """A clock that jumps back neither ends a delay, nor a window, nor makes anybody wait longer than before."""
    bucket = delaying(1)
    await in_memory.take([bucket])
    clock.move(-timedelta(days=365))

    count = await in_memory.take([bucket])

    assert not count.allowed
    assert count.standings[0].wait == 3000


async def test_the_machines_clock_is_not_asked() -> None:
    """Without a clock of the app's own, time is monotonic, which nobody can set."""
    storage = MemoryLimitStorage(system_clock)

    assert (await storage.take([window(1)])).allowed


async def test_what_is_over_is_forgotten(in_memory: MemoryLimitStorage, clock: ManualClock) -> None:
    """Buckets that nobody has used for long enough are forgotten; a full one without a window never is."""
    full, delayed = endless(1), Bucket(own_key(), 1, 10, keep=60, first_delay=30, longest_delay=60)
    await in_memory.take([full, delayed])
    clock.move(timedelta(seconds=61))
    fresh = await in_memory.take([delayed])
    for _ in range(3000):
        await in_memory.take([window(1, seconds=1)])
        clock.move(timedelta(seconds=1))

    assert fresh.standings[0].wait == 30
    assert not (await in_memory.take([full])).allowed
    assert len(in_memory._buckets) < 2100


async def test_a_flood_of_names_does_not_fill_the_memory(clock: ManualClock) -> None:
    """Beyond its bound, the memory forgets what was used least recently, and keeps what is in use."""
    storage = MemoryLimitStorage(clock, max_buckets=100)
    busy = window(10_000)
    for _ in range(500):
        await storage.take([busy])
        await storage.take([endless(1)])

    assert len(storage._buckets) <= 101
    assert (await storage.take([busy])).standings[0].remaining == 10_000 - 501


@pytest.mark.parametrize(
    "uri", ["redis://host", "rediss://u:hush@host/1", "redis+unix:///run/redis.sock", "redis+sentinel://host:1/name"]
)
def test_redis_is_named_in_every_spelling(uri: str) -> None:
    """A server with and without a port, a socket and sentinels can be named; nothing is connected yet."""
    storage: Any = open_storage(uri, clock=system_clock)

    assert "hush" not in repr(storage)


@pytest.mark.parametrize(
    ("uri", "database"),
    [
        ("mongodb://127.0.0.1:1/app", "app"),
        ("mongodb://127.0.0.1:1", "fastauth"),
        ("mongodb+srv://example.com/app", "app"),
    ],
)
def test_the_address_names_the_database(uri: str, database: str) -> None:
    """The collection is in the database that the address names, read without asking anybody."""
    storage: Any = open_storage(uri, clock=system_clock)

    assert storage._database == database


@pytest.mark.parametrize(
    "uri", ["redis://:hush@127.0.0.1:1/0", "mongodb://u:hush@127.0.0.1:1/?serverSelectionTimeoutMS=200"]
)
async def test_a_server_out_of_reach_is_said_in_our_words(uri: str) -> None:
    """A server that cannot be reached is ``StoreUnavailableException``, and its password is nowhere."""
    storage = open_storage(uri, clock=system_clock)

    with pytest.raises(StoreUnavailableException) as taking:
        await storage.take([window(1)])
    with pytest.raises(StoreUnavailableException):
        await storage.clear([own_key()])
    with pytest.raises(StoreUnavailableException):
        await storage.give_back([Mark(window(1), 0, 0, 0)])
    await storage.close()

    assert "hush" not in str(taking.value)


@pytest.mark.parametrize(
    "uri", ["redis://:hush@host:nonsense/0", "mongodb://u:hush@/?x", "redis+sentinel://:hush@host:1"]
)
def test_an_address_that_cannot_be_read_is_refused_without_its_password(uri: str) -> None:
    """An address that the driver cannot read is refused when built, and the message does not repeat it."""
    with pytest.raises(ConfigurationError, match="cannot be read") as refusal:
        open_storage(uri, clock=system_clock)

    assert "hush" not in f"{refusal.value} {refusal.value.__cause__}"
    assert "hush" not in repr(LimitSettings(storage=uri))


@pytest.mark.parametrize(
    ("uri", "extra", "module"), [("redis://h", "redis", "redis"), ("mongodb://h", "mongo", "mongo")]
)
def test_a_missing_driver_is_named(uri: str, extra: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A storage whose driver is not installed says what to install."""
    monkeypatch.setitem(__import__("sys").modules, f"fastauth.services.limit_storages.{module}", None)

    with pytest.raises(ConfigurationError, match=rf"pip install 'fastauth\[{extra}\]'"):
        open_storage(uri, clock=system_clock)


async def test_a_storage_may_be_used_after_it_was_closed(storage: LimitStorage) -> None:
    """An app that starts again in the same process counts on."""
    bucket = window(2)
    await storage.take([bucket])
    await storage.close()

    assert (await storage.take([bucket])).standings[0].remaining == 0


def test_the_clock_of_a_test_is_the_clock_of_the_limits() -> None:
    """The moment of a manual clock is taken as it is."""
    clock = ManualClock(datetime(2001, 1, 1, tzinfo=timezone.utc))

    assert MemoryLimitStorage(clock)._time() == clock.now.timestamp()
