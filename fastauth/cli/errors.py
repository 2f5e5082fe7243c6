"""Every failure as one line that says what to do, with Click's exit status: 1 for what failed, 2 for misuse."""

import asyncio
import re
import traceback
from collections.abc import Iterator, Sequence

import click

from fastauth.cli.output import scrub, state
from fastauth.core.exceptions import (
    ConfigurationError,
    FastAuthException,
    ProtectedRoleException,
    StoreUnavailableException,
    UserExistsException,
    ValidationException,
)
from fastauth.core.models import SUPERADMIN

_DRIVERS = {
    "aiosqlite": "pip install 'fastauth[sql]'",
    "sqlalchemy": "pip install 'fastauth[sql]'",
    "greenlet": "pip install 'fastauth[sql]'",
    "asyncpg": "pip install 'fastauth[postgres]'",
    "psycopg": "pip install 'psycopg[binary]'",
    "asyncmy": "pip install 'fastauth[mysql]'",
    "aiomysql": "pip install aiomysql",
    "beanie": "pip install 'fastauth[mongo]'",
    "pymongo": "pip install 'fastauth[mongo]'",
    "bson": "pip install 'fastauth[mongo]'",
}

_OUTAGES = {
    (
        "readonly",
        "read-only",
    ): "The database can be read but not written to: give this user the right to write the file and its folder.",
    (
        "unable to open database file",
    ): "The database file cannot be opened: its folder has to exist, and this user may write to it.",
    ("file is not a database",): "The file is not a SQLite database: check the path in the URL.",
    (
        "password authentication failed",
        "access denied",
        "authentication failed",
    ): "The database refuses this user or password: check them in the URL.",
    (
        "unknown database",
    ): "The database server has no database of this name: make it, as with CREATE DATABASE, or check the URL.",
}
_NOT_THERE = re.compile(r'(database|role|relation) "([^"]+)" does not exist')
_CURES = {
    "database": "make it, as with createdb {name}, or check the name in the URL",
    "role": "make it, as with createuser {name}, or check the user in the URL",
    "relation": "run fastauth init, or your migrations",
}


class Failure(click.ClickException):
    """Something could not be done; exit status 1.

    Args:
        message: A sentence of ours; what others say is scrubbed before it is put into one.
        commands: What to run now; each is shown on a line of its own.
    """

    def __init__(self, message: str, *, commands: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.commands: tuple[str, ...] = tuple(commands)
        self._state = state()  # shown when the run, and with it what may not be shown, is over

    def show(self, file: object = None) -> None:  # noqa: ARG002  # Click's signature
        """Print the line on the error stream, the traceback before it with ``--debug``, and after it the commands."""
        if self._state.debug:
            cause = self.__cause__ or self
            lines = "".join(traceback.format_exception(cause)).rstrip()
            click.echo(self._state.scrub(lines), err=True)
        message = " ".join(self._state.screen(self.message).split())
        click.echo(click.style("Error: ", fg="red", bold=True) + message, err=True, color=self.show_color)
        for command in self.commands:
            click.echo(f"  {command}", err=True)


class Misuse(Failure):
    """The command was given something that it cannot work with; exit status 2."""

    exit_code = 2


def as_failure(error: BaseException) -> Failure:
    """Return what to tell the operator about an exception that nobody else has turned into a sentence."""
    if isinstance(error, OSError) and error.filename is not None:
        return Failure(f"{error.filename}: {error.strerror}. Correct the path, or the rights of this user.")
    known = _known_outage(error)
    if known is not None:
        return Failure(known)
    if isinstance(error, (StoreUnavailableException, OSError, asyncio.CancelledError)):
        return Failure(_unavailable(error))
    if isinstance(error, ModuleNotFoundError) and error.name is not None:
        cure = _DRIVERS.get(error.name, f"pip install {error.name}")
        return Failure(f"The module {error.name} is not installed: {cure}")
    if isinstance(error, ConfigurationError):
        return Failure(error.message)
    if isinstance(error, ImportError):
        return Failure(scrub(str(error)))
    if isinstance(error, (FastAuthException, asyncio.TimeoutError)):
        return Failure(reason(error))
    return Failure(f"Unexpected {type(error).__name__}: {first_line(error)} (--debug shows where).")


def reason(error: BaseException) -> str:
    """Return why something was refused, in one sentence."""
    if isinstance(error, ValidationException) and error.details:
        return "; ".join(
            detail["msg"] if detail["type"].startswith("password") else f"{detail['loc'][-1]}: {detail['msg']}"
            for detail in error.details
        )
    if isinstance(error, UserExistsException) and error.field:
        return f"A user with this {error.field} exists already."
    if isinstance(error, ProtectedRoleException) and SUPERADMIN in error.message:
        return f"{error.message.rstrip('.')}: make another user one first, with fastauth roles grant USER {SUPERADMIN}."
    return error.message if isinstance(error, FastAuthException) else first_line(error)


def first_line(error: BaseException) -> str:
    """Return the first line of an exception's text, cut to a readable length and without secrets."""
    # PyMongo goes on with timeouts and topology.
    lines = scrub(str(error)).partition(" (configured timeouts")[0].strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:300].rstrip(" .")


def _known_outage(error: BaseException) -> str | None:
    """Return the sentence for what databases say in words only, whatever class their drivers give it."""
    causes = list(_causes(error))
    if isinstance(error, FastAuthException) and not isinstance(error, StoreUnavailableException):
        return None
    texts = " ".join(str(cause) for cause in causes).lower()
    absent = _NOT_THERE.search(texts)
    if absent is not None:
        cure = _CURES[absent[1]].format(name=absent[2])
        return f"The database server has no {absent[1].replace('relation', 'table')} {absent[2]!r}: {cure}."
    for words, sentence in _OUTAGES.items():
        if any(word in texts for word in words):
            return sentence
    return None


def _unavailable(error: BaseException) -> str:
    silent = (StoreUnavailableException, asyncio.TimeoutError, asyncio.CancelledError)
    causes = [cause for cause in _causes(error) if not isinstance(cause, silent)]
    why = first_line(causes[-1]) if causes else "it did not answer in time"
    return f"The database cannot be reached ({why}): check that it runs, and its host, port and name in the URL."


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = getattr(current, "orig", None) or current.__cause__
