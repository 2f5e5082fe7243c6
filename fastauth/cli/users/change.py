"""``fastauth users disable``, ``enable``, ``set-password`` and ``delete``."""

from dataclasses import replace

import click

from fastauth.cli.options import Options, app_option, target_options
from fastauth.cli.output import bold, count, done
from fastauth.cli.people import account_of, user_argument
from fastauth.cli.prompts import PasswordSource, confirm, password_options
from fastauth.cli.root import Command
from fastauth.cli.target import Target, work_on


@click.command(cls=Command)
@user_argument
@app_option
@target_options
def disable(user: str, by_id: bool, target: Options) -> None:
    """Disable a user: no sign-in, and every session ends at once."""

    async def work(on: Target) -> str:
        account = await account_of(on, user, by_id)
        live = len(await on.auth.sessions.list(account.id))
        await on.auth.accounts.disable(account.id)
        return f"{account.username} was disabled already" if account.disabled else _ended(account.username, live)

    done(work_on(target, work))


def _ended(username: str, live: int) -> str:
    return f"disabled {username}; ended {count(live, 'session')}"


@click.command(cls=Command)
@user_argument
@app_option
@target_options
def enable(user: str, by_id: bool, target: Options) -> None:
    """Let a user sign in again; ended sessions stay ended."""

    async def work(on: Target) -> str:
        account = await account_of(on, user, by_id)
        await on.auth.accounts.enable(account.id)
        return f"enabled {account.username}" if account.disabled else f"{account.username} was enabled already"

    done(work_on(target, work))


@click.command("set-password", cls=Command)
@user_argument
@password_options()
@app_option
@target_options
def set_password(user: str, by_id: bool, password_source: PasswordSource, target: Options) -> None:
    """Give a user a new password; every session ends at once.

    It is asked for, or comes from FASTAUTH_PASSWORD, the standard input, or is made up.
    """

    async def work(on: Target) -> tuple[str, str | None]:
        account = await account_of(on, user, by_id)
        password = replace(password_source, whose=f"New password of {account.username}").read(on.auth.passwords)
        await on.auth.accounts.set_password(account.id, password.text)
        return account.username, password.text if password.generated else None

    username, generated = work_on(target, work)
    done(f"set the password of {username}; every session of theirs has ended")
    if generated is not None:
        click.echo(f"Password of {username}, shown this once: {bold(generated)}")


@click.command(cls=Command)
@user_argument
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@app_option
@target_options
def delete(user: str, by_id: bool, yes: bool, target: Options) -> None:
    """Delete a user, with their sessions and roles. Asks first."""

    async def work(on: Target) -> str:
        account = await account_of(on, user, by_id)
        confirm(f"Delete {account.username} <{account.email}>, id {account.id}, for good?", yes=yes)
        await on.auth.accounts.delete(account.id)
        return account.username

    done(f"deleted {work_on(target, work)}")
