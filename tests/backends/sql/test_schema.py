"""The life of the schema: made by many at once, found missing where it is, and told to a migration."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, ForeignKey, MetaData, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastauth.backends.sql import SQLStore, UserMixin
from fastauth.core.models import STANDARD_ROLES
from tests.backends.sql.user_models import MODELS, Case
from tests.servers import postgres_engine

PREPARE = """
import asyncio, sys
from sqlalchemy.ext.asyncio import create_async_engine
from fastauth.backends.sql import SQLStore
from fastauth.core.models import STANDARD_ROLES

async def prepare(url):
    store = SQLStore(create_async_engine(url))
    await store.create_schema()
    await store.ensure_roles(STANDARD_ROLES)
    await store.close()

print("ready", flush=True)
sys.stdin.readline()
asyncio.run(prepare(sys.argv[1]))
"""


async def prepare_in_processes(url: str, count: int) -> list[tuple[int | None, str]]:
    """Make the schema in so many processes, let go all at once; return how each ended."""

    def run() -> list[tuple[int | None, str]]:
        command = [sys.executable, "-W", "error", "-c", PREPARE, url]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        processes = [subprocess.Popen(command, text=True, **pipes) for _ in range(count)]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        ends = []
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in processes:
            _, errors = process.communicate()
            ends.append((process.returncode, errors))
        return ends

    return await asyncio.to_thread(run)


async def test_eight_processes_may_start_on_an_empty_sqlite_file(tmp_path: Path) -> None:
    """Eight processes that make the schema and the roles of a SQLite file at once all succeed."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"

    assert await prepare_in_processes(url, 8) == [(0, "")] * 8

    store = SQLStore(create_async_engine(url))
    assert [role.name for role in await store.list_roles()] == sorted(STANDARD_ROLES)
    await store.close()


async def test_eight_processes_may_start_on_an_empty_postgresql() -> None:
    """Eight processes that make the schema and the roles of a PostgreSQL database at once all succeed."""
    async with postgres_engine("psycopg") as engine:
        async with engine.connect() as connection:
            schema = await connection.scalar(text("SELECT current_schema()"))
        url = engine.url.update_query_dict({"options": f"-csearch_path={schema}"})

        ends = await prepare_in_processes(url.render_as_string(hide_password=False), 8)

        assert ends == [(0, "")] * 8
        assert [role.name for role in await SQLStore(engine).list_roles()] == sorted(STANDARD_ROLES)


async def test_eight_stores_may_start_at_once(engine: AsyncEngine) -> None:
    """Eight stores make the schema of an empty database at once, each on a connection of its own."""
    stores = [SQLStore(engine) for _ in range(8)]

    await asyncio.gather(*(store.create_schema() for store in stores))

    assert list(await stores[0].missing_schema()) == []


async def test_what_is_missing_is_named(engine: AsyncEngine) -> None:
    """The tables that are missing are named, and those that are there are not."""
    store = SQLStore(engine)
    everything = list(await store.missing_schema())
    await store.create_schema()
    async with engine.begin() as connection:
        await connection.run_sync(store._tables.sessions.drop)

    names = ("users", "roles", "user_roles", "sessions", "used_tokens", "audit_records")
    assert everything == [f"fastauth_{name}" for name in names]
    assert list(await store.missing_schema()) == ["fastauth_sessions"]


async def test_a_missing_index_is_made(engine: AsyncEngine) -> None:
    """Making the schema makes an index of ours that is missing from a table that is there."""
    store = SQLStore(engine)
    await store.create_schema()
    (index,) = (each for each in store._tables.sessions.indexes if each.name == "ix_fastauth_sessions_expires_at")
    async with engine.begin() as connection:
        await connection.run_sync(index.drop)

    await store.create_schema()

    async with engine.connect() as connection:
        found = await connection.run_sync(lambda sync: inspect(sync).get_indexes("fastauth_sessions"))
    assert index.name in {each["name"] for each in found}


@pytest.mark.parametrize("case", MODELS.values(), ids=MODELS)
async def test_a_migration_finds_nothing_to_do(engine: AsyncEngine, case: Case) -> None:
    """Alembic finds no difference between what the store made and what the models say, types and all."""
    store = SQLStore(engine, user_model=case.model)
    await store.create_schema()
    ours = {table.name for table in store._tables}

    def compare(connection: Connection) -> list[object]:
        options = {"compare_type": True, "include_name": lambda name, kind, _: kind != "table" or name in ours}
        context = MigrationContext.configure(connection, opts=options)
        metadata = MetaData()
        for table in store._tables.to_create():
            table.to_metadata(metadata)
        return list(compare_metadata(context, metadata))

    async with engine.connect() as connection:
        assert await connection.run_sync(compare) == []


async def test_the_tables_that_the_user_table_refers_to_are_made(tmp_path: Path) -> None:
    """Making the schema makes what the user table refers to, also in a circle, and nothing else of the app's."""

    class OwnBase(DeclarativeBase):
        pass

    class Country(OwnBase):
        __tablename__ = "countries"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Team(OwnBase):
        __tablename__ = "teams"
        id: Mapped[int] = mapped_column(primary_key=True)
        country_id: Mapped[int] = mapped_column(ForeignKey("countries.id"))
        boss_id: Mapped[int | None] = mapped_column(ForeignKey("members.id", name="fk_boss", use_alter=True))

    class Member(UserMixin, OwnBase):
        __tablename__ = "members"
        id: Mapped[int] = mapped_column(primary_key=True)
        team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))

    class Unrelated(OwnBase):
        __tablename__ = "unrelated"
        id: Mapped[int] = mapped_column(primary_key=True)
        member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))

    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    await SQLStore(engine, user_model=Member).create_schema()

    async with engine.connect() as connection:
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    await engine.dispose()
    assert tables == [
        "countries",
        "fastauth_audit_records",
        "fastauth_roles",
        "fastauth_sessions",
        "fastauth_used_tokens",
        "fastauth_user_roles",
        "members",
        "teams",
    ]


async def test_tables_may_live_in_a_schema_of_postgresql() -> None:
    """With a schema in the metadata, all tables are made, found and used there."""

    class OwnBase(DeclarativeBase):
        metadata = MetaData(schema="auth_of_test")

    class Member(UserMixin, OwnBase):
        __tablename__ = "members"
        id: Mapped[int] = mapped_column(primary_key=True)

    async with postgres_engine("asyncpg") as engine:
        store = SQLStore(engine, user_model=Member)
        async with engine.begin() as connection:
            await connection.execute(text("DROP SCHEMA IF EXISTS auth_of_test CASCADE"))
            await connection.execute(text("CREATE SCHEMA auth_of_test"))
        missing = list(await store.missing_schema())
        await store.create_schema()
        await store.ensure_roles({"user": ""})

        assert missing[0] == "auth_of_test.members"
        assert list(await store.missing_schema()) == []
        assert [role.name for role in await store.list_roles()] == ["user"]
        async with engine.begin() as connection:
            await connection.execute(text("DROP SCHEMA auth_of_test CASCADE"))


async def test_a_schema_that_cannot_be_made_is_not_tried_for_ever(tmp_path: Path) -> None:
    """What keeps the schema from being made is raised in the end, as it is."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE other (id INTEGER)"))
        await connection.execute(text("CREATE INDEX ix_fastauth_sessions_expires_at ON other (id)"))

    with pytest.raises(DBAPIError, match="ix_fastauth_sessions_expires_at already exists"):
        await SQLStore(engine).create_schema()
    await engine.dispose()
