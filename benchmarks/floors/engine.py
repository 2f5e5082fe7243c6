"""The engines of all apps, ours and the floors: with the same settings, and as safe against a loss of power."""

import os
from typing import Any

from sqlalchemy import event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine


def make_engine(address: str | None = None, **options: Any) -> AsyncEngine:
    """Return an engine for the database of this address, or for the one that the environment names."""
    url = make_url(address or os.environ["BENCH_DATABASE_URL"])
    engine = create_async_engine(url, pool_size=16, max_overflow=0, **options)
    if url.get_backend_name() == "sqlite":
        event.listen(engine.sync_engine, "connect", _as_sqlite_is_run)
    return engine


def _as_sqlite_is_run(connection: Any, _: Any) -> None:
    # Write-ahead logging, with which SQLite's own documentation pairs NORMAL; the file is in that mode already.
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.close()
