"""Worker processes of the app, each on a port of its own, that can be killed, stopped and started again."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from httpx2 import AsyncClient, HTTPError

from tests.server_process import free_port

ROOT = Path(__file__).parent.parent.parent
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
"""The library that gives a process a wrong clock, where it is installed."""
_START_SECONDS = 90


class Worker:
    """One ``uvicorn`` process.

    Args:
        app: What it serves, as ``module:name``.
        environment: What is added to our own.
        log: Where its output goes.

    Attributes:
        port: Where it listens, over restarts too.
        process: The running process; None while it is down.
    """

    def __init__(self, app: str, environment: Mapping[str, str], log: Path) -> None:
        self.app = app
        self.environment = dict(environment)
        self.log = log
        self.port = free_port()
        self.process: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The id of the running process."""
        assert self.process is not None, "the worker is down"
        return self.process.pid

    async def start(self) -> None:
        """Start it and return when it answers."""
        await self.spawn()
        await self.answering()

    async def spawn(self) -> None:
        """Start it, and do not wait."""
        command = ["-m", "uvicorn", self.app, "--port", str(self.port), "--log-level", "warning"]
        with self.log.open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *command,
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    async def answering(self, seconds: float = _START_SECONDS) -> None:
        """Wait until it answers.

        Raises:
            RuntimeError: It has ended, or does not answer for too long; the message has the end of its log.
        """
        assert self.process is not None
        async with AsyncClient(base_url=self.address, timeout=10) as client:
            for _ in range(int(seconds / 0.05)):
                if self.process.returncode is not None:
                    break
                with contextlib.suppress(HTTPError):
                    await client.get("/health/live")
                    return
                await asyncio.sleep(0.05)
        raise RuntimeError(f"the worker does not serve: {self.said()[-2000:]}")

    def said(self) -> str:
        """Return its output, over all its lives."""
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    async def kill(self) -> None:
        """End it with ``kill -9``."""
        await self._end(signal.SIGKILL)

    async def terminate(self) -> int | None:
        """Ask it to finish what is in flight and end, wait for that, and return its exit status."""
        return await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> int | None:
        process, self.process = self.process, None
        if process is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        try:
            return await asyncio.wait_for(process.wait(), 60)
        except asyncio.TimeoutError:
            process.kill()
            await process.wait()
            return None

    async def make_sure(self) -> None:
        """Start it if it is down."""
        if self.process is None or self.process.returncode is not None:
            await self.start()


def app_environment(
    url: str,
    options: Mapping[str, Any] | None = None,
    *,
    engine: Mapping[str, Any] | None = None,
    clock: str | None = None,
) -> dict[str, str]:
    """Return the environment of a worker.

    Args:
        url: The database's address.
        options: See :mod:`tests.reliability.app`.
        engine: Options of the engine, such as ``{"pool_size": 5}``.
        clock: How wrong its clock is, as libfaketime takes it: ``"+30s"``, or ``"@..."``; a file's path, to change it
            while the process runs.
    """
    environment = {"FASTAUTH_TEST_STORE_URL": url, "FASTAUTH_TEST_APP": json.dumps(dict(options or {}))}
    if engine is not None:
        environment["FASTAUTH_TEST_ENGINE"] = json.dumps(dict(engine))
    if clock is not None:
        which = "FAKETIME_TIMESTAMP_FILE" if clock.startswith("/") else "FAKETIME"
        environment |= {
            "LD_PRELOAD": str(FAKETIME),
            which: clock,
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_NO_CACHE": "1",
        }
    return environment


async def start_all(workers: Sequence[Worker]) -> None:
    """Start workers: the first alone, so that it makes the schema, then the others at once."""
    await workers[0].start()
    await asyncio.gather(*(worker.start() for worker in workers[1:]))


def is_open(port: int) -> bool:
    """Say whether somebody listens at a port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.2):
        return True
    return False
