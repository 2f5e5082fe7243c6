"""``fastauth users``: look, make, change, delete."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import PASSWORD, Run, one_line, own_app

ON = ("--app", "main:auth")


@pytest.fixture
def people(project: Path, run: Run) -> Run:
    """A run on a project with ada, an admin, and bob and cy, of whom cy is disabled."""
    for name, role in (("ada", "admin"), ("bob", "user"), ("cy", "user")):
        made = run(
            "users", "create", name, "--email", f"{name}@example.com", "--role", role, "--generate-password", *ON
        )
        assert made.exit_code == 0, made.output
    assert run("users", "disable", "cy", *ON).exit_code == 0
    return run


def names(run: Run, *options: str) -> list[str]:
    listed = run("users", "list", "--json", *options, *ON)
    assert listed.exit_code == 0, listed.output
    return [user["username"] for user in json.loads(listed.stdout)["users"]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), ["root", "ada", "bob", "cy"]),
        (("--search", "AD"), ["ada"]),
        (("--search", "example.com"), ["ada", "bob", "cy"]),
        (("--role", "admin"), ["ada"]),
        (("--role", "superadmin"), ["root"]),
        (("--state", "disabled"), ["cy"]),
        (("--state", "enabled", "--role", "user"), ["root", "bob"]),
        (("--search", "nobody"), []),
    ],
)
def test_list_finds(options: tuple[str, ...], expected: list[str], people: Run) -> None:
    """Search and filters narrow the list."""
    assert names(people, *options) == expected


def test_list_goes_page_by_page(people: Run) -> None:
    """``--limit`` and ``--after`` walk through everybody once, and the last page says so."""
    walked: list[str] = []
    after: list[str] = []
    while True:
        page = json.loads(people("users", "list", "--json", "--limit", "3", *after, *ON).stdout)
        walked += [user["username"] for user in page["users"]]
        if page["next"] is None:
            break
        after = ["--after", page["next"]]

    assert walked == ["root", "ada", "bob", "cy"]


def test_list_as_a_table(people: Run) -> None:
    """The table is what is on the output; what was found, and the count, are beside it."""
    listed = people("users", "list", *ON)

    assert listed.stdout.splitlines() == [
        "ID  USERNAME  EMAIL                  DISABLED  ROLES",
        "1   root      root@fastauth.invalid  no        superadmin, user",
        "2   ada       ada@example.com        no        admin",
        "3   bob       bob@example.com        no        user",
        "4   cy        cy@example.com         yes       user",
    ]
    assert listed.stderr.splitlines() == ["main:auth, on sqlite+aiosqlite:///app.db", "4 users"]


@pytest.mark.parametrize("named", [("ada",), ("ADA",), ("Ada@Example.com",), ("2", "--id")])
def test_show_takes_a_name_an_address_or_an_id(named: tuple[str, ...], people: Run) -> None:
    """A user is found by username, by e-mail address in any spelling, and by id where one says so."""
    shown = json.loads(people("users", "show", *named, "--json", *ON).stdout)

    assert shown == {
        "id": 2,
        "username": "ada",
        "email": "ada@example.com",
        "disabled": False,
        "roles": ["admin"],
        "sessions": 0,
    }


def test_show_for_people(people: Run) -> None:
    """Without ``--json``, names and values stand one below the other."""
    shown = people("users", "show", "cy", *ON)

    assert [line.split() for line in shown.stdout.splitlines()][3:5] == [["disabled", "yes"], ["roles", "user"]]


@pytest.mark.parametrize("named", [("nobody",), ("2",), ("nobody@example.com",), ("99", "--id"), ("no id", "--id")])
def test_who_is_not_there_is_said(named: tuple[str, ...], people: Run) -> None:
    """A name that nobody has is one line; an id is not taken for a name."""
    assert "There is no user" in one_line(people("users", "show", *named, *ON), 1)


def test_create_answers_json_with_the_password_it_made(project: Path, run: Run) -> None:
    """``--json`` has the account, and the password only where it was made up."""
    made = json.loads(
        run("users", "create", "ada", "--email", "a@example.com", "--generate-password", "--json", *ON).stdout
    )
    given = run(
        *("users", "create", "bob", "--email", "b@example.com", "--password-stdin", "--json", *ON),
        stdin=f"{PASSWORD}\r\n",
    )

    assert len(made["password"]) == 24
    assert json.loads(given.stdout) == {
        "id": 3,
        "username": "bob",
        "email": "b@example.com",
        "disabled": False,
        "roles": ["user"],
    }


def test_create_sets_the_models_own_attributes_in_their_types(folder: Path, run: Run) -> None:
    """``--field`` gives an own model its attributes, checked against their types."""
    (folder / "main.py").write_text(own_app("credits: Mapped[int]"))
    assert run("init", "main:auth", "--no-admin").exit_code == 0
    create = ("users", "create", "ada", "--email", "a@example.com", "--generate-password", *ON)

    made = json.loads(run(*create, "--field", "credits=12", "--json").stdout)
    wrong = one_line(run(*create, "--field", "credits=many"), 2)
    unknown = one_line(run(*create[:2], "bob", *create[3:], "--field", "colour=red", "--field", "credits=1"), 1)
    missing = one_line(run(*create[:2], "bob", *create[3:]), 2)

    assert made["credits"] == 12
    assert "credits: Input should be a valid integer" in wrong
    assert "colour" in unknown
    assert "needs a value for 'credits'. Give what is missing with --field credits=..." in missing


def test_disable_and_enable(people: Run) -> None:
    """Disabling and enabling say what was so before."""
    steps = [
        people("users", *step, *ON).stdout
        for step in (("disable", "ada"), ("disable", "ada"), ("enable", "ada"), ("enable", "ada"))
    ]

    assert steps == [
        "✓ disabled ada; ended 0 sessions\n",
        "✓ ada was disabled already\n",
        "✓ enabled ada\n",
        "✓ ada was enabled already\n",
    ]


def test_set_password_changes_it(people: Run) -> None:
    """A new password is set from the standard input, and a weak one is refused."""
    done = people("users", "set-password", "ada", "--password-stdin", *ON, stdin="another good one\n")
    made = people("users", "set-password", "ada", "--generate-password", *ON)
    weak = people("users", "set-password", "ada", "--password-stdin", *ON, stdin="short\n")

    assert done.stdout == "✓ set the password of ada; every session of theirs has ended\n"
    assert "shown this once: " in made.stdout
    assert "at least 8 characters" in one_line(weak, 1)


def test_delete_asks_first(people: Run) -> None:
    """Without a terminal to ask at, nothing is deleted unless ``--yes`` is said."""
    line = one_line(people("users", "delete", "bob", *ON), 2)

    assert "--yes" in line
    assert "bob" in names(people)
    assert people("users", "delete", "bob", "--yes", *ON).stdout == "✓ deleted bob\n"
    assert "bob" not in names(people)


@pytest.mark.parametrize("act", [("disable", "root"), ("delete", "root", "--yes")])
def test_the_last_superadmin_stays(act: tuple[str, ...], people: Run) -> None:
    """The services' own rule is one line here."""
    assert "The last enabled superadmin stays: make another user one first, with fastauth roles grant" in one_line(
        people("users", *act, *ON), 1
    )


def test_roles_of_a_user(people: Run) -> None:
    """``users roles`` lists what a user holds."""
    listed = people("users", "roles", "root", "--json", *ON)

    assert [role["name"] for role in json.loads(listed.stdout)] == ["superadmin", "user"]
    assert "superadmin" in people("users", "roles", "root", *ON).stdout


def test_nobody_is_found(people: Run) -> None:
    """An empty list is no table, only its number; a user without roles is said to have none."""
    people("roles", "revoke", "bob", "user", *ON)

    listed = people("users", "list", "--search", "nobody", *ON)
    roles = people("users", "roles", "bob", *ON)

    assert (listed.stdout, listed.stderr.splitlines()[-1]) == ("", "0 users")
    assert (roles.stdout, roles.stderr.splitlines()[-1]) == ("", "No roles.")


@pytest.mark.parametrize("given", ["colour", "=red", ""])
def test_a_field_without_a_value(given: str, people: Run) -> None:
    """``--field`` wants a name and a value."""
    create = ("users", "create", "dan", "--email", "dan@example.com", "--generate-password", "--field", given, *ON)

    assert "NAME=VALUE" in one_line(people(*create), 2)


def test_a_role_that_is_not_there_is_said_before_a_password_is_asked_for(people: Run) -> None:
    """The roles that there are are named, as where one is granted; a role may be given in any spelling."""
    create = ("users", "create", "eve", "--email", "eve@example.com", "--role")

    refused = one_line(people(*create, "nope", *ON), 1)
    made = people(*create, "Admin", "--generate-password", "--json", *ON)

    assert refused.startswith("Error: There is no role 'nope': there are admin, ")
    assert json.loads(made.stdout)["roles"] == ["admin"]
