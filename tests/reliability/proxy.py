"""A TCP proxy between the app and its database, which can delay, swallow or cut what passes."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

_AT_ONCE = struct.pack("ii", 1, 0)  # a reset, and not the end of what was sent


class Proxy:
    """Passes bytes between whoever connects and one port.

    Attributes:
        port: Where it listens.
        delay: Seconds by which everything comes later.
        swallows: Whether what is sent vanishes, in both directions, while connections stay open: a network that drops
            packets. New connections are taken, and nothing passes on them either.
        refuses: Whether new connections are closed at once.
        cut_after: Words; each of them cuts once the connection that it has passed on, so that the answer is lost.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.delay = 0.0
        self.swallows = False
        self.refuses = False
        self.cut_after: list[bytes] = []

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Close every connection with a reset, whatever is under way on it."""
        for writer in self._writers:
            with contextlib.suppress(OSError):  # it is closed already
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            writer.transport.abort()

    def heal(self) -> None:
        """Pass everything again; connections on which something has vanished are cut."""
        was_lossy, self.swallows, self.refuses, self.delay = self.swallows, False, False, 0.0
        if was_lossy:
            self.cut()

    async def close(self) -> None:
        """Stop listening, cut what is open, and wait until all of it has ended."""
        assert self._server is not None
        self._server.close()
        self.swallows = False
        self.cut()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await asyncio.sleep(0.01)  # for the transports, which close in a later turn of the loop

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        self._writers.add(writer)
        try:
            await self._connect(reader, writer)
        except OSError:
            pass  # one of the two is gone, and now the other one, too
        finally:
            self._writers.discard(writer)
            writer.transport.abort()
            self._serving.discard(task)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while self.swallows and await reader.read(1 << 16):
            pass
        if self.refuses or reader.at_eof():
            return
        behind, ahead = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers.add(ahead)
        ways = [
            asyncio.ensure_future(self._pass(reader, ahead, writer)),
            asyncio.ensure_future(self._pass(behind, writer, ahead)),
        ]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_EXCEPTION)
            for each in done:
                each.result()
        finally:
            self._writers.discard(ahead)
            ahead.transport.abort()
            for each in ways:
                each.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, back: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(1 << 16):
            if self.delay:
                await asyncio.sleep(self.delay)
            if not self.swallows:
                writer.write(data)
                await writer.drain()
            for word in self.cut_after:
                if word in data:
                    self.cut_after.remove(word)
                    back.transport.abort()  # before an answer can come
                    raise ConnectionResetError
        with contextlib.suppress(OSError):
            writer.write_eof()


@asynccontextmanager
async def proxy_to(port: int) -> AsyncGenerator[Proxy, None]:
    """Give a proxy to a port of this machine."""
    proxy = Proxy(port)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()
