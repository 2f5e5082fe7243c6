"""The options by which every command is told what to work on."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import click

_BACKENDS = ("sql", "mongo")


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
    """Add the options that say what to work on, as one argument ``target``."""

    @functools.wraps(command)
    def with_target(*args: Any, app: str | None, read_source: bool, **kwargs: Any) -> Any:
        named = {name: kwargs.pop(name) for name in ("backend", "db_url", "database", "secret_key")}
        return command(*args, target=Options(app=app, reads_only=read_source, **named), **kwargs)

    wrapped: Callable[..., Any] = with_target
    for option in (
        click.option("--read-source", is_flag=True, help="Read the app's source for the URL; do not import it."),
        click.option("--secret-key", metavar="KEY", help="Better set as FASTAUTH_SECRET_KEY: argv is public."),
        click.option("--database", metavar="NAME", help="The MongoDB database, if the URL names none."),
        click.option("--db-url", metavar="URL", help="The database; with a password, set FASTAUTH_DATABASE_URL."),
        click.option("--backend", type=click.Choice(_BACKENDS), help="The kind of store; the URL says it too."),
    ):
        wrapped = option(wrapped)
    return wrapped


def app_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--app``, for the commands whose arguments are something else."""
    help_text = "The app: main:auth, main:app or app.py. It is imported."
    return click.option("--app", envvar="FASTAUTH_APP", show_envvar=True, metavar="APP", help=help_text)(command)
