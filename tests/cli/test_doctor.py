"""``fastauth doctor``: each line says what, why and the cure; the exit status counts problems."""

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fastauth.cli.doctor.diagnosis import in_two
from fastauth.cli.doctor.machine import check_distributions, check_versions
from tests.cli.conftest import APP, KEY, Run
from tests.core.pems import P256, RSA, public_pem

STRONG = "fT9zQw2Lz8Rk1Vb6Nm4Xc7Yh3Gp5Ds0Ja-Ke_Ui"


def diagnose(run: Run, *arguments: str, **environment: str) -> tuple[dict[str, Any], int]:
    """Return the lines by what they are about (the last of each), and the exit status."""
    shown = run("doctor", *arguments, "--json", **environment)
    answer = json.loads(shown.stdout)
    problems = [line for line in answer["lines"] if line["level"] == "problem"]
    assert answer["problems"] == len(problems) == shown.exit_code, shown.output
    assert all(line["cure"] for line in answer["lines"] if line["level"] != "ok"), answer
    assert all(line["why"] for line in answer["lines"])
    return {line["what"]: line for line in answer["lines"]}, shown.exit_code


def test_a_healthy_app(project: Path, run: Run) -> None:
    """An app in order has no problem, and every question is answered."""
    lines, status = diagnose(run, "main:auth")

    assert status == 0
    assert {"Secret key", "Mode", "Cookies", "Debug", "Database", "Schema", "Indexes", "Roles", "Superadmin"} <= set(
        lines
    )
    assert {"Hashing", "Versions", "Package"} <= set(lines)
    assert lines["Key's place"]["level"] == "warning"  # it stands in main.py
    assert "main.py" in lines["Key's place"]["why"]


def test_for_people(project: Path, run: Run) -> None:
    """Without ``--json`` there is a line for each, its cure below it, and a sum."""
    shown = run("doctor", "main:auth")

    assert shown.exit_code == 0
    assert "✓ Database" in shown.stdout
    assert "→ set FASTAUTH_ENV=production" in shown.stdout
    assert shown.stdout.splitlines()[-1].startswith("0 problems, ")


def change(project: Path, *replacements: tuple[str, str]) -> None:
    source = APP
    for old, new in replacements:
        assert old in source
        source = source.replace(old, new)
    (project / "main.py").write_text(source)


PRODUCTION = {"FASTAUTH_ENV": "production"}
STRONG_APP = ((KEY, STRONG), ("CHEAP_PASSWORDS\n)", "None\n)"))


@pytest.mark.parametrize(
    ("replacements", "environment", "what", "level", "says"),
    [
        (((KEY, "changeme" * 5),), {}, "Secret key", "warning", "guessable"),
        (STRONG_APP, PRODUCTION, "Mode", "ok", "production"),
        (
            ((KEY, f'{KEY}", production=False, algorithm="HS256'),),
            PRODUCTION,
            "Mode",
            "problem",
            "overrules FASTAUTH_ENV",
        ),
        (
            ((KEY, f'{KEY}", use_cookie=True, secure_cookies=False, algorithm="HS256'),),
            {},
            "Cookies",
            "warning",
            "secure_cookies=False",
        ),
        ((("FastAPI(lifespan", "FastAPI(debug=True, lifespan"),), {}, "Debug", "warning", "tracebacks"),
        (
            (("FastAPI(lifespan", "FastAPI(debug=True, lifespan"), *STRONG_APP),
            PRODUCTION,
            "Debug",
            "problem",
            "tracebacks",
        ),
        (STRONG_APP, {**PRODUCTION, "FORWARDED_ALLOW_IPS": "*"}, "Proxy", "problem", "every client"),
        (STRONG_APP, PRODUCTION, "Proxy", "warning", "not set"),
        ((), {"FORWARDED_ALLOW_IPS": "10.0.0.1"}, "Proxy", "ok", "10.0.0.1"),
        ((), {}, "Hashing", "warning", "guessed quickly"),
        ((), {}, "Rate limits", "ok", "one process"),
        (STRONG_APP, PRODUCTION, "Rate limits", "warning", "several workers"),
        (((KEY, f'{KEY}", limits=None, algorithm="HS256'),), {}, "Rate limits", "warning", "limits=None"),
        (
            ((KEY, f'{STRONG}", limits=None, algorithm="HS256'), STRONG_APP[1]),
            PRODUCTION,
            "Rate limits",
            "problem",
            "limits=None",
        ),
        (
            (
                (KEY, f'{KEY}", limits=LimitSettings(storage="redis://:hush@host"), algorithm="HS256'),
                ("from fastauth import FastAuth", "from fastauth import FastAuth, LimitSettings"),
            ),
            {},
            "Rate limits",
            "ok",
            "all processes",
        ),
    ],
)
def test_configuration(
    replacements: tuple[tuple[str, str], ...],
    environment: dict[str, str],
    what: str,
    level: str,
    says: str,
    project: Path,
    run: Run,
) -> None:
    """Key, mode, cookies, debug, proxy and hashing are judged, in development and in production."""
    change(project, *replacements)

    lines, _ = diagnose(run, "main:auth", **environment)

    assert (lines[what]["level"], says in lines[what]["why"]) == (level, True), lines[what]


def test_wildcard_cors_with_credentials(project: Path, run: Run) -> None:
    """Any site's pages acting with the user's cookies is a problem."""
    with (project / "main.py").open("a") as file:
        file.write("from fastapi.middleware.gzip import GZipMiddleware\napp.add_middleware(GZipMiddleware)\n")
        file.write("from fastapi.middleware.cors import CORSMiddleware\n")
        file.write("app.add_middleware(CORSMiddleware, allow_origins=['*'], allow_credentials=True)\n")

    lines, status = diagnose(run, "main:auth")

    assert lines["CORS"]["level"] == "problem"
    assert status == 1


@pytest.mark.parametrize(
    ("key", "environment", "level", "says"),
    [
        (None, {}, "warning", "none was found"),
        (None, PRODUCTION, "problem", "none was found"),
        ("short", {}, "problem", "needs at least 32 bytes, and this one has 5"),
        (RSA, PRODUCTION, "ok", "a private key for RS256"),
        (P256, {}, "ok", "a private key for ES256"),
        (P256.replace("MIGH", "MIGX"), {}, "problem", "cannot be read as one"),
        (public_pem(P256), {}, "problem", "A public key cannot sign"),
        ("a" * 40, {}, "warning", "repeat too much"),
        ("a" * 40, PRODUCTION, "problem", "repeat too much"),
        (STRONG, PRODUCTION, "ok", "not guessable"),
    ],
)
def test_the_key_of_a_database(
    key: str | None, environment: dict[str, str], level: str, says: str, project: Path, run: Run
) -> None:
    """Without an app, the key that was found is judged, and where it came from is said."""
    (project / "main.py").unlink()
    found = {"FASTAUTH_SECRET_KEY": key} if key is not None else {}

    lines, _ = diagnose(run, "--db-url", "sqlite:///app.db", **environment, **found)

    assert (lines["Secret key"]["level"], says in lines["Secret key"]["why"]) == (level, True), lines["Secret key"]
    assert ("Key's place" in lines) == (key is not None)


def execute(*statements: str) -> None:
    with closing(sqlite3.connect("app.db")) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


@pytest.mark.parametrize(
    ("statements", "what", "says"),
    [
        (("drop table fastauth_sessions",), "Schema", "not there: fastauth_sessions"),
        (("alter table fastauth_sessions drop column ip",), "Schema", "fastauth_sessions.ip is missing"),
        (
            ("alter table fastauth_roles add column extra varchar(5) not null default ''",),
            None,
            "",
        ),
        (("drop index ix_fastauth_sessions_expires_at",), "Indexes", "fastauth_sessions(expires_at) has no index"),
        (("delete from fastauth_roles where name = 'premium'",), "Roles", "premium not stored"),
    ],
)
def test_the_schema(statements: tuple[str, ...], what: str | None, says: str, project: Path, run: Run) -> None:
    """A missing table, column, index or standard role is a problem; a column with a default is none."""
    execute(*statements)

    lines, status = diagnose(run, "main:auth")

    if what is None:
        assert status == 0
    else:
        assert lines[what]["level"] == "problem"
        assert says in lines[what]["why"]
        assert status == 1


def test_one_question_does_not_silence_the_others(project: Path, run: Run) -> None:
    """What the database refuses to answer is a problem of its own, and the rest is examined all the same."""
    execute("alter table fastauth_roles drop column description")

    lines, status = diagnose(run, "main:auth")

    assert "fastauth_roles.description is missing" in lines["Schema"]["why"]
    assert "no such column" in lines["Database"]["why"]
    assert "Hashing" in lines
    assert status == 2


def test_tables_of_other_types(folder: Path, run: Run) -> None:
    """Another type, a missing foreign key and an index that is not unique are problems; an unlimited text is none."""
    source = APP.replace("SQLStore, User", "SQLStore, UserMixin").replace('db"))', 'db"), user_model=User)')
    model = """
from sqlalchemy import Index
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
class Base(DeclarativeBase):
    pass
class User(UserMixin, Base):
    __tablename__ = "members"
    id: Mapped[int] = mapped_column(primary_key=True)
    badge: Mapped[int | None] = mapped_column()
    __table_args__ = (Index("ix_badge", "badge", unique=True),)
"""
    head, tail = source.split("auth = FastAuth(")
    (folder / "main.py").write_text(f"{head}{model}auth = FastAuth({tail}")
    execute(
        "create table members (id integer primary key, username text not null unique, email varchar(254) unique,"
        " hashed_password varchar(255), disabled boolean, badge varchar(9))",
        "create index ix_badge on members (badge)",
        "create table fastauth_sessions (id varchar(32) primary key, user_id integer not null, generation integer,"
        " created_at datetime, rotated_at datetime, expires_at datetime, revoked_at datetime, user_agent varchar(255),"
        " ip varchar(64))",
    )
    made = run("init", "main:auth", "--no-admin")

    shown = json.loads(run("doctor", "main:auth", "--json").stdout)

    assert made.exit_code == 0, made.output
    whys = [line["why"] for line in shown["lines"] if line["level"] == "problem"]
    assert {
        "members.badge is VARCHAR(9) and should be INTEGER",
        "members(badge) is not unique",
        "fastauth_sessions(user_id) has no foreign key",
    } < set(whys)
    assert not any("username" in why for why in whys)


def test_a_key_that_only_the_app_knows(project: Path, run: Run) -> None:
    """Of a key that the source does not show, the place is not told."""
    change(project, (f'secret_key="{KEY}"', f'secret_key="".join({list(STRONG)})'))

    lines, status = diagnose(run, "main:auth")

    assert lines["Secret key"]["level"] == "ok"
    assert "Key's place" not in lines
    assert status == 0


def test_a_user_table_that_does_not_match(folder: Path, run: Run) -> None:
    """A table that an older model has made is compared column by column, with its uniqueness."""
    (folder / "main.py").write_text(APP)
    execute(
        "create table fastauth_users (id integer primary key, username varchar(10) not null, email varchar(254) unique,"
        " hashed_password varchar(255), disabled boolean, shoe_size integer not null)"
    )
    assert run("init", "main:auth", "--no-admin").exit_code == 0

    shown = run("doctor", "main:auth", "--json")

    whys = [line["why"] for line in json.loads(shown.stdout)["lines"] if line["level"] == "problem"]
    assert whys == [
        "fastauth_users.username holds 10 characters and needs 64",
        "fastauth_users.shoe_size needs a value, and the model does not know it",
        "fastauth_users(username) is not unique",
    ]
    assert shown.exit_code == 3


def test_nobody_in_charge(folder: Path, run: Run) -> None:
    """A database without an enabled superadmin is a warning."""
    (folder / "main.py").write_text(APP)
    run("init", "main:auth", "--no-admin")

    assert diagnose(run, "main:auth")[0]["Superadmin"]["level"] == "warning"


@pytest.mark.parametrize(
    ("arguments", "what", "says"),
    [
        (("--db-url", "sqlite:///typo.db"), "Database", "there is no file typo.db"),
        (("--db-url", "postgresql://app@127.0.0.1:1/app"), "Database", "cannot be reached"),
        (("nosuch:auth",), "App", "There is no module nosuch"),
        ((), "App", "No database URL was found"),
    ],
)
def test_what_cannot_be_opened_is_a_problem(arguments: tuple[str, ...], what: str, says: str, run: Run) -> None:
    """A database or an app that cannot be opened is one problem, and the rest is examined all the same."""
    lines, status = diagnose(run, *arguments)

    assert says in lines[what]["why"]
    assert status == 1
    assert "Versions" in lines


def test_a_guessable_key_keeps_an_app_from_production(project: Path, run: Run) -> None:
    """What FastAuth itself refuses in production is told with its cure."""
    change(project, (KEY, "changeme" * 5))

    lines, status = diagnose(run, "main:auth", **PRODUCTION)

    assert "placeholder" in lines["App"]["why"]
    assert status == 1


def test_a_file_that_others_can_read(project: Path, run: Run) -> None:
    """A ``.env`` that other users can read is a warning with the command that cures it."""
    Path(".env").write_text("OTHER=1\n")
    Path(".env").chmod(0o644)

    assert diagnose(run, "main:auth")[0][".env"]["cure"] == "chmod 600 .env"
    Path(".env").chmod(0o600)
    assert diagnose(run, "main:auth")[0][".env"]["level"] == "ok"


def test_another_distribution_of_a_package_fastauth(
    project: Path, run: Run, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another distribution that installs a package ``fastauth`` is a problem, and so is another such package."""
    site = tmp_path_factory.mktemp("site")
    info = site / "other_auth-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other-auth\nVersion: 1.0\n")
    (info / "RECORD").write_text("fastauth/__init__.py,,\n")
    (info / "top_level.txt").write_text("fastauth\n")
    (site / "fastauth").mkdir()
    (site / "fastauth" / "__init__.py").write_text("")
    monkeypatch.setattr(sys, "path", [*sys.path, str(site)])

    shown = json.loads(run("doctor", "main:auth", "--json").stdout)

    whys = [line["why"] for line in shown["lines"] if line["what"] == "Package"]
    assert len(whys) == 2
    assert "the distribution other-auth also installs a package fastauth" in whys[0]
    assert str(site / "fastauth") in whys[1]


def test_versions_that_are_missing_or_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that is not there, or older than we ask for, is a problem."""
    info = tmp_path / "asyncpg-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: asyncpg\nVersion: 0.1\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    lines = list(check_versions(["asyncpg", "nosuchdriver"]))

    assert [line.level.value for line in lines] == ["problem", "problem", "ok"]
    assert "asyncpg 0.1 is not >=" in lines[0].why
    assert "nosuchdriver is not installed" in lines[1].why


def test_a_package_that_was_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of the source, which no installer knows, is examined as far as it can be."""
    monkeypatch.setattr(sys, "path", [])

    lines = [*check_versions([]), *check_distributions()]

    assert "fastapi is not installed" in lines[0].why
    assert "fastauth without metadata" in lines[-1].why


@pytest.mark.parametrize(
    ("sentence", "parts"),
    [
        ("It failed: do this.", ("It failed", "do this")),
        ("It failed: badly. Do this.", ("It failed: badly", "Do this")),
        ("It failed", ("It failed", "correct it, and ask again")),
    ],
)
def test_a_sentence_in_two(sentence: str, parts: tuple[str, str]) -> None:
    """The cure is what comes last."""
    assert in_two(sentence) == parts


def test_a_key_by_argv_is_a_warning(project: Path, run: Run) -> None:
    """A key among the arguments can be read by others on the machine, and the cure is said."""
    lines, _ = diagnose(run, "--db-url", "sqlite:///app.db", "--secret-key", STRONG)

    assert lines["Key's place"]["level"] == "warning"
    assert "argv" in lines["Key's place"]["why"]


def test_the_development_key_is_a_warning(project: Path, run: Run) -> None:
    """The key that is kept for development is told as such."""
    change(project, (f'secret_key="{KEY}", ', ""))

    assert "for development" in diagnose(run, "main:auth")[0]["Secret key"]["why"]


@pytest.mark.parametrize(
    ("seconds", "level"),
    [(0.5, "ok"), (-0.5, "ok"), (4, "warning"), (-4, "warning"), (60, "problem"), (-60, "problem")],
)
def test_the_clock(seconds: float, level: str) -> None:
    """A database whose clock is ahead or behind is a warning, and a problem beyond the leeway of tokens."""
    from datetime import timedelta

    from fastauth.cli.doctor.database import judge_clock

    line = judge_clock(timedelta(seconds=seconds))

    assert line.level.value == level
    assert level == "ok" or ("ahead of" if seconds > 0 else "behind") in line.why


@pytest.mark.parametrize("app", [("main:auth",), ("--db-url", "sqlite:///app.db")])
@pytest.mark.parametrize("there", [False, True])
def test_who_makes_the_tables_is_sent_for(app: tuple[str, ...], there: bool, project: Path, run: Run) -> None:
    """Where tables are missing, the cure is ours, or in a project of Alembic's the one of Alembic's."""
    if there:
        execute("drop table fastauth_sessions")
    else:
        (project / "app.db").unlink()
    about = "Schema" if there else "Database"

    ours, _ = diagnose(run, *app)
    (project / "alembic.ini").write_text("[alembic]")
    alembics, _ = diagnose(run, *app)

    assert ours[about]["cure"] == "run fastauth init"
    assert alembics[about]["cure"].startswith("Alembic makes the tables here: run alembic upgrade head,")
