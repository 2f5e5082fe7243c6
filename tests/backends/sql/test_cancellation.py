"""A verb that is given up, by a deadline or by a client that hangs up, ends in peace and leaves nothing behind."""

import asyncio
import gc
import sqlite3
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from fastauth import StoreUnavailableException
from fastauth.backends.sql import SQLStore
from fastauth.backends.undisturbed import Undisturbed
from fastauth.core.models import NewUser
from fastauth.services.deadline import with_deadline
from fastauth.testing.conformance.base import NOW

HOLD = "UPDATE fastauth_roles SET description = 'held'"


async def test_a_verb_that_hangs_is_given_up(engine: AsyncEngine) -> None:
    """A verb that waits longer than its deadline is given up, its connection goes back, and the store goes on."""
    store = SQLStore(engine)
    await store.create_schema()
    await store.ensure_roles({"superadmin": "", "user": ""})
    account = await store.add_user(NewUser("ada", "ada@example.com", "hash"), roles=["user"])
    hurried = with_deadline(store, timedelta(milliseconds=100))

    async with engine.begin() as connection:
        await connection.execute(text(HOLD))
        with pytest.raises(StoreUnavailableException):
            await hurried.set_disabled(account.id, True, now=NOW)

    assert await store.set_disabled(account.id, True, now=NOW)
    await store.close()
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    found = await store.get_user(account.id)
    assert found is not None
    assert found.disabled


async def test_closing_waits_for_what_was_given_up(tmp_path: Path) -> None:
    """Closing the store waits until the verbs that were given up have let go of their connections."""
    path = tmp_path / "test.db"
    store = SQLStore(create_async_engine(f"sqlite+aiosqlite:///{path}", connect_args={"timeout": 0.1}))
    await store.create_schema()
    before = asyncio.all_tasks()
    other = sqlite3.connect(path)
    other.execute(HOLD)

    with anyio.move_on_after(0.05) as given_up:
        await store.add_role("editor", "")
    await store.close()

    assert given_up.cancelled_caught
    assert asyncio.all_tasks() == before
    other.close()


@pytest.mark.parametrize("how", ["task", "scope"])
async def test_a_client_that_hangs_up_costs_no_connection(engine: AsyncEngine, how: str) -> None:
    """However many callers are cancelled at whatever moment, every connection is back and every verb is all or none."""
    store = SQLStore(engine)
    await store.create_schema()
    await store.ensure_roles({"user": ""})

    async def register(number: int) -> None:
        with anyio.move_on_after(number / 1000 if how == "scope" else None):
            await store.add_user(NewUser(f"ada{number}", f"ada{number}@example.com", "hash"), roles=["user"])

    tasks = [asyncio.create_task(register(number)) for number in range(30)]
    for task in tasks:
        await asyncio.sleep(0.001)
        if how == "task":
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await store.close()

    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert all(account.roles == {"user"} for account in await store.list_users(limit=99))


async def test_what_does_not_end_is_cancelled() -> None:
    """A step that nobody waits for is cancelled when it is still not done after a while, and may clean up."""
    undisturbed = Undisturbed(patience=0.01)
    cleaned_up = asyncio.Event()

    async def step() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned_up.set()

    with anyio.move_on_after(0):
        await undisturbed.run(step())
    before = cleaned_up.is_set()
    await undisturbed.ended()

    assert (before, cleaned_up.is_set()) == (False, True)


async def test_what_fails_unheard_troubles_nobody() -> None:
    """A step that fails when nobody waits for it is not reported as an exception that nobody looked at."""
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    undisturbed = Undisturbed(patience=5)

    async def step() -> None:
        await asyncio.sleep(0)
        raise ValueError

    with anyio.move_on_after(0):
        await undisturbed.run(step())
    await undisturbed.ended()
    gc.collect()

    assert complaints == []


async def test_another_loops_steps_are_not_waited_for() -> None:
    """Who closes a store in one event loop does not wait for what another one has to end."""
    undisturbed = Undisturbed(patience=5)
    begun, stop = threading.Event(), threading.Event()

    async def elsewhere() -> None:
        with anyio.move_on_after(0):
            await undisturbed.run(asyncio.to_thread(stop.wait, 5))
        begun.set()
        await undisturbed.ended()

    thread = threading.Thread(target=asyncio.run, args=(elsewhere(),))
    thread.start()
    await asyncio.to_thread(begun.wait, 5)
    await undisturbed.ended()

    assert thread.is_alive()
    stop.set()
    thread.join()


async def test_a_step_whose_cleanup_hangs_is_cancelled_again() -> None:
    """A step that nobody waits for keeps nobody for ever, though it waits for the same server as it cleans up."""
    undisturbed, never, cancelled = Undisturbed(0.01), asyncio.Event(), list[str]()

    async def step() -> None:
        try:
            await never.wait()
        finally:
            cancelled.append("step")
            try:
                await never.wait()
            finally:
                cancelled.append("cleanup")

    with anyio.move_on_after(0.01):
        await undisturbed.run(step())
    await asyncio.wait_for(undisturbed.ended(), 60)

    assert cancelled == ["step", "cleanup"]
