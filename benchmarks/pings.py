"""How long ``/ping`` takes, asked at fixed times, whether or not the answers before have come: as strangers ask."""

import asyncio
import time
from typing import TypeAlias

from benchmarks.processes import Server
from benchmarks.traffic import request

Ping: TypeAlias = tuple[float, float]
"""When it was due, and how long after that the answer was there; in seconds."""

_Connection: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_EVERY = 0.01
_READY = 8  # connections that are open before the first request; more are opened when none is free


async def watch(server: Server, seconds: float) -> list[Ping]:
    """Ask every ten milliseconds for so long, and wait for the last answer.

    Each request has a connection to itself, so that a long stall is felt by everyone who came in it, and by nobody
    else.
    """
    free = [await _connection(server) for _ in range(_READY)]
    asked = request("GET", "/ping")
    pings: list[Ping] = []
    began = time.perf_counter()

    async def ask(due: float) -> None:
        reader, writer = free.pop() if free else await _connection(server)
        writer.write(asked)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
        pings.append((due, time.perf_counter() - began - due))
        free.append((reader, writer))

    asking: list[asyncio.Task[None]] = []
    for number in range(int(seconds / _EVERY)):
        await asyncio.sleep(max(number * _EVERY - (time.perf_counter() - began), 0))
        # From now on, not from when it was planned: the client's own lateness is not the server's.
        asking.append(asyncio.create_task(ask(time.perf_counter() - began)))
    await asyncio.gather(*asking)
    for _, writer in free:
        writer.close()
        await writer.wait_closed()
    return sorted(pings)


async def _connection(server: Server) -> _Connection:
    return await asyncio.open_connection("127.0.0.1", server.port)
