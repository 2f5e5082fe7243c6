"""``fastauth users create``."""

from dataclasses import replace
from typing import Any

import click

from fastauth.cli.errors import Failure
from fastauth.cli.fields import field_option, fields_asked_for, given_fields
from fastauth.cli.options import Options, target_options
from fastauth.cli.output import bold, done, json_option, print_json
from fastauth.cli.people import account_json, role_of
from fastauth.cli.prompts import Password, PasswordSource, password_options
from fastauth.cli.root import Command
from fastauth.cli.target import Target, work_on
from fastauth.core.models import STANDARD_ROLES, USER


@click.command(cls=Command)
@click.argument("username")
@click.option("--email", required=True, help="The e-mail address.")
@click.option("--role", "roles", multiple=True, metavar="NAME", help="A role; may be repeated. By default user.")
@field_option()
@password_options()
@target_options
@json_option
def create(
    username: str,
    email: str,
    roles: tuple[str, ...],
    fields: tuple[str, ...],
    password_source: PasswordSource,
    target: Options,
    as_json: bool,
) -> None:
    r"""Make a user.

    The password is asked for, or comes from FASTAUTH_PASSWORD, the standard input, or is made up.

    \b
    Examples:
      fastauth users create ada --email ada@example.com --app main:auth
      fastauth users create ada --email ada@example.com --role admin
    """

    async def work(on: Target) -> tuple[dict[str, Any], Password]:
        values = given_fields(on, fields)
        if await on.auth.accounts.find(username) is not None:
            raise Failure(f"There is a user {username!r} already: choose another name.")
        held = [name if name in STANDARD_ROLES else (await role_of(on, name)).name for name in map(str.lower, roles)]
        source = replace(password_source, whose=f"Password of {username}", username=username, email=email)
        password = source.read(on.auth.passwords)
        with fields_asked_for():
            account = await on.auth.accounts.create(
                username, email, password.text, roles=held or (USER,), fields=values
            )
        return account_json(on, account), password

    row, password = work_on(target, work)
    shown = {"password": password.text} if password.generated else {}
    if as_json:
        print_json({**row, **shown})
        return
    done(f"made {row['username']} <{row['email']}>, id {row['id']}, with {', '.join(row['roles']) or 'no roles'}")
    if shown:
        click.echo(f"Password of {row['username']}, shown this once: {bold(password.text)}")
