"""A PostgreSQL server with a standby, and PgBouncer in front of them, which is told who serves."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.reliability.databases import StoreDatabase, make_database
from tests.reliability.registry import POSTGRES
from tests.reliability.servers import Server
from tests.reliability.workers import is_open
from tests.server_process import UnavailableError, free_port

_REPLICATES = {"wal_level": "replica", "max_wal_senders": "4"}
# What is acknowledged is on the standby's disk, too, whose receiver goes by this name; else a promotion may lose it.
_KEEPS_TWO_COPIES = {"synchronous_standby_names": "walreceiver"}
_START_SECONDS = 30


class Bouncer:
    """One ``pgbouncer`` process, which hands sessions on to one server at a time.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        folder.chmod(0o755)  # PgBouncer reads its settings again as somebody else than root
        self._settings = folder / "pgbouncer.ini"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, server: int) -> None:
        """Start it in front of the server at this port.

        Raises:
            UnavailableError: It is not installed.
        """
        program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if program is None:
            raise UnavailableError("install pgbouncer")
        self._write(server)
        as_somebody = ["--user=nobody"] if os.getuid() == 0 else []
        self._process = await asyncio.create_subprocess_exec(
            program, "--quiet", *as_somebody, str(self._settings), stderr=asyncio.subprocess.DEVNULL
        )
        for _ in range(_START_SECONDS * 50):
            if is_open(self.port):
                return
            await asyncio.sleep(0.02)
        raise UnavailableError("pgbouncer does not start")

    def turn_to(self, server: int) -> None:
        """Hand what comes from now on to the server at this port."""
        assert self._process is not None
        self._write(server)
        self._process.send_signal(signal.SIGHUP)

    async def close(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()

    def _write(self, server: int) -> None:
        self._settings.write_text(
            f"[databases]\n* = host=127.0.0.1 port={server} user=fastauth\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            "auth_type = any\npool_mode = session\ndefault_pool_size = 100\nserver_login_retry = 1\n",
            "utf-8",
        )


class Pair:
    """A server, its standby, and the way to whichever of them serves.

    Attributes:
        primary: Takes writes, each of which waits for the standby.
        standby: Follows it, until it is promoted.
        bouncer: Stands in front.
    """

    def __init__(self, folder: Path) -> None:
        self.primary = Server(POSTGRES, settings=_REPLICATES | _KEEPS_TWO_COPIES)
        self.standby = Server(POSTGRES, settings=_REPLICATES, copy_of=self.primary)
        self.bouncer = Bouncer(folder)

    async def start(self) -> None:
        """Start all three."""
        await self.primary.start()
        await self.standby.start()
        await self.bouncer.start(self.primary.port)

    async def fail_over(self) -> None:
        """Kill the primary, promote the standby, and turn the bouncer to it."""
        await self.primary.kill()
        url = f"postgresql+asyncpg://fastauth@127.0.0.1:{self.standby.port}/postgres"
        await StoreDatabase(POSTGRES, url).rows("SELECT pg_promote()")
        self.bouncer.turn_to(self.standby.port)

    async def database(self) -> StoreDatabase:
        """Make an empty database, and return it as it is reached through the bouncer."""
        made = await make_database(POSTGRES, self.primary.port, Path())
        return StoreDatabase(POSTGRES, made.at(self.bouncer.port))

    async def close(self) -> None:
        """End all three and delete what they have stored."""
        await self.bouncer.close()
        await self.standby.close()
        await self.primary.close()


@asynccontextmanager
async def pair_of_servers() -> AsyncGenerator[Pair, None]:
    """Give a server with a standby, behind PgBouncer."""
    with tempfile.TemporaryDirectory(prefix="fastauth-pgbouncer-") as folder:
        pair = Pair(Path(folder))
        try:
            await pair.start()
            yield pair
        finally:
            await pair.close()
