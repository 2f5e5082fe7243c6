"""Closing: idle connections are given back, and a server that hangs keeps nobody from stopping."""

import asyncio
import gc
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import greenlet_spawn

from fastauth.backends.sql import SQLStore, goodbye
from tests.backends.sql.conftest import sqlite_engine
from tests.reliability.servers import Server
from tests.server_process import UnavailableError
from tests.servers import module, no_server

DROPPED = "The database does not answer: its idle connections were dropped without a goodbye."


@pytest.fixture
async def server() -> AsyncGenerator[Server, None]:
    """A PostgreSQL server of the test's own, which may hang."""
    server = Server("postgres")
    try:
        await server.start()
        yield server
    except UnavailableError as error:
        no_server("postgres", str(error))
    finally:
        await server.close()


async def fill(engine: AsyncEngine) -> None:
    """Leave three idle connections in the engine's pool."""
    opened = [await engine.connect() for _ in range(3)]
    for each in opened:
        await each.close()


@pytest.mark.slow
@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
async def test_a_server_that_hangs_does_not_keep_the_app_from_stopping(
    driver: str, server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A store closes while its server is stopped where it stands, leaves nothing behind, and may be used again."""
    module(driver, "postgres")
    monkeypatch.setattr(goodbye, "_PATIENCE", 0.5)
    engine = create_async_engine(f"postgresql+{driver}://fastauth@127.0.0.1:{server.port}/postgres")
    store: SQLStore[Any] = SQLStore(engine)
    await store.create_schema()
    await fill(engine)
    server.hang()
    try:
        await asyncio.wait_for(store.close(), 60)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if left:  # cancelled by the driver, and at its end in the loop's next round
            _, left = await asyncio.wait(left, timeout=10)
        gc.collect()
    finally:
        server.resume()
    said = [record.getMessage() for record in caplog.records if record.name == "fastauth"]
    roles = await store.list_roles()
    await store.close()

    assert (left, roles) == (set(), [])
    assert said == ([DROPPED] if driver == "asyncpg" else [])


async def test_a_pool_that_cannot_be_closed_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where something of the app's own hangs whenever a connection is closed, closing comes to an end all the same."""
    monkeypatch.setattr(goodbye, "_PATIENCE", 0.05)
    held: list[Any] = []

    async def hang(connection: Any) -> None:
        held.append(connection)
        await asyncio.Event().wait()

    async with sqlite_engine(tmp_path) as engine:

        @event.listens_for(engine.sync_engine, "close")
        def hang_once(connection: Any, _: object) -> None:
            connection.run_async(hang)

        await fill(engine)
        old = engine.pool
        await goodbye.dispose(engine)
        event.remove(engine.sync_engine, "close", hang_once)
        await engine.dispose()
        await greenlet_spawn(old.dispose)
    for connection in held:
        await connection.close()

    assert engine.pool is not old
    assert [record.getMessage() for record in caplog.records if record.name == "fastauth"] == [DROPPED]


async def test_closing_leaves_nothing_on_the_engine(tmp_path: Path) -> None:
    """The engine is the app's: what is hung on it for a server that hangs is taken off again."""
    async with sqlite_engine(tmp_path) as engine:
        await fill(engine)
        await goodbye.dispose(engine)
        await fill(engine)

        assert not event.contains(engine.sync_engine, "close", goodbye._drop)
