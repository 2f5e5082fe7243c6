"""The root of the commands: the older spelling, ``--debug``, ``NO_COLOR``, and the border where exceptions end."""

import asyncio
import logging
import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import click

from fastauth.cli.errors import as_failure
from fastauth.cli.output import state, warn


class Command(click.Command):
    """A command that takes ``--debug``, as each of ours does."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Click's mark for "leave these lines as they are", which a raw docstring has in two characters.
        self.help: str | None = (self.help or "").replace("\\b\n", "\b\n")
        self.params.append(
            click.Option(
                ["--debug"],
                is_flag=True,
                expose_value=False,
                envvar="FASTAUTH_DEBUG",
                callback=_set_debug,
                help="Show the traceback of a failure.",
            )
        )


class Group(click.Group):
    """A group whose commands take ``--debug``."""

    command_class: type[click.Command] | None = Command
    group_class: type[click.Group] | type[type] | None = type


class Root(Group):
    """The group ``fastauth``; no exception leaves it as a traceback."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Take ``fastauth main:auth`` and ``fastauth app.py`` as ``fastauth init ...``, their newer spelling."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-") and (":" in name or name.endswith(".py")):
            return "init", self.get_command(ctx, "init"), args
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and turn what goes wrong into one line."""
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        state()  # made here, so that it belongs to this run
        with _library_log():
            try:
                return super().invoke(ctx)
            except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
                raise
            except (Exception, asyncio.CancelledError) as error:  # a driver gives up a call in either way
                failure = as_failure(error)
                raise failure from error


def _set_debug(_: click.Context, __: click.Parameter, value: bool) -> None:
    if value:
        state().debug = True


class _Warnings(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if not state().muted:
            warn(record.getMessage())


@contextmanager
def _library_log() -> Generator[None, None, None]:
    """Show what the library itself warns of, in our words and on the error stream."""
    logger = logging.getLogger("fastauth")
    handler = _Warnings(logging.WARNING)
    logger.addHandler(handler)
    propagate, logger.propagate = logger.propagate, False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate
