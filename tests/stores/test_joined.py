"""An app registers a user and writes a row of its own in one transaction of its own."""

from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ForeignKey, String
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastauth import FastAuth, UserExistsException
from fastauth.backends.sql import SQLStore, UserMixin
from tests.conftest import PASSWORD
from tests.servers import mongo_database, mongo_transaction
from tests.stores.engines import ENGINES


class Base(DeclarativeBase):
    pass


class Member(UserMixin, Base):
    __tablename__ = "joined_members"

    id: Mapped[int] = mapped_column(primary_key=True)


class Profile(Base):
    __tablename__ = "joined_profiles"

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey(Member.id))
    motto: Mapped[str] = mapped_column(String(50))


@pytest.fixture(params=ENGINES)
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[AsyncEngine, None]:
    """A database with the tables of an app and ours."""
    async with ENGINES[request.param](tmp_path) as engine:
        await SQLStore(engine, user_model=Member).create_schema()
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        yield engine


@pytest.mark.parametrize("commits", [True, False])
async def test_a_user_and_a_row_of_the_app_stand_or_fall_together(
    engine: AsyncEngine, make_auth: Callable[..., FastAuth[Any]], commits: bool
) -> None:
    """After a commit there are the user and the app's row; after a rollback there is neither."""
    store = SQLStore(engine, user_model=Member)
    auth = make_auth(store)
    await auth.initialize_db()

    async with AsyncSession(engine) as session:
        account = await auth.accounts.on(store.joined(session)).register("ada", "ada@example.com", PASSWORD)
        session.add(Profile(member_id=account.user.id, motto="Onwards"))
        await (session.commit() if commits else session.rollback())

    async with AsyncSession(engine) as session:
        profile = await session.get(Profile, 1)
    assert (await auth.accounts.find("ada") is not None, profile is not None) == (commits, commits)


async def test_a_taken_name_leaves_the_transaction_usable(
    engine: AsyncEngine, make_auth: Callable[..., FastAuth[Any]]
) -> None:
    """A name that is taken is told by the exception, and what the app did before and does after is committed."""
    store = SQLStore(engine, user_model=Member)
    auth = make_auth(store)
    await auth.initialize_db()
    ada = await auth.accounts.register("ada", "ada@example.com", PASSWORD)

    async with AsyncSession(engine) as session:
        session.add(Profile(member_id=ada.user.id, motto="before"))
        with pytest.raises(UserExistsException):
            await auth.accounts.on(store.joined(session)).register("ada", "other@example.com", PASSWORD)
        session.add(Profile(member_id=ada.user.id, motto="after"))
        await session.commit()

    async with AsyncSession(engine) as session:
        assert [(await session.get_one(Profile, key)).motto for key in (1, 2)] == ["before", "after"]


@pytest.mark.parametrize("commits", [True, False])
async def test_a_user_and_a_document_of_the_app_stand_or_fall_together(
    make_auth: Callable[..., FastAuth[Any]], commits: bool
) -> None:
    """The same on a MongoDB replica set."""
    async with mongo_database("mongo-replica-set") as database:
        mongo = pytest.importorskip("fastauth.backends.mongo")
        store = mongo.MongoStore(database)
        auth = make_auth(store)
        await auth.initialize_db()
        await database.create_collection("profiles")

        async with mongo_transaction(database) as session:
            account = await auth.accounts.on(store.joined(session)).register("ada", "ada@example.com", PASSWORD)
            await database["profiles"].insert_one({"member": account.id}, session=session)
            await (session.commit_transaction() if commits else session.abort_transaction())

        there = (await auth.accounts.find("ada") is not None, await database["profiles"].count_documents({}) == 1)
        assert there == (commits, commits)
