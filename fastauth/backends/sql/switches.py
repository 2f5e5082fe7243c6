"""Fewer switches to the thread in which SQLite's driver lives: each costs more than a statement of ours does there."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from sqlite3 import Connection
from typing import Any, NamedTuple

from sqlalchemy import PoolProxiedConnection
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import await_only


class _Outcome(NamedTuple):
    rows: deque[Any]
    description: Any
    rowcount: int
    lastrowid: int | None


COMMITS: Mapping[str, bool] = {"fastauth_commits": True}
"""Options for the execution of a statement after which its transaction is committed: the switch does that, too."""


class WholeCursor:
    """A cursor (PEP 249) that is made, executes, fetches all rows and is closed in one switch to the driver's thread.

    SQLAlchemy's own takes a switch for each of these. What is executed is the same, in the same transaction, and what
    the driver raises as well; SQLAlchemy's own fetches all rows at once, too.

    Args:
        connection: SQLAlchemy's, around one of ``aiosqlite``.
        commits: Whether the transaction is committed at once. What fails is left to be rolled back.
    """

    arraysize = 1

    def __init__(self, connection: Any, *, commits: bool = False) -> None:
        self._connection = connection
        self._commits = commits
        self._outcome = _Outcome(deque(), None, -1, None)

    @property
    def description(self) -> Any:
        """The columns of the rows; None where the statement gives none."""
        return self._outcome.description

    @property
    def rowcount(self) -> int:
        """How many rows the statement changed; -1 where the driver does not say."""
        return self._outcome.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The key of the row that was added last."""
        return self._outcome.lastrowid

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Execute the statement, and fetch what it gives."""
        self._run("execute", statement, parameters)

    def executemany(self, statement: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Execute the statement once for each of the parameters."""
        self._run("executemany", statement, parameters)

    def _run(self, verb: str, statement: str, parameters: Any) -> None:
        # ``_execute`` runs a function in the driver's thread, and has no public name: the tests would notice its end.
        # For which errors SQLAlchemy has words of its own is for SQLAlchemy to say.
        driver = self._connection.driver_connection
        try:
            self._outcome = await_only(
                driver._execute(self._whole, driver._conn, verb, statement, parameters)  # noqa: SLF001
            )
        except Exception as error:  # noqa: BLE001
            self._connection._handle_exception(error)  # noqa: SLF001

    def _whole(self, connection: Connection, verb: str, statement: str, parameters: Any) -> _Outcome:
        cursor = connection.cursor()
        try:
            getattr(cursor, verb)(statement, parameters)
            rows = deque(cursor.fetchall() if cursor.description else ())
            outcome = _Outcome(rows, cursor.description, cursor.rowcount, cursor.lastrowid)
        finally:
            cursor.close()
        if self._commits:
            connection.commit()
        return outcome

    def fetchone(self) -> Any:
        """Return the next row; None where there is none."""
        return self._outcome.rows.popleft() if self._outcome.rows else None

    def fetchmany(self, size: int | None = None) -> Sequence[Any]:
        """Return the next rows, this many at most."""
        rows = self._outcome.rows
        return [rows.popleft() for _ in range(min(self.arraysize if size is None else size, len(rows)))]

    def fetchall(self) -> Sequence[Any]:
        """Return all rows that are left."""
        rows = list(self._outcome.rows)
        self._outcome.rows.clear()
        return rows

    def close(self) -> None:
        """Forget the rows; the driver's cursor is closed already."""
        self._outcome.rows.clear()

    async def _async_soft_close(self) -> None:
        """Close nothing: SQLAlchemy asks for it where the rows are read outside of its greenlet."""


def with_fewer_switches(engine: AsyncEngine) -> AsyncEngine:
    """Return the same engine of SQLite on ``aiosqlite``, with the same pool, for statements that are not streamed.

    A transaction is committed or rolled back only where one is open; SQLAlchemy ends every use of a connection with a
    rollback, although a mere look does not begin any.
    """
    few = engine.execution_options()
    dialect: Any = object.__new__(_with_fewer_switches(type(engine.dialect)))
    # Shared, not copied: what SQLAlchemy learns from the first connection, and who listens to what happens.
    dialect.__dict__ = engine.dialect.__dict__
    few.sync_engine.dialect = dialect
    return few


def _with_fewer_switches(usual: Any) -> Any:
    class InOneSwitch(usual.execution_ctx_cls):  # type: ignore[misc]
        def create_cursor(self) -> WholeCursor:
            commits = self.execution_options.keys() >= COMMITS.keys()
            return WholeCursor(self.root_connection.connection.dbapi_connection, commits=commits)

    class FewSwitches(usual):  # type: ignore[misc]
        execution_ctx_cls = InOneSwitch
        supports_statement_cache = usual.supports_statement_cache  # looked for in each class itself

        def do_commit(self, dbapi_connection: PoolProxiedConnection) -> None:
            if _is_open(dbapi_connection):
                usual.do_commit(self, dbapi_connection)

        def do_rollback(self, dbapi_connection: PoolProxiedConnection) -> None:
            if _is_open(dbapi_connection):
                usual.do_rollback(self, dbapi_connection)

    return FewSwitches


def _is_open(connection: PoolProxiedConnection) -> bool:
    driver: Any = connection.driver_connection
    return bool(driver.in_transaction)
