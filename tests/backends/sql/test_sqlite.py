"""What is peculiar to SQLite: what was begun is rolled back, and what was not costs no switch to the driver."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from fastauth.backends.sql import SQLStore
from fastauth.backends.sql.sqlite import without_idle_rollbacks
from fastauth.core.models import NewUser


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncGenerator[AsyncEngine, None]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    yield engine
    await engine.dispose()


async def test_a_look_rolls_nothing_back(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A verb that only reads ends without a rollback; one that fails in the middle of a transaction has one."""
    rolled_back = list[Any]()
    roll_back = engine.dialect.do_rollback
    monkeypatch.setattr(engine.dialect, "do_rollback", lambda each: (rolled_back.append(each), roll_back(each)))
    store = SQLStore(engine)
    await store.create_schema()
    await store.ensure_roles({"user": ""})
    account = await store.add_user(NewUser("ada", "ada@example.com", "hash"), roles=["user"])
    rolled_back.clear()

    assert await store.get_user(account.id) is not None
    assert await store.authenticate("no-such-session-at-all") is None
    assert rolled_back == []


async def test_what_was_begun_is_rolled_back(engine: AsyncEngine) -> None:
    """A transaction that is open when a connection comes back is undone, whoever began it."""
    quiet = without_idle_rollbacks(engine)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE things (name TEXT)"))

    async with quiet.connect() as connection:
        await connection.exec_driver_sql("INSERT INTO things VALUES ('left open')")
    async with quiet.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        is_open = driver.in_transaction
        count = await connection.scalar(text("SELECT count(*) FROM things"))

    assert (is_open, count) == (False, 0)
    assert quiet.pool is engine.pool
