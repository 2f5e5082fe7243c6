"""Our tables under a prefix of the app's own, in its own metadata, and where the engine translates schemas."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.schema import CreateSchema, DropSchema

from fastauth import ConfigurationError
from fastauth.backends.sql import SQLStore, UserMixin
from fastauth.testing.conformance import RoleStoreConformance, SuperadminConformance, TokenStoreConformance
from tests.backends.sql.conftest import Defined
from tests.servers import postgres_engine


def models() -> list[type[Any]]:
    """Return two user classes in one metadata, which is a new one at each call."""

    class Base(DeclarativeBase):
        metadata = MetaData(naming_convention={"ix": "ix_%(column_0_label)s", "pk": "pk_%(table_name)s"})

    class Member(UserMixin, Base):
        __tablename__ = "members"

        id: Mapped[int] = mapped_column(primary_key=True)

    class Customer(UserMixin, Base):
        __tablename__ = "customers"

        id: Mapped[int] = mapped_column(primary_key=True)

    return [Member, Customer]


class TestWithPrefix(RoleStoreConformance, TokenStoreConformance, SuperadminConformance):
    """What is promised of the tables that have the prefix holds as ever."""

    @pytest.fixture
    async def store(self, tmp_path: Path) -> Any:
        """A store with a user class and a prefix of the app's own."""
        engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
        store: SQLStore[Any] = SQLStore(engine, user_model=models()[0], table_prefix="auth_")
        await store.create_schema()
        yield store
        await store.close()


async def test_tables_constraints_and_indexes_begin_with_the_prefix(engine: AsyncEngine) -> None:
    """Nothing that is made is called ``fastauth`` where the app gives another prefix."""
    store: SQLStore[Any] = SQLStore(engine, user_model=models()[0], table_prefix="auth_")
    await store.create_schema()

    async with engine.connect() as connection:
        names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())

    assert sorted(names) == sorted(table.name for table in store.tables)
    assert set(names) >= {"members", "auth_roles", "auth_user_roles", "auth_sessions"}
    parts = [str(part.name) for table in store.tables[1:] for part in (*table.constraints, *table.indexes)]
    assert [part for part in parts if "_auth_" not in part or "fastauth" in part] == []


async def test_two_prefixes_are_two_stores_of_the_same_users(engine: AsyncEngine) -> None:
    """Two stores of one user class that differ in their prefix have roles and sessions of their own."""
    model = models()[0]
    first: SQLStore[Any] = SQLStore(engine, user_model=model)
    second: SQLStore[Any] = SQLStore(engine, user_model=model, table_prefix="other_")
    for store in (first, second):
        await store.create_schema()

    await first.ensure_roles({"editor": ""})

    assert [role.name for role in await first.list_roles()] == ["editor"]
    assert await second.list_roles() == []


@pytest.mark.parametrize(
    "prefix", ["", "Auth_", "1auth_", "_auth", "auth-", "auth.", 'a"b', "a" * 31, "\u00e4_", "a\n"]
)
def test_a_prefix_that_no_name_begins_with_is_refused(model: Defined, prefix: str) -> None:
    """A prefix that is no beginning of a name in every database is refused when the store is built."""
    engine = create_async_engine("sqlite+aiosqlite://")

    with pytest.raises(ConfigurationError, match="table_prefix="):
        SQLStore(engine, user_model=model(), table_prefix=prefix)


def test_a_table_of_the_apps_own_is_not_taken_for_ours(model: Defined) -> None:
    """Where the metadata has a table of the app's own by a name of ours, the store is refused, and says what to do."""
    member = model()
    Table("auth_roles", member.metadata, Column("id", Integer, primary_key=True))
    engine = create_async_engine("sqlite+aiosqlite://")

    with pytest.raises(ConfigurationError, match=r"auth_roles that is not FastAuth's: .* another table_prefix"):
        SQLStore(engine, user_model=member, table_prefix="auth_")

    assert SQLStore(engine, user_model=member).tables.roles.name == "fastauth_roles"


def test_two_user_classes_of_one_metadata_have_a_prefix_each() -> None:
    """Two user classes in one metadata may have a store each where the prefixes differ, and are told so."""
    member, customer = models()
    engine = create_async_engine("sqlite+aiosqlite://")
    SQLStore(engine, user_model=member)

    with pytest.raises(ConfigurationError, match="another table_prefix"):
        SQLStore(engine, user_model=customer)

    assert SQLStore(engine, user_model=customer, table_prefix="customer_").tables.users.name == "customers"


async def test_the_ready_made_user_may_be_in_a_schema_that_the_engine_translates_to() -> None:
    """``schema_translate_map`` puts the ready-made user and our tables into a schema, and is heeded by every step."""
    async with postgres_engine() as engine:
        async with engine.connect() as connection:
            own = await connection.scalar(text("SELECT current_schema()"))
        schema = f"{own}_auth"
        async with engine.begin() as connection:
            await connection.execute(CreateSchema(schema))
        store = SQLStore(engine.execution_options(schema_translate_map={None: schema}))

        await store.create_schema()

        assert await store.missing_schema() == []
        await store.ensure_roles({"user": ""})
        async with engine.begin() as connection:
            assert await connection.scalar(text(f"SELECT name FROM {schema}.fastauth_roles")) == "user"
            await connection.execute(DropSchema(schema, cascade=True))
