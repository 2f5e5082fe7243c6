"""One engine for each SQL database, on an empty database."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tests.servers import mariadb_engine, postgres_engine


@asynccontextmanager
async def sqlite_engine(folder: Path) -> AsyncGenerator[AsyncEngine, None]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{folder / 'test.db'}")
    yield engine
    await engine.dispose()


ENGINES = {"sqlite": sqlite_engine, "postgres": lambda _: postgres_engine(), "mariadb": lambda _: mariadb_engine()}
