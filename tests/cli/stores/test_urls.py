"""Database URLs: the backend, the async driver, the mask."""

import importlib.util
from pathlib import Path

import pytest

from fastauth.cli.stores import urls
from fastauth.cli.stores.urls import parse_url


@pytest.mark.parametrize(
    ("given", "opened", "backend", "changed"),
    [
        ("sqlite:///./app.db", "sqlite+aiosqlite:///./app.db", "sql", True),
        ("sqlite+pysqlite:///./app.db", "sqlite+aiosqlite:///./app.db", "sql", True),
        ("sqlite+aiosqlite:///app.db", "sqlite+aiosqlite:///app.db", "sql", False),
        ("postgresql://u@h/n", "postgresql+asyncpg://u@h/n", "sql", True),
        ("postgres://u@h/n", "postgresql+asyncpg://u@h/n", "sql", True),
        ("PostgreSQL://u@h/n", "postgresql+asyncpg://u@h/n", "sql", True),
        ("postgresql+psycopg2://u@h/n", "postgresql+asyncpg://u@h/n", "sql", True),
        ("postgresql+psycopg://u@h/n", "postgresql+psycopg://u@h/n", "sql", False),
        ("postgresql://u@h/n?sslmode=require", "postgresql+asyncpg://u@h/n?ssl=require", "sql", True),
        ("mysql://u@h/n", "mysql+asyncmy://u@h/n", "sql", True),
        ("mariadb+pymysql://u@h/n", "mariadb+asyncmy://u@h/n", "sql", True),
        ("mongodb://h/n", "mongodb://h/n", "mongo", False),
        ("mongodb+srv://h/n", "mongodb+srv://h/n", "mongo", False),
    ],
)
def test_the_driver_is_given(given: str, opened: str, backend: str, changed: bool) -> None:
    """A URL without an async driver gets one, and it is said; any other is left as it is."""
    url = parse_url(given)

    assert (url.text, url.backend, url.changed is not None) == (opened, backend, changed)


def test_the_driver_that_is_installed_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where asyncpg is not installed and psycopg is, psycopg is the driver."""
    real = importlib.util.find_spec
    monkeypatch.setattr(urls.importlib.util, "find_spec", lambda name: None if name == "asyncpg" else real("click"))

    assert parse_url("postgresql://u@h/n").text == "postgresql+psycopg://u@h/n"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgresql+asyncpg://u:word@h/n", "postgresql+asyncpg://u:***@h/n"),
        ("postgresql+asyncpg://u:@h/n", "postgresql+asyncpg://u:***@h/n"),
        ("postgresql+asyncpg://u:w/o:r@d@h/n", "postgresql+asyncpg://u:***@h/n"),
        ("postgresql+asyncpg://u:a word'@h/n", "postgresql+asyncpg://u:***@h/n"),
        ("postgresql+asyncpg://:word@h/n", "postgresql+asyncpg://:***@h/n"),
        ("postgresql+asyncpg://h/n?user=u&password=word&ssl=on", "postgresql+asyncpg://h/n?user=u&password=***&ssl=on"),
        (
            "mongodb://u:word@h1,h2/n?tlsCertificateKeyFilePassword=word",
            "mongodb://u:***@h1,h2/n?tlsCertificateKeyFilePassword=***",
        ),
        ("sqlite+aiosqlite:///app.db", "sqlite+aiosqlite:///app.db"),
    ],
)
def test_the_mask(given: str, shown: str) -> None:
    """No password is in the masked URL, wherever it stood, nor in a ``repr``."""
    url = parse_url(given)

    assert url.masked == shown
    assert "word" not in repr(url).replace("Password", "").replace("password", "")


@pytest.mark.parametrize(
    ("given", "file", "in_memory"),
    [
        ("sqlite:///./app.db", Path("app.db"), False),
        ("sqlite:////var/app.db?timeout=5", Path("/var/app.db"), False),
        ("sqlite:///my%20app.db", Path("my app.db"), False),
        ("sqlite://", None, True),
        ("sqlite:///:memory:", None, True),
        ("sqlite:///file:app.db?mode=ro&uri=true", None, False),
        ("postgresql://h/n", None, False),
    ],
)
def test_the_file_of_sqlite(given: str, file: Path | None, in_memory: bool) -> None:
    """The file of a SQLite URL is known, so that none is made by looking; memory is told apart."""
    url = parse_url(given)

    assert (url.sqlite_file, url.in_memory) == (file, in_memory)
