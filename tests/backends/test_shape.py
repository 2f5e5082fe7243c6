"""A user class with the flags of fastapi-users, with a name or without: every verb does to it what it does to ours."""

import secrets
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from beanie import Document
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import String
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastauth import FastAuth, ProtectedRoleException, UserExistsException, ValidationException
from fastauth.backends.mongo import MongoStore
from fastauth.backends.sql import SQLStore
from fastauth.backends.sql.fastapi_users import DashedUuid, FastAPIUsersMixin
from fastauth.core.models import Login, Session
from fastauth.testing import CHEAP_PASSWORDS
from tests.conftest import PASSWORD, SECRET_KEY
from tests.servers import mongo_database
from tests.stores.engines import ENGINES

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


@asynccontextmanager
async def sql_store(database: str, folder: Path, *, named: bool) -> AsyncGenerator[Any, None]:
    class Base(DeclarativeBase):
        pass

    if named:

        class User(FastAPIUsersMixin, Base):
            __tablename__ = f"user_{secrets.token_hex(4)}"

            username: Mapped[str] = mapped_column(String(64), unique=True)
    else:

        class User(FastAPIUsersMixin, Base):  # type: ignore[no-redef]
            __tablename__ = f"user_{secrets.token_hex(4)}"

    async with ENGINES[database](folder) as engine:
        yield SQLStore(engine, user_model=User)


@asynccontextmanager
async def mongo_store(kind: str, *, named: bool) -> AsyncGenerator[Any, None]:
    class Nameless(Document):
        email: str
        hashed_password: str
        is_active: bool = True
        is_superuser: bool = False

    class Named(Nameless):
        username: str

    async with mongo_database(kind) as database:
        yield MongoStore(database, user_model=Named if named else Nameless)


@pytest.fixture(params=[*ENGINES, "mongo-standalone", "mongo-replica-set"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Makes a store of a class with a name, or of one without."""
    kind: str = request.param

    def make(*, named: bool) -> Any:
        return mongo_store(kind, named=named) if kind.startswith("mongo") else sql_store(kind, tmp_path, named=named)

    return make


def session(user_id: str) -> Session:
    return Session(secrets.token_hex(16), user_id, 0, NOW, NOW, NOW.replace(year=2027))


@pytest.mark.parametrize("named", [True, False])
async def test_who_is_not_active_is_disabled(named: bool, stores: Any) -> None:
    """Disabling says that a user is not active, and the listing, sessions and the superadmin rule go by that."""
    async with stores(named=named) as store:
        auth = FastAuth(store, secret_key=SECRET_KEY, passwords=CHEAP_PASSWORDS)
        await auth.initialize_db(create_admin=False)
        name = {True: "{}", False: "{}@example.com"}[named]
        ada, grace = [
            await auth.accounts.create(
                name.format(each), f"{each}@example.com", PASSWORD, roles=["superadmin"] if each == "ada" else ["user"]
            )
            for each in ("ada", "grace")
        ]
        with pytest.raises(ProtectedRoleException):
            await auth.accounts.disable(ada.id)
        await auth.roles.grant(grace.id, "superadmin")
        assert await store.add_session(session(ada.id), hashed_password=ada.hashed_password)
        await auth.accounts.disable(ada.id)
        with pytest.raises(ProtectedRoleException):
            await auth.accounts.disable(grace.id)
        assert not await store.add_session(session(ada.id), hashed_password=ada.hashed_password)

        off, on = [await store.list_users(disabled=each, limit=9) for each in (True, False)]
        changed = await store.update_user(ada.id, {"is_superuser": True})
        await auth.accounts.enable(ada.id)
        back = await store.get_user(ada.id)

        assert [[each.email for each in page] for page in (off, on)] == [["ada@example.com"], ["grace@example.com"]]
        assert (off[0].user.is_active, off[0].disabled, changed.disabled) == (False, True, True)
        assert (back.user.is_active, back.disabled) == (True, False)
        auth.passwords.close()


async def test_a_user_without_a_name_is_called_by_the_address(stores: Any) -> None:
    """Registration asks for no name, the address is the name, and a name that is another one is refused."""
    async with stores(named=False) as store:
        auth = FastAuth(store, secret_key=SECRET_KEY, passwords=CHEAP_PASSWORDS)
        await auth.initialize_db(create_admin=False)
        app = FastAPI()
        auth.setup(app)
        async with AsyncClient(transport=ASGITransport(app), base_url="https://testserver") as client:
            made = await client.post("/register", json={"email": "Ada@example.com", "password": PASSWORD})
            taken = await client.post("/register", json={"email": "ada@example.com", "password": PASSWORD})
            named = await client.post(
                "/register", json={"username": "ada", "email": "b@example.com", "password": PASSWORD}
            )
            tokens = await client.post("/token", data={"username": "ada@example.com", "password": PASSWORD})
        with pytest.raises(UserExistsException) as refused:
            await auth.accounts.create("", "ada@example.com", PASSWORD)
        with pytest.raises(ValidationException):
            await auth.accounts.create("ada", "grace@example.com", PASSWORD)
        with pytest.raises(ValidationException):
            await auth.accounts.register_quietly("ada", "grace@example.com", PASSWORD)

        assert (made.status_code, made.json()["username"]) == (201, "ada@example.com")
        assert (taken.json()["error"]["code"], refused.value.field) == ("FASTAUTH_USER_EXISTS", "email")
        assert (named.status_code, tokens.status_code) == (422, 200)
        assert await store.find_user(Login("username", "ada")) is None
        assert "username" not in store.schema.required
        auth.passwords.close()


@pytest.mark.parametrize("named", [True, False])
async def test_a_test_knows_who_is_not_active(named: bool, stores: Any) -> None:
    """Whom a test pretends to be has the name that the store would read off the object, and is refused as disabled."""
    async with stores(named=named) as store:
        auth = FastAuth(store, secret_key=SECRET_KEY, passwords=CHEAP_PASSWORDS)
        app = FastAPI()
        auth.setup(app)
        ada = await auth.testing.make_user("ada", email="a@example.com")
        grace = await auth.testing.make_user("grace")
        await auth.accounts.disable(grace.id)
        off = (await auth.accounts.get(grace.id)).user

        async with AsyncClient(transport=ASGITransport(app), base_url="https://testserver") as client:
            with auth.testing.as_user(ada.user) as account:
                let_in = await client.get("/users/me")
            with auth.testing.as_user(off):
                refused = await client.get("/users/me")

        assert (account.username, account.email) == (ada.username, ada.email)
        assert (let_in.status_code, let_in.json()["username"]) == (200, ada.username)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "FASTAUTH_INACTIVE_USER")
        auth.passwords.close()


async def test_people_of_a_test_need_no_name(stores: Any) -> None:
    """Where users have no name besides the address, tests make and sign in people by it, or by what is before its @."""
    async with stores(named=False) as store:
        auth = FastAuth(store, secret_key=SECRET_KEY, passwords=CHEAP_PASSWORDS)
        app = FastAPI()
        auth.setup(app)

        made = [await auth.testing.make_user(), await auth.testing.make_user("eve", email="e@example.org")]
        made += await auth.testing.make_users(2)
        async with AsyncClient(transport=ASGITransport(app), base_url="https://testserver") as client:
            signed_in = [
                await auth.testing.sign_in_as(client, who) for who in ("ada", "bob", "bob", "cleo@example.org", made[1])
            ]
            me = (await client.get("/users/me")).json()

        with pytest.raises(ValidationException, match="no name here"):
            await auth.accounts.create("another@example.com", "fred@example.com", PASSWORD)
        found = [each.username for each in (*made, *signed_in)]
        people = ["ada@example.com", "e@example.org", "user1@example.com", "user2@example.com"]
        assert found == [*people, people[0], "bob@example.com", "bob@example.com", "cleo@example.org", people[1]]
        assert all(each.username == each.email for each in made)
        assert me["username"] == "e@example.org"
        auth.passwords.close()


def test_a_uuid_is_kept_as_fastapi_users_kept_it() -> None:
    """PostgreSQL has a type for it; elsewhere it is text with dashes, and what was stored is read back."""
    key, kind = uuid.uuid4(), DashedUuid()
    other = type("Dialect", (), {"name": "sqlite"})()

    assert kind.python_type is uuid.UUID
    assert kind.process_bind_param(key, postgresql.dialect()) == key
    assert kind.process_bind_param(None, other) is None
    assert kind.process_bind_param(key, other) == str(key)
    assert kind.process_result_value(str(key), other) == key
    assert kind.process_result_value(key, postgresql.dialect()) == key
