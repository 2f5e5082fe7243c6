"""``fastauth users adopt``: make users ours whom another library, or the app itself, has stored."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import click

from fastauth.cli.errors import Failure, Misuse
from fastauth.cli.options import Options, app_argument, target_options
from fastauth.cli.output import count, json_option, note, print_json, printable, warn
from fastauth.cli.root import Command
from fastauth.cli.target import Target, work_on
from fastauth.core.exceptions import UserExistsException, ValidationException
from fastauth.core.identity import canonical_email, canonical_username
from fastauth.core.models import USER, Account

_PAGE = 200


@dataclass
class Adoption:
    """What was found, and done or to be done."""

    users: int = 0
    adopted: int = 0
    addresses: int = 0
    roles: dict[str, int] = field(default_factory=dict[str, int])
    problems: list[str] = field(default_factory=list[str])


@click.command(cls=Command)
@app_argument
@click.option(
    "--role",
    "rules",
    multiple=True,
    metavar="ROLE=ATTRIBUTE",
    help="Grant the role to whose attribute is true; may be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@target_options
@json_option
def adopt(rules: tuple[str, ...], dry_run: bool, target: Options, as_json: bool) -> None:
    r"""Make users ours whom another library, or the app, has stored.

    E-mail addresses are brought into the form in which they are looked up, roles are granted by attributes of the user
    class, and whoever could not sign in is named: a hash that nothing verifies, a name in another form. Passwords stay
    as they are.

    Everybody gets the role user, and whoever holds it has been adopted: run again, it leaves their roles as they are,
    and names those whose attributes say otherwise.

    \b
    Examples:
      fastauth users adopt main:auth --dry-run
      fastauth users adopt main:auth --role superadmin=is_superuser
    """
    wanted = dict(map(_rule, rules))

    async def work(on: Target) -> Adoption:
        known = {role.name for role in await on.auth.roles.list()}
        if unknown := sorted({*wanted, USER} - known):
            raise Failure(
                f"There is no role {', '.join(unknown)}: make it with fastauth init, or fastauth roles create."
            )
        done = Adoption(roles=dict.fromkeys(wanted, 0))
        async for account in _everyone(on):
            done.users += 1
            await _adopt(on, account, wanted, done, dry_run=dry_run)
        return done

    done = work_on(target, work)
    if as_json:
        print_json({"dry_run": dry_run, **asdict(done)})
    else:
        _show(done, dry_run=dry_run)
    if done.problems:
        raise Failure(f"{count(len(done.problems), 'problem')} to be looked at.")


async def _everyone(on: Target) -> AsyncIterator[Account[Any]]:
    after: str | None = None
    while page := await on.auth.store.list_users(after=after, limit=_PAGE):
        for account in page:
            yield account
        after = page[-1].id


async def _adopt(
    on: Target, account: Account[Any], wanted: Mapping[str, str], done: Adoption, *, dry_run: bool
) -> None:
    who = printable(account.email or account.username or f"the user of the id {account.id}")
    if account.email:
        await _adopt_address(on, account, who, done, dry_run=dry_run)
    else:
        done.problems.append(f"{who}: has no e-mail address, and nothing can be mailed to them")
    if on.auth.store.schema.is_named and not _is_canonical(account.username):
        done.problems.append(f"{who}: nobody finds the username {printable(account.username or '')!r} in this form")
    if not on.auth.passwords.recognizes(account.hashed_password or ""):
        done.problems.append(f"{who}: nothing here verifies the password hash; see PasswordSettings(verifies=...)")
    differing: list[tuple[str, str]] = []
    for role, attribute in wanted.items():
        if not hasattr(account.user, attribute):
            raise Misuse(f"{type(account.user).__name__} has no attribute {attribute!r}.")
        if bool(getattr(account.user, attribute)) != (role in account.roles):
            differing.append((role, attribute))
    if USER in account.roles:
        # Which of the two is the older nobody knows: a role may have been taken or granted here in the meantime.
        done.problems += [f"{who}: {_difference(account, role, attribute)}" for role, attribute in differing]
        return
    for role in (role for role, _ in differing if role not in account.roles):
        if not dry_run:
            await on.auth.roles.grant(account.id, role)
        done.roles[role] += 1
    if not dry_run:
        await on.auth.roles.grant(account.id, USER)  # last, so that an interrupted run leaves nobody with half of them
    done.adopted += 1


async def _adopt_address(on: Target, account: Account[Any], who: str, done: Adoption, *, dry_run: bool) -> None:
    try:
        email = canonical_email(account.email)
        if email != account.email:
            if not dry_run:
                await on.auth.store.set_email(account.id, email, verified=account.verified, old_email=account.email)
            done.addresses += 1
    except (ValidationException, UserExistsException) as error:
        done.problems.append(f"{who}: the address cannot be kept: {error}")


def _difference(account: Account[Any], role: str, attribute: str) -> str:
    if role in account.roles:
        return f"{attribute} is false: fastauth roles revoke --id {account.id} {role}, unless it was granted here"
    return f"{attribute} is true: fastauth roles grant --id {account.id} {role}, unless it was taken here"


def _is_canonical(username: str) -> bool:
    try:
        return canonical_username(username or "") == username
    except ValidationException:
        return False


def _show(done: Adoption, *, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    click.echo(f"{count(done.users, 'user')}, {done.adopted:,} of them {would}adopted now")
    click.echo(f"{count(done.addresses, 'e-mail')} {would}written in the form that is looked up")
    for role, granted in done.roles.items():
        click.echo(f"{role} {would}granted to {count(granted, 'user')}")
    for problem in done.problems:
        warn(problem)
    if dry_run:
        note("Nothing was changed.")


def _rule(text: str) -> tuple[str, str]:
    role, equals, attribute = text.partition("=")
    if not equals or not role or not attribute.isidentifier():
        raise Misuse(f"--role {text} is not of the form ROLE=ATTRIBUTE.")
    if role.lower() == USER:
        raise Misuse(f"Everybody who is adopted gets the role {USER}: leave --role {text} out.")
    return role.lower(), attribute
