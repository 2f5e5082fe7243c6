"""Conflicts with others are attempted again, three times at most; and no transaction is what an engine thinks it is."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from fastauth import StoreUnavailableException, UserExistsException
from fastauth.backends.sql import SQLStore
from fastauth.core.exceptions import RoleNotFoundException
from fastauth.core.models import SUPERADMIN, NewUser
from fastauth.core.protocols import Commit
from fastauth.testing.conformance.base import NOW, race, session_of
from tests.servers import mariadb_engine, postgres_engine

Release = Callable[[], None]

REFUSALS = {UserExistsException, RoleNotFoundException}
HOLD = "UPDATE fastauth_roles SET description = 'held'"


@contextmanager
def sqlite_held(path: Path) -> Generator[Release, None, None]:
    other = sqlite3.connect(path)
    other.execute(HOLD)
    yield other.rollback
    other.close()


@contextmanager
def postgres_held(url: Any, schema: str) -> Generator[Release, None, None]:
    with psycopg.connect(
        host=url.host, port=url.port, user=url.username, password=url.password, dbname=url.database
    ) as other:
        other.execute(f"SET search_path = {schema}")
        other.execute(HOLD)
        yield other.rollback


@contextmanager
def mariadb_held(url: Any) -> Generator[Release, None, None]:
    other = pymysql.connect(
        host=url.host, port=url.port, user=url.username, password=url.password or "", database=url.database
    )
    other.cursor().execute(HOLD)
    yield other.rollback
    other.close()


@asynccontextmanager
async def sqlite_conflict(folder: Path) -> AsyncGenerator[tuple[AsyncEngine, Any], None]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{folder / 'test.db'}", connect_args={"timeout": 0})
    yield engine, lambda: sqlite_held(folder / "test.db")
    await engine.dispose()


@asynccontextmanager
async def postgres_conflict(_: Path, driver: str) -> AsyncGenerator[tuple[AsyncEngine, Any], None]:
    async with postgres_engine(driver, settings={"lock_timeout": "1"}) as engine:
        async with engine.connect() as connection:
            schema = await connection.scalar(text("SELECT current_schema()"))
        yield engine, lambda: postgres_held(engine.url, schema)


@asynccontextmanager
async def mariadb_conflict(_: Path) -> AsyncGenerator[tuple[AsyncEngine, Any], None]:
    connect_args = {"init_command": "SET SESSION innodb_lock_wait_timeout = 0"}
    async with mariadb_engine(connect_args=connect_args) as engine:
        yield engine, lambda: mariadb_held(engine.url)


@pytest.fixture(params=["sqlite", "asyncpg", "psycopg", "mariadb"])
async def conflict(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[tuple[AsyncEngine, Any], None]:
    """An engine that does not wait for locks, with the standard tables, and what holds a lock that grants need."""
    contexts = {
        "sqlite": lambda: sqlite_conflict(tmp_path),
        "asyncpg": lambda: postgres_conflict(tmp_path, "asyncpg"),
        "psycopg": lambda: postgres_conflict(tmp_path, "psycopg"),
        "mariadb": lambda: mariadb_conflict(tmp_path),
    }
    async with contexts[request.param]() as (engine, held):
        await SQLStore(engine).create_schema()
        yield engine, held


@contextmanager
def failures(engine: AsyncEngine, then: dict[int, Release]) -> Generator[list[Exception], None, None]:
    """The driver's errors meanwhile; after so many of them, something is done."""
    seen: list[Exception] = []

    @event.listens_for(engine.sync_engine, "handle_error")
    def note(context: Any) -> None:
        seen.append(context.original_exception)
        then.get(len(seen), lambda: None)()

    yield seen
    event.remove(engine.sync_engine, "handle_error", note)


@pytest.mark.parametrize("times", [1, 3])
async def test_a_conflict_is_attempted_again(conflict: tuple[AsyncEngine, Any], times: int) -> None:
    """A verb that meets a lock is attempted again, up to three times, and succeeds when the lock is gone."""
    engine, held = conflict
    store = SQLStore(engine)
    await store.ensure_roles({SUPERADMIN: "", "editor": ""})
    account = await store.add_user(NewUser("ada", "ada@example.com", "hash"), roles=[])

    with held() as release, failures(engine, {times: release}) as seen:
        await store.grant_role(account.id, "editor")

    found = await store.get_user(account.id)
    assert found is not None
    assert found.roles == {"editor"}
    assert len(seen) == times


async def test_a_conflict_begins_verb_and_step_anew(conflict: tuple[AsyncEngine, Any]) -> None:
    """With a step before the commit, both meet a lock together, and the step is awaited once for what is stored."""
    engine, held = conflict
    store, steps = SQLStore(engine), list[Commit[Any]]()
    await store.ensure_roles({SUPERADMIN: "", "editor": ""})
    account = await store.add_user(NewUser("ada", "ada@example.com", "hash"), roles=[])

    async def step(commit: Commit[Any]) -> None:
        steps.append(commit)

    committing = store.before_commit(step)
    with held(), pytest.raises(StoreUnavailableException):
        await committing.grant_role(account.id, "editor")
    with held() as release, failures(engine, {1: release}):
        await committing.grant_role(account.id, "editor")

    found = await store.get_user(account.id)
    assert found is not None
    assert found.roles == {"editor"}
    assert len(steps) == 1


async def test_a_conflict_that_stays_is_an_outage(conflict: tuple[AsyncEngine, Any]) -> None:
    """After the fourth attempt the store is unavailable for this verb, and nothing was changed."""
    engine, held = conflict
    store = SQLStore(engine)
    await store.ensure_roles({SUPERADMIN: "", "editor": ""})
    account = await store.add_user(NewUser("ada", "ada@example.com", "hash"), roles=[])

    with held() as release, failures(engine, {}) as seen:
        with pytest.raises(StoreUnavailableException):
            await store.grant_role(account.id, "editor")
        release()

    found = await store.get_user(account.id)
    assert found is not None
    assert found.roles == frozenset()
    assert len(seen) == 4


@asynccontextmanager
async def in_memory(_: Path) -> AsyncGenerator[AsyncEngine, None]:
    engine = create_async_engine("sqlite+aiosqlite://")
    yield engine
    await engine.dispose()


@asynccontextmanager
async def sqlite_autocommit(folder: Path) -> AsyncGenerator[AsyncEngine, None]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{folder / 'test.db'}", isolation_level="AUTOCOMMIT")
    yield engine
    await engine.dispose()


PECULIAR = {
    "sqlite in memory": in_memory,
    "sqlite autocommit": sqlite_autocommit,
    "postgresql serializable": lambda _: postgres_engine("asyncpg", isolation_level="SERIALIZABLE"),
    "postgresql repeatable read": lambda _: postgres_engine("psycopg", isolation_level="REPEATABLE READ"),
    "postgresql autocommit": lambda _: postgres_engine("asyncpg", isolation_level="AUTOCOMMIT"),
    "mariadb read committed": lambda _: mariadb_engine(isolation_level="READ COMMITTED"),
    "mariadb autocommit": lambda _: mariadb_engine(isolation_level="AUTOCOMMIT"),
    "mariadb by aiomysql": lambda _: mariadb_engine("aiomysql"),
}


@pytest.fixture(params=PECULIAR)
async def peculiar_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[SQLStore, None]:
    """A store on an engine as an app may have it: another isolation level, another driver, one shared connection."""
    async with PECULIAR[request.param](tmp_path) as engine:
        store = SQLStore(engine)
        await store.create_schema()
        await store.ensure_roles({"user": "", SUPERADMIN: ""})
        yield store


def new_user(name: str) -> NewUser:
    return NewUser(name, f"{name}@example.com", "hash")


async def test_a_verb_is_one_step_on_an_engine_of_any_kind(peculiar_store: SQLStore) -> None:
    """Whatever the engine's isolation level and pool, a verb that fails half-way leaves nothing behind."""
    news = [new_user("ada") for _ in range(8)] + [new_user(f"ada{number}") for number in range(8)]
    roles = [["user"], ["missing"]] * 8

    outcomes = await asyncio.gather(
        *(peculiar_store.add_user(new, roles=names) for new, names in zip(news, roles, strict=True)),
        return_exceptions=True,
    )

    stored = {each.username for each in outcomes if not isinstance(each, BaseException)}
    assert {account.username for account in await peculiar_store.list_users(limit=99)} == stored
    assert stored == {"ada", "ada0", "ada2", "ada4", "ada6"}
    assert {type(each) for each in outcomes if isinstance(each, BaseException)} <= REFUSALS


async def test_no_session_slips_past_on_an_engine_of_any_kind(peculiar_store: SQLStore) -> None:
    """Whatever the engine's isolation level, a sign-in during a disabling leaves no live session."""
    for attempt in range(4):
        account = await peculiar_store.add_user(new_user(f"ada{attempt}"), roles=["user"])
        sessions = [session_of(account, f"session-{attempt}-{number}") for number in range(6)]
        steps: list[Any] = [peculiar_store.add_session(each, hashed_password="hash") for each in sessions]
        steps.insert(attempt, peculiar_store.set_disabled(account.id, True, now=NOW))

        await race(steps)

        assert list(await peculiar_store.list_sessions(account.id, now=NOW)) == []


async def test_a_shared_connection_serves_one_event_loop_after_another() -> None:
    """A store on SQLite in memory is used from one event loop and then from another, as tests of an app do."""
    store = SQLStore(create_async_engine("sqlite+aiosqlite://"))
    await store.create_schema()

    def in_another_loop() -> list[str]:
        async def add_roles() -> list[str]:
            await asyncio.gather(*(store.add_role(f"role-{number}", "") for number in range(8)))
            return [role.name for role in await store.list_roles()]

        return asyncio.run(add_roles())

    await asyncio.gather(*(store.add_role(f"before-{number}", "") for number in range(8)))
    names = await asyncio.to_thread(in_another_loop)

    assert len(names) == 16
    await store.close()


async def test_writes_to_a_file_of_sqlite_wait_in_line_and_not_in_the_driver(tmp_path: Path) -> None:
    """However many of a process write at once, none finds the file locked, even where the driver would not wait."""
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{tmp_path / 'test.db'}", connect_args={"timeout": 0}, pool_size=20
    )
    store = SQLStore(engine)
    await store.create_schema()
    await store.ensure_roles({"user": ""})

    with failures(engine, {}) as seen:
        await asyncio.gather(*(store.add_user(new_user(f"ada{number}"), roles=["user"]) for number in range(50)))

    assert len(await store.list_users(limit=99)) == 50
    assert seen == []
    await store.close()
