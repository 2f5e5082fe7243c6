"""``fastauth init`` where Alembic makes the tables: it notices, makes none, and says what to do."""

import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import APP, Run
from tests.cli.test_init import tables

ADMIN = ("--no-admin",)


def write_version(path: str = "app.db") -> None:
    connection = sqlite3.connect(path)
    try:
        connection.execute("create table alembic_version (version_num varchar(32) primary key)")
    finally:
        connection.close()


@pytest.mark.parametrize("sign", ["file", "file and database", "table"])
@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_no_table_is_made_behind_alembics_back(sign: str, dry: tuple[str, ...], folder: Path, run: Run) -> None:
    """With an alembic.ini, or Alembic's table in the database, nothing is made, and it is said what makes it."""
    (folder / "main.py").write_text(APP)
    if "file" in sign:
        (folder / "alembic.ini").write_text("[alembic]")
    if sign != "file":
        write_version()

    refused = run("init", "main:auth", *ADMIN, *dry)

    assert refused.exit_code == 1
    assert "alembic revision --autogenerate" in refused.stderr
    assert "--tables" in refused.stderr
    assert not Path("app.db").exists() or tables() == {"alembic_version"}


def test_tables_are_made_beside_alembic_where_that_is_said(folder: Path, run: Run) -> None:
    """``--tables`` makes them all the same."""
    (folder / "main.py").write_text(APP)
    write_version()

    made = run("init", "main:auth", "--tables", *ADMIN)

    assert made.exit_code == 0, made.output
    assert "fastauth_sessions" in tables()


def test_roles_and_superadmin_are_made_after_alembics_migration(folder: Path, run: Run) -> None:
    """Once the tables are there, whoever made them, the rest is done as always."""
    (folder / "main.py").write_text(APP)
    assert run("init", "main:auth", "--no-roles", *ADMIN).exit_code == 0
    (folder / "alembic.ini").write_text("[alembic]")

    made = run("init", "main:auth", *ADMIN)

    assert made.exit_code == 0, made.output
    assert "stored the roles" in made.stdout


MIGRATE = ["  alembic revision --autogenerate -m fastauth", "  alembic upgrade head"]


@pytest.mark.parametrize("command", [("init", "main:auth", *ADMIN), ("users", "list", "--app", "main:auth")])
def test_the_commands_to_run_stand_on_lines_of_their_own(command: tuple[str, ...], folder: Path, run: Run) -> None:
    """What makes the tables can be copied line by line; no command sends to one that would then refuse."""
    (folder / "main.py").write_text(APP)
    (folder / "alembic.ini").write_text("[alembic]")

    lines = run(*command).stderr.splitlines()

    assert lines[-2:] == MIGRATE
    assert lines[-3].startswith("Error: There is no database file app.db, and Alembic makes the tables here: ")
    assert "run fastauth init main:auth" not in lines[-3]
