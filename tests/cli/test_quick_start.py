"""What a new user does: the README's file in an empty folder, ``fastauth init`` at a terminal, and a served app."""

import json
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import PASSWORD
from tests.cli.databases import DATABASES
from tests.cli.terminal import Terminal
from tests.test_documents import snippets

pytestmark = pytest.mark.slow

QUICK_START = snippets("README.md")[0]
ENGINE = 'create_async_engine("sqlite+aiosqlite:///app.db")'


def on_sql(url: str) -> str:
    """Return the quick start on this database, which is one changed line."""
    return QUICK_START.replace("sqlite+aiosqlite:///app.db", url)


def on_mongo(url: str) -> str:
    """Return the quick start with the store and the import of its driver changed, and nothing else."""
    replaced = QUICK_START
    for sql, mongo in (
        (f"SQLStore({ENGINE})", f"MongoStore(AsyncMongoClient({url!r}).get_default_database())"),
        ("from sqlalchemy.ext.asyncio import create_async_engine", "from pymongo import AsyncMongoClient"),
        ("from fastauth.backends.sql import SQLStore, User", "from fastauth.backends.mongo import MongoStore, User"),
    ):
        assert sql in replaced
        replaced = replaced.replace(sql, mongo)
    return replaced


def set_up(*options: str) -> str:
    """Run ``fastauth init`` at a terminal, type the password twice, and return what was shown."""
    terminal = Terminal("init", *options)
    terminal.expect("Password of the superadmin admin (at least 8 characters): ")
    terminal.type(f"{PASSWORD}\n")
    terminal.expect("Once more: ")
    terminal.type(f"{PASSWORD}\n")
    assert terminal.end() == 0, terminal.seen
    return terminal.seen


@contextmanager
def served() -> Generator[str, None, None]:
    """Serve ``main:app`` by uvicorn as a process of its own, and give its base URL."""
    command = [sys.executable, "-m", "uvicorn", "main:app", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        seen = ""
        while (match := re.search(r"running on (http://\S+)", seen)) is None:
            line = process.stderr.readline()
            assert line, seen
            seen += line
        try:
            yield match[1]
        finally:
            process.terminate()
            process.communicate(timeout=60)


def fetch(url: str, *, form: dict[str, str] | None = None, token: str | None = None) -> Any:
    """Return the answer of a request, which has to be a good one."""
    data = urllib.parse.urlencode(form).encode() if form is not None else None
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=60) as answer:
        return json.load(answer)


def sign_in() -> Any:
    """Serve the app, sign the superadmin in by its ``/token``, and return what the protected routes say of them."""
    with served() as base:
        token = fetch(f"{base}/token", form={"username": "admin", "password": PASSWORD})["access_token"]
        return fetch(f"{base}/protected", token=token), fetch(f"{base}/users/me", token=token)["roles"]


GREETED = ({"message": "Hello admin"}, ["superadmin", "user"])


def test_on_sqlite(folder: Path) -> None:
    """The file as printed: init makes the database, and the served app signs the superadmin in."""
    (folder / "main.py").write_text(QUICK_START)

    shown = set_up("main:auth")

    assert "made the file app.db with the tables of FastAuth and of the users" in shown
    assert sign_in() == GREETED


@pytest.mark.parametrize("by_url", [False, True], ids=["app", "url"])
def test_on_postgres(by_url: bool, folder: Path) -> None:
    """On PostgreSQL, through the app and by ``--db-url`` alike, the app then signs the superadmin in."""
    with DATABASES["postgres"]() as url:
        (folder / "main.py").write_text(on_sql(url.replace("postgresql://", "postgresql+asyncpg://")))

        shown = set_up(*(("--db-url", url) if by_url else ("main:auth",)))

        assert "made fastauth_users, fastauth_roles, " in shown
        assert sign_in() == GREETED


@pytest.mark.parametrize("kind", ["mongo-standalone", "mongo-replica-set"])
@pytest.mark.parametrize("by_url", [False, True], ids=["app", "url"])
def test_on_mongo(by_url: bool, kind: str, folder: Path) -> None:
    """On MongoDB, through the app and by ``--backend mongo`` alike, the app then signs the superadmin in."""
    with DATABASES[kind]() as url:
        (folder / "main.py").write_text(on_mongo(url))

        set_up(*(("--backend", "mongo", "--db-url", url) if by_url else ("main:auth",)))

        assert sign_in() == GREETED
