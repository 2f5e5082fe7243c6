"""What a command works on is closed at its end as an app is: mails and hooks on their way arrive."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import APP, PASSWORD, Run, spawn

SLOW_APP = (
    APP
    + """
import asyncio
from pathlib import Path

from sqlalchemy import event

from fastauth.events import PasswordChanged, UserDeleted


def note(line):
    with Path("told.txt").open("a") as file:
        file.write(f"{line}\\n")


@auth.on(PasswordChanged)
@auth.on(UserDeleted)
async def follow(happened):
    await asyncio.sleep(0.2)
    note(f"hook {happened.name}")


event.listen(auth.store.engine.sync_engine, "engine_disposed", lambda _: note("disposed"))
"""
)
SLOW_MAIL = """
class SlowNotifier:
    async def notify(self, notification):
        import asyncio

        await asyncio.sleep(0.2)
        note(f"mail {notification.kind.value}")


auth = FastAuth("""
ENDS_BY = """
import asyncio, os, signal

from fastauth.cli.errors import Failure
from fastauth.cli.options import Options
from fastauth.cli.target import work_on


async def fail():
    raise Failure("no more")


async def interrupt():
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.Event().wait()


async def interrupt_and_give_up():
    os.kill(os.getpid(), signal.SIGINT)
    asyncio.current_task().cancel()  # as a driver may, and Python 3.10 does not tell the two apart
    await asyncio.Event().wait()


async def work(on):
    account = await on.auth.accounts.find("ada")
    await on.auth.accounts.set_password(account.id, "another horse battery")
    await {end}()


work_on(Options(app="main:auth"), work)
"""
ON = ("--app", "main:auth")
PASSWORD_SET = ["hook password.changed", "mail password_changed"]


@pytest.fixture
def told(project: Path, run: Run) -> Path:
    """What an app with a slow notifier and a slow hook has told of, once there is the user ada."""
    made = run("users", "create", "ada", "--email", "ada@example.com", "--password-stdin", *ON, stdin=PASSWORD)
    assert made.exit_code == 0, made.output
    source = SLOW_APP.replace("auth = FastAuth(", SLOW_MAIL, 1).replace(
        "CHEAP_PASSWORDS\n)", "CHEAP_PASSWORDS, {more}\n)"
    )
    (project / "main.py").write_text(source.replace("{more}", "notifier=SlowNotifier()"))
    return project / "told.txt"


def lines(told: Path) -> list[str]:
    """Return what was told of, in the order of the alphabet up to where the engine was disposed."""
    *before, last = told.read_text().splitlines()
    assert last == "disposed"
    return sorted(before)


def test_what_a_command_has_begun_arrives(told: Path) -> None:
    """The mail and the hook of a new password, and of a deletion, have come through when the command ends."""
    changed = spawn("users", "set-password", "ada", "--password-stdin", *ON, input="another horse battery\n")
    after_change = lines(told)
    told.unlink()
    deleted = spawn("users", "delete", "ada", "--yes", *ON)

    assert (changed.returncode, changed.stderr, after_change) == (0, changed.stderr, PASSWORD_SET)
    assert (deleted.returncode, lines(told)) == (0, ["hook user.deleted", "mail account_deleted"])


@pytest.mark.parametrize(
    ("end", "status"),
    [("fail", 1), ("interrupt", -signal.SIGINT), ("interrupt_and_give_up", -signal.SIGINT)],
)
def test_also_where_the_command_does_not_come_to_its_end(end: str, status: int, told: Path) -> None:
    """What was begun before a failure, or before Ctrl-C, arrives as well, and connections are given back."""
    command = [sys.executable, "-W", "error", "-c", ENDS_BY.replace("{end}", end)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ, timeout=240)

    assert (ended.returncode, lines(told)) == (status, PASSWORD_SET), ended.stderr
