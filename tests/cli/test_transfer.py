"""``fastauth users import`` and ``export``."""

import asyncio
import csv
import json
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from fastauth.cli.transfer.records import Record, RecordReader
from tests.cli.conftest import APP, PASSWORD, Run, one_line, own_app, spawn

pytestmark = pytest.mark.slow

ON = ("--app", "main:auth")
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


def count_users() -> int:
    with closing(sqlite3.connect("app.db")) as database:
        return int(database.execute("select count(*) from fastauth_users").fetchone()[0])


def signs_in(login: str, password: str = PASSWORD) -> bool:
    names: dict[str, Any] = {}
    exec(compile(APP, "main.py", "exec"), names)

    async def verify() -> bool:
        auth = names["auth"]
        account = await auth.accounts.find(login)
        right = (await auth.passwords.verify(password, account.hashed_password)).ok
        auth.passwords.close()
        await auth.store.close()
        return bool(right)

    return asyncio.run(verify())


def write_hashed(path: Path, number: int) -> None:
    rows = [f"user{index},user{index}@example.com,{HASH}" for index in range(number)]
    path.write_text("\n".join(["username,email,hashed_password", *rows, ""]), "utf-8")


MIXED = [
    {"username": "plain", "email": "plain@example.com", "password": PASSWORD},
    {"username": "hashed", "email": "hashed@example.com", "hashed_password": HASH},
    {"username": "column", "email": "column@example.com", "password": HASH, "roles": ["admin", "user"]},
    {"username": "off", "email": "off@example.com", "password": PASSWORD, "disabled": True},
]


def as_csv(path: Path) -> Path:
    columns = ["username", "email", "password", "hashed_password", "roles", "disabled"]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.DictWriter(file, columns)
        rows.writeheader()
        rows.writerows({**row, "roles": " ".join(row.get("roles", []))} for row in MIXED)  # type: ignore[arg-type]
    return path


def as_json_lines(path: Path) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in MIXED), "utf-8")
    return path


@pytest.mark.parametrize(("name", "write"), [("users.csv", as_csv), ("users.jsonl", as_json_lines)])
def test_both_formats_and_both_kinds_of_password(name: str, write: Any, project: Path, run: Run) -> None:
    """Plain passwords are hashed, bcrypt hashes are kept in either column, and everyone can sign in afterwards."""
    done = run("users", "import", str(write(project / name)), "--json", *ON)

    assert json.loads(done.stdout) == {"created": 4, "there": 0, "refused": 0, "dry_run": False}
    assert done.exit_code == 0
    assert all(signs_in(row["username"]) for row in MIXED)  # type: ignore[arg-type]
    shown = {user: json.loads(run("users", "show", user, "--json", *ON).stdout) for user in ("column", "off", "plain")}
    assert shown["column"]["roles"] == ["admin", "user"]
    assert shown["off"]["disabled"] is True
    assert shown["plain"]["roles"] == ["user"]


REFUSED = [
    ('{"username": "short", "email": "s@example.com", "password": "short"}', "at least 8 characters"),
    ('{"username": "root", "email": "other@example.com", "password": "good enough"}', "username exists already"),
    ('{"username": "new", "email": "root@fastauth.invalid", "password": "good enough"}', "email exists already"),
    ('{"username": "a b", "email": "ab@example.com", "password": "good enough"}', "username: "),
    ('{"username": "x", "email": "no address", "password": "good enough"}', "email: "),
    ('{"username": "x", "email": "x@example.com"}', "needs password or hashed_password"),
    ('{"username": "x", "email": "x@example.com", "password": "good enough", "hashed_password": "y"}', "not both"),
    ('{"username": "x", "email": "x@example.com", "hashed_password": "$1$old$md5"}', "not a password hash"),
    ('{"username": "x", "email": "x@example.com", "password": "good enough", "roles": "nosuch"}', "no role 'nosuch'"),
    ('{"username": "x", "email": "x@example.com", "password": "good enough", "roles": 7}', "roles is neither"),
    ('{"username": "x", "email": "x@example.com", "password": "good enough", "disabled": "maybe"}', "neither true nor"),
    ('{"username": "x", "email": "x@example.com", "password": "good enough", "colour": "red"}', "colour"),
    ('{"username": 7, "email": "x@example.com", "password": "good enough"}', "username is no text"),
    ('{"username": "x"', "not JSON"),
    ('["x"]', "no JSON object"),
    ("[" * 10000, "not JSON"),
    ('{"username": "' + "x" * 70_000 + '"}', "longer than 64 KiB"),
]


def test_what_is_refused_is_told_line_by_line(project: Path, run: Run) -> None:
    """Every refused line is reported with its number and why; the good one between them is imported; status 1."""
    lines = [line for line, _ in REFUSED]
    good = json.dumps({"username": "good", "email": "good@example.com", "password": PASSWORD})
    (project / "users.jsonl").write_text("\n".join([*lines[:5], "", good, *lines[5:]]) + "\n", "utf-8")

    done = run("users", "import", "users.jsonl", *ON)

    report = [json.loads(line) for line in Path("users.jsonl.fastauth-refused").read_text("utf-8").splitlines()]
    assert done.exit_code == 1
    assert done.stdout == f"✓ made 1 user; 0 there already; {len(REFUSED)} refused\n"
    assert [each["line"] for each in report] == [1, 2, 3, 4, 5, *range(8, 8 + len(REFUSED) - 5)]
    for each, (_, why) in zip(report, REFUSED, strict=True):
        assert why in each["why"]
    assert f"line {report[0]['line']} (short): {report[0]['why']}" in done.stderr
    assert not Path("users.jsonl.fastauth-progress").exists()


def test_the_first_refused_lines_are_shown_and_all_are_reported(project: Path, run: Run) -> None:
    """Twenty refused lines are enough for a terminal; the report has every one."""
    (project / "users.jsonl").write_text("[]\n" * 30)

    done = run("users", "import", "users.jsonl", *ON)

    assert len([line for line in done.stderr.splitlines() if line.startswith("line ")]) == 20
    assert len(Path("users.jsonl.fastauth-refused").read_text("utf-8").splitlines()) == 30


def test_a_dry_run_says_the_same_and_makes_nobody(project: Path, run: Run) -> None:
    """``--dry-run`` counts as the import would, and makes nobody."""
    as_json_lines(project / "users.jsonl")
    with (project / "users.jsonl").open("a") as file:
        file.write(REFUSED[0][0] + "\n" + REFUSED[1][0] + "\n" + REFUSED[2][0] + "\n" + REFUSED[7][0] + "\n")

    checked = run("users", "import", "users.jsonl", "--dry-run", "--json", *ON)

    assert json.loads(checked.stdout) == {"created": 4, "there": 0, "refused": 4, "dry_run": True}
    assert count_users() == 1


def test_an_import_may_be_run_again(project: Path, run: Run) -> None:
    """Users who are there already, with the same name and address, stay as they are."""
    path = str(as_csv(project / "users.csv"))
    run("users", "import", path, *ON)
    run("users", "set-password", "plain", "--password-stdin", *ON, stdin="a newer password\n")

    again = run("users", "import", path, "--json", *ON)

    assert json.loads(again.stdout) == {"created": 0, "there": 4, "refused": 0, "dry_run": False}
    assert signs_in("plain", "a newer password")


# Within the second batch of users, with a transaction open, this app waits until it is let go on.
PAUSING_APP = (
    APP
    + """
import time
from pathlib import Path
from sqlalchemy import event

@event.listens_for(User, "before_insert")
def pause(mapper, connection, user):
    if user.username == "user700":
        Path("reached").touch()
        while not Path("go").exists():
            time.sleep(0.01)
"""
)


@pytest.fixture
def paused_import(project: Path) -> Generator["subprocess.Popen[str]", None, None]:
    """An import of 1,200 users as a process of its own, which waits within its second batch."""
    (project / "main.py").write_text(PAUSING_APP)
    write_hashed(project / "users.csv", 1200)
    command = [sys.executable, "-m", "fastauth", "users", "import", "users.csv", *ON]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not Path("reached").exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        yield process
        process.kill()


def test_an_interrupted_import_goes_on(paused_import: "subprocess.Popen[str]") -> None:
    """Ctrl-C stops an import in one line; the same command again makes each of the others, and nobody twice."""
    paused_import.send_signal(signal.SIGINT)
    Path("go").touch()
    _, said = paused_import.communicate(timeout=60)
    made = count_users() - 1

    done = spawn("users", "import", "users.csv", *ON)

    assert paused_import.returncode == 1
    assert "run the same command again to go on" in said
    assert "Traceback" not in said
    assert made == 500
    assert "Going on after line 501" in done.stderr
    assert done.returncode == 0, done.stderr
    assert count_users() == 1201


def test_a_killed_import_goes_on(paused_import: "subprocess.Popen[str]") -> None:
    """A process that was killed within a batch leaves nobody out and nobody double."""
    paused_import.kill()
    paused_import.wait()
    Path("go").touch()
    made = count_users() - 1

    done = spawn("users", "import", "users.csv", *ON)

    assert made == 500
    assert done.returncode == 0, done.stderr
    assert count_users() == 1201


def test_another_files_progress_is_not_taken(project: Path, run: Run) -> None:
    """A state file that does not belong to this file is refused, and so is one that cannot be read."""
    as_csv(project / "users.csv")
    state = Path("users.csv.fastauth-progress")
    state.write_text(json.dumps({"of": {}, "tally": {"line": 2, "created": 1, "there": 0, "refused": 0}}))
    other = one_line(run("users", "import", "users.csv", *ON), 2)
    state.write_text("{")
    broken = one_line(run("users", "import", "users.csv", *ON), 2)

    assert "delete it to begin again" in other
    assert "delete it to begin again" in broken
    assert count_users() == 1


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Records are read one at a time, whatever the size of the file."""
    import tracemalloc

    def peak(number: int) -> int:
        write_hashed(tmp_path / "users.csv", number)
        reader = RecordReader(tmp_path / "users.csv", None)
        tracemalloc.start()
        read = sum(1 for _ in reader)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert read == number
        assert reader.position == (tmp_path / "users.csv").stat().st_size
        return most

    peak(10)

    assert peak(20_000) < peak(200) + 200_000


CSV_HEAD = b"username,email,password\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'"a\nb",c,d\nx,y,z\n', [(2, None), (4, None)]),
        (b"x,y\n", [(2, "2 values, and the heading 3")]),
        (b"\n\nx,y,z\n", [(4, None)]),
        (b"\xff,y,z\nx,y,z\n", [(2, "not UTF-8"), (3, None)]),
        (b'x"y"z,"a"b,c\nx,y,z\n', [(2, "not CSV"), (3, None)]),
        (b"x" * 70_000 + b"\nx,y,z\n", [(2, "longer than 64 KiB"), (3, None)]),
        (b"x" * 200_000 + b"\nx,y,z\n", [(2, "longer than 64 KiB"), (3, None)]),
        (b"x,y,z", [(2, None)]),
        (b"", []),
    ],
)
def test_csv_lines(content: bytes, expected: list[tuple[int, str | None]], tmp_path: Path) -> None:
    """A record knows the line it begins on; a bad one spoils none of the others."""
    (tmp_path / "users.csv").write_bytes(CSV_HEAD + content)

    records: list[Record] = list(RecordReader(tmp_path / "users.csv", None))

    assert [record.line for record in records] == [line for line, _ in expected]
    for record, (_, problem) in zip(records, expected, strict=True):
        assert (record.problem is None) if problem is None else (problem in (record.problem or ""))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("users.csv", "name,mail\n", "has no heading with username and email"),
        ("users.csv", "", "has no heading"),
        ("users.csv", '"a"b,username,email\n', "has no heading"),
        ("users.txt", "x", "say which with --format"),
    ],
)
def test_a_file_that_cannot_be_read(name: str, content: str, says: str, project: Path, run: Run) -> None:
    """A file of no known shape is misuse, in one line."""
    (project / name).write_text(content)

    assert says in one_line(run("users", "import", name, *ON), 2)


def test_export_and_import_are_one_circle(project: Path, run: Run) -> None:
    """What was exported with hashes can be imported elsewhere, and everyone signs in with the same password."""
    run("users", "import", str(as_csv(project / "users.csv")), *ON)
    for name in ("out.csv", "out.jsonl"):
        done = run("users", "export", name, "--with-hashes", *ON)
        assert done.stdout == f"✓ wrote 5 users to {name}\n"
    Path("app.db").rename("old.db")
    run("init", "main:auth", "--no-admin")

    back = run("users", "import", "out.csv", "--json", *ON)
    again = run("users", "import", "out.jsonl", "--json", *ON)

    assert json.loads(back.stdout)["created"] == 5
    assert json.loads(again.stdout)["there"] == 5
    assert signs_in("plain")
    assert signs_in("root")


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("tags: Mapped[list[str]] = mapped_column(JSON)", '["A", "b c, \\"d\\""]', ["A", 'b c, "d"']),
        ("tags: Mapped[dict[str, int]] = mapped_column(JSON)", '{"ä": 1}', {"ä": 1}),
        ("tags: Mapped[str] = mapped_column(JSON)", "[a", "[a"),
        ("notes: Mapped[str]", '["a"]', '["a"]'),
    ],
)
def test_the_circle_holds_for_lists_and_for_what_looks_like_one(
    column: str, text: str, value: object, name: str, folder: Path, run: Run
) -> None:
    """A list comes back as that list, and a text as the same text."""
    attribute = column.partition(":")[0]
    source = own_app(column).replace(
        "from sqlalchemy.orm import", "from sqlalchemy import JSON\nfrom sqlalchemy.orm import"
    )
    (folder / "main.py").write_text(source)
    run("init", "main:auth", "--no-admin")
    given = ("--generate-password", "--field", f"{attribute}={text}")
    made = run("users", "create", "ada", "--email", "ada@example.com", *given, "--json", *ON)
    run("users", "export", name, "--with-hashes", *ON)
    (folder / "app.db").rename("old.db")
    run("init", "main:auth", "--no-admin")

    back = run("users", "import", name, "--json", *ON)
    listed = run("users", "list", "--json", *ON)

    assert json.loads(back.stdout)["created"] == 1, back.output
    assert json.loads(listed.stdout)["users"][0][attribute] == json.loads(made.stdout)[attribute] == value


def test_an_export_goes_page_by_page(project: Path, run: Run) -> None:
    """More users than one page of the store holds are all written, each once."""
    write_hashed(project / "users.csv", 600)
    run("users", "import", "users.csv", *ON)

    shown = run("users", "export", "-", *ON)

    written = [json.loads(line)["username"] for line in shown.stdout.splitlines()]
    assert len(written) == len(set(written)) == 601


def test_an_export_is_for_its_owner_alone(project: Path, run: Run) -> None:
    """The file has mode 0600, no hashes unless asked for, and no file is replaced unless asked for."""
    run("users", "export", "out.jsonl", *ON)
    again = one_line(run("users", "export", "out.jsonl", *ON), 2)
    forced = run("users", "export", "out.jsonl", "--force", "--role", "superadmin", *ON)

    assert stat.S_IMODE(Path("out.jsonl").stat().st_mode) == 0o600
    assert "hashed_password" not in Path("out.jsonl").read_text("utf-8")
    assert "replace it with --force" in again
    assert forced.exit_code == 0
    assert [path.name for path in project.iterdir() if path.name.startswith(".out")] == []


def test_export_to_the_standard_output(project: Path, run: Run) -> None:
    """``-`` writes JSON lines to the output, and never hashes."""
    shown = run("users", "export", "-", *ON)
    refused = one_line(run("users", "export", "-", "--with-hashes", *ON), 2)
    twice = one_line(run("users", "export", "-", "--json", *ON), 2)

    assert [json.loads(line)["username"] for line in shown.stdout.splitlines()] == ["root"]
    assert "name a file" in refused
    assert "name a file" in twice


def test_an_export_into_a_folder_that_is_not_there(project: Path, run: Run) -> None:
    """A path that cannot be written is one line."""
    assert "No such file or directory" in one_line(run("users", "export", "no/such/out.csv", *ON), 1)


TWICE = [
    ("one@example.com", "one@example.com"),
    ("one@example.com", "two@example.com"),
    ("ONE@Example.com", "one@example.com"),
]


@pytest.mark.parametrize("emails", TWICE)
@pytest.mark.parametrize("names", [("ada", "ada"), ("ada", "ADA"), ("ada", "bob")])
def test_a_dry_run_promises_what_the_import_does_with_doubles(
    emails: tuple[str, str], names: tuple[str, str], project: Path, run: Run
) -> None:
    """Two lines of one user, or with one name or address, are counted and told alike, and end with one status."""
    lines = [
        json.dumps({"username": name, "email": email, "password": PASSWORD})
        for name, email in zip(names, emails, strict=True)
    ]
    (project / "users.jsonl").write_text("\n".join(lines) + "\n")

    checked = run("users", "import", "users.jsonl", "--dry-run", "--json", *ON)
    told = Path("users.jsonl.fastauth-refused").read_text() if checked.exit_code else ""
    done = run("users", "import", "users.jsonl", "--json", *ON)

    assert json.loads(checked.stdout) == {**json.loads(done.stdout), "dry_run": True}
    assert checked.exit_code == done.exit_code
    assert told == (Path("users.jsonl.fastauth-refused").read_text() if done.exit_code else "")


def test_a_dry_run_refuses_each_line_that_the_import_refuses(project: Path, run: Run) -> None:
    """Whatever is wrong with a line, it is told before the import as it is told by it."""
    (project / "users.jsonl").write_text("\n".join(line for line, _ in REFUSED) + "\n", "utf-8")

    run("users", "import", "users.jsonl", "--dry-run", *ON)
    checked = Path("users.jsonl.fastauth-refused").read_text("utf-8")
    run("users", "import", "users.jsonl", *ON)

    assert len(checked.splitlines()) == len(REFUSED)
    assert checked == Path("users.jsonl.fastauth-refused").read_text("utf-8")


def test_a_dry_run_knows_what_the_model_demands(folder: Path, run: Run) -> None:
    """An attribute that a user must have, and the line has not, is no user in either run."""
    (folder / "main.py").write_text(own_app("team: Mapped[str]"))
    assert run("init", "main:auth", "--no-admin").exit_code == 0
    lines = [{"username": name, "email": f"{name}@example.com", "password": PASSWORD} for name in ("ada", "bob")]
    lines[0]["team"] = "red"
    (folder / "users.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))

    checked = json.loads(run("users", "import", "users.jsonl", "--dry-run", "--json", *ON).stdout)
    done = json.loads(run("users", "import", "users.jsonl", "--json", *ON).stdout)

    assert checked == {**done, "dry_run": True}
    assert (done["created"], done["refused"]) == (1, 1)
