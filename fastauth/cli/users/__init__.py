"""``fastauth users``: list, show, create, disable, enable, set-password, delete, roles, adopt, import, export."""

import click

from fastauth.cli.root import Group
from fastauth.cli.users.adopt import adopt
from fastauth.cli.users.change import delete, disable, enable, set_password
from fastauth.cli.users.create import create
from fastauth.cli.users.look import list_roles, list_users, show
from fastauth.cli.users.transfer import export_users, import_users


@click.group(cls=Group)
def users() -> None:
    """List, make and change users."""


for _command in (
    list_users,
    show,
    create,
    disable,
    enable,
    set_password,
    delete,
    list_roles,
    adopt,
    import_users,
    export_users,
):
    users.add_command(_command)
