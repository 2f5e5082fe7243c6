"""The options by which every command is told what to work on."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import click
from click.core import ParameterSource

from fastauth.cli.errors import Misuse

_BACKENDS = ("sql", "mongo")
_APP_HELP = "The app: main:auth, main:app or app.py. It is imported."


@dataclass(frozen=True)
class Options:
    """What the operator named.

    Attributes:
        reads_only: Read the app's source instead of importing it.
        tells: Say in full what was found, and show what the library warns of.
    """

    app: str | None = None
    backend: str | None = None
    db_url: str | None = field(default=None, repr=False)
    database: str | None = None
    secret_key: str | None = field(default=None, repr=False)
    reads_only: bool = False
    tells: bool = False


def target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what to work on, as one argument ``target``; every such command has the same ones."""

    @functools.wraps(command)
    def with_target(
        *args: Any, app: str | None, app_argument: str | None = None, read_source: bool, **kwargs: Any
    ) -> Any:
        named = {name: kwargs.pop(name) for name in ("backend", "db_url", "database", "secret_key")}
        by_environment = click.get_current_context().get_parameter_source("app") is ParameterSource.ENVIRONMENT
        if app_argument is not None and app is not None and not by_environment:
            raise Misuse(f"The app is named twice, as {app_argument} and --app {app}: name it once.")
        if by_environment and named["db_url"] is not None:
            app = None  # what is said now counts for more than what the environment says
        target = Options(app=app_argument or app, reads_only=read_source, **named)
        return command(*args, target=target, **kwargs)

    wrapped: Callable[..., Any] = with_target
    for option in (
        click.option("--read-source", is_flag=True, help="Read the app's source for the URL; do not import it."),
        click.option("--secret-key", metavar="KEY", help="Better set as FASTAUTH_SECRET_KEY: argv is public."),
        click.option("--database", metavar="NAME", help="The MongoDB database, if the URL names none."),
        click.option("--db-url", metavar="URL", help="The database; with a password, set FASTAUTH_DATABASE_URL."),
        click.option("--backend", type=click.Choice(_BACKENDS), help="The kind of store; the URL says it too."),
        click.option("--app", envvar="FASTAUTH_APP", show_envvar=True, metavar="APP", help=_APP_HELP),
    ):
        wrapped = option(wrapped)
    return wrapped


def app_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``APP`` as an argument too, for the commands that have no other one."""
    return click.argument("app_argument", required=False, metavar="[APP]")(command)
