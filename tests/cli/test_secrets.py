"""No secret, key, password or hash is in any output or log: markers are planted, and looked for everywhere."""

import json
import logging
from pathlib import Path

import pytest
from click.testing import CliRunner

from fastauth.cli import main
from tests.cli.conftest import APP, Run, spawn

pytestmark = pytest.mark.slow

MARKER = "MARK3R"
PASSWORD = f"{MARKER}-password-of-someone"
KEY = f"{MARKER}-secret-key-9Qw2Lz8Rk1Vb6Nm4Xc7Yh3Gp5"
OTHER_KEY = f"{MARKER}-another-key-1Vb6Nm4Xc7Yh3Gp5Ds0Ja"
URL_PASSWORD = f"{MARKER}/p@ss:word"
URL = f"postgresql://app:{URL_PASSWORD}@127.0.0.1:1/app?password={MARKER}-query"
ON = ("--app", "main:auth")


def every_command() -> list[tuple[str, ...]]:
    """Return one line for each command, and what may go wrong with some of them."""
    return [
        ("init", "main:auth", "--dry-run"),
        ("init", "main:auth", "--json"),
        ("users", "list", *ON),
        ("users", "list", "--json", *ON),
        ("users", "show", "root", "--json", *ON),
        ("users", "create", "ada", "--email", "ada@example.com", *ON),
        ("users", "create", "root", "--email", "ada@example.com", *ON),
        ("users", "create", "bob", "--email", "no address", *ON),
        ("users", "set-password", "root", *ON),
        ("users", "import", "users.jsonl", *ON),
        ("users", "import", "users.jsonl", "--dry-run", "--debug", *ON),
        ("users", "export", "-", *ON),
        ("users", "export", "out.csv", "--with-hashes", *ON),
        ("users", "roles", "root", *ON),
        ("users", "disable", "ada", *ON),
        ("users", "enable", "ada", *ON),
        ("users", "delete", "ada", "--yes", *ON),
        ("roles", "list", "--json", *ON),
        ("roles", "create", "editor", *ON),
        ("roles", "grant", "root", "editor", *ON),
        ("roles", "revoke", "root", "editor", *ON),
        ("roles", "delete", "editor", "--yes", *ON),
        ("sessions", "list", "root", "--json", *ON),
        ("sessions", "revoke", "--user", "root", *ON),
        ("sessions", "purge", *ON),
        ("doctor", "main:auth"),
        ("doctor", "main:auth", "--json"),
        ("doctor", "--read-source"),
        ("init", "--no-admin", "--dry-run"),
        ("init", "--db-url", URL, "--secret-key", KEY, "--debug"),
        ("users", "list", "--db-url", URL, "--debug"),
        ("users", "list", "--db-url", URL.replace("127.0.0.1:1", "no host:port"), "--debug"),
        ("users", "list", "--db-url", URL.replace("postgresql", "mongodb"), "--debug"),
        ("users", "list", "--db-url", f"{MARKER} is no url", "--debug"),
        ("doctor", "--db-url", URL),
        ("init", "broken:auth", "--debug"),
    ]


def test_r_lo_1_no_marker_in_any_output_or_log(folder: Path, run: Run, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever is run, and however it fails, with tracebacks too: no marker is printed, logged or left in a report."""
    caplog.set_level(logging.DEBUG)
    (folder / "main.py").write_text(
        APP.replace('secret_key="', f'secret_key="{KEY}-').replace('app.db")', 'app.db", echo=True)')
    )
    (folder / "broken.py").write_text(f'raise ValueError("cannot connect to {URL}")\n')
    (folder / "config.py").write_text(f'DATABASE_URL = "{URL}"\nSECRET_KEY = "{OTHER_KEY}"\n')
    (folder / ".env").write_text(f"FASTAUTH_SECRET_KEY={KEY}\nDATABASE_URL={URL}\n")
    lines = [
        {"username": "dan", "email": "dan@example.com", "password": PASSWORD},
        {"username": "eve", "email": "eve@example.com", "password": MARKER},
        {"username": "fay", "email": "fay@example.com", "hashed_password": f"$2b$04${MARKER}"},
        {"username": "gus", "email": "gus@example.com", "password": PASSWORD, "disabled": MARKER},
    ]
    (folder / "users.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + f'{{"{MARKER}\n')
    given = {"FASTAUTH_ADMIN_PASSWORD": PASSWORD, "FASTAUTH_PASSWORD": PASSWORD, "FASTAUTH_DATABASE_URL": URL}
    assert run("init", "main:auth", "--admin-username", "root", **given).exit_code == 0

    shown = {arguments: run(*arguments, **given) for arguments in every_command()}

    for arguments, result in shown.items():
        assert MARKER not in result.output, (arguments, result.output)
        assert "$bcrypt-sha256$" not in result.output, arguments
    assert MARKER not in caplog.text
    assert MARKER not in Path("users.jsonl.fastauth-refused").read_text("utf-8")
    assert PASSWORD not in Path("out.csv").read_text("utf-8")


def test_the_markers_would_be_seen(folder: Path, run: Run) -> None:
    """What these tests look for is there to be found: the app that prints its key shows the marker."""
    (folder / "main.py").write_text(f'print("{KEY}")\n{APP}')

    assert MARKER in run("init", "main:auth", "--no-admin").output


def test_a_real_process_logs_nothing_either(folder: Path) -> None:
    """In a process of its own, with warnings as errors, nothing of a key or password reaches either stream."""
    (folder / "main.py").write_text(APP.replace('secret_key="', f'secret_key="{KEY}-'))

    made = spawn("init", "main:auth", env={"FASTAUTH_ADMIN_PASSWORD": PASSWORD})

    assert made.returncode == 0, made.stderr
    assert MARKER not in made.stdout + made.stderr


@pytest.mark.parametrize("arguments", [("secret",), ("secret", "--env")])
def test_a_new_key_is_good_enough_and_new(arguments: tuple[str, ...]) -> None:
    """``fastauth secret`` makes a key that production takes, another one each time."""
    from fastauth.core.keys import Key

    made = {CliRunner().invoke(main, arguments).output.strip().removeprefix("FASTAUTH_SECRET_KEY=") for _ in range(5)}

    assert len(made) == 5
    assert all(Key(key, algorithm="HS512").weakness is None for key in made)


def test_the_line_for_dotenv_is_read_back(folder: Path, run: Run) -> None:
    """``fastauth secret --env >> .env`` is found again by the other commands."""
    line = run("secret", "--env").stdout
    Path(".env").write_text(f"DATABASE_URL=sqlite:///./app.db\n{line}")

    made = run("init", "--no-admin")

    assert "Secret key  from .env:2 (FASTAUTH_SECRET_KEY)" in made.stderr
    assert line.strip().partition("=")[2] not in made.output
