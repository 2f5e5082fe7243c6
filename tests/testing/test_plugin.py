"""The pytest plugin: its fixtures, and that it is there without being felt."""

import os
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

A_TEST_FILE = """
from datetime import timedelta

def test_sync(fastauth_memory):
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    app = FastAPI(lifespan=fastauth_memory.lifespan)
    fastauth_memory.setup(app)
    with TestClient(app) as client:
        fastauth_memory.testing.sign_in_as(client, "ada")
        assert client.get("/users/me").json()["username"] == "ada"

async def test_async(fastauth_memory, fastauth_clock, fastauth_outbox):
    ada = await fastauth_memory.testing.make_user()
    pair = await fastauth_memory.sessions.start(ada)
    fastauth_clock.move(timedelta(days=8))
    assert await fastauth_memory.sessions.list(ada.id) == []
    await fastauth_memory.accounts.forgot_password("ada@example.com")
    await fastauth_memory.close()
    assert fastauth_outbox.latest(to="ada@example.com").kind == "reset_password"

def test_alone(fastauth_memory, fastauth_outbox):
    assert len(fastauth_outbox) == 0
"""

ANOTHER_TEST_FILE = """
import sys

def test_nothing_is_loaded():
    assert "pytest_fastauth" in sys.modules
    assert not {"fastauth", "fastapi", "starlette", "pydantic"} & sys.modules.keys()
"""


def run(folder: Path, code: str, *options: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a test file as its author would, in a process and a folder of its own."""
    (folder / "test_app.py").write_text(code, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "-p", "pytest_fastauth"]
    return subprocess.run(
        [*command, *options], cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False
    )


def test_its_fixtures_work_in_sync_and_async_tests(tmp_path: Path) -> None:
    """Each test has a ``FastAuth``, a clock and an outbox of its own, which belong together."""
    done = run(tmp_path, A_TEST_FILE, "-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


def test_it_loads_nothing_before_it_is_asked(tmp_path: Path) -> None:
    """A run that uses none of its fixtures imports neither FastAuth nor anything that FastAuth needs."""
    done = run(tmp_path, ANOTHER_TEST_FILE, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")

    assert done.returncode == 0, done.stdout + done.stderr


def test_pytest_finds_it_by_itself() -> None:
    """The package announces it, so that nothing has to be named in a ``conftest.py``."""
    announced = [each for each in distribution("fastauth").entry_points if each.group == "pytest11"]

    assert [(each.name, each.value) for each in announced] == [("pytest_fastauth", "pytest_fastauth")]
