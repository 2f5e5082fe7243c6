"""Connections that the server has closed while they were idle, as all are after its restart: none of them is used."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine


def watch(engine: AsyncEngine) -> None:
    """Have the engine's pool replace such connections before they are given out, for the app as well as for us.

    A ping would tell more, and cost a round trip each time. What was closed without a word, as by a firewall, is found
    out only when it is used.
    """
    if not event.contains(engine.sync_engine, "checkout", _replace_if_lost):
        event.listen(engine.sync_engine, "checkout", _replace_if_lost)


def _replace_if_lost(connection: Any, *_: object) -> None:
    if is_lost(getattr(connection, "driver_connection", None)):
        raise InvalidatePoolError  # which the pool takes for: this one and all that are as old


def is_lost(connection: Any) -> bool:
    """Say whether the server has closed this driver's connection, as far as is known without sending anything."""
    module = type(connection).__module__.partition(".")[0]
    if module == "asyncpg":
        return bool(connection.is_closed())
    if module == "psycopg":
        return _is_lost_by_libpq(connection.pgconn)
    if module == "asyncmy":
        return bool(getattr(connection, "_stream_broken", False))  # which not every version has
    if module == "aiomysql":
        return bool(connection._reader.at_eof())  # noqa: SLF001  # as its own pool asks
    return False


def _is_lost_by_libpq(connection: Any) -> bool:
    try:
        # The first look may find the server's last words, and the second the end of the stream.
        connection.consume_input()
        connection.consume_input()
    except Exception:  # noqa: BLE001  # a class of the driver's, which may not be installed
        return True
    return False
