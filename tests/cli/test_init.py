"""``fastauth init``: what it found, what it would do, what it did."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.cli.conftest import APP, KEY, PASSWORD, Run, one_line, own_app


def tables(path: str = "app.db") -> set[str]:
    connection = sqlite3.connect(path)
    try:
        return {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}
    finally:
        connection.close()


def roles(path: str = "app.db") -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("select count(*) from fastauth_roles").fetchone()[0])
    finally:
        connection.close()


@pytest.mark.parametrize(
    "spelling", [("init", "main:auth"), ("init", "main.py"), ("init", "main:app"), ("main.py",), ("main:auth",)]
)
def test_every_spelling_of_the_app_makes_all_of_it(spelling: tuple[str, ...], folder: Path, run: Run) -> None:
    """The schema, the roles and the superadmin are made, however the app is named, and it is said."""
    (folder / "main.py").write_text(APP)

    made = run(*spelling, "--admin-password-stdin", stdin=f"{PASSWORD}\n")

    assert made.exit_code == 0
    assert made.stdout.splitlines() == [
        "✓ made the file app.db with the tables of FastAuth and of the users",
        "✓ stored the roles superadmin, admin, moderator, premium, verified, user",
        "✓ made the superadmin admin <admin@fastauth.invalid>",
    ]
    assert "imported; its own store, user model and settings" in made.stderr
    assert {"fastauth_users", "fastauth_roles", "fastauth_user_roles", "fastauth_sessions"} <= tables()


def test_the_app_accepts_the_superadmin(project: Path) -> None:
    """The app's own ``/token`` signs the superadmin in, and the superadmin passes an admin's guard."""
    names: dict[str, Any] = {}
    exec(compile(APP, "main.py", "exec"), names)

    with TestClient(names["app"], base_url="https://testserver") as client:
        token = client.post("/token", data={"username": "root", "password": PASSWORD}).json()["access_token"]
        answer = client.post("/roles", json={"name": "editor"}, headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 201


def test_the_superadmin_of_an_own_model_is_given_its_fields(folder: Path, run: Run) -> None:
    """What the app's model needs is asked for by name, and the second run with ``--field`` goes through."""
    (folder / "main.py").write_text(own_app("first_name: Mapped[str]"))
    init = ("init", "main:auth", "--generate-admin-password")

    refused = one_line(run(*init), 2)
    made = run(*init, "--field", "first_name=Root")

    assert "The user model needs a value for 'first_name'. Give what is missing with --field first_name=..." in refused
    assert made.exit_code == 0
    assert json.loads(run("users", "show", "admin", "--app", "main:auth", "--json").stdout)["first_name"] == "Root"


def test_a_field_that_cannot_be_one_is_told_before_anything_is_made(folder: Path, run: Run) -> None:
    """A value of another type than the attribute's is refused, and not even the file is there."""
    (folder / "main.py").write_text(own_app("credits: Mapped[int]"))

    refused = one_line(run("init", "main:auth", "--generate-admin-password", "--field", "credits=many"), 2)

    assert "credits: Input should be a valid integer" in refused
    assert not (folder / "app.db").exists()


def test_it_may_be_run_again(project: Path, run: Run) -> None:
    """A second run changes nothing, asks for nothing, and says so."""
    again = run("init", "main:auth")

    assert again.exit_code == 0
    assert again.stdout.splitlines() == [
        "✓ the schema is there already",
        "✓ the standard roles are there already",
        "✓ root is a superadmin already, and keeps the password",
    ]


def test_dry_run_makes_nothing(folder: Path, run: Run) -> None:
    """``--dry-run`` shows the plan and makes not even the file."""
    shown = run("init", "--db-url", "sqlite:///./app.db", "--dry-run")

    assert shown.exit_code == 0
    assert shown.stdout.splitlines()[0] == "Would do, and did not:"
    assert not (folder / "app.db").exists()


@pytest.mark.parametrize(
    ("options", "made_tables", "made_roles"),
    [(("--no-admin",), True, 6), (("--no-roles", "--no-admin"), True, 0)],
)
def test_steps_can_be_chosen(options: tuple[str, ...], made_tables: bool, made_roles: int, run: Run) -> None:
    """A step that is left out is not taken."""
    made = run("init", "--db-url", "sqlite:///./app.db", *options)

    assert made.exit_code == 0
    assert ("fastauth_users" in tables()) is made_tables
    assert roles() == made_roles


def test_migrations_make_the_tables_and_init_the_rest(project: Path, run: Run) -> None:
    """``--no-tables`` on a database that is ready does the other steps, and a dry run shows only those."""
    done = run("init", "main:auth", "--no-tables", "--no-admin")
    shown = [run("init", "main:auth", "--dry-run", *more) for more in ((), ("--no-tables", "--no-roles", "--no-admin"))]

    assert done.stdout.splitlines() == ["✓ the standard roles are there already"]
    assert shown[0].stdout.splitlines() == [
        "Would do, and did not:",
        "  schema      nothing; it is there",
        "  roles       nothing; they are there",
        "  superadmin  nothing; root is one",
    ]
    assert shown[1].stdout.splitlines() == ["Would do, and did not:"]


def test_two_places_with_one_key_agree(folder: Path, run: Run) -> None:
    """A key that stands in two places alike is no contradiction; two keys are one."""
    (folder / "config.py").write_text(f'DATABASE_URL = "sqlite:///./app.db"\nSECRET_KEY = "{KEY}"\n')
    (folder / "settings.py").write_text(f'SECRET_KEY = "{KEY}"\n')

    agreed = run("init", "--no-admin")
    (folder / "settings.py").write_text(f'SECRET_KEY = "{KEY[::-1]}"\n')
    differs = run("init", "--no-admin")

    assert "another secret key" not in agreed.stderr
    assert "settings.py:1 (SECRET_KEY) has another secret key than config.py:2" in differs.stderr
    assert KEY[::-1] not in differs.output


def test_without_tables_there_is_nothing_to_put_roles_into(run: Run) -> None:
    """``--no-tables`` on an empty database is refused in one line, and makes no file."""
    line = one_line(run("init", "--db-url", "sqlite:///./app.db", "--no-tables", "--no-admin"), 1)

    assert "leave --no-tables out" in line
    assert not Path("app.db").exists()


def test_a_plain_url_is_given_its_driver_and_it_is_said(run: Run) -> None:
    """``sqlite://`` becomes ``sqlite+aiosqlite://``, with a word about it."""
    made = run("init", "--backend", "sql", "--db-url", "sqlite:///./app.db", "--no-admin")

    assert "sqlite:// became sqlite+aiosqlite://, its async driver" in made.stderr


def test_detection_names_every_source(folder: Path, run: Run) -> None:
    """With nothing named, the source of the URL and of the key are told, and what disagrees."""
    (folder / ".env").write_text("SECRET_KEY=from-the-dotenv-file-9Qw2Lz8Rk1Vb6Nm4\n")
    (folder / "config.py").write_text('DATABASE_URL = "sqlite:///./app.db"\n')
    (folder / "database.py").write_text('DATABASE_URL = "sqlite:///./other.db"\n')

    made = run("init", "--no-admin")

    assert made.exit_code == 0, made.output
    assert "from config.py:1 (DATABASE_URL)" in made.stderr
    assert "Secret key  from .env:1 (SECRET_KEY)" in made.stderr
    assert (
        "Warning: database.py:1 (DATABASE_URL) says sqlite+aiosqlite:///./other.db, and was not chosen." in made.stderr
    )
    assert Path("app.db").exists()
    assert not Path("other.db").exists()


def test_detection_runs_nothing(folder: Path, run: Run) -> None:
    """Source that is only read is never run, even when it is named with ``--read-source``."""
    (folder / "main.py").write_text('open("was-run", "w")\nDATABASE_URL = "sqlite:///./app.db"\n')

    assert run("init", "--no-admin").exit_code == 0
    assert run("init", "main.py", "--read-source", "--no-admin").exit_code == 0
    assert not Path("was-run").exists()


def test_a_named_file_without_a_fastauth_is_read_instead(folder: Path, run: Run) -> None:
    """A file that holds no ``FastAuth`` is read for the URL, and it is said."""
    (folder / "app.py").write_text('DATABASE_URL = "sqlite:///./app.db"\n')

    made = run("init", "app.py", "--no-admin")

    assert made.exit_code == 0
    assert "holds no FastAuth; its source is read instead" in made.stderr


def test_an_own_user_model_wants_the_app(folder: Path, run: Run) -> None:
    """Where the source says that users are of the app's own class, the ready-made table is not made."""
    (folder / "main.py").write_text(
        'engine = create_async_engine("sqlite+aiosqlite:///app.db")\n'
        "auth = FastAuth(SQLStore(engine, user_model=Member))\n"
    )

    line = one_line(run("init", "--no-admin"), 2)

    assert "name the app, as main:auth" in line
    assert not Path("app.db").exists()


def test_a_generated_password_is_shown_once_and_works(folder: Path, run: Run) -> None:
    """``--generate-admin-password`` shows a password that signs in."""
    (folder / "main.py").write_text(APP)
    made = json.loads(run("init", "main:auth", "--generate-admin-password", "--json").stdout)

    names: dict[str, Any] = {}
    exec(compile(APP, "main.py", "exec"), names)
    with TestClient(names["app"], base_url="https://testserver") as client:
        answer = client.post("/token", data={"username": "admin", "password": made["password"]})

    assert answer.status_code == 200
    assert made["superadmin"] == "admin"


def test_the_password_may_come_from_the_environment(folder: Path, run: Run) -> None:
    """``FASTAUTH_ADMIN_USERNAME`` and ``FASTAUTH_ADMIN_PASSWORD`` are enough."""
    (folder / "main.py").write_text(APP)
    given = {"FASTAUTH_ADMIN_USERNAME": "chief", "FASTAUTH_ADMIN_PASSWORD": PASSWORD}

    made = run("init", "main:auth", **given)

    assert "✓ made the superadmin chief <chief@fastauth.invalid>" in made.stdout


def test_there_is_no_default_password(folder: Path, run: Run) -> None:
    """With no way to get a password, nothing is made at all."""
    (folder / "main.py").write_text(APP)

    line = one_line(run("init", "main:auth"), 2)

    assert "--admin-password-stdin" in line
    assert "FASTAUTH_ADMIN_PASSWORD" in line
    assert not Path("app.db").exists()


@pytest.mark.parametrize(
    ("options", "says", "status"),
    [
        (("--admin-username", "a(b"), "from the username 'a(b': give one with --admin-email", 2),
        (("--admin-username", "a b"), "username: ", 1),
        (("--admin-email", "nowhere"), "email: This is not a valid e-mail address", 1),
    ],
)
def test_names_are_judged_before_anything_is_asked(
    options: tuple[str, ...], says: str, status: int, folder: Path, run: Run
) -> None:
    """A name or an address that cannot be one is told before the password is asked for, and in a dry run too."""
    (folder / "main.py").write_text(APP)

    for more in (("--dry-run",), ("--generate-admin-password",)):
        assert says in one_line(run("init", "main:auth", *options, *more), status)
    assert not Path("app.db").exists()


def test_an_odd_name_with_an_address_of_its_own(folder: Path, run: Run) -> None:
    """With ``--admin-email``, a name that makes no address is a superadmin; names are shown as they are kept."""
    (folder / "main.py").write_text(APP)
    given = ("--admin-username", "A(b", "--admin-email", "Root@Example.COM")

    made = run("init", "main:auth", *given, "--admin-password-stdin", stdin=f"{PASSWORD}\n")
    again = run("init", "main:auth", "--admin-username", "A(B")

    assert "✓ made the superadmin a(b <root@example.com>" in made.stdout
    assert "✓ a(b is a superadmin already, and keeps the password" in again.stdout


def test_nobody_is_made_superadmin_by_accident(project: Path, run: Run) -> None:
    """The name of an ordinary user is refused, with what to do instead."""
    run("users", "create", "ada", "--email", "ada@example.com", "--generate-password", "--app", "main:auth")

    line = one_line(run("init", "main:auth", "--admin-username", "ada"), 2)

    assert "fastauth roles grant ada superadmin" in line


def test_what_is_kept_in_memory_is_gone(folder: Path, run: Run) -> None:
    """An app on a ``MemoryStore`` is served, with a word that nothing of it remains."""
    (folder / "main.py").write_text(
        "from fastauth import FastAuth\nfrom fastauth.backends.memory import MemoryStore\n"
        "auth = FastAuth(MemoryStore(), secret_key='memory-only-9Qw2Lz8Rk1Vb6Nm4Xc7Yh3Gp5')\n"
    )

    made = run("init", "main:auth", "--generate-admin-password")
    examined = run("doctor", "main:auth")

    assert made.exit_code == 0
    assert "gone when this command ends" in made.stderr
    assert "MemoryStore answered" in examined.stdout
