"""``fastauth sessions``: list, revoke, purge."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from fastauth.cli.errors import Failure, Misuse
from fastauth.cli.options import Options, target_options
from fastauth.cli.output import count, json_option, note, print_json, print_table, tell
from fastauth.cli.people import account_of, id_json, user_argument
from fastauth.cli.root import Command, Group
from fastauth.cli.target import Target, work_on
from fastauth.core.exceptions import SessionNotFoundException
from fastauth.core.models import Session


@click.group(cls=Group)
def sessions() -> None:
    """List and revoke sessions; delete the expired ones."""


@sessions.command("list")
@user_argument
@target_options
@json_option
def list_sessions(user: str, by_id: bool, target: Options, as_json: bool) -> None:
    """List the live sessions of a user, newest first."""

    async def work(on: Target) -> tuple[Sequence[Session], Any]:
        account = await account_of(on, user, by_id)
        return await on.auth.sessions.list(account.id), id_json(on, account)

    found, user_id = work_on(target, work)
    if as_json:
        print_json([{**asdict(session), "user_id": user_id} for session in found])
        return
    if found:
        columns = ("session", "signed in", "refreshed", "ends", "address", "client")
        print_table(
            columns,
            [(each.id, each.created_at, each.rotated_at, each.expires_at, each.ip, each.user_agent) for each in found],
        )
    note(count(len(found), "live session"))


class _Revoke(Command):
    """The command, for which an id that begins with a dash, and even with ``-h``, is no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take ``-h`` alone, which is no id, for help as every command does."""
        end = args.index("--") if "--" in args else len(args)
        return super().parse_args(ctx, [*("--help" if each == "-h" else each for each in args[:end]), *args[end:]])


@sessions.command(cls=_Revoke, context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.argument("session", required=False)
@click.option("--user", metavar="USER", help="End all sessions of this user instead.")
@click.option("--id", "by_id", is_flag=True, help="USER is an id, not a username or e-mail address.")
@target_options
@json_option
def revoke(session: str | None, user: str | None, by_id: bool, target: Options, as_json: bool) -> None:
    """End one session, or all of a user; their tokens are refused at once."""
    if (session is None) == (user is None):
        raise Misuse("Say which session to end, or whose with --user USER; one of the two.")

    async def work(on: Target) -> tuple[int, str]:
        if user is not None:
            account = await account_of(on, user, by_id)
            return await on.auth.sessions.end_all(account.id), f" of {account.username}"
        try:
            await on.auth.sessions.end(session or "")
        except SessionNotFoundException as error:
            raise Failure("There is no live session of this id: fastauth sessions list USER shows them.") from error
        return 1, ""

    ended, whose = work_on(target, work)
    tell(f"ended {count(ended, 'session')}{whose}", {"ended": ended}, as_json=as_json)


@sessions.command()
@target_options
@json_option
def purge(target: Options, as_json: bool) -> None:
    """Delete the rows of sessions that have expired."""

    async def work(on: Target) -> int:
        return await on.auth.sessions.purge_expired()

    deleted = work_on(target, work)
    tell(f"deleted {count(deleted, 'session')} that had expired", {"deleted": deleted}, as_json=as_json)
