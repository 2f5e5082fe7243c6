"""The servers under test, each a uvicorn process of its own on one core, and what the kernel says about them."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVER_CORE = 0
CLIENT_CORE = 1
_START_SECONDS = 120
_STOP_SECONDS = 3  # then there are only sign-ins left that nobody waits for
_ALL_CORES = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set[int]()


class BenchmarkError(Exception):
    """Something did not run as it should; its figures would mean nothing."""


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        name: What it is called in errors.
        port: On the loopback interface.
        pid: Of its only process.
    """

    name: str
    port: int
    pid: int

    def cpu_seconds(self) -> float | None:
        """Return the processor time that all its threads have had; None where the kernel does not tell."""
        tasks = Path(f"/proc/{self.pid}/task")
        if not tasks.is_dir():
            return None
        spent = 0
        for task in tasks.iterdir():
            with contextlib.suppress(OSError):  # a thread may end while we look
                spent += int((task / "schedstat").read_text("ascii").split()[0])
        return spent / 1e9

    def memory_mb(self) -> float:
        """Return its resident memory."""
        shown = subprocess.check_output(["ps", "-o", "rss=", "-p", str(self.pid)], text=True)
        return int(shown) / 1024


def pin(pid: int, cores: Sequence[int]) -> None:
    """Keep a thread to these cores, where the system and their number allow it; none of them means all.

    Args:
        pid: The thread; zero is the one that asks.
        cores: Their numbers.
    """
    if _ALL_CORES:
        with contextlib.suppress(OSError):  # it may be gone
            os.sched_setaffinity(pid, _ALL_CORES.intersection(cores) or _ALL_CORES)


@asynccontextmanager
async def serving(
    app: str,
    environment: Mapping[str, str],
    *,
    python: str = sys.executable,
    app_dir: Path = ROOT,
    cores: Sequence[int] = (SERVER_CORE,),
) -> AsyncGenerator[Server, None]:
    """Run an ASGI app in one uvicorn worker with uvloop and httptools until the block ends.

    Args:
        app: Its import path, such as ``benchmarks.apps.sql:app``.
        environment: What it reads its configuration from.
        python: The interpreter, a peer's own where it has one.
        app_dir: Where the app is found.
        cores: Those that it may run on; empty for all.
    """
    port = _free_port()
    folder = Path(tempfile.mkdtemp(prefix="fastauth-bench-"))  # nothing of ours is found from here by accident
    log = folder / "log"
    command = [
        python, "-m", "uvicorn", app, "--app-dir", str(app_dir), "--port", str(port), "--loop", "uvloop",
        "--http", "httptools", "--no-access-log", "--log-level", "warning", "--timeout-keep-alive", "600",
    ]  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FASTAUTH_", "PYTHON"))}
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: ASYNC220  # once, before anything is measured
            command, env={**kept, **environment}, cwd=folder, stdout=output, stderr=output
        )
    try:
        await _started(process, port, app, log)
        for task in _threads(process.pid):
            pin(task, cores)
        yield Server(app, port, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(folder)


async def _started(process: subprocess.Popen[bytes], port: int, app: str, log: Path) -> None:
    for _ in range(_START_SECONDS * 20):
        if process.poll() is not None:
            raise BenchmarkError(f"{app} does not start:\n{_end_of(log)}")
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.05)
    raise BenchmarkError(f"{app} took longer than {_START_SECONDS} s to start.")


def _end_of(log: Path) -> str:
    return log.read_text("utf-8", "replace")[-3000:]


def _threads(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task")
    return [int(task.name) for task in tasks.iterdir()] if tasks.is_dir() else [pid]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
