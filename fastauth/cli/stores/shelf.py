"""The shelf's two questions: open a store from a URL, and look into one that an app has made."""

import importlib
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol, cast

from fastauth.cli.stores.urls import DatabaseUrl
from fastauth.core.protocols import Store


@dataclass(frozen=True)
class Differences:
    """What a database lacks of what the models say.

    Attributes:
        columns: Columns that are missing, or that do not fit, in words.
        indexes: Indexes and constraints that are missing, in words.
    """

    columns: Sequence[str] = ()
    indexes: Sequence[str] = ()


class Inspector(Protocol):
    """A look into a store, past its seam, for what only its own kind of database can answer."""

    @property
    def url(self) -> DatabaseUrl:
        """Where the database is."""
        ...

    @property
    def distributions(self) -> Sequence[str]:
        """The names of the distributions that the store stands on, drivers included."""
        ...

    def batch(self) -> AbstractAsyncContextManager[Store[Any]]:
        """Give a store whose verbs are kept together at the end, or one by one where the server cannot."""
        ...

    def quiet(self) -> None:
        """Stop the driver from writing statements and their parameters into our output."""
        ...

    async def differences(self) -> Differences:
        """Compare the database with the models."""
        ...

    async def migrations(self) -> str | None:
        """Return where it is seen that migrations make the tables; None where nothing says so."""
        ...

    async def clock_ahead(self) -> timedelta | None:
        """Return how far the database's clock is ahead of ours; None where both are one."""
        ...

    async def remarks(self) -> Sequence[tuple[str, str]]:
        """Return what an experienced person would say about this server: what, and the cure."""
        ...


class _Room(Protocol):
    def open_store(self, url: DatabaseUrl, database: str | None) -> Store[Any]: ...

    def inspector(self, store: Any) -> Inspector: ...


def open_store(url: DatabaseUrl, database: str | None) -> Store[Any]:
    """Return a store with the ready-made user class.

    Args:
        url: Where the database is.
        database: The name of a MongoDB database; None takes the one in the URL.

    Raises:
        Misuse: The URL cannot be used.
        ModuleNotFoundError: The driver is not installed.
    """
    return _room(url.backend).open_store(url, database)


def inspector_of(store: Store[Any]) -> Inspector | None:
    """Return the look into this store; None when it is of a kind that has none."""
    for parent in type(store).__mro__:
        for name in ("sql", "mongo"):
            if parent.__module__.startswith(f"fastauth.backends.{name}"):
                return _room(name).inspector(store)
    return None


def _room(name: str) -> _Room:
    # Imported when it is chosen: its driver is an extra.
    return cast("_Room", importlib.import_module(f"fastauth.cli.stores.{name}"))
