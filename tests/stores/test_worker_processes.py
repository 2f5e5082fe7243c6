"""Races through the HTTP app with four worker processes on one database."""

import asyncio
import os
import secrets
import socket
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from httpx2 import AsyncClient, HTTPError, Limits
from sqlalchemy.ext.asyncio import create_async_engine

from tests.conftest import PASSWORD, bearer, register, sign_in
from tests.servers import mongo_database, mongo_url, postgres_url

WORKERS = 4
ROOT = Path(__file__).parent.parent.parent


@asynccontextmanager
async def sqlite_url(folder: Path) -> AsyncGenerator[str, None]:
    yield f"sqlite+aiosqlite:///{folder / 'test.db'}"


@asynccontextmanager
async def postgres_database_url(_: Path) -> AsyncGenerator[str, None]:
    name = f"test_{secrets.token_hex(8)}"
    url = postgres_url("asyncpg")
    server = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with server.connect() as connection:
        await connection.exec_driver_sql(f"CREATE DATABASE {name}")
        yield url.set(database=name).render_as_string(hide_password=False)
        await connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    await server.dispose()


@asynccontextmanager
async def mongo_database_url(_: Path) -> AsyncGenerator[str, None]:
    async with mongo_database("mongo-replica-set") as database:
        server, _slash, query = mongo_url("mongo-replica-set").partition("/?")
        yield f"{server}/{database.name}?{query}"


DATABASES = {"sqlite": sqlite_url, "postgres": postgres_database_url, "mongo": mongo_database_url}


@pytest.fixture(params=DATABASES)
async def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[str, None]:
    """The address of an empty database of each kind."""
    async with DATABASES[request.param](tmp_path) as url:
        yield url


@asynccontextmanager
async def serving_workers(
    store_url: str, app: str = "tests.stores.worker_app:app"
) -> AsyncGenerator[AsyncClient, None]:
    """Serve the app with four processes, and give a client that opens many connections."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    arguments = ["-m", "uvicorn", app, "--log-level", "warning"]
    arguments += ["--workers", str(WORKERS), "--port", str(port)]
    environment = {**os.environ, "FASTAUTH_TEST_STORE_URL": store_url}
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, env=environment, cwd=ROOT)
    try:
        limits = Limits(max_connections=200, max_keepalive_connections=0)
        async with AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits, timeout=60) as client:
            await answering(client, process)
            yield client
    finally:
        process.terminate()
        await process.wait()


async def answering(client: AsyncClient, process: asyncio.subprocess.Process) -> None:
    for _ in range(3000):
        assert process.returncode is None, "the server ended"
        try:
            await client.get("/users/me")
        except HTTPError:
            await asyncio.sleep(0.05)
        else:
            return
    pytest.fail("the server never answered")


async def test_two_hundred_registrations_of_one_address_make_one_account(store_url: str) -> None:
    """Of 200 simultaneous registrations of one address in differing case, one succeeds and 199 are told 409."""
    async with serving_workers(store_url) as client:

        async def attempt(number: int) -> int:
            local = "".join(char.upper() if number >> place & 1 else char for place, char in enumerate("adalovelace"))
            body = {"username": f"ada{number}", "email": f"{local}@example.com", "password": PASSWORD}
            return (await client.post("/register", json=body)).status_code

        statuses = Counter(await asyncio.gather(*(attempt(number) for number in range(200))))

        assert statuses == {201: 1, 409: 199}
        assert (await sign_in(client, "adalovelace@example.com"))["access_token"]


async def test_a_hundred_refreshes_of_one_token_are_one_rotation(store_url: str) -> None:
    """Of 100 simultaneous refreshes one moves the generation on, the others get that generation, and none loses."""
    async with serving_workers(store_url) as client:
        await register(client)
        first = await sign_in(client)

        answers = await asyncio.gather(
            *(client.post("/token/refresh", json={"refresh_token": first["refresh_token"]}) for _ in range(100))
        )

        assert {answer.status_code for answer in answers} <= {200, 401}
        good = [answer.json() for answer in answers if answer.status_code == 200]
        assert good
        for tokens in good:
            assert (await client.get("/users/me", headers=bearer(tokens))).status_code == 200
        # All hold the same generation: the next refresh of any two of them is one rotation again, and not a reuse.
        again = [
            await client.post("/token/refresh", json={"refresh_token": each["refresh_token"]}) for each in good[:2]
        ]
        assert [answer.status_code for answer in again] == [200] * len(again)
