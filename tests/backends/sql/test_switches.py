"""Few switches to SQLite's driver: a statement takes one, and everything else is as SQLAlchemy has it."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, event, insert, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from fastauth.backends.sql import SQLStore
from fastauth.backends.sql.switches import COMMITS, with_fewer_switches
from fastauth.core.exceptions import UserExistsException
from fastauth.core.models import NewUser


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncGenerator[AsyncEngine, None]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    yield engine
    await engine.dispose()


async def test_a_verb_rolls_nothing_back(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A verb that only reads, or has committed what it changed, ends without a rollback; one that fails has one."""
    rolled_back = 0
    roll_back = aiosqlite.Connection.rollback

    async def counted(connection: aiosqlite.Connection) -> None:
        nonlocal rolled_back
        rolled_back += 1
        await roll_back(connection)

    store = SQLStore(engine)
    await store.create_schema()
    await store.ensure_roles({"user": ""})
    monkeypatch.setattr(aiosqlite.Connection, "rollback", counted)

    account = await store.add_user(NewUser("ada", "ada@example.com", "hash"), roles=["user"])
    assert await store.get_user(account.id) is not None
    assert await store.authenticate("no-such-session-at-all") is None
    assert rolled_back == 0
    with pytest.raises(UserExistsException):
        await store.add_user(NewUser("ada", "ada@example.com", "hash"), roles=["user"])
    assert rolled_back > 0


async def test_who_listens_to_the_engine_hears_of_errors(engine: AsyncEngine) -> None:
    """What the app listens to at its engine, now or later, it hears of our statements, too."""
    few = with_fewer_switches(engine)
    heard = list[Exception]()

    @event.listens_for(engine.sync_engine, "handle_error")
    def hear(context: Any) -> None:
        heard.append(context.original_exception)

    async with few.connect() as connection:
        with pytest.raises(OperationalError):
            await connection.execute(select(THINGS))

    assert [str(error) for error in heard] == ["no such table: things"]


async def test_what_was_begun_is_rolled_back(engine: AsyncEngine) -> None:
    """A transaction that is open when a connection comes back is undone, whoever began it."""
    few = with_fewer_switches(engine)
    await make_things(engine)

    async with few.connect() as connection:
        await connection.exec_driver_sql("INSERT INTO things (name) VALUES ('left open')")

    assert await names(few) == []
    assert few.pool is engine.pool


async def test_a_statement_is_one_switch(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement and its rows take one switch to the driver, and with the commit after it no other."""
    few = with_fewer_switches(engine)
    await make_things(engine, "ada")
    switches = 0
    switch: Any = aiosqlite.Connection._execute

    def counted(connection: aiosqlite.Connection, *args: Any, **kwargs: Any) -> Awaitable[Any]:
        nonlocal switches
        switches += 1
        made: Awaitable[Any] = switch(connection, *args, **kwargs)
        return made

    async with few.connect() as connection:
        monkeypatch.setattr(aiosqlite.Connection, "_execute", counted)
        await connection.execute(select(THINGS))
        after_looking = switches
        await connection.execute(update(THINGS).values(name="eve"), execution_options=COMMITS)
        await connection.commit()
        monkeypatch.undo()

    assert (after_looking, switches) == (1, 2)
    assert await names(engine) == ["eve"]


THINGS = Table("things", MetaData(), Column("id", Integer, primary_key=True), Column("name", String, unique=True))


async def make_things(engine: AsyncEngine, *names: str) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(THINGS.metadata.create_all)
        for name in names:
            await connection.execute(insert(THINGS), {"name": name})


async def names(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        return list(await connection.scalars(select(THINGS.c.name).order_by(THINGS.c.id)))


async def several(engine: AsyncEngine) -> object:
    async with engine.begin() as connection:
        result = await connection.execute(insert(THINGS), [{"name": "eve"}, {"name": "bob"}])
        return result.rowcount


async def added_key(engine: AsyncEngine) -> object:
    async with engine.begin() as connection:
        return (await connection.execute(insert(THINGS).values(name="eve"))).inserted_primary_key


async def returned(engine: AsyncEngine) -> object:
    async with engine.begin() as connection:
        changed = await connection.execute(update(THINGS).values(name=THINGS.c.name + "!").returning(THINGS.c.name))
        return sorted(changed.scalars())


async def in_parts(engine: AsyncEngine) -> object:
    def look(connection: Connection) -> object:
        with connection.execute(select(THINGS).order_by(THINGS.c.id)) as result:
            one, two, rest = result.fetchone(), result.fetchmany(2), result.fetchmany()
            return one, two, rest, result.fetchone(), list(result.keys())

    async with engine.connect() as connection:
        return await connection.run_sync(look)


async def left_unread(engine: AsyncEngine) -> object:
    async with engine.connect() as connection:
        return (await connection.execute(select(THINGS).order_by(THINGS.c.id))).first()


async def taken(engine: AsyncEngine) -> object:
    async with engine.begin() as connection:
        return await connection.execute(insert(THINGS).values(name="ada"))


async def nonsense(engine: AsyncEngine) -> object:
    async with engine.connect() as connection:
        return await connection.execute(text("SELECT nothing FROM nowhere"))


async def unspeakable(engine: AsyncEngine) -> object:
    async with engine.connect() as connection:
        return await connection.execute(select(THINGS).where(THINGS.c.name == "\ud800"))


async def on_what_was_closed(engine: AsyncEngine) -> object:
    async with engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await driver.close()
        try:
            return await connection.execute(select(THINGS))
        finally:
            await connection.invalidate()


@pytest.mark.parametrize(
    "use", [several, added_key, returned, in_parts, left_unread, taken, nonsense, unspeakable, on_what_was_closed]
)
async def test_what_comes_of_a_statement_is_the_same(
    use: Callable[[AsyncEngine], Awaitable[object]], tmp_path: Path
) -> None:
    """Rows, counts, keys and errors are those that SQLAlchemy's own cursor gives, and so is what is stored."""

    async def outcome(name: str, *, few: bool) -> object:
        engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / name}")
        await make_things(engine, "ada", "lea", "pia", "zoe")
        try:
            came: object = await use(with_fewer_switches(engine) if few else engine)
        except (SQLAlchemyError, UnicodeError) as error:
            came = (type(error), str(error), type(getattr(error, "orig", None)))
        stored = await names(engine)
        await engine.dispose()
        return came, stored

    assert await outcome("few.db", few=True) == await outcome("usual.db", few=False)


async def test_a_statement_that_fails_commits_nothing(engine: AsyncEngine) -> None:
    """Where a statement fails that was to be committed at once, what came before it in the transaction is undone."""
    few = with_fewer_switches(engine)
    await make_things(engine, "ada")

    async with few.connect() as connection:
        await connection.execute(insert(THINGS).values(name="eve"))
        with pytest.raises(IntegrityError):
            await connection.execute(insert(THINGS).values(name="ada"), execution_options=COMMITS)

    assert await names(engine) == ["ada"]


async def test_a_commit_that_fails_leaves_nothing_open(engine: AsyncEngine) -> None:
    """Where the commit fails, the change is undone, and the file is free for others."""
    few = with_fewer_switches(engine)
    async with engine.begin() as connection:
        await connection.exec_driver_sql("CREATE TABLE owners (id INTEGER PRIMARY KEY)")
        await connection.exec_driver_sql(
            "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT,"
            " owner INTEGER REFERENCES owners DEFERRABLE INITIALLY DEFERRED)"
        )
    async with few.connect() as connection:
        await connection.exec_driver_sql("PRAGMA foreign_keys=ON")

        with pytest.raises(IntegrityError):
            await connection.execute(
                text("INSERT INTO things (name, owner) VALUES ('eve', 1)"), execution_options=COMMITS
            )

    async with engine.begin() as connection:
        await connection.execute(insert(THINGS).values(name="ada"))
    assert await names(few) == ["ada"]
