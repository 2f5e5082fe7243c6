"""How long ``/ping`` takes, asked at fixed times: a request that had to wait for the one before has waited, too."""

import asyncio
import time
from typing import TypeAlias

from benchmarks.processes import Server
from benchmarks.traffic import request

Ping: TypeAlias = tuple[float, float]
"""When it was due, and how long after that the answer was there; in seconds."""

_EVERY = 0.005


async def watch(server: Server, seconds: float) -> list[Ping]:
    """Ask every five milliseconds for so long, on one connection.

    What is late is asked late, and its time counts from when it was due, so that one long stall is seen as often as a
    client who knows nothing of it would have met it.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    asked = request("GET", "/ping")
    pings: list[Ping] = []
    began = time.perf_counter()
    for number in range(int(seconds / _EVERY)):
        due = number * _EVERY
        wait = due - (time.perf_counter() - began)
        if wait > 0:
            await asyncio.sleep(wait)
            # The client's own lateness is not the server's.
            due = max(due, time.perf_counter() - began)
        writer.write(asked)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
        pings.append((due, time.perf_counter() - began - due))
    writer.close()
    await writer.wait_closed()
    return pings
