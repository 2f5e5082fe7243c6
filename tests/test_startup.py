"""The life of an app: what is made at its start, in development and in production, and what is given back."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import create_async_engine

from fastauth import (
    STANDARD_ROLES,
    ConfigurationError,
    FastAuth,
    UserExistsException,
    WeakPasswordException,
)
from fastauth.backends.memory import MemoryStore
from fastauth.backends.sql import SQLStore
from tests.conftest import PASSWORD, SECRET_KEY, client_of, register

Make = Callable[..., FastAuth[Any]]
VARIABLES = ("FASTAUTH_ENV", "FASTAUTH_SECRET_KEY", "SECRET_KEY", "FASTAUTH_ADMIN_USERNAME", "FASTAUTH_ADMIN_PASSWORD")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a variable nor a key file of the machine decides what happens here."""
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("fastauth-passwords")}


async def test_in_development_an_app_starts_on_an_empty_database(tmp_path: Path, make_auth: Make) -> None:
    """In development the lifespan makes tables and standard roles, no admin, and gives everything back at the end."""
    store = SQLStore(create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'app.db'}"))
    auth = make_auth(store)
    app = FastAPI(lifespan=auth.lifespan)
    auth.setup(app)
    before = threads()

    for username in ("ada", "grace"):  # an app may start and stop more than once
        async with app.router.lifespan_context(app), client_of(app) as client:
            user = await register(client, username)
            assert user["roles"] == ["user"]
            assert {role.name for role in await auth.roles.list()} == STANDARD_ROLES.keys()
            assert threads() - before
        assert not threads() - before
        assert store.engine.pool.checkedin() == 0  # type: ignore[attr-defined]


async def test_the_store_is_closed_when_the_app_fails(make_auth: Make) -> None:
    """Threads and connections are given back also when the app ends by an error."""
    store = ClosedStore()
    auth = make_auth(store)

    with pytest.raises(RuntimeError, match="the app"):
        async with auth.lifespan(FastAPI()):
            raise RuntimeError("the app")

    assert store.closed == 1


class ClosedStore(MemoryStore):
    """A store that counts how often it was closed."""

    closed = 0

    async def close(self) -> None:
        self.closed += 1


async def test_in_production_the_schema_has_to_be_there(tmp_path: Path) -> None:
    """In production the lifespan makes nothing: it names what is missing and how to make it, or starts."""
    store = SQLStore(create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'app.db'}"))
    auth = FastAuth(store, secret_key=SECRET_KEY, production=True)
    app = FastAPI(lifespan=auth.lifespan)

    with pytest.raises(ConfigurationError, match=r"fastauth_sessions.*initialize_db"):
        async with app.router.lifespan_context(app):
            pass
    assert "fastauth_users" in await store.missing_schema()
    await auth.initialize_db()
    async with app.router.lifespan_context(app):
        assert await store.missing_schema() == []


async def test_a_database_can_be_initialized_step_by_step(tmp_path: Path, make_auth: Make) -> None:
    """Each step of ``initialize_db`` can be left out, and each may be repeated."""
    store = SQLStore(create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'app.db'}"))
    auth = make_auth(store)

    await auth.initialize_db(create_tables=False, init_roles=False, create_admin=False)
    assert await store.missing_schema() != []
    await auth.initialize_db(init_roles=False, create_admin=False)
    assert (await store.missing_schema(), await auth.roles.list()) == ([], [])
    await auth.initialize_db(create_tables=False, create_admin=False)
    assert {role.name for role in await auth.roles.list()} == STANDARD_ROLES.keys()
    await auth.initialize_db(create_tables=False, init_roles=False, admin_username="root", admin_password=PASSWORD)
    await auth.initialize_db(admin_username="root", admin_password="another good password")

    root = await auth.accounts.find("root")
    assert root is not None
    assert (root.email, root.roles) == ("root@fastauth.invalid", {"superadmin", "user"})
    assert (await auth.passwords.verify(PASSWORD, root.hashed_password)).ok
    await store.close()


async def test_the_admin_can_come_from_the_environment(make_auth: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first superadmin can be named in the environment; what is passed comes first."""
    monkeypatch.setenv("FASTAUTH_ADMIN_USERNAME", "root")
    monkeypatch.setenv("FASTAUTH_ADMIN_PASSWORD", PASSWORD)
    auth = make_auth(MemoryStore())

    await auth.initialize_db(create_admin=False)
    assert await auth.accounts.find("root") is None
    await auth.initialize_db()
    await auth.initialize_db(admin_username="second", admin_email="second@example.com")

    root, second = await auth.accounts.find("root"), await auth.accounts.find("second@example.com")
    assert root is not None
    assert second is not None
    assert root.roles == second.roles == {"superadmin", "user"}


async def test_no_admin_is_made_up(make_auth: Make, caplog: pytest.LogCaptureFixture) -> None:
    """Without a name and a password no superadmin is made, and a log line says so."""
    caplog.set_level(logging.INFO)
    auth = make_auth(MemoryStore())

    await auth.initialize_db(admin_username="root")
    await auth.initialize_db(admin_password=PASSWORD)

    assert await auth.accounts.find("root") is None
    assert "No superadmin was made" in caplog.text
    assert PASSWORD not in caplog.text


async def test_nobody_is_promoted_by_accident(make_auth: Make) -> None:
    """A name that belongs to someone who is no superadmin is refused, and they stay what they are."""
    auth = make_auth(MemoryStore())
    await auth.initialize_db()
    account = await auth.accounts.create("root", "eve@example.com", PASSWORD)

    with pytest.raises(UserExistsException):
        await auth.initialize_db(admin_username="root", admin_password="another good password")

    assert (await auth.accounts.get(account.id)).roles == {"user"}


async def test_the_admin_needs_a_good_password_too(make_auth: Make) -> None:
    """The first superadmin's password is judged like any other."""
    auth = make_auth(MemoryStore())

    with pytest.raises(WeakPasswordException):
        await auth.initialize_db(admin_username="root", admin_password="root")

    assert await auth.accounts.find("root") is None
