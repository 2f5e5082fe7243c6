"""``fastauth users list``, ``show`` and ``roles``: what changes nothing."""

from collections.abc import Sequence
from typing import Any

import click

from fastauth.cli.options import Options, target_options
from fastauth.cli.output import count, json_option, note, print_fields, print_json, print_table
from fastauth.cli.people import account_json, account_of, user_argument
from fastauth.cli.root import Command
from fastauth.cli.target import Target, work_on
from fastauth.core.models import Role, Session

_STATES = {"enabled": False, "disabled": True}


@click.command("list", cls=Command)
@target_options
@click.option("--search", metavar="TEXT", help="Part of a username or e-mail address.")
@click.option("--role", metavar="NAME", help="Only holders of this role.")
@click.option("--state", type=click.Choice(list(_STATES)), help="Only these.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="How many at most.")
@click.option("--after", metavar="ID", help="Go on after this id, the last of the page before.")
@json_option
def list_users(
    target: Options,
    search: str | None,
    role: str | None,
    state: str | None,
    limit: int,
    after: str | None,
    as_json: bool,
) -> None:
    """List users, a page at a time."""

    async def work(on: Target) -> tuple[list[dict[str, Any]], str | None]:
        disabled = None if state is None else _STATES[state]
        # One more than asked for tells whether there is another page.
        found = await on.auth.accounts.list(search=search, role=role, disabled=disabled, after=after, limit=limit + 1)
        page = found[:limit]
        return [account_json(on, account) for account in page], page[-1].id if len(found) > limit else None

    rows, following = work_on(target, work)
    if as_json:
        print_json({"users": rows, "next": following})
        return
    if rows:
        columns = ("id", "username", "email", "disabled", "roles")
        print_table(columns, [[row[column] for column in columns] for row in rows])
    more = f"; more with --after {following}" if following is not None else ""
    note(f"{count(len(rows), 'user')}{more}")


@click.command(cls=Command)
@user_argument
@target_options
@json_option
def show(user: str, by_id: bool, target: Options, as_json: bool) -> None:
    """Show one user, with roles and live sessions."""

    async def work(on: Target) -> tuple[dict[str, Any], Sequence[Session]]:
        account = await account_of(on, user, by_id)
        return account_json(on, account), await on.auth.sessions.list(account.id)

    row, sessions = work_on(target, work)
    if as_json:
        print_json({**row, "sessions": len(sessions)})
    else:
        print_fields({**row, "live sessions": len(sessions)})


@click.command("roles", cls=Command)
@user_argument
@target_options
@json_option
def list_roles(user: str, by_id: bool, target: Options, as_json: bool) -> None:
    """List the roles that a user holds."""

    async def work(on: Target) -> Sequence[Role]:
        return await on.auth.roles.of((await account_of(on, user, by_id)).id)

    roles = work_on(target, work)
    if as_json:
        print_json([{"id": role.id, "name": role.name, "description": role.description} for role in roles])
    elif roles:
        print_table(("role", "description"), [(role.name, role.description) for role in roles])
    else:
        note("No roles.")
