"""``fastauth users create``."""

from dataclasses import replace
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError

from fastauth.cli.errors import Misuse
from fastauth.cli.options import Options, target_options
from fastauth.cli.output import bold, done, json_option, print_json
from fastauth.cli.people import account_json
from fastauth.cli.prompts import Password, PasswordSource, password_options
from fastauth.cli.root import Command
from fastauth.cli.target import Target, work_on
from fastauth.core.models import USER


@click.command(cls=Command)
@click.argument("username")
@click.option("--email", required=True, help="The e-mail address.")
@click.option("--role", "roles", multiple=True, metavar="NAME", help="A role; may be repeated. By default user.")
@click.option("--field", "fields", multiple=True, metavar="NAME=VALUE", help="An attribute of the app's own model.")
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
        values = own_fields(on, dict(map(_pair, fields)))
        if await on.auth.accounts.find(username) is not None:
            raise Misuse(f"There is a user {username!r} already: choose another name.")
        source = replace(password_source, whose=f"Password of {username}", username=username, email=email)
        password = source.read(on.auth.passwords)
        account = await on.auth.accounts.create(username, email, password.text, roles=roles or (USER,), fields=values)
        return account_json(on, account), password

    row, password = work_on(target, work)
    shown = {"password": password.text} if password.generated else {}
    if as_json:
        print_json({**row, **shown})
        return
    done(f"made {row['username']} <{row['email']}>, id {row['id']}, with {', '.join(row['roles']) or 'no roles'}")
    if shown:
        click.echo(f"Password of {row['username']}, shown this once: {bold(password.text)}")


def own_fields(on: Target, texts: dict[str, str]) -> dict[str, Any]:
    """Return the attributes of the app's own model in their types; what the model does not say stays text.

    Raises:
        Misuse: A value is not of its attribute's type.
    """
    schema = on.auth.store.schema
    types = {field.name: field.annotation for field in (*schema.public, *schema.writable)}
    values: dict[str, Any] = dict(texts)
    for name in texts.keys() & types.keys():
        adapter: TypeAdapter[Any] = TypeAdapter(types[name])
        try:
            values[name] = adapter.validate_python(texts[name])
        except ValidationError as error:
            raise Misuse(f"{name}: {error.errors(include_input=False)[0]['msg']}.") from error
    return values


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Misuse(f"--field {name} is not of the form NAME=VALUE.")
    return name, value
