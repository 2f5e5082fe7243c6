"""The verbs inside the caller's own session: part of its transaction, and no more than that."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from fastauth import (
    FastAuth,
    Store,
)
from fastauth.backends.sql import SQLStore
from fastauth.core.models import SUPERADMIN, Login
from fastauth.testing.conformance.base import NOW, session_of
from tests.backends.sql.conftest import sent
from tests.backends.sql.joined_app import Member, Profile, new_user, profiles, vars_of
from tests.conftest import PASSWORD


async def test_the_apps_row_and_ours_are_committed_together(engine: AsyncEngine, store: SQLStore[Member]) -> None:
    """A user and the app's own row that refers to it are there together, when the caller commits and not before."""
    async with AsyncSession(engine) as session:
        account = await store.joined(session).add_user(new_user(nickname="countess"), roles=["user"])
        session.add(Profile(member_id=int(account.id), text="of ada"))
        await session.flush()
        seen_inside = await store.joined(session).get_user(account.id)
        await session.commit()

    assert seen_inside is not None
    assert (seen_inside.user.nickname, seen_inside.roles) == ("countess", {"user"})
    assert await store.get_user(account.id) is not None
    assert await profiles(engine) == ["of ada"]


async def test_nobody_sees_what_is_not_committed(engine: AsyncEngine, store: SQLStore[Member]) -> None:
    """What was done in the caller's transaction is seen by nobody else until it is committed."""
    async with AsyncSession(engine) as session:
        await store.joined(session).add_user(new_user(), roles=[])

        before = await store.find_user(Login("username", "ada"))
        await session.commit()

    assert before is None
    assert await store.find_user(Login("username", "ada")) is not None


@pytest.mark.parametrize("first", [True, False], ids=["our verb first", "the app's row first"])
async def test_a_rollback_leaves_nothing(engine: AsyncEngine, store: SQLStore[Member], first: bool) -> None:
    """When the caller rolls back nothing of it is left, whoever began the transaction: no user, session or role."""
    ada = await store.add_user(new_user(), roles=["user"])
    async with AsyncSession(engine) as session:
        joined = store.joined(session)
        if not first:
            session.add(Profile(text="before"))
            await session.flush()
        await joined.add_user(new_user("grace"), roles=["user"])
        await joined.ensure_roles({"editor": ""})
        await joined.add_role("author", "")
        await joined.grant_role(ada.id, "editor")
        await joined.add_session(session_of(ada), hashed_password=ada.hashed_password)
        await joined.set_password(ada.id, "new hash", now=NOW)
        await joined.set_disabled(ada.id, True, now=NOW)
        await session.rollback()

    assert await store.find_user(Login("username", "grace")) is None
    assert await store.authenticate("session-1") is None
    assert [role.name for role in await store.list_roles()] == [SUPERADMIN, "user"]
    found = await store.get_user(ada.id)
    assert found is not None
    assert (found.hashed_password, found.disabled, found.roles) == ("hash of ada", False, {"user"})
    assert await profiles(engine) == []


async def test_what_is_pending_goes_first(engine: AsyncEngine, store: SQLStore[Member]) -> None:
    """What the session has pending is flushed before a verb, as before a query, and its error is the app's own."""
    async with AsyncSession(engine) as session:
        session.add(Member(id=7, **vars_of(new_user("grace"))))
        found = await store.joined(session).find_user(Login("username", "grace"))
        session.add(Member(id=8, **vars_of(new_user("grace"))))
        with pytest.raises(IntegrityError):
            await store.joined(session).list_roles()

    assert found is not None
    assert found.id == "7"


async def test_a_session_that_does_not_flush_is_left_alone(engine: AsyncEngine, store: SQLStore[Member]) -> None:
    """A session without autoflush keeps what it has pending to itself."""
    async with AsyncSession(engine, autoflush=False) as session:
        session.add(Member(**vars_of(new_user("grace"))))

        assert await store.joined(session).find_user(Login("username", "grace")) is None


async def test_a_purge_is_part_of_the_transaction(engine: AsyncEngine, store: SQLStore[Member]) -> None:
    """Even what goes in batches elsewhere is undone by the caller's rollback."""
    ada = await store.add_user(new_user(), roles=[])
    await store.add_session(session_of(ada, expires_at=NOW), hashed_password=ada.hashed_password)

    async with AsyncSession(engine) as session:
        assert await store.joined(session).purge_expired(NOW) == 1
        await session.rollback()

    assert await store.authenticate("session-1") is not None


async def test_a_session_with_several_engines_finds_the_right_one(
    tmp_path: Path, engine: AsyncEngine, store: SQLStore[Member]
) -> None:
    """In a session that is bound class by class, the verbs use the engine of the user class."""
    elsewhere = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'elsewhere.db'}")
    async with elsewhere.begin() as connection:
        await connection.execute(
            text("CREATE TABLE profiles (id INTEGER PRIMARY KEY, member_id INTEGER, text VARCHAR)")
        )

    async with AsyncSession(binds={Member: engine, Profile: elsewhere}) as session:
        session.add(Profile(text="elsewhere"))
        await store.joined(session).add_user(new_user(), roles=["user"])
        await session.commit()

    assert await store.find_user(Login("username", "ada")) is not None
    assert await profiles(elsewhere) == ["elsewhere"]
    assert await profiles(engine) == []
    await elsewhere.dispose()


async def test_closing_a_joined_store_leaves_the_session_open(engine: AsyncEngine, store: SQLStore[Member]) -> None:
    """A joined store has no connections of its own to give back."""
    async with AsyncSession(engine) as session:
        joined = store.joined(session)
        await joined.add_user(new_user(), roles=[])
        await joined.close()
        await session.commit()

    assert isinstance(joined, Store)
    assert await store.find_user(Login("username", "ada")) is not None


async def test_the_schema_may_be_part_of_the_transaction() -> None:
    """On SQLite and PostgreSQL even the schema is made, or not, with the caller's transaction."""
    engine = create_async_engine("sqlite+aiosqlite://")
    store = SQLStore(engine)
    async with AsyncSession(engine) as session:
        await store.joined(session).create_schema()
        assert list(await store.joined(session).missing_schema()) == []
        await session.rollback()

    assert len(await store.missing_schema()) == len(store.tables)
    await engine.dispose()


async def test_a_service_works_on_a_joined_store(
    engine: AsyncEngine, store: SQLStore[Member], make_auth: Callable[..., FastAuth[Any]]
) -> None:
    """Registration, rules and all, may be part of the caller's transaction."""
    async with AsyncSession(engine) as session:
        auth = make_auth(store.joined(session))
        account = await auth.accounts.register("Ada", "ada@example.com", PASSWORD)
        session.add(Profile(member_id=int(account.id), text="of ada"))
        await session.commit()

    assert (await make_auth(store).accounts.get(account.id)).username == "ada"
    assert await profiles(engine) == ["of ada"]


async def test_a_read_inside_costs_one_statement(engine: AsyncEngine, store: SQLStore[Member]) -> None:
    """Looking somebody up inside the caller's transaction is one statement, and no savepoint."""
    async with AsyncSession(engine) as session:
        with sent(engine) as statements:
            await store.joined(session).find_user(Login("username", "ada"))

    assert len(statements) == 1
