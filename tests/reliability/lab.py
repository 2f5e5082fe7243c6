"""Where the scenarios get their servers and workers from, and who ends them."""

import itertools
import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from typing_extensions import Self

from tests.reliability.databases import StoreDatabase, make_database
from tests.reliability.load import Client, client_of
from tests.reliability.proxy import Proxy, proxy_to
from tests.reliability.registry import SQLITE
from tests.reliability.servers import Server
from tests.reliability.workers import Worker, app_environment, start_all

APP = "tests.reliability.app:app"


class Fleet(NamedTuple):
    """Workers of one app on one database.

    Attributes:
        workers: The processes.
        client: Sends requests to them in turn.
        database: What they share.
        server: Where it is; None for SQLite.
        proxy: What stands between; None where nothing does.
    """

    workers: list[Worker]
    client: Client
    database: StoreDatabase
    server: Server | None
    proxy: Proxy | None = None

    @property
    def engine(self) -> Server:
        """The server, which has to be there."""
        assert self.server is not None
        return self.server


class Lab:
    """Starts what scenarios need, and keeps it for the next one.

    Args:
        long: Whether the scenarios run in their full length.
        minutes: How long a soak takes; None: as long as its form says.
        trials: How many trials each scenario makes; None: as many as its form says.

    Attributes:
        folder: For files.
    """

    def __init__(self, *, long: bool = False, minutes: float | None = None, trials: int | None = None) -> None:
        self.long = long
        self.minutes = minutes
        self._trials = trials
        self._stack = AsyncExitStack()
        self._servers: dict[str, Server] = {}
        self._fleets: dict[str, Fleet] = {}
        self._names = itertools.count()
        self.folder = Path()

    async def __aenter__(self) -> Self:
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="fastauth-reliability-")))
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    def trials(self, *, short: int, long: int) -> int:
        """Return how many trials this run makes."""
        return self._trials or (long if self.long else short)

    @property
    def has_own_number(self) -> bool:
        """Whether somebody has said how many trials there are, so that nobody knows how long they take."""
        return self._trials is not None

    def unique(self, prefix: str = "user") -> str:
        """Return a name that nobody else gets in this run."""
        return f"{prefix}{next(self._names)}"

    async def server(self, kind: str) -> Server:
        """Return the run's server of this kind, up and running."""
        if kind not in self._servers:
            self._servers[kind] = Server(kind)
            self._stack.push_async_callback(self._servers[kind].close)
        await self._servers[kind].make_sure()
        return self._servers[kind]

    async def database(self, store: str) -> StoreDatabase:
        """Return an empty database for a store, on the run's server."""
        port = 0 if store == SQLITE else (await self.server(store)).port
        return await make_database(store, port, self.folder)

    async def fleet(self, store: str) -> Fleet:
        """Return four workers on a database of their own, which all scenarios that ask for them share.

        Their store calls may take long: what is asked of these is to be right, however busy the machine is. Whoever
        asks how soon something is answered takes workers of their own.
        """
        if store not in self._fleets:
            patient = self.own_fleet(store, options={"store_timeout": 60})
            self._fleets[store] = await self._stack.enter_async_context(patient)
        return await _made_sure(self._fleets[store])

    async def plain_fleet(self, store: str) -> Fleet:
        """Return two workers with the library's own settings, behind a proxy, for faults; shared by scenarios."""
        name = f"{store}, plain"
        if name not in self._fleets:
            proxy = None if store == SQLITE else await self._stack.enter_async_context(self.proxy(store))
            plain = self.own_fleet(store, count=2, proxy=proxy)
            self._fleets[name] = await self._stack.enter_async_context(plain)
        return await _made_sure(self._fleets[name])

    @asynccontextmanager
    async def own_fleet(
        self,
        store: str,
        *,
        count: int = 4,
        options: Mapping[str, Any] | None = None,
        engine: Mapping[str, Any] | None = None,
        proxy: Proxy | None = None,
        database: StoreDatabase | None = None,
        connections: int = 200,
    ) -> AsyncGenerator[Fleet, None]:
        """Give workers for one scenario, on a new database.

        Args:
            store: Of which kind.
            count: How many.
            options: See :mod:`tests.reliability.app`.
            engine: Options of the engine.
            proxy: What stands between the workers and the server.
            database: A database that is there already; None: a new one.
            connections: How many the client opens at most.
        """
        server = None if store == SQLITE else await self.server(store)
        database = database or await self.database(store)
        environment = app_environment(database.at(proxy.port) if proxy else database.url, options, engine=engine)
        log = f"worker-{next(self._names)}"
        workers = [Worker(APP, environment, self.folder / f"{log}-{number}.log") for number in range(count)]
        try:
            await start_all(workers)
            async with client_of(workers, connections=connections) as client:
                yield Fleet(workers, client, database, server, proxy)
        finally:
            for worker in workers:
                await worker.kill()

    @asynccontextmanager
    async def proxy(self, store: str) -> AsyncGenerator[Proxy, None]:
        """Give a proxy to the run's server for a store."""
        async with proxy_to((await self.server(store)).port) as proxy:
            yield proxy


async def _made_sure(fleet: Fleet) -> Fleet:
    if fleet.server is not None:
        await fleet.server.make_sure()
    if fleet.proxy is not None:
        fleet.proxy.heal()
    for worker in fleet.workers:
        await worker.make_sure()
    return fleet
