"""A client that costs little: keep-alive connections on asyncio's protocols, one request outstanding on each."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from benchmarks.processes import BenchmarkError


class Traffic(Protocol):
    """What is asked, and what becomes of the answers."""

    def next(self) -> bytes:
        """Return the next request, whole."""
        ...

    def answered(self, body: bytes) -> None:
        """Take the body of a good answer."""
        ...


@dataclass(frozen=True)
class Slice:
    """What happened in a slice of time.

    Attributes:
        answers: How many good answers came.
        seconds: From the first request to the last answer.
    """

    answers: int
    seconds: float

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answers / self.seconds


class _Connection(asyncio.Protocol):
    def __init__(self, load: "Load") -> None:
        self._load = load
        self._buffer = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is none by its class

    def ask(self, request: bytes) -> None:
        assert self._transport is not None
        self._transport.write(request)

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        if len(rest) < _number(head, b"content-length:", 0):
            return
        self._buffer = b""
        self._load.take(self, head, rest)

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost(self, exc)


class Load:
    """Keep-alive connections to one app, or to several servers of it in turn.

    Args:
        ports: Where the servers are, on the loopback interface.
        traffic: What is asked.
        connections: How many requests are outstanding at once.
        tolerant: Whether it goes on after an answer that is not a good one: it counts it, and asks again when it may.

    Attributes:
        refused: How many answers were not good ones.
    """

    def __init__(self, ports: Sequence[int], traffic: Traffic, connections: int = 8, *, tolerant: bool = False) -> None:
        self.refused = 0
        self._tolerant = tolerant
        self._ports = ports
        self._traffic = traffic
        self._count = connections
        self._connections: list[_Connection] = []
        self._deadline = 0.0
        self._wanted = 0
        self._outstanding = 0
        self._answers = 0
        self._idle: asyncio.Future[None] | None = None
        self._trouble: str | None = None

    async def connect(self) -> None:
        """Open the connections."""
        loop = asyncio.get_running_loop()
        for number in range(self._count):
            port = self._ports[number % len(self._ports)]
            _, connection = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", port)
            self._connections.append(connection)

    async def run(self, seconds: float, *, requests: int = 1 << 60) -> Slice:
        """Ask for so long, or so often, and wait for the last answer.

        Raises:
            BenchmarkError: An answer was not a good one.
        """
        if not self._connections:
            await self.connect()
        self._idle = asyncio.get_running_loop().create_future()
        self._answers, self._wanted = 0, requests
        began = time.perf_counter()
        self._deadline = began + seconds
        for connection in self._connections[:requests]:
            self._ask(connection)
        await self._idle
        if self._trouble is not None:
            raise BenchmarkError(self._trouble)
        return Slice(self._answers, time.perf_counter() - began)

    def close(self) -> None:
        """Close the connections."""
        connections, self._connections = self._connections, []
        for connection in connections:
            connection.close()

    def take(self, connection: _Connection, head: bytes, body: bytes) -> None:
        """Take an answer, and ask again if there is time."""
        self._outstanding -= 1
        if head[9:10] == b"2":
            self._answers += 1
            self._traffic.answered(body)
        elif self._tolerant:
            self.refused += 1
            # Who is told to come again later does, and not all at the same moment.
            later = _number(head, b"retry-after:", 1) * random.uniform(1, 2)
            asyncio.get_running_loop().call_later(later, self._ask_again, connection)
            return
        elif self._trouble is None:
            self._trouble = f"{head[:200]!r} {body[:300]!r}"
        self._ask_again(connection)

    def _ask_again(self, connection: _Connection) -> None:
        if self._trouble is None and self._wanted > 0 and time.perf_counter() < self._deadline and self._connections:
            self._ask(connection)
        elif self._outstanding == 0 and self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    def lost(self, connection: _Connection, error: Exception | None) -> None:
        """Note that a connection ended before we ended it."""
        if connection in self._connections and self._idle is not None and not self._idle.done():
            self._trouble = f"The server closed a connection: {error}"
            self._idle.set_result(None)

    def _ask(self, connection: _Connection) -> None:
        self._wanted -= 1
        self._outstanding += 1
        connection.ask(self._traffic.next())


def _number(head: bytes, name: bytes, default: int) -> int:
    place = head.lower().find(name)
    return default if place < 0 else int(head[place + len(name) :].split(b"\r\n", 1)[0])
