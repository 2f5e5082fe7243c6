"""The first page is followed to the letter: in an empty folder, in a clean environment, with its own commands."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, fences, files_of

PAGE = "docs/index.md"
INSTALL, RUN = [fence.code.strip() for fence in fences(PAGE) if fence.language == "console"]
(TRY,) = [fence.code for fence in fences(PAGE) if fence.language == "sh"]
DEADLINE = 60  # seconds, for a server that does not come up


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Make a virtual environment, install what the page says into it, and give what a shell in it has."""
    if shutil.which("curl") is None:
        reason = "no curl on the path"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    venv = tmp_path_factory.mktemp("clean") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "FASTAUTH_", "COV"))}
    clean["PATH"] = f"{venv / 'bin'}{os.pathsep}{clean['PATH']}"
    command = INSTALL.replace("fastauth[sql]", f"{ROOT}[sql]")
    subprocess.run(command, shell=True, env=clean, check=True, capture_output=True)
    return clean


@contextmanager
def running(folder: Path, environment: Mapping[str, str], port: int) -> Generator[None, None, None]:
    """Run the command that serves the app, as the page has it, on a free port."""
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            f"{RUN} --port {port}",
            shell=True,
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            until = time.monotonic() + DEADLINE
            while not answers(port):
                assert server.poll() is None, (folder / "server.log").read_text("utf-8")
                assert time.monotonic() < until, (folder / "server.log").read_text("utf-8")
                time.sleep(0.2)
            yield
        finally:
            os.killpg(server.pid, signal.SIGINT)
            server.wait(DEADLINE)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/openapi.json", timeout=5):
            return True
    except OSError:
        return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "more", "greeting"),
    [(0, "", "Hello ada"), (1, ', "first_name": "Ada"', "Hello Ada")],
    ids=["the ready-made user", "a user class of one's own"],
)
def test_who_follows_the_first_page_gets_to_a_protected_route(
    number: int, more: str, greeting: str, environment: Mapping[str, str], tmp_path: Path
) -> None:
    """The page's files and commands, pasted one after the other, end with a greeting, and with no error before it."""
    (tmp_path / "main.py").write_text(files_of(PAGE)[number], "utf-8")
    port = free_port()
    commands = TRY.replace(":8000", f":{port}").replace('battery"}', f'battery"{more}}}')
    with running(tmp_path, environment, port):
        shell = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )

    log = (tmp_path / "server.log").read_text("utf-8")
    assert (shell.returncode, shell.stdout.endswith(f'{{"message":"{greeting}"}}')) == (0, True), (
        shell.stdout + shell.stderr
    )
    assert "Traceback" not in log
    assert "ERROR" not in log
