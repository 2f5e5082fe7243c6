"""The command line: ``fastauth``, thin over the same services as the routes."""

import click

from fastauth.cli.audit import audit
from fastauth.cli.completion import completion
from fastauth.cli.doctor.command import doctor
from fastauth.cli.hashing import bench_hash
from fastauth.cli.init import init
from fastauth.cli.roles import roles
from fastauth.cli.root import Root
from fastauth.cli.secret import secret
from fastauth.cli.sessions import sessions
from fastauth.cli.users import users


@click.group(
    cls=Root,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
@click.version_option(package_name="fastauth")
def main() -> None:
    """Set up and look after an app that uses FastAuth.

    Every command works on one app or one database, which is found in this order: what is named (--app, or --backend
    and --db-url), the environment, .env, and the app's own source, which is read and never run unless it is named.
    """


for _command in (init, users, roles, sessions, audit, secret, bench_hash, doctor, completion):
    main.add_command(_command)
