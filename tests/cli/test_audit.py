"""``fastauth audit``: the trail that the app keeps, by user, event and time, page by page."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import APP, PASSWORD, Run, one_line

ON = ("--app", "main:auth")
ALWAYS = "2001-01-31T12:00"
AN_HOUR_AGO = datetime.now(timezone(timedelta(hours=9))) - timedelta(hours=1)


@pytest.fixture
def kept(folder: Path, run: Run) -> Run:
    """The command line of an app that keeps its trail, after a few acts on ada and bob."""
    source = APP.replace("CHEAP_PASSWORDS\n)", "CHEAP_PASSWORDS, audit=AuditSettings(keep=True)\n)")
    (folder / "main.py").write_text(source.replace("import FastAuth\n", "import AuditSettings, FastAuth\n"))
    run("init", "main:auth", "--no-admin")
    for name in ("ada", "bob"):
        made = run("users", "create", name, "--email", f"{name}@example.com", "--password-stdin", *ON, stdin=PASSWORD)
        assert made.exit_code == 0, made.output
    run("roles", "grant", "ada", "moderator", *ON)
    run("users", "disable", "bob", *ON)
    run("users", "enable", "bob", *ON)
    return run


def listed(run: Run, *options: str) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = json.loads(run("audit", *options, "--json", *ON).stdout)["records"]
    return records


@pytest.mark.parametrize(
    ("options", "events"),
    [
        ((), ["user.enabled", "user.disabled", "role.granted", "user.registered", "user.registered"]),
        (("--user", "bob"), ["user.enabled", "user.disabled", "user.registered"]),
        (("--user", "2", "--id"), ["user.enabled", "user.disabled", "user.registered"]),
        (("--user", "99", "--id"), []),
        (("--event", "role.granted"), ["role.granted"]),
        (("--user", "bob", "--event", "role.granted"), []),
        (("--since", ALWAYS, "--event", "user.disabled"), ["user.disabled"]),
        (("--since", "2w", "--event", "user.disabled"), ["user.disabled"]),
        (("--since", "2999-01-31T12:00+02:00"), []),
        (("--since", f"{AN_HOUR_AGO:%Y-%m-%dT%H:%M}+09:00", "--event", "user.disabled"), ["user.disabled"]),
    ],
)
def test_the_filters(options: tuple[str, ...], events: list[str], kept: Run) -> None:
    """The newest comes first; user, event and time narrow the list, alone and together."""
    assert [record["event"] for record in listed(kept, *options)] == events


def test_the_trail_goes_page_by_page(kept: Run) -> None:
    """``--limit`` and ``--after`` walk through every record once, and the last page says so."""
    walked: list[str] = []
    after: tuple[str, ...] = ()
    while True:
        page = json.loads(kept("audit", "--limit", "2", *after, "--json", *ON).stdout)
        walked += [record["id"] for record in page["records"]]
        if page["next"] is None:
            break
        after = ("--after", page["next"])

    assert walked == [record["id"] for record in listed(kept)]
    assert len(walked) == 5


def test_for_people(kept: Run) -> None:
    """A table with who did what to whom, and a line that says how to go on."""
    shown = kept("audit", "--limit", "4", *ON)

    assert shown.stdout.splitlines()[0].split() == ["AT", "EVENT", "OUTCOME", "BY", "USER", "ADDRESS", "DETAILS"]
    assert "role=moderator" in shown.stdout
    assert "4 records; more with --after " in shown.stderr
    assert PASSWORD not in shown.output


def test_an_app_that_keeps_no_trail(project: Path, run: Run) -> None:
    """Without records, the line says how an app comes to have them."""
    shown = run("audit", *ON)

    assert shown.stdout == ""
    assert "0 records; an app keeps them with AuditSettings(keep=True)" in shown.stderr


@pytest.mark.parametrize("since", ["yesterday", "7", "999999w", "2026-13-01", "", "0001-01-01T00:00+09:00"])
def test_what_is_no_moment(since: str, project: Path, run: Run) -> None:
    """``--since`` takes a time ago or a moment, and says so."""
    assert "say 90m, 24h, 7d, 2w" in one_line(run("audit", "--since", since, *ON), 2)


def test_of_whom_is_not_there(project: Path, run: Run) -> None:
    """A name that nobody has is told."""
    assert "There is no user 'nobody'" in one_line(run("audit", "--user", "nobody", *ON), 1)
