"""A database that refuses the app: told at start-up, an outage at a request, and no text has the password."""

from typing import Any

import pytest
from sqlalchemy import MetaData
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastauth import ConfigurationError, StoreUnavailableException
from fastauth.backends.sql import SQLStore, UserMixin
from tests.servers import mariadb_url, module, postgres_engine, postgres_url

PASSWORD = "a-password-that-nobody-may-read"


def texts(error: BaseException | None) -> str:
    """Return the texts of an exception and of everything behind it."""
    return "" if error is None else f"{error!r} {texts(error.__cause__ or error.__context__)}"


def urls(driver: str) -> dict[str, URL]:
    """Return a URL with what the server of this driver refuses, by what that is."""
    module(driver, driver)
    server = postgres_url(driver) if driver in ("asyncpg", "psycopg") else mariadb_url(driver).set(database="mysql")
    return {
        "nosuchdatabase": server.set(database="nosuchdatabase", password=PASSWORD if server.password else None),
        "nosuchuser": server.set(username="nosuchuser", password=PASSWORD),
    }


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg", "asyncmy", "aiomysql"])
@pytest.mark.parametrize("wrong", ["nosuchdatabase", "nosuchuser"])
async def test_what_the_database_refuses_is_told(driver: str, wrong: str) -> None:
    """A wrong user or database is a clear error when the app starts, and an outage at a request; never a secret."""
    store = SQLStore(create_async_engine(urls(driver)[wrong]))

    for step in (store.create_schema, store.missing_schema):
        with pytest.raises(ConfigurationError, match=f"refuses the app: .*{wrong}.*Check the engine's URL") as told:
            await step()
        assert PASSWORD not in texts(told.value)
    with pytest.raises(StoreUnavailableException) as outage:
        await store.get_user("1")
    assert PASSWORD not in texts(outage.value)
    await store.close()


async def test_a_schema_that_nobody_made_is_told() -> None:
    """Where PostgreSQL has no such schema, making the tables says so, and does not make one."""

    class Base(DeclarativeBase):
        metadata = MetaData(schema="no_such_schema")

    class Member(UserMixin, Base):
        __tablename__ = "members"

        id: Mapped[int] = mapped_column(primary_key=True)

    async with postgres_engine() as engine:
        store: SQLStore[Any] = SQLStore(engine, user_model=Member)

        with pytest.raises(ConfigurationError, match=r"refuses the app: schema .no_such_schema. does not exist"):
            await store.create_schema()
