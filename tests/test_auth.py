"""``FastAuth``: what it refuses to be built from, where its key and mode come from, and the life of an app."""

import logging
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from sqlalchemy import String
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastauth import (
    Account,
    ConfigurationError,
    CredentialsException,
    FastAuth,
    PasswordSettings,
    Store,
    TokenException,
)
from fastauth.backends.memory import MemoryStore
from fastauth.backends.sql import SQLStore, UserMixin
from fastauth.testing import CHEAP_PASSWORDS
from tests.conftest import PASSWORD, SECRET_KEY, bearer, client_of, register, sign_in
from tests.outbox import Outbox

Make = Callable[..., FastAuth[Any]]
OTHER_KEY = SECRET_KEY[::-1]
VARIABLES = ("FASTAUTH_ENV", "FASTAUTH_SECRET_KEY", "SECRET_KEY", "FASTAUTH_ADMIN_USERNAME", "FASTAUTH_ADMIN_PASSWORD")
SAFE_COST = PasswordSettings(bcrypt_cost=10)


class Base(DeclarativeBase):
    pass


class Member(UserMixin, Base):
    __tablename__ = "auth_members"

    id: Mapped[int] = mapped_column(primary_key=True)
    first_name: Mapped[str] = mapped_column(String(30))


class NoCredentials(BaseModel):
    pass


class Method:
    """A way to sign in that nobody gets through."""

    credentials = NoCredentials

    def __init__(self, name: str) -> None:
        self.name = name

    async def authenticate(self, credentials: NoCredentials, /) -> Account[Any]:
        raise CredentialsException


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a variable nor a key file of the machine decides what happens here."""
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"access_token_expires_in": 0}, "access_token_expires_in"),
        ({"access_token_expires_in": -5}, "access_token_expires_in"),
        ({"access_token_expires_in": timedelta(milliseconds=999)}, "access_token_expires_in"),
        ({"refresh_token_expires_in": 0}, "refresh_token_expires_in"),
        ({"refresh_token_expires_in": timedelta(days=-1)}, "refresh_token_expires_in"),
        ({"store_timeout": 0}, "store_timeout"),
        ({"token_url": "token"}, "token_url"),
        ({"token_url": "/token/"}, "token_url"),
        ({"token_url": "/"}, "token_url"),
        ({"token_url": ""}, "token_url"),
        ({"token_url": "https://example.com/token"}, "token_url"),
        ({"sign_in_methods": [Method("refresh")]}, "'refresh'"),
        ({"sign_in_methods": [Method("password")]}, "'password'"),
        ({"sign_in_methods": [Method("pin"), Method("pin")]}, "'pin'"),
        ({"algorithm": "none"}, "algorithm"),
        ({"secret_key": "short"}, "bytes"),
        ({"secret_key": []}, "secret_key"),
        ({"production": True, "use_cookie": True, "secure_cookies": False, "passwords": SAFE_COST}, "secure_cookies"),
        ({"production": True}, "bcrypt_cost"),
        ({"production": True, "secret_key": "a" * 32, "passwords": SAFE_COST}, "secret key"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_built(make_auth: Make, options: dict[str, Any], named: str) -> None:
    """An option that cannot work, or is not safe, is a configuration error that names it."""
    with pytest.raises(ConfigurationError, match=named):
        make_auth(MemoryStore(), **options)


def test_a_required_field_that_nobody_may_set_is_refused(make_auth: Make) -> None:
    """A model that needs a value which ``/register`` may not set is refused, unless registration is closed."""
    engine = create_async_engine("sqlite+aiosqlite://")
    closed, writable = (
        SQLStore(engine, user_model=Member),
        SQLStore(engine, user_model=Member, writable_fields=["first_name"]),
    )

    with pytest.raises(ConfigurationError, match=r"Member\.first_name.*writable_fields"):
        make_auth(closed)
    assert make_auth(closed, registration=False).store is closed
    assert make_auth(writable).store is writable


@pytest.mark.parametrize(
    ("given", "environment", "expected"),
    [
        (None, None, False),
        (None, "", False),
        (None, "development", False),
        (None, "dev", False),
        (None, "TEST", False),
        (None, "testing", False),
        (None, "production", True),
        (None, "Production", True),
        (None, "prod", True),
        (True, "development", True),
        (False, "production", False),
    ],
)
def test_the_mode_is_what_was_given_or_the_environments(
    make_auth: Make, monkeypatch: pytest.MonkeyPatch, given: bool | None, environment: str | None, expected: bool
) -> None:
    """``production`` is what was given, else what ``FASTAUTH_ENV`` says, else development."""
    if environment is not None:
        monkeypatch.setenv("FASTAUTH_ENV", environment)

    assert make_auth(MemoryStore(), production=given, passwords=SAFE_COST).production is expected


def test_a_misspelt_mode_is_refused(make_auth: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ``FASTAUTH_ENV`` that is neither is refused: a typing error must not make production lenient."""
    monkeypatch.setenv("FASTAUTH_ENV", "prodution")

    with pytest.raises(ConfigurationError, match="prodution"):
        make_auth(MemoryStore())


def accepted_by(auth: FastAuth[Any], token: str) -> bool:
    try:
        auth.sessions.read(token)
    except TokenException:
        return False
    return True


async def token_of(auth: FastAuth[Any]) -> str:
    await auth.initialize_db()
    account = await auth.accounts.register("ada", "ada@example.com", PASSWORD)
    return (await auth.sessions.start(account)).access_token


async def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key, ``FASTAUTH_SECRET_KEY`` is taken, and ``SECRET_KEY`` after it."""
    given = FastAuth(MemoryStore(), secret_key=SECRET_KEY, passwords=CHEAP_PASSWORDS)
    token = await token_of(given)

    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)
    assert accepted_by(FastAuth(MemoryStore()), token)
    monkeypatch.setenv("FASTAUTH_SECRET_KEY", OTHER_KEY)
    assert not accepted_by(FastAuth(MemoryStore()), token)
    assert accepted_by(FastAuth(MemoryStore(), secret_key=SECRET_KEY), token)


async def test_development_keeps_a_key_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With no key at all, development makes one, keeps it for the next start in a private file, and warns once."""
    token = await token_of(FastAuth(MemoryStore(), passwords=CHEAP_PASSWORDS))

    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    (file,) = (path for path in (tmp_path / ".fastauth").iterdir() if path.name == "secret_key")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(warnings) == 1
    assert "FASTAUTH_SECRET_KEY" in warnings[0]
    assert file.read_text() not in caplog.text
    assert accepted_by(FastAuth(MemoryStore()), token)


def test_r_lo_2_production_without_a_key_is_refused() -> None:
    """With no key at all, production does not start, and no file is made."""
    with pytest.raises(ConfigurationError, match="FASTAUTH_SECRET_KEY"):
        FastAuth(MemoryStore(), production=True)

    assert not Path(".fastauth").exists()


async def test_a_ring_signs_with_its_first_key_and_verifies_with_all() -> None:
    """With a ring of keys the first signs and all verify; a key that was taken out verifies no more."""
    old = FastAuth(MemoryStore(), secret_key=SECRET_KEY, passwords=CHEAP_PASSWORDS)
    both = FastAuth(MemoryStore(), secret_key=[OTHER_KEY, SECRET_KEY], passwords=CHEAP_PASSWORDS)
    new = FastAuth(MemoryStore(), secret_key=OTHER_KEY, passwords=CHEAP_PASSWORDS)
    old_token, ring_token = await token_of(old), await token_of(both)

    assert [accepted_by(auth, old_token) for auth in (old, both, new)] == [True, True, False]
    assert [accepted_by(auth, ring_token) for auth in (old, both, new)] == [False, True, True]


async def test_everything_works_without_a_request(store: Store[Any], make_auth: Make) -> None:
    """The services do in a script what the routes do, on every store."""
    auth = make_auth(store)
    await auth.initialize_db()

    account = await auth.accounts.register("Ada", "Ada@Example.com", PASSWORD)
    await auth.roles.grant(account.id, "moderator")
    pair = await auth.sessions.start(account)
    seen = await auth.sessions.authenticate(pair.access_token)
    pair = await auth.sessions.refresh(pair.refresh_token)
    await auth.sessions.end(pair.session_id)

    assert (seen.username, seen.roles, type(seen.user)) == ("ada", {"user", "moderator"}, type(account.user))
    with pytest.raises(TokenException):
        await auth.sessions.authenticate(pair.access_token)


def test_routers_can_be_taken_one_by_one(make_auth: Make) -> None:
    """Each router is there by itself, the same one at every call, and together they are all routes."""
    auth = make_auth(MemoryStore(), notifier=Outbox())
    whole, parts = FastAPI(), FastAPI()
    auth.setup(whole)
    getters = (
        auth.get_auth_router,
        auth.get_session_router,
        auth.get_account_router,
        auth.get_user_router,
        auth.get_role_router,
    )
    routers = [getter() for getter in getters]

    for router in routers:
        parts.include_router(router)

    assert all(isinstance(router, APIRouter) for router in routers)
    assert routers == [getter() for getter in getters]
    assert whole.openapi()["paths"].keys() == parts.openapi()["paths"].keys()


def test_routes_are_built_when_they_are_asked_for(make_auth: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Making a ``FastAuth`` builds no router: a script that serves no routes does not pay for them."""
    built: list[str] = []
    original = APIRouter.add_api_route

    def add_api_route(self: APIRouter, path: str, *args: Any, **kwargs: Any) -> None:
        built.append(path)
        original(self, path, *args, **kwargs)

    monkeypatch.setattr(APIRouter, "add_api_route", add_api_route)
    auth = make_auth(MemoryStore())
    before = list(built)
    auth.get_role_router()

    assert before == []
    assert "/roles" in built


async def test_everything_can_be_put_under_a_prefix(make_auth: Make) -> None:
    """``setup`` puts every route under the prefix, and nothing beside it."""
    auth = make_auth(MemoryStore())
    await auth.initialize_db()
    app = FastAPI()
    auth.setup(app, prefix="/auth")

    async with client_of(app, base_url="https://testserver/auth") as client:
        await register(client)
        me = await client.get("/users/me", headers=bearer(await sign_in(client)))

    assert me.json()["username"] == "ada"
    assert all(path.startswith("/auth/") for path in app.openapi()["paths"])


def test_r_lo_1_nothing_of_it_shows_a_secret(make_auth: Make) -> None:
    """No ``repr`` of the object, or of what hangs on it, holds the key."""
    auth = make_auth(MemoryStore())

    assert all(SECRET_KEY not in repr(value) for value in (auth, *vars(auth).values()))
