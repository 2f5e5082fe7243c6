"""Drivers' errors at the border: an outage is one exception, a mistake stays what it is, and no text has a secret."""

import asyncio
import secrets
import socket
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymysql
import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import CheckConstraint, String, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastauth import FastAuth, StoreUnavailableException, ValidationException
from fastauth.backends.sql import SQLStore, UserMixin
from fastauth.backends.sql.errors import MissingTableError, is_duplicate, is_misfit, trouble_of
from fastauth.core.models import NewUser
from fastauth.testing.conformance.base import NOW
from tests.conftest import PASSWORD, client_of
from tests.servers import postgres_engine

SECRET = "hash-that-nobody-may-read"


async def threads_ended() -> None:
    """Wait for the threads of connections that could not be opened: aiosqlite does not, and they need the loop."""
    for thread in threading.enumerate():
        if "_connection_worker_thread" in thread.name:
            await asyncio.to_thread(thread.join)


@pytest.fixture
def dead_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+asyncpg://u@127.0.0.1:{port}/db",
        "postgresql+psycopg://u@127.0.0.1:{port}/db",
        "mariadb+asyncmy://u@127.0.0.1:{port}/db",
        "mysql+asyncmy://u@127.0.0.1:{port}/db",
        "postgresql+asyncpg://u@no-such-host.invalid/db",
        "postgresql+psycopg://u@no-such-host.invalid/db",
        "mariadb+asyncmy://u@no-such-host.invalid/db",
        "sqlite+aiosqlite:////no/such/folder/test.db",
    ],
)
async def test_a_database_that_cannot_be_reached_is_unavailable(url: str, dead_port: int) -> None:
    """A database at which nobody answers is unavailable, for a read, for a write, and when the schema is made."""
    store = SQLStore(create_async_engine(url.format(port=dead_port)))

    for call in (store.get_user("1"), store.set_disabled("1", True, now=NOW), store.create_schema()):
        with pytest.raises(StoreUnavailableException):
            await call
    await threads_ended()


async def test_a_missing_table_is_no_outage(engine: AsyncEngine) -> None:
    """A table that nobody made is no outage to be waited for: the error names it, and says what makes it."""
    store = SQLStore(engine)

    for call in (store.get_user("1"), store.list_roles(), store.ensure_roles({"user": ""})):
        with pytest.raises(MissingTableError, match=r"fastauth_\w+.*lifespan=auth\.lifespan.*fastauth init") as caught:
            await call
        assert isinstance(caught.value.__cause__, (OperationalError, ProgrammingError))


async def test_an_app_without_its_lifespan_is_told_so(make_auth: Callable[..., FastAuth[Any]], tmp_path: Path) -> None:
    """Where the lifespan was forgotten, what a server logs says so, and the client hears of no tables."""
    auth = make_auth(SQLStore(create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}")))
    app = FastAPI()
    auth.setup(app)
    fields = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
    transport = ASGITransport(app, raise_app_exceptions=False)

    async with AsyncClient(transport=transport, base_url="https://testserver") as client:
        answers = [await client.post("/register", json=fields), await client.post("/token", data=fields)]
    async with client_of(app) as client:
        with pytest.raises(MissingTableError, match=r"lifespan=auth\.lifespan"):
            await client.post("/register", json=fields)
    await auth.close()

    for answer in answers:
        assert (answer.status_code, answer.text) == (500, "Internal Server Error")


@pytest.mark.parametrize(
    ("driver", "options"),
    [
        ("asyncpg", {"settings": {"statement_timeout": "500"}}),
        ("asyncpg", {"connect_args": {"command_timeout": 0.5}}),
        ("psycopg", {"settings": {"statement_timeout": "500"}}),
    ],
    ids=["asyncpg server", "asyncpg client", "psycopg server"],
)
async def test_a_timeout_of_the_apps_own_is_an_outage(driver: str, options: dict[str, Any]) -> None:
    """A statement that runs into a timeout that the app has set on its engine did not answer in time."""
    async with postgres_engine(driver, **options) as engine:
        store = SQLStore(engine)
        await store.create_schema()

        async with engine.begin() as connection:
            await connection.execute(text("LOCK TABLE fastauth_roles"))
            with pytest.raises(StoreUnavailableException):
                await store.list_roles()


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
async def test_a_server_that_is_full_is_an_outage(driver: str) -> None:
    """A server that takes no more connections is an outage."""
    role = f"crowd_{secrets.token_hex(4)}"
    async with postgres_engine(driver) as engine:
        async with engine.begin() as connection:
            await connection.execute(text(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 0"))
        store = SQLStore(create_async_engine(engine.url.set(username=role)))

        with pytest.raises(StoreUnavailableException):
            await store.get_user("1")
        async with engine.begin() as connection:
            await connection.execute(text(f"DROP ROLE {role}"))


async def test_an_empty_pool_is_an_outage(tmp_path: Path) -> None:
    """When the app holds every connection of its pool for too long, there is none for the store."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"
    engine = create_async_engine(url, pool_size=1, max_overflow=0, pool_timeout=0.01)
    store = SQLStore(engine)

    async with engine.connect():
        with pytest.raises(StoreUnavailableException) as unavailable:
            await store.list_roles()
    await engine.dispose()

    assert isinstance(unavailable.value.__cause__, PoolTimeoutError)


async def test_a_file_that_cannot_be_written_is_an_outage(tmp_path: Path) -> None:
    """A SQLite file that is full, or may only be read, is an outage for whoever writes."""
    path = tmp_path / "test.db"
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
    store = SQLStore(engine)
    await store.create_schema()
    await store.close()
    readers = SQLStore(create_async_engine(f"sqlite+aiosqlite:///file:{path}?mode=ro&uri=true"))

    with pytest.raises(StoreUnavailableException):
        await readers.add_role("editor", "")
    assert await readers.list_roles() == []
    await readers.close()

    @event.listens_for(engine.sync_engine, "connect")
    def leave_no_room(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA max_page_count = 1")
        cursor.close()

    with pytest.raises(StoreUnavailableException):
        await store.ensure_roles({f"role-{number}": "x" * 250 for number in range(500)})
    await engine.dispose()


@pytest.mark.parametrize("engine", ["asyncpg", "psycopg", "mariadb"], indirect=True)
def texts(error: BaseException | None) -> str:
    """Return what a log would say of the error and of all that led to it."""
    said = []
    while error is not None:
        said.append(f"{error} {error!r}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(said)


class CheckedBase(DeclarativeBase):
    pass


class CheckedMember(UserMixin, CheckedBase):
    __tablename__ = "members"
    __table_args__ = (
        CheckConstraint("nickname <> 'forbidden'", name="ck_nickname"),
        CheckConstraint("hashed_password <> 'hash-that-nobody-may-read'", name="ck_hash"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    nickname: Mapped[str | None] = mapped_column(String(20))


@pytest.mark.parametrize("nickname", ["forbidden", "lone \ud800 surrogate"])
async def test_no_text_of_a_refused_user_has_a_secret(engine: AsyncEngine, nickname: str) -> None:
    """Whatever the database says of a new user that it refuses, neither the hash nor a value is in the text of it."""
    store = SQLStore(engine, user_model=CheckedMember)
    await store.create_schema()
    new = NewUser("ada", "ada@example.com", "another-secret-hash", {"nickname": nickname})

    with pytest.raises(ValidationException) as refused:
        await store.add_user(new, roles=[])

    said = texts(refused.value)
    assert "another-secret-hash" not in said
    assert nickname not in said


async def test_no_text_of_a_drivers_error_has_a_secret(engine: AsyncEngine) -> None:
    """An error that stays a driver's says what is wrong, and has neither parameters nor the failing row."""
    store = SQLStore(engine, user_model=CheckedMember)
    await store.create_schema()
    account = await store.add_user(NewUser("ada", "ada@example.com", "hash"), roles=[])

    with pytest.raises((IntegrityError, OperationalError)) as refused:
        await store.set_password(account.id, SECRET, now=NOW)

    said = texts(refused.value)
    assert "ck_hash" in said
    assert SECRET not in said
    assert "ada@example.com" not in said


async def test_a_taken_name_is_told_without_the_values(
    engine: AsyncEngine, make_auth: Callable[..., FastAuth[Any]], caplog: pytest.LogCaptureFixture
) -> None:
    """A refused registration has nothing of the other's in its text, causes included."""
    auth = make_auth(SQLStore(engine))
    await auth.initialize_db()
    await auth.accounts.register("ada", "ada@example.com", PASSWORD)

    with pytest.raises(Exception, match="already exists") as refused:
        await auth.accounts.register("ada", "other@example.com", PASSWORD)

    said = texts(refused.value) + caplog.text
    assert "$bcrypt" not in said
    assert "other@example.com" not in said


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (sqlite3.OperationalError("database is locked"), "conflict"),
        (sqlite3.OperationalError("database table is locked: x"), "conflict"),
        (sqlite3.OperationalError("unable to open database file"), "outage"),
        (sqlite3.OperationalError("disk I/O error"), "outage"),
        (sqlite3.OperationalError("no such table: x"), None),
        (sqlite3.OperationalError("no such column: x"), None),
        (sqlite3.IntegrityError("UNIQUE constraint failed: x.y"), None),
        (ConnectionResetError(), "outage"),
        (asyncio.TimeoutError(), "outage"),
        (PoolTimeoutError(), "outage"),
        (ValueError("is locked"), None),
    ],
    ids=repr,
)
def test_what_an_error_means(error: Exception, trouble: str | None) -> None:
    """What can be waited for is told from what is wrong, by the driver's own words."""
    assert trouble_of(error) == trouble


@pytest.mark.parametrize("invalidated", [True, False])
def test_a_lost_connection_is_an_outage_whatever_it_says(invalidated: bool) -> None:
    """An error that made SQLAlchemy give up the connection is an outage, whatever driver it is of."""
    error = DBAPIError("SELECT 1", None, Exception("gone"), connection_invalidated=invalidated)

    assert trouble_of(error) == ("outage" if invalidated else None)


@pytest.mark.parametrize("code", [1292, 1366])
def test_a_wrong_value_is_a_misfit_whatever_class_the_driver_gives_it(code: int) -> None:
    """Some drivers of MariaDB raise an OperationalError for a value of another type."""
    orig = pymysql.err.OperationalError(code, "Incorrect date value: 'someday'")
    error = OperationalError("INSERT", None, orig)

    assert is_misfit(error)


def test_an_error_without_evidence_is_nothing_special() -> None:
    """An exception that says nothing is neither an outage nor a duplicate nor a misfit."""
    assert (trouble_of(Exception()), is_duplicate(Exception()), is_misfit(Exception())) == (None, False, False)


def test_a_connection_that_is_closed_while_asyncmy_opens_it_is_an_outage() -> None:
    """The driver has no error of its own for it; any other RuntimeError is a mistake to be seen."""
    assert trouble_of(RuntimeError("Transport does not expose socket instance")) == "outage"
    assert trouble_of(RuntimeError("anything else")) is None
