"""A real server for a test: uvicorn on a free loopback port, in the test's own loop."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn


@asynccontextmanager
async def serving(app: Any, **options: Any) -> AsyncGenerator[str, None]:
    """Serve an ASGI app and give its base URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", **options))
    running = asyncio.create_task(server._serve([listener]))  # without its signal handlers, which are the test runner's
    while not server.started:
        if running.done():
            await running
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
