"""What all tests share: a store of each kind, an app on it, and a client.

A test that takes ``store`` (or ``auth``, or ``client``) runs once on every store of :data:`STORES`.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy.ext.asyncio import create_async_engine

from fastauth import FastAuth, Store
from fastauth.backends.memory import MemoryStore
from fastauth.backends.sql import SQLStore
from fastauth.testing import CHEAP_PASSWORDS, ManualClock
from tests.servers import SERVER_STORES, StoreFactory
from tests.store_table import print_store_table

SECRET_KEY = "tests-only-3Jq8vXo2LkTzR5uWcY7bNfMd9hGpAe1s"  # never a key of anything
PASSWORD = "correct horse battery"
# A busy machine may be slow; a test of the deadline sets its own, and so does one of the limits.
DEFAULTS = {
    "secret_key": SECRET_KEY,
    "passwords": CHEAP_PASSWORDS,
    "limits": None,
    "notifier": None,
    "store_timeout": 60,
}


@asynccontextmanager
async def memory_store(_: Path) -> AsyncGenerator[Store[Any], None]:
    yield MemoryStore()


@asynccontextmanager
async def sqlite_store(folder: Path) -> AsyncGenerator[Store[Any], None]:
    store = SQLStore(create_async_engine(f"sqlite+aiosqlite:///{folder / 'test.db'}"))
    yield store
    await store.close()


STORES: dict[str, StoreFactory] = {"memory": memory_store, "sqlite": sqlite_store, **SERVER_STORES}


def pytest_configure() -> None:
    # pytest-asyncio asks for the loop that is set before the first test. Where none ever was, Python makes one for it
    # up to 3.11, and nobody closes that.
    asyncio.set_event_loop(None)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run write what each store has passed into the README."""
    parser.addoption("--write-store-table", action="store_true", help="write the README's table of databases")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """End a run with what each store has passed."""
    print_store_table(terminalreporter, write=config.getoption("--write-store-table"))


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Store[Any], None]:
    """An empty store of each kind, with its schema."""
    async with STORES[request.param](tmp_path) as store:
        await store.create_schema()
        yield store


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands until the test moves it."""
    return ManualClock()


@pytest.fixture
def make_auth(clock: ManualClock) -> Callable[..., FastAuth[Any]]:
    """Build a ``FastAuth`` with a test key, cheap hashing and the test's clock, unless told otherwise."""

    def make(store: Store[Any], **options: Any) -> FastAuth[Any]:
        return FastAuth(store, **{**DEFAULTS, "clock": clock, **options})

    return make


@pytest.fixture
async def auth(store: Store[Any], make_auth: Callable[..., FastAuth[Any]]) -> FastAuth[Any]:
    """A ``FastAuth`` with default settings on each store, with the standard roles."""
    auth = make_auth(store)
    await auth.initialize_db()
    return auth


@pytest.fixture
def app(auth: FastAuth[Any]) -> FastAPI:
    """An app with every route of ours, on each store."""
    app = FastAPI()
    auth.setup(app)
    return app


def client_of(app: FastAPI, *, base_url: str = "https://testserver", **options: Any) -> AsyncClient:
    """Return a client of the app; used as a context manager. An exception of the app is a failure of the test."""
    return AsyncClient(transport=ASGITransport(app), base_url=base_url, **options)


@pytest.fixture
async def client(app: FastAPI) -> AsyncGenerator[AsyncClient, None]:
    """A client of the app, on each store."""
    async with client_of(app) as client:
        yield client


async def register(client: AsyncClient, username: str = "ada", **fields: Any) -> dict[str, Any]:
    """Register a user with :data:`PASSWORD` and return the user's JSON."""
    body = {"username": username, "email": f"{username}@example.com", "password": PASSWORD, **fields}
    answer = await client.post("/register", json=body)
    assert answer.status_code == 201, answer.text
    user: dict[str, Any] = answer.json()
    return user


async def sign_in(client: AsyncClient, username: str = "ada", password: str = PASSWORD) -> dict[str, Any]:
    """Sign in and return the answer of ``POST /token``."""
    answer = await client.post("/token", data={"username": username, "password": password})
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


def bearer(tokens: dict[str, Any] | str) -> dict[str, str]:
    """Return the header that carries an access token."""
    return {"Authorization": f"Bearer {tokens if isinstance(tokens, str) else tokens['access_token']}"}
