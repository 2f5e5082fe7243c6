"""Commands of MongoDB's driver that nobody waits for any more."""

import asyncio

import pytest

from fastauth.backends.mongo.errors import unbroken


async def test_a_command_whose_waiter_is_cancelled_goes_on_to_its_end() -> None:
    """The driver is never cancelled: it might not let go of its lock, and never find a server again."""
    goes_on, ended = asyncio.Event(), asyncio.Event()

    async def command() -> None:
        await goes_on.wait()
        ended.set()

    waiter = asyncio.ensure_future(unbroken(command()))
    await asyncio.sleep(0)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    goes_on.set()

    await asyncio.wait_for(ended.wait(), 60)


async def test_what_a_command_raises_reaches_who_waits_for_it() -> None:
    """An error of the driver is raised as it is."""

    async def command() -> None:
        raise ValueError("of the driver")

    with pytest.raises(ValueError, match="of the driver"):
        await unbroken(command())
