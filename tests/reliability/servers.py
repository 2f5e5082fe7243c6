"""Database servers that keep what they acknowledge, and that can be killed, stopped and started again."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.server_process import KINDS, Kind, initiate_replica_set, start

_DISK = Path("/var/tmp")  # a real disk, where the folder for temporary files may be in memory


class Server:
    """One server, on the same port and data for as long as it is used.

    Args:
        kind: Of :data:`tests.server_process.KINDS`.
        settings: Of a PostgreSQL server, beside those that it has anyway.
        copy_of: The PostgreSQL server whose standby it is to be; None: it is its own.

    Attributes:
        port: Where it listens.
        process: The running process; None while it is down.
    """

    def __init__(
        self, kind: str, *, settings: Mapping[str, str] | None = None, copy_of: "Server | None" = None
    ) -> None:
        self.kind = kind
        self._settings = settings or {}
        self._copy_of = copy_of
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._folder = Path(tempfile.mkdtemp(prefix=f"fastauth-{kind}-", dir=_DISK if _DISK.is_dir() else None))

    async def start(self, *, alone: bool = False) -> None:
        """Start it, on the data that is there, and return when it takes connections and writes.

        Args:
            alone: Leave it to the caller to make a replica set of it and others.
        """
        new = not self.port
        self.process, self.port = await asyncio.to_thread(
            start, self._how(), self._folder, port=self.port or None, durable=True
        )
        if self.kind == "mongo-replica-set" and not alone:
            await asyncio.to_thread(initiate_replica_set if new else wait_for_primary, [self.port])

    async def kill(self) -> None:
        """End it with ``kill -9``, together with its children, as a loss of power would."""
        # Stopped first, it cannot tell its children, nor start new ones, while they are being killed one by one.
        self._signal_all(signal.SIGSTOP)
        self._signal_all(signal.SIGKILL)
        await self._ended()

    async def stop(self) -> None:
        """End it in order; clients are not waited for."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT if self.kind == "postgres" else signal.SIGTERM)
        await self._ended()

    async def restart(self) -> None:
        """Stop it and start it again."""
        await self.stop()
        await self.start()

    def hang(self) -> None:
        """Stop every process of it where it stands: connections stay open, and nothing is answered."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after :meth:`hang`."""
        self._signal_all(signal.SIGCONT)

    async def make_sure(self) -> None:
        """Start it if it is down, and let it go on if it hangs."""
        if self.process is None or self.process.poll() is not None:
            await self.start()
        else:
            self.resume()

    async def close(self) -> None:
        """End it and delete its data."""
        if self.process is not None:
            await self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _how(self) -> Kind:
        kind = KINDS[self.kind]

        def commands(data: Path, port: int, durable: bool) -> tuple[Sequence[str], Sequence[str]]:
            prepare, serve = kind.commands(data, port, durable)
            if self._copy_of is not None:
                program = Path(prepare[0]).with_name("pg_basebackup")
                source = f"host=127.0.0.1 port={self._copy_of.port} user=fastauth"
                prepare = [str(program), "-d", source, "-D", str(data), "-c", "fast", "--write-recovery-conf"]
            return prepare, [*serve, *(f"--{name}={value}" for name, value in self._settings.items())]

        # A standby takes read-only connections, and says so.
        return kind._replace(
            commands=commands, ready="database system is ready to accept" if self._copy_of else kind.ready
        )

    def _signal_all(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            # A session of its own, or several, as PostgreSQL's children have: no group holds all of them.
            for pid in (self.process.pid, *children_of(self.process.pid)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)

    async def _ended(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            await asyncio.to_thread(process.wait)
            await asyncio.to_thread(_wait_until_refused, self.port)


def children_of(pid: int) -> list[int]:
    """Return the processes below a process, as far down as there are any."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])
                parents.setdefault(parent, []).append(int(entry.name))
    found = parents.get(pid, [])
    for each in found:
        found.extend(parents.get(each, []))
    return found


def wait_for_primary(ports: list[int], seconds: float = 60) -> int:
    """Return the port of the primary of a replica set, when there is one that takes writes."""
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for port in ports:
            client = MongoClient("127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=500)
            with contextlib.suppress(PyMongoError), client:
                if client.admin.command("hello")["isWritablePrimary"]:
                    return port
        time.sleep(0.05)
    raise TimeoutError("the replica set has no primary")


def _wait_until_refused(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
        except OSError:
            return
        time.sleep(0.02)
