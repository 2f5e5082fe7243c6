"""The databases: made by the library, filled in bulk, on a file or on servers that are started for the run."""

import secrets
import tempfile
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import bcrypt
from pymongo import AsyncMongoClient
from sqlalchemy import Table, insert, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from benchmarks.people import PASSWORD, SECRET, USERS, name_of, session_id
from fastauth import FastAuth, PasswordSettings
from fastauth.backends.mongo import MongoStore
from fastauth.backends.sql import SQLStore, User
from fastauth.core.hashers import BcryptHasher
from tests.server_process import attach

# Copies of the first thousand, made by SQLite itself: a million in seconds.
_NUMBERS = "WITH RECURSIVE numbers(n) AS (SELECT 1001 UNION ALL SELECT n + 1 FROM numbers WHERE n < :{})"
_MANY_MORE = (
    f"""{_NUMBERS.format("users")} INSERT INTO fastauth_users (id, username, email, hashed_password, disabled)
    SELECT n, printf('user%07d', n), printf('user%07d@example.com', n), u.hashed_password, u.disabled
    FROM numbers JOIN fastauth_users u ON u.id = 1 WHERE n <= :users""",
    f"""{_NUMBERS.format("users")} INSERT INTO fastauth_user_roles (user_id, role_id)
    SELECT n, r.id FROM numbers JOIN fastauth_roles r ON r.name = 'user' WHERE n <= :users""",
    f"""{_NUMBERS.format("sessions")} INSERT INTO fastauth_sessions
    (id, user_id, generation, created_at, rotated_at, expires_at)
    SELECT printf('bench%017d', n), (n - 1) % :users + 1, 0, s.created_at, s.rotated_at, s.expires_at
    FROM numbers JOIN fastauth_sessions s ON s.user_id = 1 AND s.id = 'bench00000000000000001' WHERE n <= :sessions""",
)


@dataclass(frozen=True)
class Database:
    """A filled database.

    Attributes:
        environment: What an app is told.
        user_ids: The keys of the first thousand users.
    """

    environment: dict[str, str]
    user_ids: Sequence[object]


@dataclass(frozen=True)
class Contents:
    """What to fill a database with.

    Attributes:
        users: How many people, each with the role ``user``; more than a thousand on SQLite only.
        sessions: How many sessions, dealt out among them in turn; at least one each.
        cost: bcrypt's.
        plain: Hashes as bcrypt itself makes them, for floors.
        roles: How many roles the first user holds.
    """

    users: int = USERS
    sessions: int = USERS
    cost: int = 12
    plain: bool = False
    roles: int = 1


@asynccontextmanager
async def sqlite(contents: Contents = Contents()) -> AsyncGenerator[Database, None]:  # frozen
    """A SQLite file in write-ahead mode."""
    with tempfile.TemporaryDirectory(prefix="fastauth-bench-") as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'bench.db'}"
        engine = create_async_engine(url, poolclass=NullPool)
        async with engine.connect() as connection:
            await connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        yield await _filled(engine, url, contents)


@asynccontextmanager
async def postgres(contents: Contents = Contents()) -> AsyncGenerator[Database, None]:
    """A database on a PostgreSQL server that is started for the run."""
    server = f"postgresql+asyncpg://fastauth@127.0.0.1:{attach('postgres')}"
    name = f"bench_{secrets.token_hex(6)}"
    maintenance = create_async_engine(f"{server}/postgres", poolclass=NullPool, isolation_level="AUTOCOMMIT")
    async with maintenance.connect() as connection:
        await connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield await _filled(create_async_engine(f"{server}/{name}", poolclass=NullPool), f"{server}/{name}", contents)
    finally:
        async with maintenance.connect() as connection:
            await connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        await maintenance.dispose()


@asynccontextmanager
async def mongo() -> AsyncGenerator[Database, None]:
    """A database on a MongoDB server that is started for the run."""
    url = f"mongodb://127.0.0.1:{attach('mongo-standalone')}/?directConnection=true"
    name = f"bench_{secrets.token_hex(6)}"
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(url)
    auth = FastAuth(
        MongoStore(client[name]), secret_key=SECRET, passwords=PasswordSettings(bcrypt_cost=4), limits=None,
        notifier=None,
    )  # fmt: skip
    await auth.initialize_db()
    try:
        keys: list[object] = []
        for number in range(1, USERS + 1):
            account = await auth.accounts.create(name_of(number), f"{name_of(number)}@example.com", PASSWORD)
            await auth.sessions.start(account)
            keys.append(account.id)
        await _rename_sessions(client[name]["fastauth_sessions"], keys)
        yield Database({"BENCH_DATABASE_URL": url, "BENCH_DATABASE": name}, keys)
    finally:
        await client.drop_database(name)
        await auth.close()
        await client.close()


async def _rename_sessions(sessions: Any, keys: Sequence[object]) -> None:
    # A session of MongoDB carries more than its columns, so the library makes it, and it is told another id.
    by_user = {str(each["user_id"]): each async for each in sessions.find()}
    await sessions.delete_many({})
    await sessions.insert_many([{**by_user[str(key)], "_id": session_id(number)} for number, key in enumerate(keys, 1)])


async def _filled(engine: AsyncEngine, url: str, contents: Contents) -> Database:
    auth = FastAuth(SQLStore(engine), secret_key=SECRET, notifier=None)
    await auth.initialize_db()
    for number in range(1, contents.roles):
        await auth.roles.create(f"role{number:03}", "One of many.")
    roles = {role.name: role.id for role in await auth.roles.list()}
    async with engine.begin() as connection:
        for table, rows in _rows(contents, roles):
            await connection.execute(insert(table), rows)
        for statement in _MANY_MORE if max(contents.users, contents.sessions) > USERS else ():
            await connection.execute(text(statement), {"users": contents.users, "sessions": contents.sessions})
    if engine.dialect.name == "postgresql":
        async with engine.begin() as connection:
            await connection.exec_driver_sql(
                f"SELECT setval(pg_get_serial_sequence('fastauth_users', 'id'), {contents.users})"
            )
            await connection.exec_driver_sql("ANALYZE")
    await auth.close()
    await engine.dispose()
    return Database({"BENCH_DATABASE_URL": url}, range(1, min(contents.users, USERS) + 1))


def _rows(contents: Contents, roles: dict[str, str]) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    tables = User.metadata.tables
    made = BcryptHasher(contents.cost).hash(PASSWORD)
    if contents.plain:
        made = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(contents.cost)).decode("ascii")
    yield tables["fastauth_users"], [_user(number, made) for number in range(1, USERS + 1)]
    yield tables["fastauth_user_roles"], [{"user_id": n, "role_id": roles["user"]} for n in range(1, USERS + 1)]
    more = [{"user_id": 1, "role_id": key} for name, key in roles.items() if name.startswith("role")]
    if more:
        yield tables["fastauth_user_roles"], more
    now = datetime.now(timezone.utc)
    yield tables["fastauth_sessions"], [_session(number, now) for number in range(1, USERS + 1)]


def _user(number: int, hashed_password: str) -> dict[str, Any]:
    name = name_of(number)
    return {
        "id": number, "username": name, "email": f"{name}@example.com", "hashed_password": hashed_password,
        "disabled": False,
    }  # fmt: skip


def _session(number: int, now: datetime) -> dict[str, Any]:
    return {
        "id": session_id(number), "user_id": number, "generation": 0, "created_at": now,
        "rotated_at": now, "expires_at": now + timedelta(days=7), "revoked_at": None, "user_agent": None, "ip": None,
    }  # fmt: skip
