"""What the tests of the SQL backend share: an engine on each database, and the statements that were sent."""

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Integer, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase, mapped_column

from fastauth.backends.sql import SQLStore, UserMixin
from fastauth.core.models import SUPERADMIN
from tests.backends.sql.joined_app import Member, Profile
from tests.servers import mariadb_engine, postgres_engine


@asynccontextmanager
async def sqlite_engine(folder: Path, **options: Any) -> AsyncGenerator[AsyncEngine, None]:
    """An engine on a file of its own, which enforces foreign keys, as every other database does."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{folder / 'test.db'}", **options)

    @event.listens_for(engine.sync_engine, "connect")
    def enforce_foreign_keys(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    yield engine
    await engine.dispose()


ENGINES: dict[str, Callable[..., AbstractAsyncContextManager[AsyncEngine]]] = {
    "sqlite": sqlite_engine,
    "asyncpg": lambda _, **options: postgres_engine("asyncpg", **options),
    "psycopg": lambda _, **options: postgres_engine("psycopg", **options),
    "mariadb": lambda _, **options: mariadb_engine("asyncmy", **options),
}


@pytest.fixture(params=ENGINES)
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[AsyncEngine, None]:
    """An engine on an empty database of each kind."""
    async with ENGINES[request.param](tmp_path) as engine:
        yield engine


@pytest.fixture
async def sql_store(engine: AsyncEngine) -> SQLStore:
    """An empty store with the ready-made user on each database."""
    store = SQLStore(engine)
    await store.create_schema()
    return store


@pytest.fixture
async def store(engine: AsyncEngine) -> SQLStore[Member]:
    """A store with an app's own user class and another table of the app's, on each database."""
    store = SQLStore(engine, user_model=Member)
    await store.create_schema()
    async with engine.begin() as connection:
        await connection.run_sync(Profile.__table__.create)  # type: ignore[attr-defined]
    await store.ensure_roles({"user": "", SUPERADMIN: ""})
    return store


@contextmanager
def sent(engine: AsyncEngine) -> Generator[list[str], None, None]:
    """The statements that are sent meanwhile."""
    statements: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        statements.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine.sync_engine, "before_cursor_execute", note)


Defined = Callable[..., type[Any]]


@pytest.fixture
def model() -> Defined:
    """Define a user class with a base of its own, and these attributes besides ours and an int key."""

    def define(*bases: type[Any], **attributes: Any) -> type[Any]:
        class OwnBase(DeclarativeBase):
            pass

        namespace = {"__tablename__": "members", "id": mapped_column(Integer, primary_key=True), **attributes}
        namespace = {name: value for name, value in namespace.items() if value is not None}
        return type("Member", (*bases, UserMixin, OwnBase), namespace)

    return define
