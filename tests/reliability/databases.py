"""Databases of their own on the servers, and what is looked up there behind the library's back."""

import secrets
from pathlib import Path
from typing import Any

from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests.reliability.registry import MARIADB, MONGO, MONGO_SET, POSTGRES, SQLITE
from tests.servers import mongo_client


class StoreDatabase:
    """One database, which the workers of a fleet share.

    Attributes:
        store: The name of the store that it is for.
        url: Its address.
    """

    def __init__(self, store: str, url: str) -> None:
        self.store = store
        self.url = url

    def at(self, port: int) -> str:
        """Return the address of the same database at another port, such as a proxy's."""
        if self.store in {MONGO, MONGO_SET}:
            head, _, rest = self.url.partition("127.0.0.1:")
            # Past a proxy, the members of a set would be found at their own addresses.
            name = rest.partition("/")[2].partition("?")[0]
            return f"{head}127.0.0.1:{port}/{name}?directConnection=true"
        return make_url(self.url).set(port=port).render_as_string(hide_password=False)

    async def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of an SQL statement, over a connection of its own."""
        engine = create_async_engine(self.url, poolclass=NullPool)
        try:
            async with engine.connect() as connection:
                return [tuple(row) for row in await connection.exec_driver_sql(statement)]
        finally:
            await engine.dispose()

    async def documents(self, collection: str, where: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return the documents of a collection, over a connection of its own."""
        client = mongo_client(self.url)
        try:
            found: list[dict[str, Any]] = await client.get_default_database()[collection].find(where or {}).to_list()
            return found
        finally:
            await client.close()

    @property
    def is_sql(self) -> bool:
        """Whether it speaks SQL."""
        return self.store not in {MONGO, MONGO_SET}


async def make_database(store: str, port: int, folder: Path) -> StoreDatabase:
    """Make an empty database for a store, on the server at this port; for SQLite, a file in the folder."""
    name = f"reliability_{secrets.token_hex(6)}"
    if store == SQLITE:
        return StoreDatabase(store, f"sqlite+aiosqlite:///{folder / name}.db")
    if store == MONGO:
        return StoreDatabase(store, f"mongodb://127.0.0.1:{port}/{name}?directConnection=true")
    if store == MONGO_SET:
        return StoreDatabase(store, f"mongodb://127.0.0.1:{port}/{name}?replicaSet=rs0")
    drivers = {POSTGRES: ("postgresql+asyncpg", "fastauth", "postgres"), MARIADB: ("mariadb+asyncmy", "root", None)}
    driver, user, maintenance = drivers[store]
    url = URL.create(driver, user, host="127.0.0.1", port=port, database=maintenance)
    engine = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.exec_driver_sql(f"CREATE DATABASE {name}")
    await engine.dispose()
    return StoreDatabase(store, url.set(database=name).render_as_string(hide_password=False))
