"""Rows of the app's own and of ours: what refers to a user, what was left behind, and what may occur once."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint, event, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

from fastauth import UserExistsException, ValidationException
from fastauth.backends.sql import SQLStore, UserMixin
from fastauth.backends.sql.base import role_names
from fastauth.core.exceptions import ConflictException
from fastauth.core.models import NewUser
from fastauth.testing.conformance.base import session_of
from tests.backends.sql.conftest import Defined
from tests.servers import mariadb_engine


class OwnBase(DeclarativeBase):
    pass


class Team(OwnBase):
    __tablename__ = "teams"

    id: Mapped[int] = mapped_column(primary_key=True)


class Member(UserMixin, OwnBase):
    __tablename__ = "members"
    __table_args__ = (
        UniqueConstraint("team_id", "shirt", name="uq_shirt"),
        Index("ix_nickname", "nickname", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    shirt: Mapped[int | None]
    nickname: Mapped[str | None] = mapped_column(String(20))


class Post(OwnBase):
    __tablename__ = "posts"

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("members.id"))


class DataclassBase(MappedAsDataclass, DeclarativeBase):
    pass


class Contact(DataclassBase):
    __tablename__ = "contacts"

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    hashed_password: Mapped[str] = mapped_column(String(255))
    disabled: Mapped[bool]
    first_name: Mapped[str] = mapped_column(String(50))


def new_user(name: str = "ada", **fields: Any) -> NewUser:
    return NewUser(name, f"{name}@example.com", "hash", fields)


@pytest.fixture
async def member_store(engine: AsyncEngine) -> SQLStore[Member]:
    """A store whose users belong to a team and have posts, on each database."""
    store = SQLStore(engine, user_model=Member)
    await store.create_schema()
    async with engine.begin() as connection:
        await connection.run_sync(Post.__table__.create)  # type: ignore[attr-defined]
        await connection.execute(text("INSERT INTO teams (id) VALUES (1), (2)"))
    return store


async def test_a_user_with_rows_of_the_apps_stays(engine: AsyncEngine, member_store: SQLStore[Member]) -> None:
    """A user to whom the app's own rows refer is not deleted, and loses neither sessions nor roles."""
    await member_store.ensure_roles({"user": ""})
    account = await member_store.add_user(new_user(), roles=["user"])
    await member_store.add_session(session_of(account), hashed_password="hash")
    async with engine.begin() as connection:
        await connection.execute(text(f"INSERT INTO posts (id, author_id) VALUES (1, {account.id})"))

    with pytest.raises(ConflictException):
        await member_store.delete_user(account.id)

    found = await member_store.authenticate("session-1")
    assert found is not None
    assert found.roles == {"user"}


@pytest.mark.parametrize(
    ("fields", "field"), [({"nickname": "countess"}, "nickname"), ({"team_id": 1, "shirt": 7}, "shirt")], ids=str
)
async def test_what_may_occur_once_is_named(member_store: SQLStore[Member], fields: dict[str, Any], field: str) -> None:
    """A value that a unique index has, or several that a constraint has together, are refused by the first of them."""
    await member_store.add_user(new_user("ada", nickname="countess", team_id=1, shirt=7), roles=[])
    await member_store.add_user(new_user("bob", team_id=2, shirt=7), roles=[])

    with pytest.raises(UserExistsException) as refused:
        await member_store.add_user(new_user("eve", **fields), roles=[])

    assert refused.value.field == field


async def test_what_only_the_database_knows_to_occur_once_is_a_conflict(
    engine: AsyncEngine, member_store: SQLStore[Member]
) -> None:
    """A uniqueness of which the class says nothing is a conflict without the name of a field."""
    async with engine.begin() as connection:
        await connection.execute(text("CREATE UNIQUE INDEX ix_one_team ON members (team_id)"))
    await member_store.add_user(new_user("ada", team_id=1), roles=[])

    with pytest.raises(UserExistsException) as refused:
        await member_store.add_user(new_user("eve", team_id=1), roles=[])

    assert refused.value.field is None


async def test_what_a_new_user_must_be_given_is_named(engine: AsyncEngine, model: Defined) -> None:
    """Each field that has neither a default nor a value is named, and nothing is stored; a change names it, too."""
    fields = {"first_name": mapped_column(String(20), nullable=False), "born": mapped_column(Integer, nullable=False)}
    store = SQLStore(engine, user_model=model(**fields))
    await store.create_schema()

    with pytest.raises(ValidationException) as lacking_one:
        await store.add_user(new_user(first_name=None, born=1815), roles=[])
    with pytest.raises(ValidationException) as lacking_both:
        await store.add_user(new_user(), roles=[])
    ada = await store.add_user(new_user(first_name="Ada", born=1815), roles=[])
    with pytest.raises(ValidationException) as taken_away:
        await store.update_user(ada.id, {"first_name": None})

    sentence = "The user model needs a value for 'first_name'."
    detail = {"loc": ["body", "first_name"], "msg": sentence, "type": "missing"}
    assert (lacking_one.value.message, lacking_one.value.details) == (sentence, (detail,))
    assert (taken_away.value.message, taken_away.value.details) == (sentence, (detail,))
    assert lacking_both.value.message == f"{sentence} The user model needs a value for 'born'."
    assert [each["loc"][-1] for each in lacking_both.value.details] == ["first_name", "born"]


async def test_what_the_class_makes_by_itself_need_not_be_given(engine: AsyncEngine, model: Defined) -> None:
    """A class that fills a required field itself is given no value and asked for none."""
    user_model = model(first_name=mapped_column(String(20), nullable=False))
    event.listen(user_model, "before_insert", lambda _, __, user: setattr(user, "first_name", user.username.title()))
    store = SQLStore(engine, user_model=user_model)
    await store.create_schema()

    assert (await store.add_user(new_user(), roles=[])).user.first_name == "Ada"


async def test_what_the_database_alone_requires_is_a_validation_error(engine: AsyncEngine, model: Defined) -> None:
    """A column that is required by the database, and not by the class, is no field that could be named."""
    strict, lax = (
        SQLStore(engine, user_model=model(motto=mapped_column(String(9), nullable=no))) for no in (False, True)
    )
    await strict.create_schema()

    with pytest.raises(ValidationException, match="refused by the database"):
        await lax.add_user(new_user(), roles=[])


async def test_what_a_constructor_needs_is_named(tmp_path: Path) -> None:
    """A dataclass that cannot be made without a value is told by the field's name."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    store = SQLStore(engine, user_model=Contact)
    await store.create_schema()

    with pytest.raises(ValidationException, match="needs a value for 'first_name'"):
        await store.add_user(new_user(), roles=[])

    await engine.dispose()


async def test_a_reference_into_nothing_is_a_validation_error(member_store: SQLStore[Member]) -> None:
    """A field that refers to a row that does not exist is 422."""
    with pytest.raises(ValidationException):
        await member_store.add_user(new_user(team_id=99), roles=[])


async def test_an_address_that_the_database_refuses_is_a_validation_error(engine: AsyncEngine, model: Defined) -> None:
    """A new address that breaks a constraint of the app's own is 422, as a new user's is, and the old one stays."""
    rule = CheckConstraint("email LIKE '%@example.com'", name="ck_address")
    store = SQLStore(engine, user_model=model(__table_args__=(rule,)))
    await store.create_schema()
    ada = await store.add_user(new_user(), roles=[])

    with pytest.raises(ValidationException):
        await store.set_email(ada.id, "ada@example.org", verified=False)

    found = await store.get_user(ada.id)
    assert found is not None
    assert found.email == "ada@example.com"


async def test_who_verifies_while_the_role_is_deleted_begins_anew(sql_store: SQLStore) -> None:
    """An address is set and verified together, though the role went between the look at it and its grant."""
    await sql_store.ensure_roles({"superadmin": "", "verified": ""})
    ada = await sql_store.add_user(new_user(), roles=[])
    deleted: list[str] = []

    @event.listens_for(sql_store.engine.sync_engine, "before_cursor_execute")
    def delete_it(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO fastauth_user_roles") and not deleted:
            deleted.append(statement)
            connection.exec_driver_sql("DELETE FROM fastauth_roles WHERE name = 'verified'")

    assert await sql_store.set_email(ada.id, "new@example.com", verified=True)

    found = await sql_store.get_user(ada.id)
    assert found is not None
    assert (found.email, found.roles, len(deleted)) == ("new@example.com", {"verified"}, 1)


async def test_a_key_that_comes_again_inherits_nothing(tmp_path: Path) -> None:
    """Where SQLite enforces no foreign keys, whoever gets the key of a deleted user gets nothing else of theirs."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    store = SQLStore(engine, user_model=Member)
    await store.create_schema()
    await store.ensure_roles({"superadmin": "", "user": ""})
    old = await store.add_user(new_user("old"), roles=["superadmin"])
    await store.add_session(session_of(old), hashed_password="hash")
    async with engine.begin() as connection:
        await connection.execute(text("DELETE FROM members"))

    new = await store.add_user(new_user("new"), roles=["user"])

    assert (new.id, new.roles) == (old.id, {"user"})
    assert await store.authenticate("session-1") is None
    await engine.dispose()


async def test_role_names_that_the_server_cuts_off_are_not_mistaken() -> None:
    """Where a server cuts aggregated strings short, an account is an error and never one with other roles."""
    async with mariadb_engine(connect_args={"init_command": "SET SESSION group_concat_max_len = 12"}) as engine:
        store = SQLStore(engine)
        await store.create_schema()
        await store.ensure_roles({"admin": "", "administrator": ""})
        await store.add_user(new_user("one"), roles=["admin"])

        with pytest.raises(RuntimeError, match="group_concat_max_len"):
            await store.add_user(new_user("two"), roles=["administrator"])
        with pytest.raises(RuntimeError, match="group_concat_max_len"):
            await store.add_user(new_user("three"), roles=["admin", "administrator"])

        assert [account.username for account in await store.list_users(limit=9)] == ["one"]


@pytest.mark.parametrize(("aggregated", "names"), [(None, ""), ("1:admin,", "admin"), ("2:a,b,", "a b")])
def test_role_names_are_read(aggregated: str | None, names: str) -> None:
    """The names of an account's roles are read from one value."""
    assert role_names(aggregated) == set(names.split())


@pytest.mark.parametrize("aggregated", ["1:admin", "2:admin,", "2:admin,use", "1:a,b,", "0:x,"])
def test_role_names_that_are_not_all_there_are_refused(aggregated: str) -> None:
    """A value that does not hold as many whole names as it says is refused."""
    with pytest.raises(RuntimeError):
        role_names(aggregated)
