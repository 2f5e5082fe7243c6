"""``fastauth users disable``, ``enable``, ``set-password`` and ``delete``."""

from dataclasses import replace
from typing import Any

import click

from fastauth.cli.options import Options, target_options
from fastauth.cli.output import bold, count, json_option, tell
from fastauth.cli.people import account_of, user_argument, who
from fastauth.cli.prompts import PasswordSource, confirm, password_options
from fastauth.cli.root import Command
from fastauth.cli.target import Target, work_on
from fastauth.core.models import Account


@click.command(cls=Command)
@user_argument
@target_options
@json_option
def disable(user: str, by_id: bool, target: Options, as_json: bool) -> None:
    """Disable a user: no sign-in, and every session ends at once."""

    async def work(on: Target) -> tuple[Account[Any], dict[str, Any], int]:
        account = await account_of(on, user, by_id)
        live = len(await on.auth.sessions.list(account.id))
        await on.auth.accounts.disable(account.id)
        return account, who(on, account), live

    account, facts, ended = work_on(target, work)
    name = account.username
    said = f"{name} was disabled already" if account.disabled else f"disabled {name}; ended {count(ended, 'session')}"
    tell(said, {**facts, "changed": not account.disabled, "ended_sessions": ended}, as_json=as_json)


@click.command(cls=Command)
@user_argument
@target_options
@json_option
def enable(user: str, by_id: bool, target: Options, as_json: bool) -> None:
    """Let a user sign in again; ended sessions stay ended."""

    async def work(on: Target) -> tuple[Account[Any], dict[str, Any]]:
        account = await account_of(on, user, by_id)
        await on.auth.accounts.enable(account.id)
        return account, who(on, account)

    account, facts = work_on(target, work)
    said = f"enabled {account.username}" if account.disabled else f"{account.username} was enabled already"
    tell(said, {**facts, "changed": account.disabled}, as_json=as_json)


@click.command("set-password", cls=Command)
@user_argument
@password_options()
@target_options
@json_option
def set_password(user: str, by_id: bool, password_source: PasswordSource, target: Options, as_json: bool) -> None:
    """Give a user a new password; every session ends at once.

    It is asked for, or comes from FASTAUTH_PASSWORD, the standard input, or is made up.
    """

    async def work(on: Target) -> tuple[dict[str, Any], str | None]:
        account = await account_of(on, user, by_id)
        whose = f"New password of {account.username}"
        source = replace(password_source, whose=whose, username=account.username, email=account.email)
        password = source.read(on.auth.passwords)
        await on.auth.accounts.set_password(account.id, password.text)
        return who(on, account), password.text if password.generated else None

    facts, generated = work_on(target, work)
    shown = {"password": generated} if generated is not None else {}
    said = f"set the password of {facts['username']}; every session of theirs has ended"
    tell(said, {**facts, **shown}, as_json=as_json)
    if generated is not None and not as_json:
        click.echo(f"Password of {facts['username']}, shown this once: {bold(generated)}")


@click.command(cls=Command)
@user_argument
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@target_options
@json_option
def delete(user: str, by_id: bool, yes: bool, target: Options, as_json: bool) -> None:
    """Delete a user, with their sessions and roles. Asks first."""

    async def work(on: Target) -> dict[str, Any]:
        account = await account_of(on, user, by_id)
        confirm(f"Delete {account.username} <{account.email}>, id {account.id}, for good?", yes=yes)
        await on.auth.accounts.delete(account.id)
        return who(on, account)

    facts = work_on(target, work)
    tell(f"deleted {facts['username']}", facts, as_json=as_json)
