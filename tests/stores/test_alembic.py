"""Alembic finds our tables beside the app's, and what it writes runs as generated."""

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, ForeignKey, String
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastauth.backends.sql import SQLStore, UserMixin
from tests.stores.engines import ENGINES

ENVIRONMENT = """
from alembic import context

config = context.config
context.configure(connection=config.attributes["connection"], target_metadata=config.attributes["metadata"])
with context.begin_transaction():
    context.run_migrations()
"""
TEMPLATE = '''
"""${message}"""
from alembic import op
import sqlalchemy as sa
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
'''


def models() -> tuple[type[DeclarativeBase], type[Any]]:
    """Return an app's own base and user class; new ones at each call, as each test registers our tables beside them."""

    class Base(DeclarativeBase):
        pass

    class Team(Base):
        __tablename__ = "teams"

        id: Mapped[int] = mapped_column(primary_key=True)

    class Member(UserMixin, Base):
        __tablename__ = "members"

        id: Mapped[int] = mapped_column(primary_key=True)
        team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
        nickname: Mapped[str | None] = mapped_column(String(50))

    return Base, Member


class Migrations:
    """An app's migrations folder."""

    def __init__(self, folder: Path, engine: AsyncEngine, metadata: Any) -> None:
        (folder / "versions").mkdir(parents=True)
        (folder / "env.py").write_text(ENVIRONMENT, "utf-8")
        (folder / "script.py.mako").write_text(TEMPLATE, "utf-8")
        self._versions = folder / "versions"
        self._engine = engine
        self._config = Config()
        self._config.set_main_option("script_location", str(folder))
        self._config.set_main_option("path_separator", "os")
        self._config.attributes["metadata"] = metadata

    async def run(self, step: Any, *args: Any, **kwargs: Any) -> None:
        def run_step(connection: Connection) -> None:
            self._config.attributes["connection"] = connection
            step(self._config, *args, **kwargs)

        async with self._engine.begin() as connection:
            await connection.run_sync(run_step)

    def texts(self) -> list[str]:
        return [path.read_text("utf-8") for path in sorted(self._versions.glob("*.py"))]


async def check_migrations(engine: AsyncEngine, folder: Path) -> None:
    """Generate, run and check migrations on this database."""
    base, member = models()
    migrations = Migrations(folder, engine, base.metadata)
    store = SQLStore(engine, user_model=member)

    await migrations.run(command.revision, message="tables", autogenerate=True)
    (text,) = migrations.texts()
    await migrations.run(command.upgrade, "head")

    assert await store.missing_schema() == []
    assert "fastauth_sessions" in text
    assert "fastauth." not in text  # stock types only: nothing of ours to import
    await migrations.run(command.check)  # raises when a second autogenerate would find something
    await migrations.run(command.downgrade, "base")
    assert "fastauth_sessions" in await store.missing_schema()


@pytest.mark.parametrize("database", ENGINES)
async def test_alembic_writes_migrations_that_run_as_generated(database: str, tmp_path: Path) -> None:
    """Alembic's migrations of our tables run as generated, and a second autogenerate finds nothing."""
    async with ENGINES[database](tmp_path) as engine:
        await check_migrations(engine, tmp_path / "migrations")
