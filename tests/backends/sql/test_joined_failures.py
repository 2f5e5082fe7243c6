"""Inside the caller's session a verb that fails leaves the transaction as it was, and the rules hold all the same."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from fastauth import (
    FastAuthException,
    ProtectedRoleException,
    RoleNotFoundException,
    Store,
    StoreUnavailableException,
    UserExistsException,
    ValidationException,
)
from fastauth.backends.sql import SQLStore
from fastauth.core.exceptions import ConflictException
from fastauth.core.models import SUPERADMIN, Login
from fastauth.testing.conformance.base import NOW
from tests.backends.sql.joined_app import Member, Profile, new_user, profiles


async def test_a_verb_that_fails_leaves_the_transaction_usable(engine: AsyncEngine, store: SQLStore[Member]) -> None:
    """After each kind of failure the caller goes on, and what was done before and after it is committed."""
    root = await store.add_user(new_user("root", nickname="boss"), roles=[SUPERADMIN])
    async with engine.begin() as connection:
        await connection.execute(text(f"INSERT INTO profiles (id, member_id, text) VALUES (99, {root.id}, 'of root')"))
    ada = await store.add_user(new_user("ada"), roles=[])
    async with engine.begin() as connection:
        await connection.execute(text(f"INSERT INTO profiles (id, member_id, text) VALUES (98, {ada.id}, 'of ada')"))
    failures: list[tuple[type[FastAuthException], Callable[[Store[Any]], Any]]] = [
        (UserExistsException, lambda joined: joined.add_user(new_user("root"), roles=[])),
        (UserExistsException, lambda joined: joined.add_user(new_user("eve", nickname="boss"), roles=[])),
        (RoleNotFoundException, lambda joined: joined.add_user(new_user("eve"), roles=["missing"])),
        (ValidationException, lambda joined: joined.add_user(new_user("eve", nickname="\ud800"), roles=[])),
        (ValidationException, lambda joined: joined.add_user(new_user("eve", nickname=object()), roles=[])),
        (RoleNotFoundException, lambda joined: joined.grant_role(root.id, "missing")),
        (ProtectedRoleException, lambda joined: joined.revoke_role(root.id, SUPERADMIN)),
        (ProtectedRoleException, lambda joined: joined.set_disabled(root.id, True, now=NOW)),
        (ConflictException, lambda joined: joined.delete_user(ada.id)),
        (FastAuthException, lambda joined: joined.add_role("user", "")),
    ]

    async with AsyncSession(engine) as session:
        for number, (expected, fail) in enumerate(failures):
            session.add(Profile(text=f"before {number}"))
            with pytest.raises(expected):
                await fail(store.joined(session))
            session.add(Profile(text=f"after {number}"))
        await session.commit()

    expected = [f"{when} {number}" for when in ("after", "before") for number in range(len(failures))]
    assert await profiles(engine) == sorted([*expected, "of root", "of ada"])
    assert await store.find_user(Login("username", "eve")) is None
    assert [account.username for account in await store.list_users(limit=9)] == ["root", "ada"]


async def test_the_rules_hold_inside(engine: AsyncEngine, store: SQLStore[Member]) -> None:
    """The verbs see what was done before them in the transaction: the last superadmin is counted as it is there."""
    root = await store.add_user(new_user("root"), roles=[SUPERADMIN])
    second = await store.add_user(new_user("second"), roles=[SUPERADMIN])

    async with AsyncSession(engine) as session:
        joined = store.joined(session)
        await joined.revoke_role(second.id, SUPERADMIN)
        with pytest.raises(ProtectedRoleException):
            await joined.delete_user(root.id)
        await joined.grant_role(second.id, SUPERADMIN)
        assert await joined.delete_user(root.id)
        await session.commit()

    assert [account.username for account in await store.list_users(limit=9)] == ["second"]


async def test_of_two_callers_one_keeps_a_superadmin(engine: AsyncEngine, store: SQLStore[Member]) -> None:
    """Two transactions that each take away one of the last two superadmins do not both succeed."""
    admins = [await store.add_user(new_user(name), roles=[SUPERADMIN]) for name in ("one", "two")]

    async def demote(user_id: str) -> None:
        with suppress(ProtectedRoleException, StoreUnavailableException):
            async with AsyncSession(engine) as session:
                # A transaction that began with a look has an old picture of the rows on some databases.
                await session.scalar(select(func.count()).select_from(Member))
                await asyncio.sleep(0)
                await store.joined(session).revoke_role(user_id, SUPERADMIN)
                await session.commit()

    await asyncio.gather(*(demote(admin.id) for admin in admins))

    left = [await store.get_user(admin.id) for admin in admins]
    assert sum(SUPERADMIN in account.roles for account in left if account is not None) == 1


async def test_a_conflict_is_not_attempted_again(tmp_path: Path) -> None:
    """Inside the caller's transaction a conflict is told at once: only the caller could begin again."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}", connect_args={"timeout": 0})
    store = SQLStore(engine)
    await store.create_schema()
    errors = []
    event.listen(engine.sync_engine, "handle_error", lambda context: errors.append(context.original_exception))

    async with engine.begin() as other:
        await other.execute(text("UPDATE fastauth_roles SET description = 'held'"))
        async with AsyncSession(engine) as session:
            with pytest.raises(StoreUnavailableException):
                await store.joined(session).add_role("editor", "")
    await engine.dispose()

    assert [str(error) for error in errors] == ["database is locked"]
