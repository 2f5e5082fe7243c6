"""How a user is named on the command line, and how one is shown."""

from collections.abc import Callable
from typing import Any

import click

from fastauth.cli.errors import Failure
from fastauth.cli.target import Target
from fastauth.core.exceptions import UserNotFoundException
from fastauth.core.models import Account, Role


def user_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``USER`` and ``--id``, as the arguments ``user`` and ``by_id``."""
    by_id = click.option("--id", "by_id", is_flag=True, help="USER is an id, not a username or e-mail address.")
    return click.argument("user", metavar="USER")(by_id(command))


async def account_of(on: Target, user: str, by_id: bool) -> Account[Any]:
    """Return the account that the operator named.

    Raises:
        Failure: There is no such username, e-mail address or id.
    """
    if by_id:
        try:
            return await on.auth.accounts.get(user)
        except UserNotFoundException as error:
            raise Failure(f"There is no user of the id {user!r}: fastauth users list shows them.") from error
    account = await on.auth.accounts.find(user)
    if account is None:
        raise Failure(f"There is no user {user!r}: give a username, an e-mail address, or an id with --id.")
    return account


async def role_of(on: Target, name: str) -> Role:
    """Return the role that the operator named, in any spelling.

    Raises:
        Failure: There is none; the message names those that there are.
    """
    known = await on.auth.roles.list()
    for role in known:
        if role.name == name.lower():
            return role
    raise Failure(f"There is no role {name!r}: there are {', '.join(role.name for role in known)}.")


def id_json(on: Target, account: Account[Any]) -> Any:
    """Return the account's id as the routes show it, such as a number."""
    return on.auth.store.public_values(account.user)["id"]


def who(on: Target, account: Account[Any]) -> dict[str, Any]:
    """Return whom a change was about, for ``--json``."""
    return {"id": id_json(on, account), "username": account.username}


def account_json(on: Target, account: Account[Any]) -> dict[str, Any]:
    """Return the account as JSON: what the routes show, and whether it is disabled."""
    own = dict(on.auth.store.public_values(account.user))
    return {
        "id": own.pop("id"),
        "username": account.username,
        "email": account.email,
        "disabled": account.disabled,
        "roles": sorted(account.roles),
        **own,
    }
