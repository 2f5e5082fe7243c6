"""``fastauth secret``: a new key."""

import secrets

import click

from fastauth.cli.root import Command

_BYTES = 48  # 64 characters: enough for HS512 too


@click.command(cls=Command)
@click.option("--env", "as_line", is_flag=True, help="Print a line for .env instead of the bare key.")
def secret(as_line: bool) -> None:
    r"""Make a secret key, from the system's own generator.

    \b
    Examples:
      fastauth secret --env >> .env
      export FASTAUTH_SECRET_KEY="$(fastauth secret)"
    """
    key = secrets.token_urlsafe(_BYTES)
    click.echo(f"FASTAUTH_SECRET_KEY={key}" if as_line else key)
