"""After the server's restart: connections that it closed are replaced before anybody notices."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from fastauth import StoreUnavailableException
from fastauth.backends.sql import SQLStore
from fastauth.backends.sql.errors import MissingTableError
from fastauth.core.models import NewUser
from fastauth.testing.conformance.base import NOW, session_of
from tests.servers import mariadb_engine, mariadb_url, postgres_engine, postgres_url

SERVERS = {
    "asyncpg": lambda: postgres_engine("asyncpg", pool_size=3, max_overflow=0),
    "psycopg": lambda: postgres_engine("psycopg", pool_size=3, max_overflow=0),
    "asyncmy": lambda: mariadb_engine("asyncmy", pool_size=3, max_overflow=0),
    "aiomysql": lambda: mariadb_engine("aiomysql", pool_size=3, max_overflow=0),
}


@pytest.fixture(params=SERVERS)
async def engine(request: pytest.FixtureRequest) -> AsyncGenerator[AsyncEngine, None]:
    """An engine on an empty database of each server, by each driver."""
    async with SERVERS[request.param]() as engine:
        yield engine


async def hang_up(engine: AsyncEngine, connections: int = 3) -> None:
    """Fill the engine's pool, and have the server close every connection of it, as it does when it stops."""
    is_postgres = engine.dialect.name == "postgresql"
    opened = [await engine.connect() for _ in range(connections)]
    query = "SELECT pg_backend_pid()" if is_postgres else "SELECT CONNECTION_ID()"
    names = [(await each.exec_driver_sql(query)).scalar_one() for each in opened]
    for each in opened:
        await each.close()
    admin = create_async_engine(
        postgres_url("psycopg") if is_postgres else mariadb_url(engine.dialect.driver), poolclass=NullPool
    )
    async with admin.connect() as connection:
        for name in names:
            kill = f"SELECT pg_terminate_backend({name}, 5000)" if is_postgres else f"KILL {name}"
            await connection.exec_driver_sql(kill)
        alive = f"SELECT count(*) FROM information_schema.processlist WHERE id IN {(*names, 0)}"
        while not is_postgres and (await connection.exec_driver_sql(alive)).scalar_one():
            pass


async def test_a_restart_of_the_server_costs_no_request(engine: AsyncEngine) -> None:
    """Reads and changes go on over new connections, though the pool was full of ones that the server has closed."""
    store = SQLStore(engine)
    await store.create_schema()
    await store.ensure_roles({"user": ""})
    account = await store.add_user(NewUser("ada", "ada@example.com", "hash"), roles=["user"])

    await hang_up(engine)
    changed = await store.add_session(session_of(account), hashed_password="hash")
    await hang_up(engine)
    found = await store.authenticate("session-1")
    await hang_up(engine)
    disabled = await store.set_disabled(account.id, True, now=NOW)

    assert (changed, found is not None, disabled) == (True, True, True)


async def test_a_read_whose_connection_is_lost_is_made_again(engine: AsyncEngine, monkeypatch: Any) -> None:
    """A read on a connection that looked well begins again on another, and a change says that it is not known."""
    store = SQLStore(engine)
    await store.create_schema()
    monkeypatch.setattr("fastauth.backends.sql.lost.is_lost", lambda _: False)

    await hang_up(engine)
    roles = await store.list_roles()
    await hang_up(engine)
    with pytest.raises(StoreUnavailableException):
        await store.add_role("editor", "")

    assert roles == []
    assert await store.add_role("editor", "")


async def test_another_error_of_a_read_is_not_a_lost_connection(engine: AsyncEngine) -> None:
    """A read that the database refuses is not repeated."""
    store, attempts = SQLStore(engine), list[str]()
    event.listen(engine.sync_engine, "before_cursor_execute", lambda _, __, statement, *___: attempts.append(statement))

    with pytest.raises(MissingTableError):
        await store.list_roles()

    assert len([each for each in attempts if "fastauth_roles" in each]) == 1


async def test_an_engine_is_watched_once_however_many_stores_it_has(tmp_path: Path) -> None:
    """A second store on the same engine adds nothing to what a connection costs; SQLite has no server to be lost."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    for _ in range(3):
        store = SQLStore(engine)
    await store.create_schema()

    assert len(engine.sync_engine.pool.dispatch.checkout) == 1
    await store.close()
