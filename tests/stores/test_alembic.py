"""Alembic finds our tables beside the app's, and what it writes runs as generated."""

import secrets
import uuid
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, ForeignKey, MetaData, String, func, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.schema import CreateSchema, DropSchema

from fastauth.backends.sql import SQLStore, UserMixin
from fastauth.backends.sql.fastapi_users import DashedUuid, FastAPIUsersMixin
from fastauth.core.models import NewUser
from tests.servers import postgres_engine
from tests.stores.engines import ENGINES

ENVIRONMENT = """
from alembic import context

config = context.config
context.configure(
    connection=config.attributes["connection"],
    target_metadata=config.attributes["metadata"],
    **config.attributes["options"],
)
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
DOCS = Path(__file__).parents[2] / "docs"


def models(schema: str | None = None) -> tuple[type[DeclarativeBase], type[Any]]:
    """Return an app's own base and user class; new ones at each call, as each test registers our tables beside them."""

    class Base(DeclarativeBase):
        metadata = MetaData(schema=schema)

    class Team(Base):
        __tablename__ = "teams"

        id: Mapped[int] = mapped_column(primary_key=True)

    class Member(UserMixin, Base):
        __tablename__ = "members"

        id: Mapped[int] = mapped_column(primary_key=True)
        team_id: Mapped[int | None] = mapped_column(ForeignKey(Team.id))
        nickname: Mapped[str | None] = mapped_column(String(50))

    return Base, Member


class Migrations:
    """An app's migrations folder."""

    def __init__(
        self,
        folder: Path,
        engine: AsyncEngine,
        metadata: Any,
        *,
        environment: str = ENVIRONMENT,
        template: str = TEMPLATE,
        **options: Any,
    ) -> None:
        (folder / "versions").mkdir(parents=True)
        (folder / "env.py").write_text(environment, "utf-8")
        (folder / "script.py.mako").write_text(template, "utf-8")
        self._versions = folder / "versions"
        self._engine = engine
        self._config = Config()
        self._config.set_main_option("script_location", str(folder))
        self._config.set_main_option("path_separator", "os")
        self._config.attributes.update(metadata=metadata, options=options)

    async def run(self, step: Any, *args: Any, **kwargs: Any) -> None:
        def run_step(connection: Connection) -> None:
            self._config.attributes["connection"] = connection
            step(self._config, *args, **kwargs)

        async with self._engine.begin() as connection:
            await connection.run_sync(run_step)

    def texts(self) -> list[str]:
        return [path.read_text("utf-8") for path in sorted(self._versions.glob("*.py"))]


async def check_migrations(
    engine: AsyncEngine, folder: Path, *, prefix: str = "fastauth_", schema: str | None = None, **options: Any
) -> None:
    """Generate, run and check migrations on this database."""
    base, member = models(schema)
    migrations = Migrations(folder, engine, base.metadata, **options)
    store = SQLStore(engine, user_model=member, table_prefix=prefix)
    sessions = f"{schema}.{prefix}sessions" if schema else f"{prefix}sessions"

    await migrations.run(command.revision, message="tables", autogenerate=True)
    (text,) = migrations.texts()
    await migrations.run(command.upgrade, "head")

    assert await store.missing_schema() == []
    assert f"{prefix}sessions" in text
    assert "fastauth." not in text  # stock types only: nothing of ours to import
    await migrations.run(command.check)  # raises when a second autogenerate would find something
    await migrations.run(command.downgrade, "base")
    assert sessions in await store.missing_schema()


@pytest.mark.parametrize("database", ENGINES)
async def test_alembic_writes_migrations_that_run_as_generated(database: str, tmp_path: Path) -> None:
    """Alembic's migrations of our tables run as generated, and a second autogenerate finds nothing."""
    async with ENGINES[database](tmp_path) as engine:
        await check_migrations(engine, tmp_path / "migrations")


@pytest.mark.parametrize("database", ENGINES)
async def test_alembic_follows_a_table_prefix(database: str, tmp_path: Path) -> None:
    """With a prefix of the app's own, too, migrations run as generated and a second autogenerate finds nothing."""
    async with ENGINES[database](tmp_path) as engine:
        await check_migrations(engine, tmp_path / "migrations", prefix="auth_")


@pytest.mark.parametrize("database", ENGINES)
async def test_our_tables_join_the_history_of_an_app(database: str, tmp_path: Path) -> None:
    """An app that has migrations already, and a row, adds ours by one more, and goes back by it without a loss."""
    base, member = models()
    async with ENGINES[database](tmp_path) as engine:
        migrations = Migrations(tmp_path / "migrations", engine, base.metadata)
        await migrations.run(command.revision, message="app", autogenerate=True, rev_id="a1")
        await migrations.run(command.upgrade, "head")
        row = insert(member).values(id=7, username="ada", email="ada@example.com", hashed_password="x", disabled=False)
        async with engine.begin() as connection:
            await connection.execute(row)
        store = SQLStore(engine, user_model=member)
        await migrations.run(command.revision, message="fastauth", autogenerate=True, rev_id="b2")
        first, second = migrations.texts()
        await migrations.run(command.upgrade, "head")
        account = await store.get_user("7")

        assert account is not None
        assert "create_table('members'" in first
        assert "fastauth_" not in first
        assert "create_table('fastauth_sessions'" in second
        assert "members'" not in second.replace("['members.id']", "")
        await migrations.run(command.check)
        await migrations.run(command.downgrade, "-1")
        assert "fastauth_sessions" in await store.missing_schema()
        async with engine.connect() as connection:
            assert await connection.scalar(select(member.username)) == "ada"


async def test_alembic_follows_a_schema_of_postgresql(tmp_path: Path) -> None:
    """In a schema of PostgreSQL that the app's metadata names, the same, where Alembic is told to look there."""
    schema = f"test_{secrets.token_hex(8)}"

    def only_ours(name: str | None, kind: str, _: Any) -> bool:
        return kind != "schema" or name == schema

    async with postgres_engine() as engine:
        async with engine.begin() as connection:
            await connection.execute(CreateSchema(schema))
        options = {"include_schemas": True, "include_name": only_ours}
        await check_migrations(engine, tmp_path / "migrations", prefix="auth_", schema=schema, **options)
        async with engine.begin() as connection:
            await connection.execute(DropSchema(schema, cascade=True))


@pytest.mark.parametrize("database", ENGINES)
async def test_our_tables_join_the_history_of_an_app_on_fastapi_users(database: str, tmp_path: Path) -> None:
    """Done as documented, a revision runs as generated, refers to the keys of old, and drops no table of theirs."""

    class Old(DeclarativeBase):
        pass

    class OldUser(FastAPIUsersMixin, Old):
        __tablename__ = "user"

    class OldAccount(Old):
        __tablename__ = "oauth_account"

        id: Mapped[int] = mapped_column(primary_key=True)
        user_id: Mapped[uuid.UUID] = mapped_column(DashedUuid, ForeignKey(OldUser.id))
        account_email: Mapped[str] = mapped_column(String(320), index=True)

    class Base(DeclarativeBase):
        pass

    class User(FastAPIUsersMixin, Base):
        __tablename__ = "user"

    guide = (DOCS / "migration" / "from-fastapi-users.md").read_text("utf-8")
    line = (DOCS / "alembic.md").read_text("utf-8").partition("```mako\n")[2].partition("```")[0]
    env = guide.partition("### With Alembic")[2].partition("```python\n")[2].partition("```")[0]
    async with ENGINES[database](tmp_path) as engine:
        async with engine.begin() as connection:
            await connection.run_sync(Old.metadata.create_all)
        store = SQLStore(engine, user_model=User)
        migrations = Migrations(
            tmp_path / "migrations",
            engine,
            Base.metadata,
            environment=env + ENVIRONMENT.replace("**config", "include_name=include_name,\n    **config"),
            template=TEMPLATE.replace("import sqlalchemy as sa\n", f"import sqlalchemy as sa\n{line}"),
        )
        await migrations.run(command.revision, message="fastauth", autogenerate=True)
        (text,) = migrations.texts()
        await migrations.run(command.upgrade, "head")
        await store.ensure_roles({"user": ""})
        added = await store.add_user(NewUser("ada@example.com", "ada@example.com", "x"), roles=("user",))
        found = await store.get_user(added.id)

        assert found is not None
        assert found.roles == {"user"}
        assert "create_table('fastauth_sessions'" in text
        assert "oauth_account" not in text
        await migrations.run(command.check)
        await migrations.run(command.downgrade, "base")
        assert "fastauth_sessions" in await store.missing_schema()
        async with engine.connect() as connection:
            assert await connection.scalar(select(func.count()).select_from(OldAccount)) == 0
