"""A database with as many users as one likes, each with a role and a session, made inside the database."""

from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, String, cast, insert, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncEngine

from fastauth.backends.sql import SQLStore
from fastauth.core.clock import system_clock
from fastauth.core.models import STANDARD_ROLES

NOW = system_clock().replace(microsecond=0)
SESSIONS_FROM = 10**13  # so that their ids have one length


def numbers(count: int) -> tuple[Select[Any], ColumnElement[int]]:
    """Return a SELECT from which the numbers below a power of ten come, and the number in it."""
    digits = union_all(*(select(literal(digit).label("digit")) for digit in range(10)))
    first, *others = (digits.subquery(f"place_{place}") for place in range(len(str(count)) - 1))
    joined: Any = first
    number: ColumnElement[int] = first.c.digit
    for power, other in enumerate(others, 1):
        joined = joined.join(other, first.c.digit >= -other.c.digit)  # a condition, lest SQLAlchemy warn of its lack
        number += other.c.digit * 10**power
    return select().select_from(joined), number


async def fill(engine: AsyncEngine, count: int) -> SQLStore:
    """Store so many users, a power of ten, and tell the database to look at what it has."""
    store = SQLStore(engine)
    await store.create_schema()
    await store.ensure_roles(STANDARD_ROLES)
    users, roles, user_roles, sessions = store.tables[:4]
    source, number = numbers(count)
    name = literal("user", String()) + cast(number, String(20))
    address = name + literal("@example.com", String())
    session_number = cast(literal(SESSIONS_FROM - 1, BigInteger()) + users.c.id, String(20))
    rows: dict[Any, Any] = {
        users: {"username": name, "email": address, "hashed_password": literal("hash"), "disabled": literal(False)},
        user_roles: {"user_id": users.c.id, "role_id": roles.c.id},
        sessions: {
            "id": literal("session-", String()) + session_number,
            "user_id": users.c.id,
            "generation": literal(0),
            **{column: literal(NOW, sessions.c[column].type) for column in ("created_at", "rotated_at")},
            "expires_at": literal(NOW + timedelta(days=1), sessions.c.expires_at.type),
        },
    }
    async with engine.begin() as connection:
        for table, values in rows.items():
            chosen = source if table is users else select().select_from(users)
            if table is user_roles:
                chosen = select().select_from(users.join(roles, roles.c.name == "user"))
            await connection.execute(insert(table).from_select(list(values), chosen.add_columns(*values.values())))
    async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        analyze = "ANALYZE TABLE" if engine.dialect.name in ("mysql", "mariadb") else "ANALYZE"
        for table in rows:
            (await connection.exec_driver_sql(f"{analyze} {table.name}")).close()
    return store
