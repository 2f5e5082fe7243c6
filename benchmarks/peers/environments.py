"""A virtual environment for each peer, since one of them installs a package that is called as ours is."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.processes import ROOT, SERVER_CORE, BenchmarkError, Server, serving

_FOLDER = ROOT / "build" / "bench" / "peers"
_APPS = Path(__file__).parent / "apps"
_SERVER = ("uvicorn", "uvloop", "httptools")


@dataclass(frozen=True)
class Peer:
    """A released library.

    Attributes:
        title: What it is called.
        requirements: What is installed.
        app: The app, which has ``/ping``, ``/user`` and ``/bench/tokens``.
        sign_in: The path of its sign-in.
        login: What its people sign in with, with the number of the person to be put in.
        refresh: The path of its refresh, where it answers tokens in its body; None otherwise.
    """

    title: str
    requirements: Sequence[str]
    app: str
    sign_in: str
    login: str = "user{:07}"
    refresh: str | None = None


PEERS = {
    "fastapi_users": Peer(
        "fastapi-users, JWT", ("fastapi-users[sqlalchemy]==15.*", "aiosqlite"), "on_fastapi_users:app", "/auth/login",
        "user{:07}@example.com",
    ),
    "authx": Peer(
        "AuthX", ("authx==1.7.*", "bcrypt", "sqlalchemy[asyncio]", "aiosqlite", "python-multipart"), "on_authx:app",
        "/token",
    ),
    "fastauth_iq": Peer(
        "fastauth_iq", ("fastauth_iq==0.8.1",), "on_fastauth_iq:app", "/token", refresh="/token/refresh"
    ),
    "crudauth": Peer("crudauth", ("crudauth==0.8.*", "sqlalchemy[asyncio]", "aiosqlite"), "on_crudauth:app", "/token"),
}  # fmt: skip


@asynccontextmanager
async def serving_peer(
    name: str, python: Path, *, cores: Sequence[int] = (SERVER_CORE,)
) -> AsyncGenerator[Server, None]:
    """Run the app of a peer on its own Python, on a new SQLite file that it fills itself."""
    with tempfile.TemporaryDirectory(prefix="fastauth-bench-") as folder:
        environment = {"BENCH_SQLITE": str(Path(folder) / "bench.db")}
        app = PEERS[name].app
        async with serving(app, environment, python=str(python), app_dir=_APPS, cores=cores) as server:
            yield server


def install() -> dict[str, Path]:
    """Install each peer where it is not yet, and return their interpreters."""
    pythons: dict[str, Path] = {}
    for name, peer in PEERS.items():
        folder = _FOLDER / name
        done = folder / "installed"
        python = folder / "bin" / "python"
        wanted = "\n".join([*peer.requirements, *_SERVER])
        if not done.exists() or done.read_text("utf-8") != wanted:
            click.echo(f"installing {peer.title}")
            shutil.rmtree(folder, ignore_errors=True)
            _run(sys.executable, "-m", "venv", str(folder))
            _run(str(python), "-m", "pip", "install", "--quiet", *peer.requirements, *_SERVER)
            done.write_text(wanted, "utf-8")
        pythons[name] = python
    return pythons


def version_of(name: str, python: Path) -> str:
    """Return the version of a peer that is installed."""
    shown = subprocess.check_output(
        [python, "-c", f"import importlib.metadata as m; print(m.version({name!r}))"], text=True
    )
    return shown.strip()


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"{command[:4]}: {done.stderr[-2000:]}")
