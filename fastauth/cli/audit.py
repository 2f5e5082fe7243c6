"""``fastauth audit``: the trail of who did what to whom, where the app keeps it."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from typing import Any

import click

from fastauth.cli.errors import Misuse
from fastauth.cli.options import Options, target_options
from fastauth.cli.output import count, json_option, note, print_json, print_table
from fastauth.cli.people import account_of
from fastauth.cli.root import Command
from fastauth.cli.target import Target, work_on
from fastauth.core.clock import moment_in_utc
from fastauth.core.exceptions import ValidationException
from fastauth.core.models import AuditRecord

_AGO = re.compile(r"(\d{1,6})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@click.command(cls=Command)
@click.option("--user", metavar="USER", help="Only what this user did, or what happened to them.")
@click.option("--id", "by_id", is_flag=True, help="USER is an id, also of a user who has been deleted.")
@click.option("--event", metavar="NAME", help="Only events of this name, such as session.started.")
@click.option("--since", metavar="WHEN", help="Only from here on: 90m, 24h, 7d, 2w ago, or 2026-01-31T12:00 (UTC).")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="How many at most.")
@click.option("--after", metavar="ID", help="Go on after this record, the last of the page before.")
@target_options
@json_option
def audit(
    user: str | None,
    by_id: bool,
    event: str | None,
    since: str | None,
    limit: int,
    after: str | None,
    target: Options,
    as_json: bool,
) -> None:
    r"""List the audit trail, newest first, a page at a time.

    It is there for an app with AuditSettings(keep=True).

    \b
    Examples:
      fastauth audit --since 24h --app main:auth
      fastauth audit --user ada --json
    """
    moment = _moment(since) if since is not None else None

    async def work(on: Target) -> Sequence[AuditRecord]:
        user_id = user if user is None or by_id else (await account_of(on, user, by_id)).id
        # One more than asked for tells whether there is another page.
        return await on.auth.audit.list(user_id=user_id, event=event, since=moment, before=after, limit=limit + 1)

    found = work_on(target, work)
    page = found[:limit]
    following = page[-1].id if len(found) > limit else None
    if as_json:
        print_json({"records": [asdict(record) for record in page], "next": following})
        return
    if page:
        print_table(("at", "event", "outcome", "by", "user", "address", "details"), [_row(record) for record in page])
        more = f"; more with --after {following}" if following is not None else ""
        note(f"{count(len(page), 'record')}{more}")
    else:
        note("0 records; an app keeps them with AuditSettings(keep=True).")


def _row(record: AuditRecord) -> Sequence[Any]:
    details = " ".join(f"{name}={value}" for name, value in record.details.items())
    return record.at, record.event, record.outcome, record.actor_id, record.user_id, record.ip, details


def _moment(text: str) -> datetime:
    """Return the moment that an operator means.

    Raises:
        Misuse: It is neither so long ago nor a moment.
    """
    ago = _AGO.fullmatch(text)
    try:
        if ago is not None:
            return datetime.now(timezone.utc) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        moment = datetime.fromisoformat(text.removesuffix("Z"))
        return moment_in_utc(moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc), "since")
    except (ValueError, OverflowError, ValidationException) as error:
        raise Misuse(f"--since {text} is no moment: say 90m, 24h, 7d, 2w, or 2026-01-31T12:00 in UTC.") from error
