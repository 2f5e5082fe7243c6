"""The table of databases in the README: what each store has passed, as this run saw it."""

import re
from collections import Counter

import pytest

from tests.servers import ON_MOTOR

TITLES = {
    "memory": ("memory", "none"),
    "sqlite": ("SQLite, a file", "aiosqlite"),
    "postgres-asyncpg": ("PostgreSQL", "asyncpg"),
    "postgres-psycopg": ("PostgreSQL", "psycopg 3"),
    "mariadb": ("MariaDB", "asyncmy"),
    "mongo-standalone": ("MongoDB, one server", "PyMongo async, Beanie 2"),
    "mongo-replica-set": ("MongoDB, a replica set", "PyMongo async, Beanie 2"),
}
if ON_MOTOR:
    TITLES |= {kind: (TITLES[kind][0], "Motor, Beanie 1") for kind in TITLES if kind.startswith("mongo")}
_MODULES = {f"tests/backends/test_{kind}.py::": kind for kind in ("memory", "sqlite", "mariadb")}


def store_of(nodeid: str) -> str | None:
    """Return the kind of store that a test ran on, None when it ran on none or on one of its own."""
    modules = [kind for module, kind in _MODULES.items() if nodeid.startswith(module)]
    named = re.search(rf"\[(?:.*-)?({'|'.join(map(re.escape, TITLES))})(?:-.*)?\]$", nodeid)
    return modules[0] if modules else named[1] if named else None


def print_store_table(reporter: pytest.TerminalReporter) -> None:
    """Print how many promises of the conformance suite, and how many tests over HTTP, passed on each store."""
    passed: Counter[tuple[str, bool]] = Counter()
    for report in reporter.stats.get("passed", []):
        kind = store_of(report.nodeid)
        if kind is not None:
            passed[kind, "tests/backends/" in report.nodeid] += 1
    if not any(promises for _, promises in passed):
        return
    reporter.write_line("")
    reporter.write_line("| database | driver | promises kept | tests of services and HTTP |")
    reporter.write_line("|---|---|---|---|")
    for kind, titles in TITLES.items():
        if passed[kind, True] or passed[kind, False]:
            cells = (*titles, str(passed[kind, True]), str(passed[kind, False]))
            reporter.write_line(f"| {' | '.join(cells)} |")
