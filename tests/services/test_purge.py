"""The broom: one process sweeps per period, a failure waits for the next one, and stopping stops it."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from fastauth import AuditSettings, ConfigurationError, FastAuth, Store, StoreUnavailableException
from fastauth.backends.memory import MemoryStore
from fastauth.services.purge import Purge
from fastauth.testing import ManualClock
from tests.conftest import PASSWORD

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def broom(store: Store[Any], clock: Callable[[], datetime], every: timedelta | None = HOUR, **options: Any) -> Purge:
    return Purge(store, every=every, clock=clock, **{"keep_audit_for": None, **options})


async def test_of_several_processes_one_sweeps_each_period(store: Store[Any], clock: ManualClock) -> None:
    """Of eight that come at once one sweeps; the period after it is somebody's turn again."""
    brooms = [broom(store, clock) for _ in range(8)]

    for _ in range(3):
        swept = await asyncio.gather(*(each.sweep(HOUR) for each in brooms))
        assert sorted(swept) == [False] * 7 + [True]
        clock.move(HOUR)


async def test_a_sweep_deletes_what_has_passed_its_time(auth: FastAuth[Any], clock: ManualClock) -> None:
    """Expired sessions, used tokens and old records go, those that are still good stay, on every store."""
    account = await auth.accounts.create("ada", "ada@example.com", PASSWORD)
    await auth.sessions.start(account)
    await auth.store.use_token("spent", expires_at=clock() + HOUR)
    clock.move(8 * DAY)
    live = await auth.sessions.start(account)

    await broom(auth.store, clock).sweep(HOUR)

    assert await auth.sessions.purge_expired() == 0
    assert await auth.store.use_token("spent", expires_at=clock() + HOUR)
    assert (await auth.sessions.authenticate(live.access_token)).id == account.id


async def test_old_records_of_the_audit_trail_are_deleted_where_asked_for(
    make_auth: Callable[..., FastAuth[Any]], clock: ManualClock
) -> None:
    """With ``keep_for`` a sweep deletes what is older, and without it nothing."""
    auth = make_auth(MemoryStore(), audit=AuditSettings(keep=True))
    await auth.initialize_db()
    await auth.accounts.create("ada", "ada@example.com", PASSWORD)
    clock.move(2 * DAY)

    await broom(auth.store, clock).sweep(HOUR)
    kept = len(await auth.audit.list())
    clock.move(HOUR)
    await broom(auth.store, clock, keep_audit_for=DAY).sweep(HOUR)

    assert (kept, await auth.audit.list()) == (1, [])


async def test_the_note_of_a_period_is_swept_away_too(clock: ManualClock) -> None:
    """The note of a period is gone two periods later, and not before: no process comes too late for it."""
    store, period = MemoryStore(), clock.now.replace(minute=0, second=0, microsecond=0)
    note = f"purge:{period.timestamp():.0f}"
    again = []

    for _ in range(3):
        await broom(store, clock).sweep(HOUR)
        again.append(await store.use_token(note, expires_at=period))
        clock.move(HOUR)

    assert again == [False, False, True]


class CountingStore(MemoryStore):
    """A store that counts the sweeps, and fails or hangs in one if told to."""

    def __init__(self) -> None:
        super().__init__()
        self.sweeps, self.error, self.hangs = 0, None, False
        self.swept = asyncio.Event()

    async def purge_expired(self, now: datetime) -> int:
        self.sweeps += 1
        self.swept.set()
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        return await super().purge_expired(now)


async def test_a_sweep_that_fails_is_logged_and_comes_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, clock: ManualClock
) -> None:
    """A failure is one line of the log, and the next period has its sweep all the same."""
    store, slept = CountingStore(), list[float]()
    store.error = StoreUnavailableException()
    sleep = asyncio.sleep

    async def skip(seconds: float) -> None:
        slept.append(seconds)
        clock.move(timedelta(seconds=seconds))
        if store.sweeps == 1:
            store.error = None
            store.swept.clear()
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", skip)
    async with broom(store, clock).in_background():
        while store.sweeps < 3:
            await sleep(0)

    (failure,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "the next attempt is in the next period" in failure.getMessage()
    assert max(slept[::2]) <= HOUR.total_seconds() / 10
    assert max(slept[1::2]) <= HOUR.total_seconds()


async def test_the_lifespan_sweeps_and_stops_in_the_middle(make_auth: Callable[..., FastAuth[Any]]) -> None:
    """The lifespan has the broom, and the app's stopping waits for no sweep that hangs."""
    store = CountingStore()
    store.hangs = True
    auth = make_auth(store, purge_every=timedelta(seconds=1))

    async with auth.lifespan(FastAPI()):
        await store.swept.wait()

    assert not [task for task in asyncio.all_tasks() if task.get_name() == "fastauth purge"]


async def test_without_a_period_nothing_is_swept(make_auth: Callable[..., FastAuth[Any]]) -> None:
    """``purge_every=None`` leaves the sweeping to the app."""
    auth = make_auth(MemoryStore(), purge_every=None)

    async with auth.lifespan(FastAPI()):
        running = [task for task in asyncio.all_tasks() if task.get_name() == "fastauth purge"]

    assert running == []


def test_a_period_is_at_least_a_second(make_auth: Callable[..., FastAuth[Any]]) -> None:
    """A period that would keep the database busy is refused; so is a trail that is not kept for a day."""
    with pytest.raises(ConfigurationError, match="purge_every"):
        make_auth(MemoryStore(), purge_every=timedelta(milliseconds=1))
    with pytest.raises(ConfigurationError, match="keep_for"):
        AuditSettings(keep_for=HOUR)
