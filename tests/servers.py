"""Stores on real servers, each test in a database of its own: PostgreSQL, MariaDB and MongoDB; and Redis for limits.

``FASTAUTH_TEST_POSTGRES_URL``, ``FASTAUTH_TEST_MARIADB_URL`` and ``FASTAUTH_TEST_MONGO_URL`` (a replica set's with its
``replicaSet=``) name servers to be used, with the rights to make databases. The others are started here, once per run;
what cannot be had is skipped with its reason, and fails where the environment says ``CI``.
"""

import functools
import importlib.metadata
import os
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from fastauth import Store
from fastauth.backends.sql import SQLStore
from tests.server_process import UnavailableError, attach

StoreFactory = Callable[[Path], AbstractAsyncContextManager[Store[Any]]]


def _is_on_motor() -> bool:
    try:
        return importlib.metadata.version("beanie").startswith("1.")
    except importlib.metadata.PackageNotFoundError:
        return False


ON_MOTOR = _is_on_motor()
"""Whether the installed Beanie is one that takes Motor's databases, and not PyMongo's."""


def no_server(kind: str, reason: str) -> NoReturn:
    """Skip the test that needs the server, or fail it where everything has to be there."""
    if os.environ.get("CI"):
        pytest.fail(f"{kind} has to be here: {reason}")
    pytest.skip(f"no {kind}: {reason}")


def module(name: str, kind: str) -> Any:
    """Return the module of a driver, without which there is no store."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        no_server(kind, str(error))


@functools.cache
def _port(kind: str) -> int | UnavailableError:
    try:
        return attach(kind)
    except UnavailableError as error:
        return error


def port_of(kind: str) -> int:
    """Return the port of the run's own server of this kind."""
    port = _port(kind)
    if isinstance(port, UnavailableError):
        no_server(kind, str(port))
    return port


def postgres_url(driver: str) -> URL:
    """Return the URL of PostgreSQL's maintenance database."""
    named = os.environ.get("FASTAUTH_TEST_POSTGRES_URL")
    url = make_url(named) if named else make_url(f"postgresql://fastauth@127.0.0.1:{port_of('postgres')}/postgres")
    return url.set(drivername=f"postgresql+{driver}")


@asynccontextmanager
async def postgres_engine(
    driver: str = "asyncpg", *, settings: Mapping[str, str] | None = None, **options: Any
) -> AsyncGenerator[AsyncEngine, None]:
    """An engine whose tables are in a schema of their own, and whose connections have these settings."""
    module(driver, "postgres")
    schema = f"test_{secrets.token_hex(8)}"
    settings = {"search_path": schema, **(settings or {})}
    connect_args: dict[str, Any] = {
        "asyncpg": {"server_settings": settings},
        "psycopg": {"options": " ".join(f"-c{name}={value}" for name, value in settings.items())},
    }[driver]
    connect_args |= options.pop("connect_args", {})
    engine = create_async_engine(postgres_url(driver), connect_args=connect_args, **options)
    try:
        async with engine.begin() as connection:
            await connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
        yield engine
        async with engine.begin() as connection:
            await connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
    finally:
        await engine.dispose()


def mariadb_url(driver: str = "asyncmy") -> URL:
    """Return the URL of the MariaDB server, without a database."""
    named = os.environ.get("FASTAUTH_TEST_MARIADB_URL")
    url = make_url(named) if named else make_url(f"mariadb://root@127.0.0.1:{port_of('mariadb')}")
    return url.set(drivername=f"{url.get_backend_name()}+{driver}")


@asynccontextmanager
async def mariadb_engine(driver: str = "asyncmy", **options: Any) -> AsyncGenerator[AsyncEngine, None]:
    """An engine with a database of its own, whose collation takes no notice of case and accents."""
    module(driver, "mariadb")
    name = f"test_{secrets.token_hex(8)}"
    server = create_async_engine(mariadb_url(driver), poolclass=NullPool)
    engine = create_async_engine(mariadb_url(driver).set(database=name), **options)
    try:
        async with server.begin() as connection:
            await connection.exec_driver_sql(f"CREATE DATABASE {name} COLLATE utf8mb4_general_ci")
        yield engine
        await engine.dispose()
        async with server.begin() as connection:
            await connection.exec_driver_sql(f"DROP DATABASE {name}")
    finally:
        await engine.dispose()
        await server.dispose()


@asynccontextmanager
async def postgres_asyncpg_store(_: Path) -> AsyncGenerator[Store[Any], None]:
    async with postgres_engine("asyncpg") as engine:
        yield SQLStore(engine)


@asynccontextmanager
async def postgres_psycopg_store(_: Path) -> AsyncGenerator[Store[Any], None]:
    async with postgres_engine("psycopg") as engine:
        yield SQLStore(engine)


@asynccontextmanager
async def mariadb_store(_: Path) -> AsyncGenerator[Store[Any], None]:
    async with mariadb_engine() as engine:
        yield SQLStore(engine)


@asynccontextmanager
async def mongo_database(kind: str, **options: Any) -> AsyncGenerator[Any, None]:
    """A database of its own on one server (``mongo-standalone``), or on a replica set (``mongo-replica-set``)."""
    client = mongo_client(mongo_url(kind), **options)
    name = f"test_{secrets.token_hex(8)}"
    try:
        yield client[name]
        await client.drop_database(name)
    finally:
        await closed(client)


def mongo_client(*address: Any, **options: Any) -> Any:
    """Return a client of the driver that the installed Beanie takes."""
    if ON_MOTOR:
        return module("motor.motor_asyncio", "mongo").AsyncIOMotorClient(*address, **options)
    return module("pymongo", "mongo").AsyncMongoClient(*address, **options)


async def closed(client: Any) -> None:
    """Close the client, of either driver."""
    closing = client.close()
    if closing is not None:
        await closing


@asynccontextmanager
async def mongo_session(database: Any) -> AsyncGenerator[Any, None]:
    """A session of the database's client."""
    async with await database.client.start_session() if ON_MOTOR else database.client.start_session() as session:
        yield session


@asynccontextmanager
async def mongo_transaction(database: Any) -> AsyncGenerator[Any, None]:
    """A session of the database's client in a transaction, which is aborted at the end if it is not over by then."""
    async with mongo_session(database) as session:
        began = session.start_transaction()
        if not ON_MOTOR:
            await began
        yield session


def mongo_url(kind: str) -> str:
    """Return the URL of the MongoDB server of this kind."""
    named = os.environ.get("FASTAUTH_TEST_MONGO_URL", "")
    if named and ("replicaSet=" in named) == (kind == "mongo-replica-set"):
        return named
    query = "replicaSet=rs0" if kind == "mongo-replica-set" else "directConnection=true"
    return f"mongodb://127.0.0.1:{port_of(kind)}/?{query}"


def redis_url(database: int = 0) -> str:
    """Return the URL of the Redis server; ``FASTAUTH_TEST_REDIS_URL`` names one of the user's own."""
    module("redis", "redis")
    named = os.environ.get("FASTAUTH_TEST_REDIS_URL")
    return named or f"redis://127.0.0.1:{port_of('redis')}/{database}"


@asynccontextmanager
async def mongo_standalone_store(_: Path) -> AsyncGenerator[Store[Any], None]:
    async with mongo_database("mongo-standalone") as database:
        yield module("fastauth.backends.mongo", "mongo").MongoStore(database)


@asynccontextmanager
async def mongo_replica_set_store(_: Path) -> AsyncGenerator[Store[Any], None]:
    async with mongo_database("mongo-replica-set") as database:
        yield module("fastauth.backends.mongo", "mongo").MongoStore(database)


SERVER_STORES: dict[str, StoreFactory] = {
    "postgres-asyncpg": postgres_asyncpg_store,
    "postgres-psycopg": postgres_psycopg_store,
    "mariadb": mariadb_store,
    "mongo-standalone": mongo_standalone_store,
    "mongo-replica-set": mongo_replica_set_store,
}
