"""Giving connections back to a server that may hang, and then never says goodbye."""

import logging
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from fastauth.core.patience import Patience

logger: logging.Logger = logging.getLogger("fastauth")

_PATIENCE = 5  # seconds, with all connections together


async def dispose(engine: AsyncEngine) -> None:
    """Close the engine's idle connections; where the server does not let go of them in time, leave it to find out.

    asyncpg waits until the server has hung up, for as long as that takes.
    """
    with Patience(_PATIENCE):
        await engine.dispose()
        return
    logger.warning("The database does not answer: its idle connections were dropped without a goodbye.")
    event.listen(engine.sync_engine, "close", _drop, insert=True)  # before the app's own, which may hang
    try:
        with Patience(_PATIENCE):
            await engine.dispose()
            return
        await engine.dispose(close=False)
    finally:
        event.remove(engine.sync_engine, "close", _drop)


def _drop(connection: Any, _: object) -> None:
    """Have asyncpg drop its connection, so that closing it waits for nobody."""
    terminate = getattr(getattr(connection, "driver_connection", None), "terminate", None)
    if terminate is not None:
        terminate()
