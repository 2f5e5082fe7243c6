"""An empty database on each server, by the URL that an operator would type, without a driver."""

import asyncio
import secrets
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import create_async_engine

from tests.servers import mariadb_url, mongo_url, postgres_url


def administer(url: Any, statement: str) -> None:
    """Run one statement outside of a transaction."""

    async def execute() -> None:
        engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.exec_driver_sql(statement)
        await engine.dispose()

    asyncio.run(execute())


@contextmanager
def _sql(url_of: Callable[[], Any]) -> Generator[str, None, None]:
    url, name = url_of(), f"cli_{secrets.token_hex(6)}"
    administer(url, f"CREATE DATABASE {name}")
    yield url.set(database=name, drivername=url.get_backend_name()).render_as_string(hide_password=False)
    administer(url, f"DROP DATABASE {name}")


@contextmanager
def _mongo(kind: str) -> Generator[str, None, None]:
    server, _, options = mongo_url(kind).partition("?")
    yield f"{server.rstrip('/')}/cli_{secrets.token_hex(6)}?{options}"


DATABASES: dict[str, Callable[[], AbstractContextManager[str]]] = {
    "postgres": partial(_sql, partial(postgres_url, "asyncpg")),
    "mariadb": partial(_sql, mariadb_url),
    "mongo-standalone": partial(_mongo, "mongo-standalone"),
    "mongo-replica-set": partial(_mongo, "mongo-replica-set"),
}
