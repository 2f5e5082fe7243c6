"""The table of databases in the README is made of what a run has passed, row by row."""

import pytest

from tests.store_table import HEADER, README, rows_of, store_of, with_rows

PASSED = [
    "tests/backends/test_sqlite.py::TestSQLite::test_it_is_a_store",
    "tests/backends/test_postgres.py::TestPostgres::test_it_is_a_store[postgres-asyncpg]",
    "tests/web/test_roles.py::test_roles[sqlite]",
    "tests/web/test_roles.py::test_roles[sqlite-1]",
    "tests/web/test_cookies.py::test_names",
    "tests/core/test_keys.py::test_keys[mariadb]",
    "tests/backends/sql/test_errors.py::test_errors[sqlite]",
]


@pytest.mark.parametrize(
    ("nodeid", "store"),
    [
        ("tests/web/test_roles.py::test_roles[mongo-replica-set]", "mongo-replica-set"),
        ("tests/web/test_roles.py::test_roles[1-postgres-psycopg-x]", "postgres-psycopg"),
        ("tests/backends/test_mariadb.py::TestMariaDB::test_nothing", "mariadb"),
        ("tests/web/test_roles.py::test_roles[sqlites]", None),
    ],
)
def test_a_tests_id_says_its_store(nodeid: str, store: str | None) -> None:
    """The store that a test ran on is read off its id."""
    assert store_of(nodeid) == store


def test_promises_and_requests_are_counted_apart() -> None:
    """A row counts the promises and the tests of services and HTTP of one store, and nothing else."""
    assert rows_of(PASSED) == [
        "| SQLite, a file | aiosqlite | `fastauth[sql]` | 1 | 2 |",
        "| PostgreSQL | asyncpg | `fastauth[postgres]` | 1 | 0 |",
    ]


def test_a_run_replaces_its_own_rows_and_no_other() -> None:
    """Rows of the same database and driver are replaced, new ones come last, and the rest of the text stays."""
    other = "| other | one | x | 7 | 7 |"
    text = f"before\n\n{HEADER}\n|---|\n| SQLite, a file | aiosqlite | x | 7 | 7 |\n{other}\n\nafter\n"
    sqlite, postgres = rows_of(PASSED)

    assert with_rows(text, [sqlite, postgres]) == (
        f"before\n\n{HEADER}\n|---|\n{sqlite}\n{other}\n{postgres}\n\nafter\n"
    )
    assert HEADER in README.read_text("utf-8")
