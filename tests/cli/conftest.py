"""A project in an empty folder, and the command line run in it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fastauth.cli import main

PASSWORD = "correct horse battery"
KEY = "cli-tests-only-8Zt2LqXv0RmWc5YbNfHd3Gp"
APP = f"""
from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import create_async_engine

from fastauth import FastAuth
from fastauth.backends.sql import SQLStore, User
from fastauth.testing import CHEAP_PASSWORDS

auth = FastAuth(
    SQLStore(create_async_engine("sqlite+aiosqlite:///app.db")), secret_key="{KEY}", passwords=CHEAP_PASSWORDS
)
app = FastAPI(lifespan=auth.lifespan)
auth.setup(app)
"""

Run = Callable[..., Result]


def own_app(column: str) -> str:
    """Return an app with a user model of its own, which has this attribute, and shows it."""
    return (
        APP.replace(
            "auth = FastAuth(",
            "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column\n"
            "from fastauth.backends.sql import UserMixin\n"
            "class Base(DeclarativeBase): pass\n"
            "class Member(UserMixin, Base):\n"
            "    __tablename__ = 'members'\n"
            "    id: Mapped[int] = mapped_column(primary_key=True)\n"
            f"    {column}\n"
            "auth = FastAuth(",
        )
        .replace('app.db")', f'app.db"), user_model=Member, public_fields=["{column.partition(":")[0]}"]')
        .replace("auth.setup(app)", "")
        .replace('secret_key="', 'registration=False, secret_key="')
    )


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and nothing of this machine's environment."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        ours = name.startswith("FASTAUTH_") and not name.startswith("FASTAUTH_TEST_")
        if ours or name in {"DATABASE_URL", "SECRET_KEY", "NO_COLOR", "FORWARDED_ALLOW_IPS"}:
            monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``fastauth`` in this process, as often as wanted; modules of the project are imported anew each time."""

    def run(*arguments: str, stdin: str | None = None, **environment: str) -> Result:
        known, path = set(sys.modules), list(sys.path)
        try:
            return CliRunner().invoke(main, arguments, input=stdin, env=environment, prog_name="fastauth")
        finally:
            for name in set(sys.modules) - known:
                if str(getattr(sys.modules[name], "__file__", "")).startswith(str(Path.cwd())):
                    del sys.modules[name]
            sys.path[:] = path

    return run


@pytest.fixture
def project(folder: Path, run: Run) -> Path:
    """An app whose database is ready, with the superadmin ``root``."""
    (folder / "main.py").write_text(APP)
    made = run("init", "main:auth", "--admin-username", "root", "--admin-password-stdin", stdin=f"{PASSWORD}\n")
    assert made.exit_code == 0, made.output
    return folder


def spawn(*arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run ``python -m fastauth`` as a process of its own."""
    environment = {**os.environ, **options.pop("env", {})}
    command = [sys.executable, "-W", "error", "-m", "fastauth", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=240, **options)


def one_line(result: Result, status: int) -> str:
    """Return the error line of a run that failed as it should: with this status, in one line, with no traceback."""
    assert result.exit_code == status, result.output
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1, result.stderr
    assert result.stderr.splitlines()[-1] == errors[0]
    assert "Traceback" not in result.output
    return errors[0]
