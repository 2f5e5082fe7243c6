"""The proxy between an app and its database."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from tests.reliability.proxy import Proxy, proxy_to


@asynccontextmanager
async def echoing() -> AsyncGenerator[int, None]:
    """Serve a port that says what it hears."""
    ended: list[asyncio.Event] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended.append(asyncio.Event())
        done = ended[-1]
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(100):
                writer.write(data)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        done.set()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await asyncio.gather(*(each.wait() for each in ended))


async def say(proxy: Proxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect and send a word."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"hello")
    return reader, writer


async def closed(*writers: asyncio.StreamWriter) -> None:
    """Close connections, whether or not the other side has."""
    for each in writers:
        each.close()
        with contextlib.suppress(ConnectionError):
            await each.wait_closed()


async def test_a_proxy_passes_bytes_both_ways_and_the_end_of_them() -> None:
    """What goes in comes out, in both directions; and so does the end."""
    async with echoing() as port, proxy_to(port) as proxy:
        reader, writer = await say(proxy)
        writer.write_eof()

        assert await reader.read() == b"hello"

        await closed(writer)


async def test_a_proxy_that_swallows_leaves_connections_open_and_silent() -> None:
    """Nothing comes through, on old connections and on new ones, until it heals: then they are cut."""
    async with echoing() as port, proxy_to(port) as proxy:
        old_reader, old_writer = await say(proxy)
        assert await old_reader.readexactly(5) == b"hello"
        proxy.swallows = True
        old_writer.write(b"again")
        reader, writer = await say(proxy)
        for each in (old_reader, reader):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(each.read(1), 0.05)
        proxy.heal()

        with pytest.raises(ConnectionResetError):
            await old_reader.readexactly(1)

        await closed(old_writer, writer)


async def test_a_proxy_that_cuts_resets_what_is_open() -> None:
    """A cut connection is reset, and a new one may be opened at once."""
    async with echoing() as port, proxy_to(port) as proxy:
        reader, writer = await say(proxy)
        assert await reader.readexactly(5) == b"hello"
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        again, other = await say(proxy)

        assert await again.readexactly(5) == b"hello"

        await closed(writer, other)


async def test_a_proxy_cuts_after_a_word() -> None:
    """A word is passed on and its answer is lost, once for each time that the word is listed."""
    async with echoing() as port, proxy_to(port) as proxy:
        proxy.cut_after = [b"hello"]
        reader, writer = await say(proxy)
        assert await reader.read() == b""
        again, other = await say(proxy)

        assert await again.readexactly(5) == b"hello"

        await closed(writer, other)
