"""What type checkers must see: mypy and pyright check this file, both strict, and running it proves it no fiction."""

import uuid
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends, FastAPI, WebSocket
from httpx import ASGITransport, AsyncClient, Client
from sqlalchemy import String
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlmodel import Field, SQLModel
from typing_extensions import assert_type

from fastauth import Account, Claims, FastAuth, Role, Session, Store, TokenPair
from fastauth.backends import memory
from fastauth.backends.memory import MemoryStore
from fastauth.backends.sql import SQLStore, User
from fastauth.testing import AuthTesting, ManualClock, Outbox, memory_auth

KEY = "typing-only-3Jq8vXo2LkTzR5uWcY7bNfMd9hGp"


class Base(DeclarativeBase):
    pass


class Member(Base):
    __tablename__ = "typed_members"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    hashed_password: Mapped[str] = mapped_column(String(255))
    disabled: Mapped[bool] = mapped_column(default=False)
    first_name: Mapped[str | None] = mapped_column(String(50))


class Person(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    username: str = Field(unique=True, max_length=64)
    email: str = Field(unique=True, max_length=254)
    hashed_password: str = Field(max_length=255)
    disabled: bool = False


def engine() -> AsyncEngine:
    return create_async_engine("sqlite+aiosqlite://")


def test_the_ready_made_user_is_the_default() -> None:
    """``FastAuth(store=SQLStore(engine))`` is a ``FastAuth[User]``."""
    auth = FastAuth(store=SQLStore(engine()), secret_key=KEY)

    assert_type(auth, FastAuth[User])
    assert_type(auth.current_user, Callable[..., Awaitable[User]])
    assert_type(auth.require_roles(["admin"]), Callable[..., Awaitable[User]])


def test_an_own_class_makes_it_a_fastauth_of_that_class() -> None:
    """``user_model=Member`` makes it a ``FastAuth[Member]``, and so are its dependencies."""
    auth = FastAuth(store=SQLStore(engine(), user_model=Member), secret_key=KEY)

    assert_type(auth, FastAuth[Member])
    assert_type(auth.current_user, Callable[..., Awaitable[Member]])
    assert_type(auth.verified_user, Callable[..., Awaitable[Member]])
    assert_type(auth.is_admin(), Callable[..., Awaitable[Member]])
    assert_type(auth.get_current_active_user_dependency(), Callable[..., Awaitable[Member]])


def test_a_sqlmodel_class_is_such_a_class_too() -> None:
    """A SQLModel table is taken like any mapped class."""
    auth = FastAuth(store=SQLStore(engine(), user_model=Person), secret_key=KEY)

    assert_type(auth, FastAuth[Person])


def test_the_memory_store_has_a_user_of_its_own() -> None:
    """``FastAuth(MemoryStore())`` is a ``FastAuth`` of the memory store's user."""
    auth = FastAuth(MemoryStore(), secret_key=KEY)
    store: Store[memory.User] = MemoryStore()

    assert_type(auth, FastAuth[memory.User])
    assert isinstance(store, Store)


async def services_are_typed(auth: FastAuth[Member], account: Account[Member], connection: Any) -> None:
    """Never run: what the services return, for the type checkers only."""
    assert_type(await auth.accounts.register("ada", "ada@example.com", "correct horse"), Account[Member])
    assert_type((await auth.accounts.get("1")).user, Member)
    assert_type(await auth.accounts.find("ada"), Account[Member] | None)
    assert_type(await auth.sessions.start(account), TokenPair)
    assert_type(await auth.sessions.authenticate("token"), Account[Member])
    assert_type((await auth.sessions.list("1"))[0], Session)
    assert_type(await auth.roles.create("editor"), Role)
    assert_type(await auth.current_account(connection), Account[Member])
    assert_type(await auth.current_claims(connection), Claims)
    assert_type(await auth.optional_user(connection), Member | None)
    assert_type((await auth.current_user()).first_name, str | None)


def test_a_handler_takes_the_own_class() -> None:
    """A handler declares its parameter as the app's own class."""
    auth = FastAuth(store=SQLStore(engine(), user_model=Member), secret_key=KEY)
    app = FastAPI()

    @app.get("/hello")
    async def hello(member: Annotated[Member, Depends(auth.current_user)]) -> dict[str, str | None]:
        assert_type(member, Member)
        return {"first_name": member.first_name}

    assert any(getattr(route, "endpoint", None) is hello for route in app.routes)


async def test_the_test_kit_is_of_the_own_class() -> None:
    """``auth.testing`` gives accounts of the app's own class, whichever client is signed in."""
    auth = memory_auth()
    kit = auth.testing
    ada = await kit.make_user("ada", roles=["admin"])
    app = FastAPI()
    auth.setup(app)

    assert_type(auth, FastAuth[memory.User])
    assert_type(kit, AuthTesting[memory.User])
    assert_type(ada, Account[memory.User])
    assert_type(await kit.make_users(2), list[Account[memory.User]])
    with kit.as_user(ada.user, roles=["premium"]) as pretended:
        assert_type(pretended, Account[memory.User])
    async with AsyncClient(transport=ASGITransport(app), base_url="https://testserver") as client:
        assert_type(await kit.sign_in_as(client, ada), Account[memory.User])
        assert_type(await kit.sign_in_as(client, ada.user), Account[memory.User])
        assert_type(await kit.sign_in_as(client, "eve", roles=["premium"]), Account[memory.User])

    assert pretended.roles == {"premium"}


def the_test_kit_is_typed_without_a_loop(auth: FastAuth[Member], client: Client, member: Member) -> None:
    """Never run: a client that is not awaited gives the account itself."""
    assert_type(auth.testing, AuthTesting[Member])
    assert_type(auth.testing.sign_in_as(client, member, by_cookie=True), Account[Member])
    assert_type(Outbox().latest(to="ada@example.com").token, str | None)
    assert_type(ManualClock().move(timedelta(days=1)), None)


async def a_watch_is_typed(auth: FastAuth[Member], websocket: WebSocket) -> None:
    """Never run: ``auth.watch`` is a context that gives nothing."""
    assert_type(auth.watch(websocket, every=timedelta(seconds=5)), AbstractAsyncContextManager[None])
    async with auth.watch(websocket) as nothing:
        assert_type(nothing, None)
