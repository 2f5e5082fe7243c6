"""``fastauth roles`` and ``fastauth sessions``."""

import asyncio
import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import APP, Run, one_line

ON = ("--app", "main:auth")


def test_roles_are_listed(project: Path, run: Run) -> None:
    """The standard roles are there, as a table and as JSON."""
    listed = json.loads(run("roles", "list", "--json", *ON).stdout)

    assert [role["name"] for role in listed] == ["admin", "moderator", "premium", "superadmin", "user", "verified"]
    assert "ROLE" in run("roles", "list", *ON).stdout


def test_a_roles_life(project: Path, run: Run) -> None:
    """A role is made, granted, revoked and deleted, and each step says what it did."""
    steps = [
        ("create", "Editor", "--description", "Writes."),
        ("grant", "root", "editor"),
        ("grant", "root", "editor"),
        ("revoke", "root", "EDITOR"),
        ("revoke", "root", "editor"),
        ("delete", "editor", "--yes"),
    ]

    said = [run("roles", *step, *ON).stdout.strip() for step in steps]

    assert said[0].startswith("✓ made the role editor, id ")
    assert said[1:] == [
        "✓ root now holds editor",
        "✓ root holds editor already",
        "✓ root no longer holds editor",
        "✓ root did not hold editor",
        "✓ deleted the role editor",
    ]


def test_create_answers_json(project: Path, run: Run) -> None:
    """A script gets the new role's id."""
    made = json.loads(run("roles", "create", "editor", "--json", *ON).stdout)

    assert made["name"] == "editor"
    assert made["id"]


def test_what_was_done_as_json(project: Path, run: Run) -> None:
    """Each act answers a script with what it did, and whether anything is another than before."""
    steps = [
        ("roles", "create", "editor"),
        ("roles", "grant", "root", "editor"),
        ("roles", "grant", "root", "editor"),
        ("roles", "revoke", "root", "editor"),
        ("roles", "delete", "editor", "--yes"),
        ("users", "create", "ada", "--email", "ada@example.com", "--generate-password"),
        ("users", "disable", "ada"),
        ("users", "enable", "ada"),
        ("users", "enable", "ada"),
        ("users", "set-password", "ada", "--generate-password"),
        ("users", "export", "out.jsonl"),
        ("users", "delete", "ada", "--yes"),
        ("sessions", "revoke", "--user", "root"),
    ]

    role, granted, again, revoked, gone, _, disabled, enabled, same, renewed, written, deleted, ended = [
        json.loads(run(*step, "--json", *ON).stdout) for step in steps
    ]

    assert granted == {"id": 1, "username": "root", "role": "editor", "changed": True}
    assert (again["changed"], revoked["changed"]) == (False, True)
    assert gone == {"id": role["id"], "name": "editor"}
    assert (renewed["id"], revoked["id"], enabled["id"]) == (2, 1, 2)
    assert disabled == {"id": 2, "username": "ada", "changed": True, "ended_sessions": 0}
    assert (enabled["changed"], same["changed"]) == (True, False)
    assert len(renewed["password"]) == 24
    assert written == {"written": 2, "file": "out.jsonl"}
    assert deleted == {"id": disabled["id"], "username": "ada"}
    assert ended == {"ended": 0}


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (("create", "admin"), "exists"),
        (("create", "no good"), "A role name has"),
        (("delete", "admin", "--yes"), "Standard roles"),
        (("delete", "nosuch", "--yes"), "There is no role 'nosuch': there are admin,"),
        (("grant", "root", "nosuch"), "There is no role 'nosuch'"),
        (("grant", "nobody", "admin"), "There is no user 'nobody'"),
        (
            ("revoke", "root", "superadmin"),
            "stays: make another user one first, with fastauth roles grant USER superadmin.",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(act: tuple[str, ...], says: str, project: Path, run: Run) -> None:
    """Each refusal of the services is one line."""
    assert says in one_line(run("roles", *act, *ON), 1)


def test_deleting_a_role_asks_and_says_who_holds_it(project: Path, run: Run) -> None:
    """The question names the number of holders."""
    run("roles", "create", "editor", *ON)
    run("roles", "grant", "root", "editor", *ON)

    assert "held by 1 user, for good?" in one_line(run("roles", "delete", "editor", *ON), 2)


@pytest.fixture
def signed_in(project: Path) -> list[str]:
    """The ids of two live sessions of root."""
    names: dict[str, Any] = {}
    exec(compile(APP, "main.py", "exec"), names)

    async def start() -> list[str]:
        auth = names["auth"]
        root = await auth.accounts.find("root")
        pairs = [await auth.sessions.start(root, user_agent="a\x1b[31mbrowser", ip="192.0.2.1") for _ in range(2)]
        auth.passwords.close()
        await auth.store.close()
        return [pair.session_id for pair in pairs]

    return asyncio.run(start())


def test_sessions_are_listed_and_revoked(signed_in: list[str], run: Run) -> None:
    """One session is ended by its id, the rest by its user."""
    listed = json.loads(run("sessions", "list", "root", "--json", *ON).stdout)
    one = run("sessions", "revoke", *ON, signed_in[0])
    again = run("sessions", "revoke", *ON, signed_in[0])
    rest = run("sessions", "revoke", "--user", "root", *ON)

    assert {session["id"] for session in listed} == set(signed_in)
    assert {session["user_id"] for session in listed} == {1}
    assert one.stdout == "✓ ended 1 session\n"
    assert "no live session" in one_line(again, 1)
    assert rest.stdout == "✓ ended 1 session of root\n"


def test_the_table_moves_no_cursor(signed_in: list[str], run: Run) -> None:
    """What a client said of itself cannot colour the terminal or move its cursor."""
    listed = run("sessions", "list", "root", *ON)

    assert "192.0.2.1" in listed.stdout
    assert "\x1b" not in listed.stdout


def test_tables_are_as_wide_as_they_look(project: Path, run: Run) -> None:
    """What is empty is a dash, and a column is as wide as its widest cell looks, whatever the script."""
    run("roles", "create", "wide", "--description", "\u65e5\u672c", *ON)
    run("roles", "create", "combined", "--description", "e\u0301", *ON)
    run("roles", "create", "empty", *ON)

    lines = run("roles", "list", *ON).stdout.splitlines()

    assert next(line for line in lines if line.startswith("empty")).endswith("  -")
    assert run("users", "create", "a\u4e2d", "--email", "a@example.com", "--generate-password", *ON).exit_code == 0
    table = run("users", "list", *ON).stdout.splitlines()
    assert table[1].index("root@") == table[2].index("a@") + 1


def test_nobody_is_signed_in(project: Path, run: Run) -> None:
    """Without live sessions there is no table, only their number."""
    listed = run("sessions", "list", "root", *ON)

    assert (listed.stdout, listed.stderr.splitlines()[-1]) == ("", "0 live sessions")


@pytest.mark.parametrize("session", ["-Ab3", "-hy7", "--x4", "_y"])
def test_a_session_id_may_begin_with_a_dash(session: str, project: Path, run: Run) -> None:
    """An id that begins with a dash is no option."""
    assert "no live session of this id" in one_line(run("sessions", "revoke", session, *ON), 1)


@pytest.mark.parametrize("arguments", [("-h",), ("--help",), ("-Ab3", "-h")])
def test_help_is_help_here_too(arguments: tuple[str, ...], run: Run) -> None:
    """``-h`` alone asks for help, as everywhere; after ``--`` it may be an id."""
    shown = run("sessions", "revoke", *arguments)

    assert shown.exit_code == 0
    assert shown.stdout.startswith("Usage: fastauth sessions revoke")


def test_after_two_dashes_all_is_an_id(project: Path, run: Run) -> None:
    """Whatever stands after ``--`` is taken as it is."""
    assert "no live session of this id" in one_line(run("sessions", "revoke", *ON, "--", "-h"), 1)


@pytest.mark.parametrize("arguments", [(), ("some-id", "--user", "root")])
def test_revoke_wants_one_of_two(arguments: tuple[str, ...], project: Path, run: Run) -> None:
    """Neither a session nor a user, or both, is misuse."""
    assert "one of the two" in one_line(run("sessions", "revoke", *arguments, *ON), 2)


def test_purge_says_how_many(signed_in: list[str], run: Run) -> None:
    """Sessions that have expired are deleted and counted; the others stay."""
    with contextlib.closing(sqlite3.connect("app.db")) as database:
        database.execute("update fastauth_sessions set expires_at = '2001-01-01' where id = ?", signed_in[:1])
        database.commit()

    assert json.loads(run("sessions", "purge", "--json", *ON).stdout) == {"deleted": 1}
    assert run("sessions", "purge", *ON).stdout == "✓ deleted 0 sessions that had expired\n"
