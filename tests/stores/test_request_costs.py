"""What a request costs: the statements and commands that it sends, as docs/databases.md says in a table."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from httpx2 import AsyncClient
from sqlalchemy import event

from fastauth import FastAuth, Store
from fastauth.backends.sql import SQLStore
from tests.conftest import PASSWORD, bearer, client_of, register, sign_in
from tests.servers import module, mongo_database
from tests.stores.engines import ENGINES

PAGE = Path(__file__).parent.parent.parent / "docs" / "databases.md"
Sent = list[Any]


@asynccontextmanager
async def sql_store(kind: str, folder: Path, sent: Sent) -> AsyncGenerator[Store[Any], None]:
    async with ENGINES[kind](folder) as engine:
        event.listen(engine.sync_engine, "before_cursor_execute", lambda *call: sent.append(call[2]))
        yield SQLStore(engine)


@asynccontextmanager
async def mongo_store(kind: str, _: Path, sent: Sent) -> AsyncGenerator[Store[Any], None]:
    backend, wire = module("fastauth.backends.mongo", "mongo"), module("tests.wire", "mongo").Wire()
    wire.sent = sent
    async with mongo_database(kind, event_listeners=[wire]) as database:
        yield backend.MongoStore(database)


STORES: dict[str, tuple[Callable[..., AbstractAsyncContextManager[Store[Any]]], str]] = {
    "sqlite": (sql_store, "SQLite"),
    "postgres": (sql_store, "PostgreSQL"),
    "mariadb": (sql_store, "MariaDB"),
    "mongo-standalone": (mongo_store, "MongoDB"),
    "mongo-replica-set": (mongo_store, "MongoDB"),
}


def promised(database: str) -> dict[str, int]:
    """Return the column of this database in the table of the docs, by request."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text("utf-8").partition("## What a request costs")[2].splitlines()
        if line.startswith("|")
    ]
    column = rows[0].index(database)
    return {row[0].replace("`", ""): int(row[column]) for row in rows[2:]}


class Costs:
    """An app whose store tells what it sends."""

    def __init__(self, auth: FastAuth[Any], client: AsyncClient, sent: Sent) -> None:
        self.auth = auth
        self.client = client
        self.sent = sent

    async def of(self, method: str, path: str, **request: Any) -> int:
        """Return what a request costs that is answered as it should be."""
        self.sent.clear()
        answer = await self.client.request(method, path, **request)
        assert answer.is_success, answer.text
        return len(self.sent)


@pytest.fixture(params=STORES)
async def costs(
    request: pytest.FixtureRequest, tmp_path: Path, make_auth: Callable[..., FastAuth[Any]]
) -> AsyncGenerator[Costs, None]:
    """An app on each kind of database, with a protected route, and one for editors."""
    make, _ = STORES[request.param]
    sent: Sent = []
    async with make(request.param, tmp_path, sent) as store:
        auth = make_auth(store)
        await auth.initialize_db()
        app = FastAPI()
        auth.setup(app)

        @app.get("/protected", dependencies=[Depends(auth.current_user)])
        async def protected() -> None: ...

        @app.get("/guarded", dependencies=[Depends(auth.current_user), Depends(auth.require_roles(["role-0"]))])
        async def guarded() -> None: ...

        async with client_of(app) as client:
            yield Costs(auth, client, sent)


async def test_requests_cost_what_the_docs_say(costs: Costs, request: pytest.FixtureRequest) -> None:
    """Each request sends exactly as many statements or commands as the table in the docs says."""
    await register(costs.client)
    await costs.auth.roles.create("role-0", "")
    ada = await costs.auth.accounts.find("ada")
    assert ada is not None
    await costs.auth.roles.grant(ada.id, "role-0")
    tokens = await sign_in(costs.client)
    grace = {"username": "grace", "email": "grace@example.com", "password": PASSWORD}

    measured = {
        "a protected route": await costs.of("GET", "/protected", headers=bearer(tokens)),
        "a route for a role": await costs.of("GET", "/guarded", headers=bearer(tokens)),
        "POST /token": await costs.of("POST", "/token", data={"username": "ada", "password": PASSWORD}),
        "POST /token/refresh": await costs.of(
            "POST", "/token/refresh", json={"refresh_token": tokens["refresh_token"]}
        ),
        "POST /register": await costs.of("POST", "/register", json=grace),
        "POST /logout": await costs.of("POST", "/logout", headers=bearer(tokens)),
    }

    _, database = STORES[request.node.callspec.params["costs"]]
    assert measured == promised(database)


@pytest.mark.parametrize("roles", [1, 10, 100])
async def test_more_roles_cost_nothing_more(costs: Costs, roles: int) -> None:
    """A user with 1, 10 or 100 roles costs the same at a route for a role: one statement or command."""
    names = [f"role-{number}" for number in range(roles)]
    await costs.auth.store.ensure_roles(dict.fromkeys(names, ""))
    account = await costs.auth.accounts.create("ada", "ada@example.com", PASSWORD, roles=names)
    tokens = await costs.auth.sessions.start(account)

    assert await costs.of("GET", "/guarded", headers=bearer(tokens.access_token)) == 1


async def test_a_bad_token_costs_nothing(costs: Costs) -> None:
    """A token that is not good is refused before the database is asked."""
    costs.sent.clear()

    answer = await costs.client.get("/protected", headers=bearer("not.a.token"))

    assert (answer.status_code, costs.sent) == (401, [])
