"""Letter by letter also where the app's own columns have a collation that takes one name for another."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import String
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastauth import ProtectedRoleException, UserExistsException
from fastauth.backends.sql import SQLStore
from fastauth.core.models import SUPERADMIN, Login, NewUser
from fastauth.testing.conformance.base import NOW, session_of
from tests.servers import mariadb_engine


class OwnBase(DeclarativeBase):
    pass


def unmindful(length: int) -> String:
    """A type that takes no notice of case, and on MariaDB none of accents and padding."""
    general = mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_general_ci")
    return String(length, collation="NOCASE").with_variant(general, "mysql", "mariadb")


class Member(OwnBase):
    """A class with names, hashes and even keys that its database does not compare letter by letter."""

    __tablename__ = "members"

    id: Mapped[str] = mapped_column(unmindful(20), primary_key=True, default=lambda: "Key")
    username: Mapped[str] = mapped_column(unmindful(64), unique=True)
    email: Mapped[str] = mapped_column(unmindful(254), unique=True)
    hashed_password: Mapped[str] = mapped_column(unmindful(255))
    disabled: Mapped[bool]


@asynccontextmanager
async def on_sqlite(folder: Path) -> AsyncGenerator[AsyncEngine, None]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{folder / 'test.db'}")
    yield engine
    await engine.dispose()


PLACES: dict[str, Callable[[Path], AbstractAsyncContextManager[AsyncEngine]]] = {
    "sqlite": on_sqlite,
    "mariadb": lambda _: mariadb_engine(),
}


@pytest.fixture(params=PLACES)
async def unmindful_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[SQLStore[Member], None]:
    """A store with such a class, and a superadmin called jose."""
    async with PLACES[request.param](tmp_path) as engine:
        store = SQLStore(engine, user_model=Member)
        await store.create_schema()
        await store.ensure_roles({SUPERADMIN: ""})
        await store.add_user(NewUser("jose", "jose@example.com", "hash"), roles=[SUPERADMIN])
        yield store


@pytest.mark.parametrize("name", ["JOSE", "Jose", "josé", "jose "])
async def test_a_look_alike_finds_nobody(unmindful_store: SQLStore[Member], name: str) -> None:
    """No other spelling finds a user, though the database thinks it is the same."""
    assert await unmindful_store.find_user(Login("username", name)) is None
    assert await unmindful_store.find_user(Login("email", f"{name}@example.com")) is None
    assert await unmindful_store.find_user(Login("username", "jose")) is not None


async def test_a_name_that_the_database_takes_for_another_is_taken(unmindful_store: SQLStore[Member]) -> None:
    """A name that the database cannot tell from one that is there is refused by its field, and not by an error."""
    with pytest.raises(UserExistsException) as by_name:
        await unmindful_store.add_user(NewUser("JOSE", "other@example.com", "hash"), roles=[])
    with pytest.raises(UserExistsException) as by_address:
        await unmindful_store.add_user(NewUser("other", "JOSE@example.com", "hash"), roles=[])

    assert (by_name.value.field, by_address.value.field) == ("username", "email")


async def test_the_last_superadmin_is_known_in_any_spelling(unmindful_store: SQLStore[Member]) -> None:
    """A key in another spelling, which the database takes for the same, does not get around the superadmin rule."""
    for user_id in ("Key", "KEY", "key"):
        with pytest.raises(ProtectedRoleException):
            await unmindful_store.delete_user(user_id)
        with pytest.raises(ProtectedRoleException):
            await unmindful_store.set_disabled(user_id, True, now=NOW)
        with pytest.raises(ProtectedRoleException):
            await unmindful_store.revoke_role(user_id, SUPERADMIN)


async def test_sessions_refer_to_such_a_key(unmindful_store: SQLStore[Member]) -> None:
    """Our tables refer to a key of such a collation, and a session leads back to its user."""
    account = await unmindful_store.find_user(Login("username", "jose"))
    assert account is not None
    await unmindful_store.add_session(session_of(account), hashed_password="hash")

    found = await unmindful_store.authenticate("session-1")

    assert found is not None
    assert (found.id, found.session) == ("Key", session_of(account))
