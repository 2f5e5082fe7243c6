"""A store with a step before its commits still gives out what needs no commit of the step's."""

from pathlib import Path

from sqlalchemy import select, update

from fastauth.backends.sql import SQLStore, User
from fastauth.core.protocols import Commit
from tests.backends.sql.conftest import sqlite_engine


async def test_what_is_no_verb_goes_to_the_engine(tmp_path: Path) -> None:
    """A row and a change that are asked for outside of a verb come from the engine, without the step."""
    steps: list[Commit[User]] = []

    async def step(commit: Commit[User]) -> None:
        steps.append(commit)

    async with sqlite_engine(tmp_path) as engine:
        store = SQLStore(engine)
        await store.create_schema()
        await store.ensure_roles({"user": "", "editor": ""})
        committing, roles = store.before_commit(step).database, store.tables.roles

        changed = await committing.change(update(roles).values(description="changed"), {})
        row = await committing.row(select(roles.c.description).where(roles.c.name == "user"), {})
        async with committing.write() as first:
            await first.execute(update(roles).values(description="again"))
        async with committing.write_once() as second:
            await second.execute(update(roles).values(description="once more").where(roles.c.name == "user"))
        async with committing.read() as third:
            found = (await third.scalars(select(roles.c.description).order_by(roles.c.name))).all()
        await store.before_commit(step).close()

    assert (changed, row and tuple(row), list(found), steps) == (2, ("changed",), ["again", "once more"], [])
