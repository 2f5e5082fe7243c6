"""The same commands on real servers: PostgreSQL, MariaDB and MongoDB."""

import json
import secrets
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.cli.conftest import PASSWORD, Run, one_line, spawn
from tests.cli.databases import DATABASES
from tests.cli.test_transfer import as_csv
from tests.servers import port_of, postgres_url

pytestmark = pytest.mark.slow


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest) -> Generator[str, None, None]:
    """The URL of an empty database on each server, without a driver."""
    with DATABASES[request.param]() as url:
        yield url


def test_from_empty_to_inspected(url: str, run: Run) -> None:
    """init, users, import, roles and doctor do on every server what they do on SQLite."""
    on = {"FASTAUTH_DATABASE_URL": url}
    empty = run("users", "list", **on)
    plan = json.loads(run("init", "--dry-run", "--json", **on).stdout)
    made = run("init", "--admin-username", "root", "--admin-password-stdin", stdin=f"{PASSWORD}\n", **on)
    again = run("init", "--admin-username", "root", **on)
    path = as_csv(Path("users.csv"))
    imported = json.loads(run("users", "import", str(path), "--json", **on).stdout)
    reimported = json.loads(run("users", "import", str(path), "--json", **on).stdout)
    listed = json.loads(run("users", "list", "--json", **on).stdout)["users"]
    granted = run("roles", "grant", "plain", "moderator", **on)
    ended = run("sessions", "purge", "--json", **on)
    examined = json.loads(run("doctor", "--json", **on).stdout)

    assert "run fastauth init" in one_line(empty, 1)
    assert len(plan["tables"]) >= 4
    assert made.exit_code == 0, made.output
    assert "✓ made the superadmin root" in made.stdout
    assert "✓ the schema is there already" in again.stdout
    assert (imported["created"], imported["refused"]) == (4, 0)
    assert (reimported["there"], reimported["refused"]) == (4, 0)
    assert {user["username"]: user["disabled"] for user in listed} == {
        "root": False,
        "plain": False,
        "hashed": False,
        "column": False,
        "off": True,
    }
    assert granted.stdout == "✓ plain now holds moderator\n"
    assert json.loads(ended.stdout) == {"deleted": 0}
    assert examined["problems"] == 0, examined
    assert "Clock" in {line["what"] for line in examined["lines"]}


def test_mongo_by_its_options() -> None:
    """``--backend mongo --db-url ... --database`` works in a process of its own, and two URLs agree on one database."""
    base, name = f"mongodb://127.0.0.1:{port_of('mongo-standalone')}", f"cli_{secrets.token_hex(6)}"
    options = ("--backend", "mongo", "--db-url", f"{base}/?directConnection=true", "--database", name)

    made = spawn("init", *options, env={"FASTAUTH_ADMIN_PASSWORD": PASSWORD})
    listed = spawn("users", "list", "--json", env={"DATABASE_URL": f"{base}/{name}?directConnection=true"})

    assert made.returncode == 0, made.stderr
    assert [user["username"] for user in json.loads(listed.stdout)["users"]] == ["admin"]


def test_the_name_of_a_mongo_database_is_found(folder: Path, run: Run) -> None:
    """Where the URL names no database, the source's own name for it is taken, and it is said from where."""
    base, name = f"mongodb://127.0.0.1:{port_of('mongo-standalone')}", f"cli_{secrets.token_hex(6)}"
    (folder / "config.py").write_text(f'MONGO_URL = "{base}/?directConnection=true"\nMONGO_DB = "{name}"\n')

    made = run("init", "--no-admin")
    listed = run("users", "list")

    assert f"{name}\n" in made.stderr
    assert "its name from config.py:2 (MONGO_DB)" in made.stderr
    assert (listed.exit_code, listed.stderr.splitlines()[-1]) == (0, "0 users")


def test_a_lone_mongo_server_is_remarked_on(run: Run) -> None:
    """``doctor`` warns of a MongoDB server that stands alone, and not of a replica set."""
    for kind, remarked in (("mongo-standalone", True), ("mongo-replica-set", False)):
        url = f"mongodb://127.0.0.1:{port_of(kind)}/cli_{secrets.token_hex(6)}?directConnection=true"
        run("init", "--no-admin", FASTAUTH_DATABASE_URL=url)

        lines = json.loads(run("doctor", "--json", FASTAUTH_DATABASE_URL=url).stdout)["lines"]

        assert any("stands alone" in line["why"] for line in lines) is remarked


def test_a_database_that_the_server_does_not_have(run: Run) -> None:
    """The name of a database that is not there is one line, with what to look at."""
    url = postgres_url("asyncpg").set(database="no_such_database").render_as_string(hide_password=False)

    said = one_line(run("users", "list", "--db-url", url), 1)

    assert 'database "no_such_database" does not exist. Check the engine\'s URL.' in said
