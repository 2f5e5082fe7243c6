"""``fastauth roles``: list, create, delete, grant, revoke."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from fastauth.cli.options import Options, target_options
from fastauth.cli.output import count, done, json_option, print_json, print_table, tell
from fastauth.cli.people import account_of, role_of, user_argument, who
from fastauth.cli.prompts import confirm
from fastauth.cli.root import Group
from fastauth.cli.target import Target, work_on
from fastauth.core.models import STANDARD_ROLES, Account, Role

_MANY = 1000


@click.group(cls=Group)
def roles() -> None:
    """List, make and delete roles; grant and revoke them."""


@roles.command("list")
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
@target_options
@json_option
def delete(name: str, yes: bool, target: Options, as_json: bool) -> None:
    """Delete a role, and take it from its holders. Asks first."""

    async def work(on: Target) -> Role:
        role = await role_of(on, name)
        holders = len(await on.auth.accounts.list(role=role.name, limit=_MANY))
        held = f"{'at least ' if holders == _MANY else ''}{count(holders, 'user')}"
        confirm(f"Delete the role {role.name}, held by {held}, for good?", yes=yes)
        await on.auth.roles.delete(role.id)
        return role

    role = work_on(target, work)
    tell(f"deleted the role {role.name}", {"id": role.id, "name": role.name}, as_json=as_json)


@roles.command()
@user_argument
@click.argument("role")
@target_options
@json_option
def grant(user: str, by_id: bool, role: str, target: Options, as_json: bool) -> None:
    """Give a role to a user."""

    async def work(on: Target) -> tuple[Account[Any], str, dict[str, Any]]:
        account = await account_of(on, user, by_id)
        name = (await role_of(on, role)).name
        await on.auth.roles.grant(account.id, name)
        return account, name, who(on, account)

    account, name, facts = work_on(target, work)
    held = name in account.roles
    said = f"{account.username} holds {name} already" if held else f"{account.username} now holds {name}"
    tell(said, {**facts, "role": name, "changed": not held}, as_json=as_json)


@roles.command()
@user_argument
@click.argument("role")
@target_options
@json_option
def revoke(user: str, by_id: bool, role: str, target: Options, as_json: bool) -> None:
    """Take a role from a user."""

    async def work(on: Target) -> tuple[Account[Any], str, dict[str, Any]]:
        account = await account_of(on, user, by_id)
        name = (await role_of(on, role)).name
        await on.auth.roles.revoke(account.id, name)
        return account, name, who(on, account)

    account, name, facts = work_on(target, work)
    held = name in account.roles
    said = f"{account.username} no longer holds {name}" if held else f"{account.username} did not hold {name}"
    tell(said, {**facts, "role": name, "changed": held}, as_json=as_json)
