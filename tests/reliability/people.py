"""Who is in a database, seen behind the back of the workers."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import create_async_engine

from fastauth import FastAuth
from fastauth.backends.sql import SQLStore
from tests.conftest import DEFAULTS, PASSWORD
from tests.reliability.databases import StoreDatabase
from tests.reliability.lab import Fleet, Lab
from tests.reliability.load import told
from tests.servers import mongo_client
from tests.web.helpers import claims_of

_ORPHANS = {
    "a role link of nobody": "SELECT count(*) FROM fastauth_user_roles l LEFT JOIN fastauth_users u "
    "ON u.id = l.user_id WHERE u.id IS NULL",
    "a link to no role": "SELECT count(*) FROM fastauth_user_roles l LEFT JOIN fastauth_roles r "
    "ON r.id = l.role_id WHERE r.id IS NULL",
    "a user without a role": "SELECT count(*) FROM fastauth_users u LEFT JOIN fastauth_user_roles l "
    "ON l.user_id = u.id WHERE l.user_id IS NULL",
    "a session of nobody": "SELECT count(*) FROM fastauth_sessions s LEFT JOIN fastauth_users u ON u.id = s.user_id "
    "WHERE u.id IS NULL",
    "a username twice": "SELECT count(*) FROM (SELECT username FROM fastauth_users GROUP BY username "
    "HAVING count(*) > 1) twice",
    "an address twice": "SELECT count(*) FROM (SELECT email FROM fastauth_users GROUP BY email "
    "HAVING count(*) > 1) twice",
}


@asynccontextmanager
async def insider(database: StoreDatabase, **options: Any) -> AsyncGenerator[FastAuth[Any], None]:
    """Give the library on the same database in this process, for what only the system may do."""
    if database.is_sql:
        store: Any = SQLStore(create_async_engine(database.url))
        yield FastAuth(store, **{**DEFAULTS, **options})
        await store.close()
        return
    from fastauth.backends.mongo import MongoStore

    client = mongo_client(database.url)
    yield FastAuth(MongoStore(client.get_default_database()), **{**DEFAULTS, **options})
    await client.close()


async def make_admin(lab: Lab, fleet: Fleet, role: str = "superadmin") -> tuple[str, str]:
    """Make somebody with this role, and return their id and an access token."""
    username = lab.unique("admin")
    async with insider(fleet.database) as auth:
        account = await auth.accounts.create(username, f"{username}@example.com", PASSWORD, roles=(role, "user"))
    signed_in = await fleet.client.sign_in(username)
    assert signed_in.status == 200, told([signed_in])
    return account.id, signed_in.json()["access_token"]


async def make_user(lab: Lab, fleet: Fleet) -> tuple[str, Any]:
    """Register somebody, sign in, and return their name and their tokens."""
    username = lab.unique()
    registered = await fleet.client.register(username)
    signed_in = await fleet.client.sign_in(username)
    assert (registered.status, signed_in.status) == (201, 200), told([registered, signed_in])
    return username, signed_in.json()


def generation_of(refresh_token: str) -> int:
    """Return the generation that a refresh token carries."""
    return int(claims_of(refresh_token)["gen"])


async def violations(database: StoreDatabase) -> list[str]:
    """Return what is not as it must always be: names that are there twice, links to nothing, users half made."""
    if database.is_sql:
        found = [(what, (await database.rows(count))[0][0]) for what, count in _ORPHANS.items()]
        return [f"{number} x {what}" for what, number in found if number]
    users = await database.documents("fastauth_users")
    accounts = {each["_id"]: each for each in await database.documents("fastauth_accounts")}
    roles = {each["_id"] for each in await database.documents("fastauth_roles")}
    halves = [each["username"] for each in users if not accounts.get(each["_id"], {}).get("roles")]
    links = [each["_id"] for each in accounts.values() if not roles.issuperset(each.get("roles", ()))]
    twice = [name for name in ("username", "email") if len({each[name] for each in users}) < len(users)]
    found = [("users without a role", halves), ("links to no role", links), ("unique twice", twice)]
    return [f"{what}: {which}" for what, which in found if which]


async def count_users(database: StoreDatabase, **where: str) -> int:
    """Return how many users have these values."""
    if database.is_sql:
        condition = " AND ".join(f"{name} = '{value}'" for name, value in where.items())  # of ours, not of a client's
        return int((await database.rows(f"SELECT count(*) FROM fastauth_users WHERE {condition}"))[0][0])
    return len(await database.documents("fastauth_users", where))


async def usernames(database: StoreDatabase) -> set[str]:
    """Return everybody's name."""
    if database.is_sql:
        return {row[0] for row in await database.rows("SELECT username FROM fastauth_users")}
    return {each["username"] for each in await database.documents("fastauth_users")}
