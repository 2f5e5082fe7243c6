"""What the database is asked: one statement for a protected request, however many roles, and batches for a purge."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert
from sqlalchemy.ext.asyncio import AsyncEngine

from fastauth import FastAuth
from fastauth.backends.sql import SQLStore
from fastauth.core.models import NewUser
from fastauth.testing.conformance.base import HOUR, NOW
from tests.backends.sql.conftest import sent
from tests.conftest import PASSWORD
from tests.servers import postgres_engine

MakeAuth = Callable[..., FastAuth[Any]]


@pytest.mark.parametrize("roles", [1, 10, 100])
async def test_a_protected_request_is_one_statement(
    engine: AsyncEngine, sql_store: SQLStore, make_auth: MakeAuth, roles: int
) -> None:
    """Account, session and all roles of a protected request come in one statement and one row."""
    names = [f"role-{number:03}" for number in range(roles)]
    await sql_store.ensure_roles(dict.fromkeys(names, ""))
    auth = make_auth(sql_store)
    tokens = await auth.sessions.start(await auth.accounts.create("ada", "ada@example.com", PASSWORD, roles=names))

    with sent(engine) as statements:
        account = await auth.sessions.authenticate(tokens.access_token)

    assert account.roles == set(names)
    assert len(statements) == 1


async def test_a_sign_in_is_two_statements(engine: AsyncEngine, sql_store: SQLStore, make_auth: MakeAuth) -> None:
    """Signing in looks the account up and stores the session."""
    auth = make_auth(sql_store)
    await auth.initialize_db()
    await auth.accounts.register("ada", "ada@example.com", PASSWORD)

    with sent(engine) as statements:
        account = await auth.accounts.find("ada")
        assert account is not None
        await auth.sessions.start(account)

    assert len(statements) == 2


async def test_a_refresh_is_one_statement(engine: AsyncEngine, sql_store: SQLStore, make_auth: MakeAuth) -> None:
    """A refresh is one statement; the second tab's, which comes too late, is two."""
    auth = make_auth(sql_store)
    await auth.initialize_db()
    tokens = await auth.sessions.start(await auth.accounts.register("ada", "ada@example.com", PASSWORD))

    with sent(engine) as first:
        await auth.sessions.refresh(tokens.refresh_token)
    with sent(engine) as second:
        await auth.sessions.refresh(tokens.refresh_token)

    assert (len(first), len(second)) == (1, 2)


async def test_one_statement_is_one_round_trip_on_postgresql(make_auth: MakeAuth) -> None:
    """Where one statement is all there is, PostgreSQL is asked for nothing else: no BEGIN, no COMMIT, no ROLLBACK."""
    async with postgres_engine("asyncpg") as engine:
        store = SQLStore(engine)
        await store.create_schema()
        auth = make_auth(store)
        await auth.initialize_db()
        await store.close()
        framing: list[str] = []

        @event.listens_for(engine.sync_engine, "connect")
        def listen(connection: Any, _: Any) -> None:  # asyncpg tells of what is not prepared, which is the framing only
            connection.driver_connection.add_query_logger(lambda query: framing.append(query.query.split()[0]))

        account = await auth.accounts.register("ada", "ada@example.com", PASSWORD)
        await asyncio.sleep(0)
        several = framing.copy()
        framing.clear()
        tokens = await auth.sessions.start(account)
        await auth.sessions.authenticate(tokens.access_token)
        await auth.sessions.refresh(tokens.refresh_token)
        await asyncio.sleep(0)

        assert several == ["BEGIN", "COMMIT;"]
        assert framing == []


async def test_a_purge_goes_in_batches(engine: AsyncEngine, sql_store: SQLStore) -> None:
    """Expired sessions, and tokens before them, are deleted a thousand at a time, so that none waits long."""
    await sql_store.ensure_roles({"user": ""})
    account = await sql_store.add_user(NewUser("ada", "ada@example.com", "hash"), roles=["user"])
    rows = [
        {
            "id": f"session-{number}",
            "user_id": int(account.id),
            "generation": 0,
            "created_at": NOW,
            "rotated_at": NOW,
            "expires_at": NOW - timedelta(seconds=number),
        }
        for number in range(2500)
    ]
    async with engine.begin() as connection:
        await connection.execute(insert(sql_store._tables.sessions), rows)

    with sent(engine) as statements:
        purged = await sql_store.purge_expired(NOW - HOUR / 4)

    assert purged == 1600
    assert [statement.split()[0] for statement in statements] == ["SELECT", *["SELECT", "DELETE"] * 2, "SELECT"]
