"""MongoDB stores for the command line; imported only when one is chosen, since Beanie is an extra."""

import importlib
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from typing import Any, cast

from pymongo.errors import ConfigurationError as PyMongoConfigurationError
from pymongo.errors import InvalidName, InvalidURI, PyMongoError

from fastauth.backends.mongo import MongoStore
from fastauth.backends.mongo.database import DRIVER
from fastauth.backends.mongo.transactions import awaited
from fastauth.cli.errors import Misuse
from fastauth.cli.output import scrub
from fastauth.cli.stores.shelf import Differences
from fastauth.cli.stores.urls import DatabaseUrl
from fastauth.core.protocols import Store

_CLIENTS = {"PyMongo": ("pymongo", "AsyncMongoClient"), "Motor": ("motor.motor_asyncio", "AsyncIOMotorClient")}
_PATIENCE_MS = 5_000  # the driver's own 30 s are long for somebody who waits at a terminal


class _OwnMongoStore(MongoStore[Any]):
    """A store whose client is ours, and so is closed by us."""

    def __init__(self, client: Any, database: Any) -> None:
        super().__init__(database)
        self._client = client

    async def close(self) -> None:
        """Give the connections back."""
        await super().close()
        await awaited(self._client.close())


def open_store(url: DatabaseUrl, database: str | None) -> MongoStore[Any]:
    """Return a store with the ready-made user class.

    Raises:
        Misuse: The URL cannot be used, or names no database.
    """
    module, name = _CLIENTS[DRIVER]
    make_client: Any = getattr(importlib.import_module(module), name)
    try:
        client = make_client(url.text, serverSelectionTimeoutMS=_PATIENCE_MS)
        handle = client[database] if database is not None else client.get_default_database()
    except PyMongoConfigurationError as error:
        if "No default database" in str(error):
            raise Misuse(f"{url.masked} names no database: give --database NAME.") from error
        raise Misuse(f"{url.masked} cannot be used as a MongoDB URL: check its options.") from error
    except InvalidName as error:
        raise Misuse(f"{database!r} cannot be the name of a database: {scrub(str(error))}.") from error
    except (InvalidURI, ValueError, PyMongoError) as error:
        raise Misuse(
            f"{url.masked} cannot be used as a MongoDB URL: check its host and port, and quote what is special in "
            "its user and password."
        ) from error
    return _OwnMongoStore(client, handle)


class MongoInspector:
    """A look into a :class:`MongoStore`."""

    def __init__(self, store: MongoStore[Any]) -> None:
        self._store = store
        self._handle: Any = store.database  # PyMongo's, or Motor's

    @property
    def url(self) -> DatabaseUrl:
        """Where the database is, without user and options."""
        hosts = re.search(r"host=\[([^\]]*)\]", repr(self._handle.client))
        names = ",".join(re.findall(r"'([^']+)'", hosts[1])) if hosts else "..."
        text = f"mongodb://{names}/{self._handle.name}"
        return DatabaseUrl(text, "mongo", text)

    @property
    def distributions(self) -> Sequence[str]:
        """Beanie and the driver."""
        driver = type(self._handle).__module__.partition(".")[0]
        return ("beanie", *dict.fromkeys((driver, "pymongo")))

    @asynccontextmanager
    async def batch(self) -> AsyncGenerator[Store[Any], None]:
        """Give the store itself: a server that stands alone has no transactions, and each verb is one step anyway."""
        yield cast("Store[Any]", self._store)

    def quiet(self) -> None:
        """Do nothing: the driver logs only where the app asks for it."""

    async def differences(self) -> Differences:
        """Return nothing: what a collection lacks is already said by the store's own ``missing_schema``."""
        return Differences()

    async def migrations(self) -> str | None:
        """Return None: a collection is made when it is first written to, with migrations or without."""
        return None

    async def clock_ahead(self) -> timedelta | None:
        """Return how far the server's clock is ahead of ours."""
        before = datetime.now(timezone.utc)
        answer = await self._hello()
        after = datetime.now(timezone.utc)
        there: datetime = answer["localTime"]
        aware = there if there.tzinfo else there.replace(tzinfo=timezone.utc)
        return aware - (before + (after - before) / 2)

    async def remarks(self) -> Sequence[tuple[str, str]]:
        """Say when the server stands alone."""
        answer = await self._hello()
        if "setName" in answer or answer.get("msg") == "isdbgrid":
            return ()
        return (
            (
                "this server stands alone: what it acknowledges is on one disk, and joined() has no transactions",
                "make it a replica set, of one member at least: start mongod with --replSet, and rs.initiate()",
            ),
        )

    async def _hello(self) -> dict[str, Any]:
        answer: dict[str, Any] = await self._handle.client.admin.command("hello")
        return answer


def inspector(store: MongoStore[Any]) -> MongoInspector:
    """Return the look into this store."""
    return MongoInspector(store)
