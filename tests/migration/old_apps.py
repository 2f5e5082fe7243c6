"""The apps in ``apps/``: the old ones served from environments of their own, and ours that take over from them."""

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

APPS = Path(__file__).parent / "apps"
ENVIRONMENTS = Path(__file__).parents[2] / "build" / "migration"
GUIDES = Path(__file__).parents[2] / "docs" / "migration"
PATIENCE = 120  # seconds, for an app to start on a machine that is busy


def environment(*requirements: str) -> Path:
    """Return the Python of an environment with these packages; made once and kept, whichever process comes first."""
    name = "-".join(requirements).replace("[", "-").replace("]", "").replace(",", "-").replace("==", "-")
    folder = ENVIRONMENTS / f"{name}-{sys.version_info[0]}.{sys.version_info[1]}"
    python = folder / "bin" / "python"
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        complete = folder / "complete"
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
            install = [str(python), "-m", "pip", "install", "--quiet", *requirements]
            done = subprocess.run(install, capture_output=True, text=True, check=False)
            if done.returncode:
                reason = f"{' '.join(requirements)} cannot be installed here: {done.stderr.strip()[-300:]}"
                (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
            complete.touch()
    return python


@contextmanager
def serving(python: Path, app: str, *arguments: str, **variables: str) -> Generator[httpx2.Client, None, None]:
    """Serve an app of ``apps/`` with this Python and these environment variables, and give a client of it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(python), "-I", str(APPS / f"{app}.py"), str(port), *arguments]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**os.environ, **variables}
    )
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, trust_env=False) as client:
            _wait(process, client)
            yield client
    finally:
        process.terminate()
        process.communicate()


def _wait(process: "subprocess.Popen[str]", client: httpx2.Client) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            client.get("/openapi.json")
        except httpx2.TransportError:  # noqa: PERF203  # a tenth of a second each
            if process.poll() is not None or time.monotonic() > until:
                process.kill()
                pytest.fail(f"The app does not start: {process.communicate()[1][-2000:]}")
            time.sleep(0.1)
        else:
            return


def fastauth(*arguments: str, **variables: str) -> str:
    """Run our command line on an app of ``apps/``, and return what it says."""
    command = [sys.executable, "-m", "fastauth", *arguments]
    done = subprocess.run(
        command, cwd=APPS, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
