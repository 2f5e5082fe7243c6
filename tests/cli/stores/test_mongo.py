"""A MongoDB database that is named on the command line, with whichever Beanie is installed."""

import json
import secrets

from tests.cli.conftest import PASSWORD, Run, one_line
from tests.servers import mongo_url


def database_url() -> str:
    server, _, options = mongo_url("mongo-standalone").partition("?")
    return f"{server.rstrip('/')}/cli_{secrets.token_hex(6)}?{options}"


def test_a_database_is_made_ready_and_looked_into(run: Run) -> None:
    """``--backend mongo`` makes the collections and the superadmin, and doctor finds nothing wrong with them."""
    options = ("--backend", "mongo", "--db-url", database_url())

    made = run("init", *options, "--admin-password-stdin", stdin=f"{PASSWORD}\n")
    listed = json.loads(run("users", "list", *options, "--json").stdout)["users"]
    examined = json.loads(run("doctor", *options, "--json").stdout)

    assert made.exit_code == 0, made.output
    assert [(user["username"], "superadmin" in user["roles"]) for user in listed] == [("admin", True)]
    assert examined["problems"] == 0, examined


def test_a_url_without_a_database_is_misuse(run: Run) -> None:
    """Where neither the URL nor ``--database`` names a database, the line says what to give."""
    server, _, _ = database_url().rpartition("/")

    assert "names no database: give --database NAME." in one_line(run("init", "--db-url", server), 2)
