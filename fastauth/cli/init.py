"""``fastauth init``: the schema, the standard roles and a superadmin, in one go that may be repeated."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import click

from fastauth.cli.errors import Failure, Misuse
from fastauth.cli.fields import field_option, fields_asked_for, given_fields
from fastauth.cli.options import Options, app_argument, target_options
from fastauth.cli.output import bold, done, json_option, note, print_json
from fastauth.cli.prompts import Password, PasswordSource, password_options
from fastauth.cli.root import Command
from fastauth.cli.target import MIGRATE, Target, work_on
from fastauth.core.exceptions import ValidationException
from fastauth.core.identity import canonical_email, canonical_username
from fastauth.core.models import STANDARD_ROLES, SUPERADMIN
from fastauth.services.bootstrap import default_admin_email

_DEFAULT_ADMIN = "admin"


@dataclass(frozen=True)
class Steps:
    """Which steps to take, and for whom.

    Attributes:
        fields: Attributes of the app's own model for the superadmin, each as NAME=VALUE.
    """

    tables: bool
    roles: bool
    admin: bool
    username: str | None
    email: str | None
    fields: Sequence[str]

    @property
    def admin_username(self) -> str:
        """The superadmin's name, in the form that is kept."""
        return canonical_username(self.username or _DEFAULT_ADMIN)

    @property
    def admin_email(self) -> str:
        """The superadmin's address, in the form that is kept."""
        if self.email:
            return canonical_email(self.email)
        username = self.admin_username
        try:
            return default_admin_email(username)
        except ValidationException as error:
            raise Misuse(
                f"No e-mail address can be made from the username {username!r}: give one with --admin-email."
            ) from error

    def check_names(self) -> None:
        """Refuse a name or an address that cannot be one, before anything is asked or made.

        Raises:
            Misuse: No address was given, and none can be made from the name.
            ValidationException: The name or the address cannot be one.
        """
        _ = self.admin_email


@dataclass(frozen=True)
class Plan:
    """What is missing, and so will be made.

    Attributes:
        tables: Tables or collections.
        roles: Standard roles.
        admin: Whether a superadmin is made.
        superadmin: The superadmin who makes another one needless.
    """

    tables: Sequence[str] = ()
    roles: Sequence[str] = ()
    admin: bool = False
    superadmin: str | None = None


@click.command(cls=Command)
@app_argument
@target_options
@click.option(
    "--tables/--no-tables",
    default=None,
    help="Make tables, or collections and indexes. By default, unless Alembic makes them.",
)
@click.option("--roles/--no-roles", default=True, help="Store the standard roles.")
@click.option("--admin/--no-admin", default=True, help="Make a superadmin.")
@click.option(
    "--admin-username", metavar="NAME", envvar="FASTAUTH_ADMIN_USERNAME", help=f"By default {_DEFAULT_ADMIN}."
)
@click.option("--admin-email", metavar="EMAIL", help="By default NAME@fastauth.invalid.")
@field_option(" that the superadmin is given")
@password_options("admin-", "FASTAUTH_ADMIN_PASSWORD")
@click.option("--dry-run", is_flag=True, help="Show what would be made, and make nothing.")
@json_option
def init(
    target: Options,
    tables: bool | None,
    roles: bool,
    admin: bool,
    admin_username: str | None,
    admin_email: str | None,
    fields: tuple[str, ...],
    password_source: PasswordSource,
    dry_run: bool,
    as_json: bool,
) -> None:
    r"""Make the schema, the standard roles and a superadmin.

    APP is main:auth, main:app or app.py; it is imported, and its own store, user model and settings are used. Without
    it, the database is what --db-url, the environment, .env or the app's source says.

    What is there already stays as it is, so this may be run again. The superadmin's password is asked for, or comes
    from FASTAUTH_ADMIN_PASSWORD, the standard input, or is made up; there is no default one.

    \b
    Examples:
      fastauth init main:auth
      fastauth init --db-url sqlite:///./app.db --dry-run
      fastauth init main:auth --no-admin
      fastauth init main:auth --field first_name=Ada
      pass show app | fastauth init main:auth --admin-password-stdin
    """
    steps = Steps(tables is not False, roles, admin, admin_username, admin_email, fields)

    async def work(on: Target) -> tuple[Plan, Password | None]:
        if tables is None:
            await _leave_to_migrations(on)
        plan = await _look(on, steps)
        if plan.admin:
            steps.check_names()
            given_fields(on, steps.fields)
        if dry_run:
            return plan, None
        password = _password_of(steps, password_source, on) if plan.admin else None
        await _carry_out(on, steps, plan, password, quiet=as_json)
        return plan, password

    plan, password = work_on(replace(target, tells=True), work, ready=False)
    if as_json:
        print_json(_as_json(steps, plan, password, dry_run=dry_run))
    elif dry_run:
        _show(steps, plan)
    elif password is not None and password.generated:
        click.echo(f"Password of {steps.admin_username}, shown this once: {bold(password.text)}")


async def _leave_to_migrations(on: Target) -> None:
    """Refuse to make tables that Alembic would then not know of.

    Raises:
        Failure: Some are missing; the message says how Alembic makes them.
    """
    seen = await on.migrations()
    if seen is None:
        return
    missing = await on.missing()
    if missing:
        raise Failure(
            f"{on.lacks(missing)}, and Alembic makes the tables here: {seen}. Nothing was made. Give --tables to make "
            "them beside Alembic; or, with an env.py that imports the app, run these, and then this again:",
            commands=MIGRATE,
        )


async def _look(on: Target, steps: Steps) -> Plan:
    missing = await on.missing()
    if missing and not steps.tables and (steps.roles or steps.admin):
        raise Failure(
            f"{on.lacks(missing)}, and --no-tables was given: "
            "make them with your migrations first, or leave --no-tables out."
        )
    if on.missing_file() is not None:
        missing = [f"the file {on.missing_file()} with the tables of FastAuth and of the users"]
    if missing:  # there is nothing to look into yet
        return Plan(missing, list(STANDARD_ROLES) if steps.roles else (), steps.admin)
    known = {role.name for role in await on.auth.roles.list()}
    roles = [name for name in STANDARD_ROLES if name not in known] if steps.roles else []
    superadmin = await _superadmin(on, steps) if steps.admin else None
    return Plan((), roles, steps.admin and superadmin is None, superadmin)


async def _superadmin(on: Target, steps: Steps) -> str | None:
    """Return who makes another superadmin needless: the one of that name, or any when no name was given."""
    account = await on.auth.accounts.find(steps.admin_username)
    if account is not None and SUPERADMIN in account.roles:
        return account.username
    if steps.username is None:
        others = await on.auth.accounts.list(role=SUPERADMIN, disabled=False, limit=1)
        if others:
            return others[0].username
    if account is not None:
        raise Misuse(
            f"{account.username} exists and is no superadmin, and nobody is made one by accident: "
            f"choose another --admin-username, or run fastauth roles grant {account.username} {SUPERADMIN}."
        )
    return None


def _password_of(steps: Steps, source: PasswordSource, on: Target) -> Password:
    username, email = steps.admin_username, steps.admin_email
    source = replace(source, whose=f"Password of the superadmin {username}", username=username, email=email)
    return source.read(on.auth.passwords)


async def _carry_out(on: Target, steps: Steps, plan: Plan, password: Password | None, *, quiet: bool) -> None:
    def say(text: str) -> None:
        (note if quiet else done)(text)

    make = partial(on.auth.initialize_db, create_tables=False, init_roles=False, create_admin=False)
    if steps.tables:
        await make(create_tables=True)
        say(f"made {', '.join(plan.tables)}" if plan.tables else "the schema is there already")
    if steps.roles:
        await make(init_roles=True)
        say(f"stored the roles {', '.join(plan.roles)}" if plan.roles else "the standard roles are there already")
    if password is not None:
        with fields_asked_for():
            await make(
                create_admin=True,
                admin_username=steps.admin_username,
                admin_email=steps.admin_email,
                admin_password=password.text,
                admin_fields=given_fields(on, steps.fields),
            )
        say(f"made the superadmin {steps.admin_username} <{steps.admin_email}>")
    elif steps.admin:
        say(f"{plan.superadmin} is a superadmin already, and keeps the password")


def _show(steps: Steps, plan: Plan) -> None:
    click.echo("Would do, and did not:")
    if steps.tables:
        click.echo(f"  schema      {'make ' + ', '.join(plan.tables) if plan.tables else 'nothing; it is there'}")
    if steps.roles:
        click.echo(f"  roles       {'store ' + ', '.join(plan.roles) if plan.roles else 'nothing; they are there'}")
    if steps.admin:
        act = (
            f"make {steps.admin_username} <{steps.admin_email}>" if plan.admin else f"nothing; {plan.superadmin} is one"
        )
        click.echo(f"  superadmin  {act}")


def _as_json(steps: Steps, plan: Plan, password: Password | None, *, dry_run: bool) -> dict[str, Any]:
    result: dict[str, Any] = {
        "dry_run": dry_run,
        "tables": list(plan.tables),
        "roles": list(plan.roles),
        "admin": {"username": steps.admin_username, "email": steps.admin_email} if plan.admin else None,
        "superadmin": steps.admin_username if plan.admin else plan.superadmin,
    }
    if password is not None and password.generated:
        result["password"] = password.text
    return result
