"""Work that nobody waits for: begun, seen through, and given up in time."""

import asyncio
import contextlib
import logging

import pytest

from fastauth import StoreUnavailableException
from fastauth.services import background
from fastauth.services.background import Background


async def test_work_is_seen_through_with_all_that_it_begins() -> None:
    """Draining waits for what was begun, and for what that has begun meanwhile."""
    work, done = Background(), list[str]()

    async def second() -> None:
        done.append("second")

    async def first() -> None:
        await asyncio.sleep(0)
        work.start("second", second())
        done.append("first")

    work.start("first", first())
    await work.drain()

    assert done == ["first", "second"]


async def test_draining_twice_or_with_nothing_begun_is_nothing() -> None:
    """Where nothing was begun, there is nothing to wait for."""
    work = Background()

    await work.drain()
    await work.drain()

    assert work._tasks == set()


async def test_a_failure_is_logged_by_name(caplog: pytest.LogCaptureFixture) -> None:
    """What goes wrong is in the log under the name of the work, and reaches nobody else."""
    work = Background()

    async def fail() -> None:
        raise LookupError("no such thing")

    work.start("the mail", fail())
    await work.drain()

    (record,) = [record for record in caplog.records if record.name == "fastauth"]
    assert (record.levelno, record.getMessage()) == (logging.ERROR, "Background work failed: the mail")


async def test_what_takes_too_long_is_given_up_and_has_ended_then(caplog: pytest.LogCaptureFixture) -> None:
    """Past its patience, draining cancels, waits until that has come through, and says what was left undone."""
    work, ended = Background(patience=0.01), list[str]()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("hang")

    work.start("a mail that hangs", hang())
    await work.drain()

    assert ended == ["hang"]
    assert "given up, it took too long: a mail that hangs" in caplog.text


async def test_what_will_not_end_is_waited_for_no_longer() -> None:
    """Work that does not let itself be cancelled does not keep the app from stopping."""
    work, may_end = Background(patience=0.01), asyncio.Event()

    async def stubborn() -> None:
        while not may_end.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await may_end.wait()

    work.start("stubborn", stubborn())
    await work.drain()

    assert len(work._tasks) == 1
    may_end.set()
    await asyncio.gather(*work._tasks)


async def test_work_whose_time_tells_something_begins_when_the_answer_is_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often the event loop turns until the answer is out, none of secret work is done between two turns."""
    monkeypatch.setattr(background, "_UNTIL_ANSWERED", 60)
    hasty, done = Background(patience=0.01), list[str]()

    async def do(name: str) -> None:
        done.append(name)

    hasty.start("secret", do("secret"), secret=True)
    hasty.start("open", do("open"))
    for _ in range(100):
        await asyncio.sleep(0)
    await hasty.drain()
    monkeypatch.setattr(background, "_UNTIL_ANSWERED", 0.001)
    patient = Background()
    patient.start("later", do("later"), secret=True)
    await patient.drain()

    assert done == ["open", "later"]


async def test_too_much_work_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """When too much is waiting already, nothing is taken on, and nothing is left half begun."""
    monkeypatch.setattr(background, "_MOST", 1)
    work, may_end, begun = Background(), asyncio.Event(), list[str]()

    async def more() -> None:
        begun.append("more")

    async def wait() -> None:
        await may_end.wait()

    work.start("wait", wait())
    with pytest.raises(StoreUnavailableException):
        work.start("more", more())
    may_end.set()
    await work.drain()

    assert begun == []


def test_each_event_loop_sees_its_own_work_through() -> None:
    """What was begun on a loop that is gone keeps no other loop waiting."""
    work = Background()

    async def begin() -> None:
        work.start("wait", asyncio.Event().wait())

    first = asyncio.new_event_loop()
    first.run_until_complete(begin())
    asyncio.run(work.drain())

    (task,) = work._tasks
    task.cancel()
    first.run_until_complete(asyncio.gather(task, return_exceptions=True))
    first.close()
