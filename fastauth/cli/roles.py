"""``fastauth roles``: list, create, delete, grant, revoke."""

from collections.abc import Sequence
from dataclasses import asdict

import click

from fastauth.cli.errors import Failure
from fastauth.cli.options import Options, app_option, target_options
from fastauth.cli.output import count, done, json_option, print_json, print_table
from fastauth.cli.people import account_of, user_argument
from fastauth.cli.prompts import confirm
from fastauth.cli.root import Group
from fastauth.cli.target import Target, work_on
from fastauth.core.models import STANDARD_ROLES, Role

_MANY = 1000


@click.group(cls=Group)
def roles() -> None:
    """List, make and delete roles; grant and revoke them."""


@roles.command("list")
@app_option
@target_options
@json_option
def list_roles(target: Options, as_json: bool) -> None:
    """List the roles."""

    async def work(on: Target) -> Sequence[Role]:
        return await on.auth.roles.list()

    found = work_on(target, work)
    if as_json:
        print_json([asdict(role) for role in found])
    else:
        rows = [(role.name, role.name in STANDARD_ROLES, role.id, role.description) for role in found]
        print_table(("role", "standard", "id", "description"), rows)


@roles.command()
@click.argument("name")
@click.option("--description", default="", help="What it is for.")
@app_option
@target_options
@json_option
def create(name: str, description: str, target: Options, as_json: bool) -> None:
    """Make a role."""

    async def work(on: Target) -> Role:
        return await on.auth.roles.create(name, description)

    role = work_on(target, work)
    if as_json:
        print_json(asdict(role))
    else:
        done(f"made the role {role.name}, id {role.id}")


@roles.command()
@click.argument("name")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@app_option
@target_options
def delete(name: str, yes: bool, target: Options) -> None:
    """Delete a role, and take it from its holders. Asks first."""

    async def work(on: Target) -> None:
        role = await _named(on, name)
        holders = len(await on.auth.accounts.list(role=role.name, limit=_MANY))
        held = f"{'at least ' if holders == _MANY else ''}{count(holders, 'user')}"
        confirm(f"Delete the role {role.name}, held by {held}, for good?", yes=yes)
        await on.auth.roles.delete(role.id)

    work_on(target, work)
    done(f"deleted the role {name.lower()}")


@roles.command()
@user_argument
@click.argument("role")
@app_option
@target_options
def grant(user: str, by_id: bool, role: str, target: Options) -> None:
    """Give a role to a user."""

    async def work(on: Target) -> str:
        account = await account_of(on, user, by_id)
        name = (await _named(on, role)).name
        await on.auth.roles.grant(account.id, name)
        return (
            f"{account.username} holds {name} already"
            if name in account.roles
            else f"{account.username} now holds {name}"
        )

    done(work_on(target, work))


@roles.command()
@user_argument
@click.argument("role")
@app_option
@target_options
def revoke(user: str, by_id: bool, role: str, target: Options) -> None:
    """Take a role from a user."""

    async def work(on: Target) -> str:
        account = await account_of(on, user, by_id)
        name = (await _named(on, role)).name
        await on.auth.roles.revoke(account.id, name)
        return (
            f"{account.username} no longer holds {name}"
            if name in account.roles
            else f"{account.username} did not hold {name}"
        )

    done(work_on(target, work))


async def _named(on: Target, name: str) -> Role:
    known = await on.auth.roles.list()
    for role in known:
        if role.name == name.lower():
            return role
    raise Failure(f"There is no role {name!r}: there are {', '.join(role.name for role in known)}.")
