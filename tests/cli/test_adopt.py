"""``fastauth users adopt``: addresses, roles, and who could not sign in."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fastauth.core.hashers import BcryptHasher
from tests.cli.conftest import KEY, Run

APP = f"""
from sqlalchemy import String
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastauth import FastAuth
from fastauth.backends.sql import SQLStore, UserMixin


class Base(DeclarativeBase):
    pass


class Member(UserMixin, Base):
    __tablename__ = "members"

    id: Mapped[int] = mapped_column(primary_key=True)
    is_boss: Mapped[bool] = mapped_column(default=False)
    is_proven: Mapped[bool] = mapped_column(default=False, server_default="0")


auth = FastAuth(SQLStore(create_async_engine("sqlite+aiosqlite:///app.db"), user_model=Member), secret_key="{KEY}")
"""
NULLABLE_APP = APP.replace(
    "    is_boss",
    "    username: Mapped[str | None] = mapped_column(String(64), unique=True)\n"
    "    email: Mapped[str | None] = mapped_column(String(254), unique=True)\n"
    "    hashed_password: Mapped[str | None] = mapped_column(String(255))\n"
    "    is_boss",
)
HASH = BcryptHasher(4).hash("correct horse battery")


@pytest.fixture
def project(folder: Path, run: Run) -> Path:
    """Users whom somebody else has stored."""
    (folder / "main.py").write_text(APP)
    assert run("init", "main:auth", "--no-admin").exit_code == 0
    return folder


def store(*rows: tuple[str | None, str | None, str | None, bool]) -> None:
    with closing(sqlite3.connect("app.db", isolation_level=None)) as connection:
        connection.executemany(
            "insert into members (username, email, hashed_password, disabled, is_boss) values (?, ?, ?, 0, ?)", rows
        )


def change(statement: str) -> None:
    with closing(sqlite3.connect("app.db", isolation_level=None)) as connection:
        connection.execute(statement)


def roles_of(run: Run) -> dict[str, list[str]]:
    listed = json.loads(run("users", "list", "--app", "main:auth", "--json").stdout)["users"]
    return {user["username"]: user["roles"] for user in listed}


def emails() -> set[str | None]:
    with closing(sqlite3.connect("app.db")) as connection:
        return {email for (email,) in connection.execute("select email from members")}


def adopted(run: Run, *arguments: str) -> Any:
    done = run("users", "adopt", "main:auth", "--json", *arguments)
    return done.exit_code, json.loads(done.stdout)


def test_addresses_and_roles_are_brought_over_once(project: Path, run: Run) -> None:
    """Addresses get the form that is looked up and flags become roles; nothing is left for the next time."""
    store(("ada", "Ada@Example.com", HASH, True), ("grace", "grace@example.com", HASH, False))
    rules = ("--role", "superadmin=is_boss")

    foreseen, before = adopted(run, *rules, "--dry-run"), emails()
    done, again = adopted(run, *rules), adopted(run, *rules)

    found = {"users": 2, "adopted": 2, "addresses": 1, "roles": {"superadmin": 1}, "problems": []}
    assert foreseen == (0, {"dry_run": True, **found})
    assert before == {"Ada@Example.com", "grace@example.com"}
    assert done == (0, {"dry_run": False, **found})
    assert emails() == {"ada@example.com", "grace@example.com"}
    assert again == (0, {"dry_run": False, **found, "adopted": 0, "addresses": 0, "roles": {"superadmin": 0}})
    assert roles_of(run) == {"ada": ["superadmin", "user"], "grace": ["user"]}


def test_a_second_run_changes_no_roles_of_whom_the_first_adopted(project: Path, run: Run) -> None:
    """A role that was taken is not given back, nor one taken that its flag denies: both are named, with what to run."""
    rules = ("--role", "superadmin=is_boss", "--role", "verified=is_proven")
    store(("ada", "ada@example.com", HASH, True), ("grace", "grace@example.com", HASH, True))
    change("update members set is_proven = 1")
    adopted(run, *rules)
    change("update members set is_boss = 0, is_proven = 0, email = 'Ada@example.org' where username = 'ada'")
    run("roles", "revoke", "grace", "superadmin", "--app", "main:auth")
    run("roles", "revoke", "grace", "verified", "--app", "main:auth")
    store(("alan", "alan@example.com", HASH, True))

    before = roles_of(run)
    code, again = adopted(run, *rules)

    assert before == {"ada": ["superadmin", "user", "verified"], "grace": ["user"], "alan": []}
    assert roles_of(run) == {**before, "alan": ["superadmin", "user"]}
    assert (code, again["adopted"], again["roles"]) == (1, 1, {"superadmin": 1, "verified": 0})
    assert again["problems"] == [
        "Ada@example.org: is_boss is false: fastauth roles revoke --id 1 superadmin, unless it was granted here",
        "Ada@example.org: is_proven is false: fastauth roles revoke --id 1 verified, unless it was granted here",
        "grace@example.com: is_boss is true: fastauth roles grant --id 2 superadmin, unless it was taken here",
        "grace@example.com: is_proven is true: fastauth roles grant --id 2 verified, unless it was taken here",
    ]


def test_what_a_second_run_names_is_settled_by_what_it_says_to_run(project: Path, run: Run) -> None:
    """After the commands that it names, roles and flags say the same, and a third run finds nothing."""
    rules = ("--role", "superadmin=is_boss")
    store(("ada", "ada@example.com", HASH, True), ("grace", "grace@example.com", HASH, False))
    adopted(run, *rules)
    change("update members set is_boss = not is_boss")
    problems = adopted(run, *rules)[1]["problems"]

    for problem in reversed(problems):  # the new superadmin first: there is always one
        words = problem.partition("fastauth ")[2].partition(",")[0].split()
        assert run(*words, "--app", "main:auth").exit_code == 0

    assert adopted(run, *rules)[0] == 0
    assert roles_of(run) == {"ada": ["user"], "grace": ["superadmin", "user"]}


def test_whoever_could_not_sign_in_is_named(project: Path, run: Run) -> None:
    """A hash that nothing verifies, a name that nobody finds, an address that is none or taken: each is a problem."""
    store(
        ("ada", "ada@example.com", "md5:1234", False),
        ("Grace", "grace@example.com", HASH, False),
        ("a@b", "Ada@example.com", HASH, False),
        ("mary", "nowhere", HASH, False),
    )

    done = run("users", "adopt", "main:auth")

    assert done.exit_code == 1
    assert "4 users, 4 of them adopted now" in done.stdout
    for problem in (
        "ada@example.com: nothing here verifies the password hash",
        "grace@example.com: nobody finds the username 'Grace'",
        "Ada@example.com: nobody finds the username 'a@b'",
        "Ada@example.com: the address cannot be kept",
        "nowhere: the address cannot be kept",
    ):
        assert problem in done.stderr.replace("\n  ", " ")
    assert "5 problems" in done.stderr


def test_who_lacks_an_address_a_name_or_a_hash_is_named_and_the_others_are_adopted(folder: Path, run: Run) -> None:
    """What is null in the table is a problem of that user's, and stops nothing; lists and exports show it as empty."""
    (folder / "main.py").write_text(NULLABLE_APP)
    run("init", "main:auth", "--no-admin")
    store(
        ("ada", None, HASH, True),
        (None, "grace@example.com", HASH, False),
        ("mary", "mary@example.com", None, False),
        (None, None, HASH, False),
        ("alan", "Alan@Example.com", HASH, True),
    )

    code, done = adopted(run, "--role", "admin=is_boss")
    listed = json.loads(run("users", "list", "--app", "main:auth", "--json").stdout)["users"]
    for name in ("users.csv", "users.jsonl"):
        assert run("users", "export", name, "--with-hashes", "--app", "main:auth").exit_code == 0

    assert code == 1
    assert done["roles"] == {"admin": 2}
    assert emails() == {None, "grace@example.com", "mary@example.com", "alan@example.com"}
    assert [problem.split(":")[0] for problem in done["problems"]] == [
        "ada",
        "grace@example.com",
        "mary@example.com",
        "the user of the id 4",
        "the user of the id 4",
    ]
    assert [user["email"] for user in listed if user["username"] == "ada"] == [None]
    assert "1,ada,,false,admin user," in Path("users.csv").read_text()
    assert '"email": null' in Path("users.jsonl").read_text()


def test_it_is_told_in_words_what_would_be_done(project: Path, run: Run) -> None:
    """A dry run says what would be granted, and that nothing was."""
    store(("ada", "ada@example.com", HASH, True))

    said = run("users", "adopt", "main:auth", "--dry-run", "--role", "Admin=is_boss")

    assert "admin would be granted to 1 user" in said.stdout
    assert "Nothing was changed." in said.stderr


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("admin", "not of the form ROLE=ATTRIBUTE"),
        ("admin=no attribute", "not of the form ROLE=ATTRIBUTE"),
        ("admin=is_king", "Member has no attribute 'is_king'"),
        ("king=is_boss", "There is no role king"),
        ("User=is_boss", "Everybody who is adopted gets the role user"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(rule: str, words: str, project: Path, run: Run) -> None:
    """A rule that names no attribute of the class, or no role, stops before anything is changed for it."""
    store(("ada", "ada@example.com", HASH, True))

    refused = run("users", "adopt", "main:auth", "--role", rule)

    assert refused.exit_code in {1, 2}
    assert words in refused.output.replace("\n  ", " ")
