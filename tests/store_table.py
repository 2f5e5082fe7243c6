"""The table of databases in the README: what each store has passed, as a run of the tests saw it."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.servers import ON_MOTOR

README = Path(__file__).parent.parent / "README.md"
HEADER = "| database | driver | extra | promises kept | tests of services and HTTP |"
MONGO = ("Motor, Beanie 1", "`fastauth[motor]`") if ON_MOTOR else ("PyMongo async, Beanie 2", "`fastauth[mongo]`")
TITLES = {
    "memory": ("memory, for tests", "none", ""),
    "sqlite": ("SQLite, a file", "aiosqlite", "`fastauth[sql]`"),
    "postgres-asyncpg": ("PostgreSQL", "asyncpg", "`fastauth[postgres]`"),
    "postgres-psycopg": ("PostgreSQL", "psycopg 3", "`fastauth[sql]`"),
    "mariadb": ("MariaDB", "asyncmy", "`fastauth[mysql]`"),
    "mongo-standalone": ("MongoDB, one server", *MONGO),
    "mongo-replica-set": ("MongoDB, a replica set", *MONGO),
}
_MODULES = {f"tests/backends/test_{kind}.py::": kind for kind in ("memory", "sqlite", "mariadb")}
_PROMISES = (*_MODULES, "tests/backends/test_postgres.py::", "tests/backends/test_mongo.py::")
_OVER_SERVICES = ("tests/services/", "tests/web/", "tests/stores/")


def store_of(nodeid: str) -> str | None:
    """Return the kind of store that a test ran on, None when it ran on none or on one of its own."""
    modules = [kind for module, kind in _MODULES.items() if nodeid.startswith(module)]
    named = re.search(rf"\[(?:.*-)?({'|'.join(map(re.escape, TITLES))})(?:-.*)?\]$", nodeid)
    return modules[0] if modules else named[1] if named else None


def rows_of(passed_tests: Sequence[str]) -> list[str]:
    """Return how many promises of the conformance suite, and how many tests over HTTP, passed on each store.

    Args:
        passed_tests: The ids of the tests that passed.
    """
    passed: Counter[tuple[str | None, bool]] = Counter()
    for nodeid in passed_tests:
        if nodeid.startswith((*_PROMISES, *_OVER_SERVICES)):
            passed[store_of(nodeid), nodeid.startswith(_PROMISES)] += 1
    return [
        f"| {' | '.join((*titles, str(passed[kind, True]), str(passed[kind, False])))} |"
        for kind, titles in TITLES.items()
        if passed[kind, True]
    ]


def with_rows(text: str, rows: Sequence[str]) -> str:
    """Return the text with these rows in its table of databases, for those of the same database and driver."""
    before, header, after = text.partition(HEADER)
    table, gap, rest = after.partition("\n\n")
    lines = table.split("\n")
    for row in rows:
        same = [number for number, line in enumerate(lines) if line.split("|")[1:3] == row.split("|")[1:3]]
        place = same[0] if same else len(lines)
        lines[place : place + 1] = [row]
    return "".join((before, header, "\n".join(lines), gap, rest))


def print_store_table(reporter: pytest.TerminalReporter, *, write: bool) -> None:
    """Print the table of what passed in this run, and write it into the README when asked to."""
    rows = rows_of([report.nodeid for report in reporter.stats.get("passed", [])])
    if not rows:
        return
    for line in ("", HEADER, "|---|---|---|---|---|", *rows):
        reporter.write_line(line)
    if write:
        README.write_text(with_rows(README.read_text("utf-8"), rows), "utf-8")
