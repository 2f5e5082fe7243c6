"""From an empty database to a first superadmin; every step may be repeated, by many at once, on every store."""

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import String
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastauth import (
    STANDARD_ROLES,
    ConfigurationError,
    FastAuth,
    PasswordSettings,
    Store,
    UserExistsException,
    ValidationException,
    WeakPasswordException,
)
from fastauth.backends.sql import SQLStore, UserMixin
from tests.conftest import PASSWORD, STORES
from tests.services.conftest import MakeAuth, memory_only

ADMIN = {"admin_username": "root", "admin_password": PASSWORD}


@pytest.fixture(autouse=True)
def _no_admin_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FASTAUTH_ADMIN_USERNAME", raising=False)
    monkeypatch.delenv("FASTAUTH_ADMIN_PASSWORD", raising=False)


async def usernames(auth: FastAuth[Any], **options: Any) -> list[str]:
    return [account.username for account in await auth.accounts.list(**options)]


async def test_a_first_start_makes_roles_and_a_superadmin(store: Store[Any], make_auth: MakeAuth) -> None:
    """After the first start the six roles are there, and one superadmin with the password that was given."""
    auth = make_auth(store)

    await auth.initialize_db(admin_username="Root", admin_password=PASSWORD)

    [root] = await auth.accounts.list()
    assert (root.username, root.email, root.roles) == ("root", "root@fastauth.invalid", {"superadmin", "user"})
    assert (await auth.passwords.verify(PASSWORD, root.hashed_password)).ok
    assert {role.name: role.description for role in await auth.roles.list()} == STANDARD_ROLES


async def test_a_second_start_changes_nothing(store: Store[Any], make_auth: MakeAuth) -> None:
    """What is there stays: the superadmin with their password and address, and a description in other words."""
    auth = make_auth(store)
    await auth.initialize_db(**ADMIN, admin_email="root@example.com")
    [root] = await auth.accounts.list()
    [role] = [role for role in await auth.roles.list() if role.name == "user"]
    await auth.roles.update(role.id, description="Everyone.")

    await auth.initialize_db(admin_username="ROOT", admin_password="another password", admin_email="new@example.com")

    [same] = await auth.accounts.list()
    assert (same.id, same.email, same.hashed_password) == (root.id, "root@example.com", root.hashed_password)
    assert (await auth.roles.get(role.id)).description == "Everyone."
    assert len(await auth.roles.list()) == 6


async def test_the_superadmin_is_given_what_the_apps_model_needs(make_auth: MakeAuth, tmp_path: Path) -> None:
    """A superadmin of an own model has the attributes that are given, and without them the missing one is named."""

    class OwnBase(DeclarativeBase):
        pass

    class Member(UserMixin, OwnBase):
        __tablename__ = "members"

        id: Mapped[int] = mapped_column(primary_key=True)
        first_name: Mapped[str] = mapped_column(String(50))

    store = SQLStore(create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'members.db'}"), user_model=Member)
    auth = make_auth(store, registration=False)

    with pytest.raises(ValidationException, match="needs a value for 'first_name'"):
        await auth.initialize_db(**ADMIN)
    await auth.initialize_db(**ADMIN, admin_fields={"first_name": "Root"})
    [root] = await auth.accounts.list()
    await store.close()

    assert (root.user.first_name, root.roles) == ("Root", {"superadmin", "user"})


@memory_only
async def test_without_a_name_and_a_password_there_is_no_superadmin(
    store: Store[Any], make_auth: MakeAuth, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No account has a built-in password: with half of what is needed none is made, and the log says so."""
    auth = make_auth(store)
    caplog.set_level(logging.INFO, "fastauth")

    await auth.initialize_db()
    await auth.initialize_db(admin_username="root")
    await auth.initialize_db(admin_password=PASSWORD)
    monkeypatch.setenv("FASTAUTH_ADMIN_USERNAME", "root")
    monkeypatch.setenv("FASTAUTH_ADMIN_PASSWORD", "")
    await auth.initialize_db()

    assert not await auth.accounts.list()
    assert [record.getMessage() for record in caplog.records] == [
        "No superadmin was made: give admin_username and admin_password to make one."
    ] * 4


@memory_only
async def test_the_superadmin_may_come_from_the_environment(
    store: Store[Any], make_auth: MakeAuth, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Name and password are read from the environment, an argument comes first, and nothing of it is logged."""
    monkeypatch.setenv("FASTAUTH_ADMIN_USERNAME", "root")
    monkeypatch.setenv("FASTAUTH_ADMIN_PASSWORD", "from the environment")
    auth = make_auth(store)
    caplog.set_level(logging.DEBUG, "fastauth")

    await auth.initialize_db()
    await auth.initialize_db(admin_username="toor")

    assert await usernames(auth, role="superadmin") == ["root", "toor"]
    for account in await auth.accounts.list():
        assert (await auth.passwords.verify("from the environment", account.hashed_password)).ok
    assert "from the environment" not in caplog.text


async def test_nobody_is_promoted_by_accident(store: Store[Any], make_auth: MakeAuth) -> None:
    """A name, or an address, that belongs to someone who is no superadmin is refused, and they stay what they are."""
    auth = make_auth(store)
    await auth.initialize_db()
    await auth.accounts.create("root", "self@example.com", "their own password")
    await auth.accounts.create("chief", "chief@example.com", PASSWORD, roles=("admin",))

    for options in (
        ADMIN,
        {**ADMIN, "admin_username": "chief"},
        {**ADMIN, "admin_username": "other", "admin_email": "self@example.com"},
    ):
        with pytest.raises(UserExistsException):
            await auth.initialize_db(**options)
    assert await usernames(auth, role="superadmin") == []
    assert await usernames(auth) == ["root", "chief"]


@memory_only
async def test_the_superadmin_is_held_to_the_rules(store: Store[Any], make_auth: MakeAuth) -> None:
    """A weak password or a name that cannot be one is refused, and makes nobody."""
    auth = make_auth(store)

    with pytest.raises(WeakPasswordException):
        await auth.initialize_db(admin_username="root", admin_password="admin12")
    with pytest.raises(ValidationException):
        await auth.initialize_db(admin_username="the root", admin_password=PASSWORD)
    with pytest.raises(ValidationException):
        await auth.initialize_db(admin_username="root@example.com", admin_password=PASSWORD)
    assert not await auth.accounts.list()


@memory_only
@pytest.mark.parametrize("username", ["a(b", "a..b", "[root]", "a,b"])
async def test_a_name_that_no_address_can_be_made_from(username: str, store: Store[Any], make_auth: MakeAuth) -> None:
    """A username that cannot stand before an @ asks for ``admin_email`` by its name, and is fine with one."""
    auth = make_auth(store)

    with pytest.raises(ValidationException) as caught:
        await auth.initialize_db(admin_username=username, admin_password=PASSWORD)
    await auth.initialize_db(admin_username=username, admin_password=PASSWORD, admin_email="root@example.com")
    await auth.initialize_db(admin_username=username, admin_password=PASSWORD)

    [detail] = caught.value.details
    assert detail["loc"][-1] == "admin_email"
    assert username in detail["msg"]
    assert await usernames(auth, role="superadmin") == [username]


async def test_each_step_can_be_left_out(store: Store[Any], make_auth: MakeAuth) -> None:
    """Without roles none are stored, and without an admin nobody is made, whatever was given."""
    auth = make_auth(store)

    await auth.initialize_db(create_tables=False, init_roles=False, create_admin=False, **ADMIN)

    assert not await auth.roles.list()
    assert not await auth.accounts.list()
    await auth.initialize_db(create_tables=False, init_roles=False, **ADMIN)
    assert await usernames(auth, role="superadmin") == ["root"]


@pytest.mark.parametrize("kind", STORES)
async def test_an_empty_database_is_made_and_checked(kind: str, make_auth: MakeAuth, tmp_path: Path) -> None:
    """Production starts on a schema that is there, and where it is not it says what is missing and what makes it."""
    async with STORES[kind](tmp_path) as store:
        auth = make_auth(store, production=True, passwords=PasswordSettings())
        if await store.missing_schema():
            with pytest.raises(ConfigurationError, match=r"fastauth_.*initialize_db"):
                await auth.lifespan(FastAPI()).__aenter__()
            with pytest.raises(ConfigurationError, match=r"fastauth_"):
                await auth.lifespan(FastAPI()).__aenter__()

        await auth.initialize_db(create_admin=False)

        async with auth.lifespan(FastAPI()):
            assert len(await auth.roles.list()) == 6
        assert not await store.missing_schema()


@pytest.mark.parametrize("kind", STORES)
async def test_development_makes_the_schema_when_it_starts_and_no_admin(
    kind: str, make_auth: MakeAuth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start of an app in development makes tables and roles, and no superadmin, even if one is named."""
    monkeypatch.setenv("FASTAUTH_ADMIN_USERNAME", "root")
    monkeypatch.setenv("FASTAUTH_ADMIN_PASSWORD", PASSWORD)
    async with STORES[kind](tmp_path) as store:
        auth = make_auth(store)
        async with auth.lifespan(FastAPI()):
            assert len(await auth.roles.list()) == 6
            assert not await auth.accounts.list()


async def test_eight_first_starts_at_once_make_one_of_everything(store: Store[Any], make_auth: MakeAuth) -> None:
    """However many start at the same moment, each role is there once, and one superadmin."""
    auths = [make_auth(store) for _ in range(8)]

    await asyncio.gather(*(auth.initialize_db(**ADMIN) for auth in auths))

    assert [role.name for role in await auths[0].roles.list()] == sorted(STANDARD_ROLES)
    assert await usernames(auths[0]) == ["root"]


async def test_eight_workers_on_one_file_make_one_schema(make_auth: MakeAuth, tmp_path: Path) -> None:
    """Eight engines that find an empty SQLite file at once leave one schema, each role once and one superadmin."""
    for attempt in range(3):
        async with AsyncExitStack() as closing:
            auths = []
            for _ in range(8):
                store = SQLStore(create_async_engine(f"sqlite+aiosqlite:///{tmp_path / f'{attempt}.db'}"))
                closing.push_async_callback(store.close)
                auths.append(make_auth(store))

            await asyncio.gather(*(auth.initialize_db(**ADMIN) for auth in auths))

            assert not await auths[0].store.missing_schema()
            assert [role.name for role in await auths[0].roles.list()] == sorted(STANDARD_ROLES)
            assert await usernames(auths[0], role="superadmin") == await usernames(auths[0]) == ["root"]
