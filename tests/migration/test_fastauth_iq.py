"""Users of fastauth_iq sign in with us, on the tables that it made, as its released packages did."""

import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ForeignKey, String, text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastauth import FastAuth
from fastauth.backends.sql import SQLStore, UserMixin
from fastauth.testing import CHEAP_PASSWORDS
from tests.migration.old_apps import GUIDES, environment, fastauth, serving
from tests.stores.engines import ENGINES

pytestmark = pytest.mark.slow
PASSWORD = "correct horse battery"
KEY = {"FASTAUTH_SECRET_KEY": "k" * 64}
RELEASES = {
    # passlib, on which it stands, knows no bcrypt after 4.0.
    "0.3.4": ("fastauth_iq==0.3.4", "bcrypt==4.0.1", "uvicorn"),
    "0.8.1": ("fastauth_iq==0.8.1", "uvicorn"),
}
LOOKS, TAKE_OVER = (
    block.partition("```")[0] for block in (GUIDES / "from-fastauth-iq.md").read_text("utf-8").split("```sql\n")[1:]
)
LABELS = {"sqlite": "SQLite", "postgres": "PostgreSQL", "mariadb": "MariaDB"}


class Base(DeclarativeBase):
    """What the old app has mapped."""


class User(UserMixin, Base):
    """A user of it."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)


class Role(Base):
    """A role of it, of any name."""

    __tablename__ = "role"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None] = mapped_column(String(1000))


class UserRole(Base):
    """Who holds it."""

    __tablename__ = "user_role"

    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), primary_key=True)
    role_id: Mapped[int] = mapped_column(ForeignKey(Role.id), primary_key=True)


async def run(engine: AsyncEngine, statements: str) -> list[list[Any]]:
    found: list[list[Any]] = []
    async with engine.begin() as connection:
        for statement in filter(str.strip, statements.split(";")):
            done = await connection.exec_driver_sql(statement)
            found.append([value for (value,) in done] if done.returns_rows else [])
    return found


@pytest.mark.parametrize("database", ENGINES)
async def test_roles_of_any_spelling_are_taken_over_on_each_database(database: str, tmp_path: Path) -> None:
    """The guide lists the names that cannot be, makes one role of two spellings, and all work here by their names."""
    names = ["Editor", "editor", "Content Writer", "-odd", "rédacteur", "x" * 64, "y" * 65, "Team:A_1.b-2", "User"]
    odd = ["Content Writer", "-odd", "rédacteur", "y" * 65]
    async with ENGINES[database](tmp_path) as engine:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
            insert = text("INSERT INTO role (id, name, description) VALUES (:id, :name, :description)")
            for number, name in enumerate(names, start=9):
                description = None if name == "User" else "ö" * 300
                await connection.execute(insert, {"id": number, "name": name, "description": description})
        store = SQLStore(engine, user_model=User)
        auth = FastAuth(store, secret_key="k" * 64, passwords=CHEAP_PASSWORDS, registration=False)
        await auth.initialize_db(create_admin=False)
        ada = await auth.accounts.create("ada", "ada@example.com", "correct horse battery")
        await run(engine, f"INSERT INTO user_role (user_id, role_id) SELECT {ada.id}, id FROM role")
        look = LOOKS.partition(f"-- {LABELS[database]}\n")[2].partition(";")[0]

        (listed,) = await run(engine, look)
        renamed = ";".join(
            f"UPDATE role SET name = 'renamed-{number}' WHERE name = '{name}'" for number, name in enumerate(odd)
        )
        await run(engine, renamed)
        left = await run(engine, look)
        await run(engine, TAKE_OVER)

        taken = {"editor", *(f"renamed-{number}" for number in range(4)), "x" * 64, "team:a_1.b-2"}
        assert sorted(listed) == sorted(odd)
        assert left == [[]]
        assert (await auth.accounts.get(ada.id)).roles == {*taken, "user"}
        for role in await auth.roles.list():
            if role.name in taken:
                assert role.description == "ö" * 255
                await auth.roles.revoke(ada.id, role.name)
                await auth.roles.grant(ada.id, role.name)
                await auth.roles.delete(role.id)
        assert (await auth.accounts.get(ada.id)).roles == {"user"}


@pytest.mark.parametrize("release", RELEASES)
def test_the_tables_of_fastauth_iq_are_read_in_place(release: str, tmp_path: Path) -> None:
    """Users sign in with us, superadmins and holders of other roles are what they were, and hashes become ours."""
    path = tmp_path / "app.db"

    def asked(statement: str) -> list[Any]:
        connection = sqlite3.connect(path)
        try:
            with connection:
                return (
                    connection.execute(statement).fetchall()
                    if statement.startswith("SELECT")
                    else [connection.executescript(statement)]
                )
        finally:
            connection.close()

    with serving(environment(*RELEASES[release]), "fastauth_iq", str(path)) as old:
        for name in ("ada", "grace"):
            user = {"username": name, "email": f"{name}@Example.com", "password": PASSWORD}
            old.post("/users", json=user).raise_for_status()
        old.post("/token", data={"username": "ada", "password": PASSWORD}).raise_for_status()
    asked(
        "INSERT INTO role (name, description) VALUES ('Editor', 'Writes.');"
        "INSERT INTO user_role SELECT u.id, r.id FROM user u, role r WHERE u.username = 'ada' AND r.name = 'Editor';"
    )
    before = dict(asked("SELECT username, hashed_password FROM user"))
    variables = {"DATABASE_URL": f"sqlite+aiosqlite:///{path}", **KEY}
    app = f"ours_after_fastauth_iq_{release[0]}{release[2]}"
    fastauth("init", f"{app}.py", "--no-admin", **variables)
    fastauth("users", "adopt", f"{app}.py", **variables)
    asked(TAKE_OVER)

    with serving(Path(sys.executable), app, **variables) as ours:

        def me(login: str) -> Any:
            tokens = ours.post("/token", data={"username": login, "password": PASSWORD}).json()
            return ours.get("/users/me", headers={"Authorization": f"Bearer {tokens['access_token']}"}).json()

        roles = {name: me(name)["roles"] for name in ("boss", "ada", "grace")}
        assert roles["boss"] == ["superadmin", "user"]
        assert "editor" in roles["ada"]
        assert "editor" not in roles["grace"]
        assert me("ADA@example.com")["username"] == "ada"
        new = {"username": "alan", "email": "alan@example.com", "password": PASSWORD}
        assert ours.post("/register", json=new).status_code == 201
    after = dict(asked("SELECT username, hashed_password FROM user"))
    assert {each[:4] for each in before.values()} == {"$2b$"}
    assert {each[:15] for each in after.values()} == {"$bcrypt-sha256$"}
