"""Every statement of a request finds its rows by an index, so that none grows with the number of users."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from fastauth import Session
from fastauth.backends.sql import SQLStore
from fastauth.core.models import STANDARD_ROLES, Login, NewUser
from tests.stores.engines import ENGINES
from tests.stores.many_users import NOW, SESSIONS_FROM, fill

USERS = 300


def session(user_id: str, number: int) -> Session:
    return Session(f"session-{SESSIONS_FROM + number}", user_id, 0, NOW, NOW, NOW + timedelta(days=1))


@pytest.fixture(params=ENGINES)
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[AsyncEngine, None]:
    """A database with a few hundred users and sessions."""
    async with ENGINES[request.param](tmp_path) as engine:
        store = SQLStore(engine)
        await store.create_schema()
        await store.ensure_roles(STANDARD_ROLES)
        for number in range(USERS):
            new = NewUser(f"user{number}", f"user{number}@example.com", "hash")
            account = await store.add_user(new, roles=["user"])
            await store.add_session(session(account.id, number), hashed_password="hash")
        yield engine


async def full_scans(engine: AsyncEngine, statement: str, parameters: Any) -> list[str]:
    """Return the lines of the statement's plan that read a whole table."""
    async with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            await connection.exec_driver_sql("SET enable_seqscan = off")  # what is left of them has no index to use
            plan = await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
            return [line for (line,) in plan if "Seq Scan" in line]
        if engine.dialect.name == "sqlite":
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            return [row.detail for row in plan if row.detail.startswith("SCAN") and "CONSTANT ROW" not in row.detail]
        plan = await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
        return [f"{row['table']}: {row['type']}" for row in plan.mappings() if row["type"] == "ALL"]


VERBS: dict[str, Callable[[SQLStore], Awaitable[Any]]] = {
    "authenticate": lambda store: store.authenticate(session("", 7).id),
    "find by username": lambda store: store.find_user(Login("username", "user7")),
    "find by address": lambda store: store.find_user(Login("email", "user7@example.com")),
    "get": lambda store: store.get_user("7"),
    "add a session": lambda store: store.add_session(session("7", 10**9), hashed_password="hash"),
    "rotate": lambda store: store.rotate_session(
        session("", 6).id, user_id="7", generation=0, now=NOW, expires_at=NOW + timedelta(days=2)
    ),
    "revoke a session": lambda store: store.revoke_session(session("", 8).id, now=NOW),
    "list sessions": lambda store: store.list_sessions("7", now=NOW),
}


async def scans_of_verbs(store: SQLStore) -> dict[str, list[str]]:
    """Return what each verb of a request reads whole; each is one statement."""
    statements: list[tuple[str, Any]] = []

    @event.listens_for(store.engine.sync_engine, "before_cursor_execute")
    def remember(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE", "INSERT")):
            statements.append((statement, parameters))

    scans = {}
    for name, verb in VERBS.items():
        statements.clear()
        await verb(store)
        assert len(statements) == 1, name
        scans[name] = await full_scans(store.engine, *statements[0])
    return scans


async def test_no_statement_of_a_request_reads_a_whole_table(engine: AsyncEngine) -> None:
    """Each verb of a request is one statement, which finds its rows by an index."""
    assert await scans_of_verbs(SQLStore(engine)) == {name: [] for name in VERBS}
    assert await full_scans(engine, "SELECT disabled FROM fastauth_users WHERE disabled", ()) != []  # it would be seen


@pytest.mark.slow
@pytest.mark.parametrize("users", [10**3, 10**5, 10**6])
@pytest.mark.parametrize("database", ENGINES)
async def test_plans_stay_the_same_with_a_million_users(database: str, users: int, tmp_path: Path) -> None:
    """With 10^3, 10^5 and 10^6 users each verb is one statement that finds its rows by an index."""
    async with ENGINES[database](tmp_path) as engine:
        store = await fill(engine, users)

        assert len(await store.list_users(search=f"user{users - 1}", limit=2)) == 1
        assert await scans_of_verbs(store) == {name: [] for name in VERBS}
