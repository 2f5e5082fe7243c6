"""What goes wrong is one line that says what to do, with status 1 or 2, and no traceback unless it is asked for."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fastauth.cli import target
from fastauth.cli.errors import as_failure
from fastauth.core.exceptions import StoreUnavailableException
from tests.cli.conftest import APP, KEY, PASSWORD, Run, one_line, spawn

pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("scheme", ["postgresql", "mysql", "mongodb"])
def test_an_unreachable_database(scheme: str, run: Run) -> None:
    """A server that does not answer is one line with the reason and where to look."""
    line = one_line(run("users", "list", "--db-url", f"{scheme}://app:hidden-word@127.0.0.1:{free_port()}/app"), 1)

    assert "The database cannot be reached (" in line
    assert "check that it runs" in line
    assert "hidden-word" not in line


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("app.db", "is not a database URL"),
        ("", "is not a database URL"),
        ("nosuch://localhost/app", "which there is no store for"),
        ("postgresql://app@localhost:port/app", "check its host, port and name"),
        ("mongodb://local host:x/app", "check its host and port"),
        ("mongodb://localhost", "give --database NAME"),
        ("mongodb://localhost/app?w=0&journal=true", "cannot be used as a MongoDB URL: check its options"),
        ("sqlite://", "kept in memory"),
        ("sqlite://app.db", "a file of SQLite is sqlite:///app.db"),
        ("sqlite+aiosqlite://app.db", "a file of SQLite is sqlite:///app.db"),
        ("sqlite:///:memory:", "kept in memory"),
    ],
)
def test_a_wrong_url(url: str, says: str, run: Run) -> None:
    """A URL that cannot work is misuse, and the line says what one looks like or what is wrong with it."""
    assert says in one_line(run("init", "--db-url", url, "--no-admin"), 2)


@pytest.mark.parametrize(
    ("absent", "url", "cure"),
    [
        ("asyncpg", "postgresql+asyncpg://localhost/app", "pip install 'fastauth[postgres]'"),
        ("asyncmy", "mysql+asyncmy://localhost/app", "pip install 'fastauth[mysql]'"),
        ("aiosqlite", "sqlite+aiosqlite:///app.db", "pip install 'fastauth[sql]'"),
        ("sqlalchemy", "sqlite:///app.db", "pip install 'fastauth[sql]'"),
        ("beanie", "mongodb://localhost/app", "pip install 'fastauth[mongo]'"),
    ],
)
def test_a_missing_driver(absent: str, url: str, cure: str) -> None:
    """A driver that is not installed is one line with the command that installs it."""
    script = f"import sys; sys.modules[{absent!r}] = None; from fastauth.cli import main; main(prog_name='fastauth')"
    run = subprocess.run(
        [sys.executable, "-c", script, "init", "--db-url", url, "--no-admin"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 1
    assert cure in run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr


def test_a_read_only_database_file(project: Path, run: Run) -> None:
    """Making a user in a database that may only be read is one line with the cure."""
    url = f"sqlite+aiosqlite:///file:{project}/app.db?mode=ro&uri=true"
    create = ("users", "create", "ada", "--email", "ada@example.com", "--generate-password", "--db-url", url)

    assert "can be read but not written to" in one_line(run(*create), 1)


@pytest.mark.parametrize("content", [b"this is no database at all, but a text of some length" * 20])
def test_a_file_that_is_no_database(content: bytes, folder: Path, run: Run) -> None:
    """A file of another kind is named as such."""
    (folder / "app.db").write_bytes(content)

    assert "not a SQLite database" in one_line(run("users", "list", "--db-url", "sqlite:///app.db"), 1)


def test_a_folder_that_is_not_there(run: Run) -> None:
    """A database in a folder that does not exist is one line."""
    result = spawn("init", "--db-url", "sqlite:////no/such/folder/app.db", "--no-admin")

    assert result.returncode == 1
    assert "its folder has to exist" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


def test_a_database_that_was_not_made_ready(folder: Path, run: Run) -> None:
    """Without its schema, a database is not looked into, nor is a file made; the line says what makes it."""
    (folder / "main.py").write_text(APP)

    named = one_line(run("users", "list", "--app", "main:auth"), 1)
    by_url = one_line(run("users", "list", "--db-url", "sqlite:///typo.db"), 1)

    assert named == "Error: There is no database file app.db: run fastauth init main:auth to make it."
    assert by_url == "Error: There is no database file typo.db: run fastauth init with the same URL to make it."
    assert sorted(path.name for path in folder.iterdir() if path.suffix == ".db") == []


def test_an_existing_user(project: Path, run: Run) -> None:
    """A name or an address that is taken is said before a password is asked for, or when it is made."""
    name = run("users", "create", "root", "--email", "x@example.com", "--app", "main:auth")
    address = run(
        *("users", "create", "ada", "--email", "root@fastauth.invalid", "--generate-password", "--app", "main:auth")
    )

    assert "There is a user 'root' already" in one_line(name, 1)
    assert "email exists already" in one_line(address, 1)


def test_a_weak_password(folder: Path, run: Run) -> None:
    """A password below the policy is refused before anything is made."""
    (folder / "main.py").write_text(APP)

    line = one_line(run("init", "main:auth", "--admin-password-stdin", stdin="short\n"), 1)

    assert line == "Error: The password needs at least 8 characters."
    assert not Path("app.db").exists()


@pytest.mark.parametrize(("typed", "status"), [("", 2), ("\n", 2)])
def test_an_empty_standard_input(typed: str, status: int, project: Path, run: Run) -> None:
    """``--password-stdin`` with nothing to read is misuse."""
    line = one_line(run("users", "set-password", "root", "--password-stdin", "--app", "main:auth", stdin=typed), status)

    assert "write it as one line" in line


def test_two_ways_to_a_password_exclude_each_other(project: Path, run: Run) -> None:
    """A password comes from one place."""
    both = ("users", "set-password", "root", "--password-stdin", "--generate-password", "--app", "main:auth")

    assert "exclude each other" in one_line(run(*both, stdin=PASSWORD), 2)


@pytest.mark.parametrize(
    ("spec", "source", "says", "status"),
    [
        ("nosuch:auth", "", "There is no module nosuch", 2),
        ("nosuch.py", "", "There is no file nosuch.py", 2),
        ("no/such:auth", "", "names no module", 2),
        ("main:nosuch", APP, "main has no attribute 'nosuch'. Perhaps main:auth?", 2),
        ("main:app.title", APP, "is a str, and no FastAuth", 2),
        ("main:app", "from fastapi import FastAPI\napp = FastAPI()\n", "no FastAuth was found with it", 2),
        ("main:auth", "import nosuchthing\n", "No module named 'nosuchthing' (main.py:1)", 1),
        ("main:auth", "def broken(:\n", "main.py:1: invalid syntax", 1),
        ("main:auth", "x = 1\nraise ValueError('so it is')\n", "ValueError: so it is (main.py:2)", 1),
        ("main:auth", "import sys\nsys.exit(3)\n", "SystemExit: 3 (main.py:2)", 1),
        (
            "main:make",
            "def make(who):\n    return who\n",
            "main:make() failed, TypeError: make() missing 1 required",
            1,
        ),
        ("main:make", "def make():\n    return 1 / 0\n", "main:make() failed, ZeroDivisionError", 1),
        (
            "main.py",
            APP + "other = FastAuth(auth.store, secret_key='k' * 40)\n",
            "say which one, main:auth or main:other",
            2,
        ),
    ],
)
def test_an_app_that_cannot_be_used(spec: str, source: str, says: str, status: int, folder: Path, run: Run) -> None:
    """What is wrong with the name or with the app's own code is one line, with the place in that code."""
    (folder / "main.py").write_text(source)

    assert says in one_line(run("init", spec, "--no-admin"), status)


def test_an_apps_own_configuration_error(folder: Path, run: Run) -> None:
    """What FastAuth itself refuses is said in its own words."""
    (folder / "main.py").write_text(APP.replace(KEY, "short"))

    assert "needs at least 32 bytes" in one_line(run("init", "main:auth"), 1)


def test_what_is_said_counts_for_more_than_the_environment(project: Path, run: Run) -> None:
    """``FASTAUTH_APP`` names the app for every command, and gives way to an app or a URL that is given."""
    by_environment = run("users", "list", "--json", FASTAUTH_APP="main:auth")
    by_url = run("users", "list", "--json", "--db-url", "sqlite:///./app.db", FASTAUTH_APP="nosuch:auth")
    by_argument = run("doctor", "main:auth", FASTAUTH_APP="nosuch:auth")
    by_option = run("doctor", "--app", "main:auth", FASTAUTH_APP="nosuch:auth")
    of_init = run("init", "--no-admin", FASTAUTH_APP="main:auth")

    for done in (by_environment, by_url, by_argument, by_option, of_init):
        assert done.exit_code == 0, done.output
    assert json.loads(by_environment.stdout) == json.loads(by_url.stdout)


def test_an_app_is_named_once(project: Path, run: Run) -> None:
    """The argument and ``--app`` are two spellings of one thing."""
    assert "name it once" in one_line(run("doctor", "main:auth", "--app", "main:auth"), 2)


@pytest.mark.parametrize(
    "arguments",
    [
        ("init", "main:auth", "--db-url", "sqlite:///x.db"),
        ("init", "main:auth", "--secret-key", "x" * 40),
        ("init", "--backend", "mongo", "--db-url", "sqlite:///x.db"),
        ("init", "--db-url", "sqlite:///x.db", "--database", "x"),
        ("init", "--db-url", "mongodb://127.0.0.1:1", "--database", "bad name/x"),
    ],
)
def test_contradictions_are_misuse(arguments: tuple[str, ...], folder: Path, run: Run) -> None:
    """Options that exclude each other are refused in one line."""
    (folder / "main.py").write_text(APP)

    one_line(run(*arguments, "--no-admin"), 2)

    assert not Path("x.db").exists()


def test_a_server_that_says_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes the connection and then says nothing is given up, in one line."""
    monkeypatch.setattr(target, "_PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        line = one_line(
            run("users", "list", "--db-url", f"postgresql://app@127.0.0.1:{silent.getsockname()[1]}/app"), 1
        )

    assert "cannot be reached (it did not answer in time)" in line


def test_source_that_cannot_be_read_is_told(folder: Path, run: Run) -> None:
    """A file that cannot be read is told with its line, and what is found elsewhere is taken."""
    (folder / "config.py").write_text("def broken(:\n")
    (folder / "db.py").write_text('DATABASE_URL = "sqlite:///typo.db"\n')

    done = run("users", "list")

    assert "Note: config.py:1 has a syntax error" in done.stderr
    assert "There is no database file typo.db" in one_line(done, 1)


def test_a_url_that_there_is_no_store_for_is_passed_over(folder: Path, run: Run) -> None:
    """``--backend`` looks for the URL of a store, and passes over that of something else."""
    (folder / "config.py").write_text('DATABASE_URL = "redis://localhost"\nDB_URL = "sqlite:///typo.db"\n')

    assert "There is no database file typo.db" in one_line(run("users", "list", "--backend", "sql"), 1)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ('FATAL: database "shop" does not exist', "has no database 'shop': make it, as with createdb shop"),
        ('role "app" does not exist', "has no role 'app': make it, as with createuser app"),
        ('relation "fastauth_users" does not exist', "has no table 'fastauth_users': run fastauth init"),
        ("(1049, \"Unknown database 'shop'\")", "has no database of this name: make it"),
        ("(1045, \"Access denied for user 'app'\")", "refuses this user or password"),
        ("Authentication failed.", "refuses this user or password"),
    ],
)
def test_what_databases_say_in_words_only(words: str, says: str) -> None:
    """What is not there, or not allowed, is told with what to do, in whatever class a driver wraps it."""
    error = StoreUnavailableException()
    error.__cause__ = RuntimeError(words)

    assert says in as_failure(RuntimeError(words)).message
    assert says in as_failure(error).message


def test_a_file_to_read_that_is_not_there(run: Run) -> None:
    """``--read-source`` of a file that is not there is misuse."""
    assert "There is no file nosuch.py" in one_line(run("init", "nosuch:auth", "--read-source"), 2)


def test_nothing_to_work_on(run: Run) -> None:
    """In an empty folder, the line says the three ways to name a database."""
    line = one_line(run("users", "list"), 2)

    assert all(way in line for way in ("fastauth init main:auth", "--db-url", "FASTAUTH_DATABASE_URL"))


def test_debug_shows_the_traceback(folder: Path, run: Run) -> None:
    """``--debug``, or ``FASTAUTH_DEBUG``, shows where it happened, and the line still comes last."""
    (folder / "main.py").write_text("raise ValueError('so it is')\n")

    for shown in (run("init", "main:auth", "--debug"), run("init", "main:auth", FASTAUTH_DEBUG="1")):
        assert shown.exit_code == 1
        assert "Traceback (most recent call last)" in shown.stderr
        assert shown.stderr.splitlines()[-1].startswith("Error: main:auth failed while it was imported")


def test_an_unknown_command_is_clicks_own(run: Run) -> None:
    """What is neither a command nor an app is a usage error."""
    assert run("nosuch").exit_code == 2
    assert run("users", "list", "--nosuch").exit_code == 2


def test_the_module_runs_as_the_command() -> None:
    """``python -m fastauth`` is the command, under its own name."""
    shown = spawn("--version")

    assert shown.returncode == 0
    assert shown.stdout.startswith("fastauth, version ")
