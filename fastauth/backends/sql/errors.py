"""What a driver's error means: an outage, a conflict, a value that does not fit, or a mistake to be seen by all."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Literal

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from fastauth.core.exceptions import ConfigurationError, StoreUnavailableException

# SQLSTATE is spoken by PostgreSQL and, less precisely, by MySQL, which has numbers too; SQLite has words, and so has
# psycopg for what never reached the server.
_OUTAGE_CLASSES = ("08", "28", "53")  # connection exception, refused credentials, insufficient resources
_OUTAGE_STATES = {
    "3D000",  # there is no such database
    "25006",  # read-only: a standby that was the primary a moment ago
    "57014",  # the statement timeout
    "57P01",  # shutting down, crashed, starting up
    "57P02",
    "57P03",
    "57P05",  # the idle session timeout
}
_REFUSAL_STATES = {"3D000", "3F000"}  # no such database, no such schema
_CONFLICT_STATES = {"40001", "40P01", "55P03"}  # serialization failure, deadlock, lock timeout
_DUPLICATE_STATE = "23505"
_NULL_STATE = "23502"
_NO_TABLE_STATE = "42P01"
_MISFIT_CLASS = "22"  # data exception
_MISFIT_STATES = {"42804", "42846"}  # another type, which cannot be cast

# https://mariadb.com/kb/en/mariadb-error-code-reference/
_OUTAGE_CODES = {1040, 1053, 1129, 1203, 1226, 1290, 1317, 1836, 1927, 1969, 2002, 2003, 2006, 2013, 2055, 3024, 4031}
# No access to the database, none for the user, no such database, a host, a password or an account that is not let in.
_REFUSAL_CODES = {1044, 1045, 1049, 1130, 1698, 1862, 4151}
# Changed since read, lock timeout, deadlock, the savepoint that it took away.
_CONFLICT_CODES = {1020, 1205, 1213, 1305}
_MISFIT_CODES = {1292, 1366}  # a value of another type, which not every driver takes for a DataError
_NO_TABLE_CODE = 1146
_DUPLICATE_CODES = {1062, 1586}
_NULL_CODES = {1048, 1364}
_REFUSED_CODES = {3819, 4025}  # a CHECK, which drivers do not take for an IntegrityError

_REFUSAL_WORDS = (
    "does not exist",
    "authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "permission denied for database",
    "is not permitted to log in",
)
_OUTAGE_WORDS = ("unable to open database file", "disk I/O error", "database or disk is full", "readonly database")
# asyncmy's own words, for a connection that the server closed as soon as it had taken it.
_CLOSED_WHILE_OPENING = "Transport does not expose socket instance"
_CONFLICT_WORDS = (" is locked",)
_NO_TABLE_WORDS = "no such table"
_DUPLICATE_WORDS = ("UNIQUE constraint failed",)
_NULL_WORDS = ("NOT NULL constraint failed",)
_MISFIT_WORDS = ("Error binding parameter", "cannot adapt type")


class LostRaceError(Exception):
    """A verb found that another one came first, and has to look again."""


class MissingTableError(Exception):
    """A verb needs a table that nobody has made: a mistake in how the app is started, and no answer to a client."""

    @classmethod
    def of(cls, error: BaseException) -> "MissingTableError | None":
        """Return it for an error that says so, with the database's words, which name the table; None for another."""
        state, code, words = _evidence(error)
        if state != _NO_TABLE_STATE and code != _NO_TABLE_CODE and _NO_TABLE_WORDS not in words:
            return None
        orig: Any = error.orig if isinstance(error, DBAPIError) else error
        said = str(orig.__cause__ or orig).partition("\n")[0]
        return cls(
            f"The database has no table that is needed ({said}). Pass lifespan=auth.lifespan to FastAPI, which in "
            "development makes ours; or make what is missing, once and before the app starts, with: fastauth init, "
            "await auth.initialize_db(), or your migrations."
        )


def trouble_of(error: BaseException) -> Literal["outage", "conflict"] | None:
    """Say whether the database cannot be reached, or refused because others are at it; None for every other error."""
    # asyncio's TimeoutError is the built-in one, and so an OSError, from Python 3.11 on.
    if isinstance(error, (PoolTimeoutError, OSError, asyncio.TimeoutError)):
        return "outage"
    if isinstance(error, RuntimeError) and str(error) == _CLOSED_WHILE_OPENING:
        return "outage"
    if isinstance(error, LostRaceError):
        return "conflict"
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return "outage"
    state, code, words = _evidence(error)
    if state in _CONFLICT_STATES or code in _CONFLICT_CODES or any(word in words for word in _CONFLICT_WORDS):
        return "conflict"
    if state in _OUTAGE_STATES or state[:2] in _OUTAGE_CLASSES or code in _OUTAGE_CODES | _REFUSAL_CODES:
        return "outage"
    if any(word in words for word in _OUTAGE_WORDS) or _is_failed_connect(error):
        return "outage"
    return None


def is_duplicate(error: BaseException) -> bool:
    """Say whether a value was refused because it is there already."""
    state, code, words = _evidence(error)
    return state == _DUPLICATE_STATE or code in _DUPLICATE_CODES or any(word in words for word in _DUPLICATE_WORDS)


def is_refused(error: BaseException) -> bool:
    """Say whether a row was refused by a constraint."""
    return isinstance(error, IntegrityError) or _evidence(error)[1] in _REFUSED_CODES


def is_null(error: BaseException) -> bool:
    """Say whether a row was refused because it lacks a value."""
    state, code, words = _evidence(error)
    return state == _NULL_STATE or code in _NULL_CODES or any(word in words for word in _NULL_WORDS)


def is_misfit(error: BaseException) -> bool:
    """Say whether a value was refused because its column cannot hold it, by SQLAlchemy, the driver or the database."""
    if isinstance(error, DBAPIError):
        state, code, words = _evidence(error)
        if state[:2] == _MISFIT_CLASS or state in _MISFIT_STATES or code in _MISFIT_CODES:
            return True
        return isinstance(error, DataError) or any(word in words for word in _MISFIT_WORDS)
    # SQLite takes a word that is none of an enumeration's; it is a LookupError when it is read.
    return isinstance(error, (StatementError, TypeError, ValueError, LookupError, OverflowError))


@contextmanager
def refusals_told() -> Generator[None, None, None]:
    """Say at start-up what the database refuses the app for: waiting and trying again do not help.

    Raises:
        ConfigurationError: The credentials are refused, or there is no such database or schema.
    """
    try:
        yield
    except (StoreUnavailableException, DBAPIError) as error:
        reason = _refusal_of(error.__cause__ or error if isinstance(error, StoreUnavailableException) else error)
        if reason is None:
            raise
        raise ConfigurationError(f"The database refuses the app: {reason}. Check the engine's URL.") from error


def _refusal_of(error: BaseException) -> str | None:
    """Return the server's own words where it refuses whoever connects; they name the user, and never a password."""
    orig: Any = error.orig if isinstance(error, DBAPIError) else error
    state, code, words = _evidence(error)
    if code in _REFUSAL_CODES:
        return str(orig.args[1])
    if state in _REFUSAL_STATES or state[:2] == "28":
        return str(orig.__cause__ or orig).partition("\n")[0]
    if _is_failed_connect(error) and any(word in words for word in _REFUSAL_WORDS):
        return words.rpartition("FATAL:")[2].strip()
    return None


@contextmanager
def values_hidden() -> Generator[None, None, None]:
    """Take the values out of the text of what is raised: an error that rises may be logged, causes and all."""
    try:
        yield
    except StatementError as error:
        error.hide_parameters = True
        _shorten(error)
        raise


def _shorten(error: BaseException) -> None:
    # From its second line on, PostgreSQL quotes the failing row, and with it the password's hash.
    each: BaseException | None = error
    while each is not None:
        each.args = tuple(arg.partition("\n")[0] if isinstance(arg, str) else arg for arg in each.args)
        if getattr(each, "detail", None):
            each.detail = None  # type: ignore[attr-defined]
        each = each.__cause__


def _evidence(error: BaseException) -> tuple[str, int, str]:
    """Return the SQLSTATE, the number and the words of the error, as far as it has them."""
    orig: Any = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(orig, "sqlstate", None)
    module = type(orig).__module__.partition(".")[0]
    first = orig.args[0] if orig is not None and orig.args else None
    is_mysql = module in {"asyncmy", "aiomysql", "pymysql"}
    return (
        state if isinstance(state, str) else "",
        first if is_mysql and isinstance(first, int) else 0,
        str(first) if module in {"sqlite3", "psycopg"} and state is None else "",
    )


def _is_failed_connect(error: BaseException) -> bool:
    # psycopg's word for a connection that was refused or took too long, or a host that is not found, has no SQLSTATE.
    if not isinstance(error, OperationalError) or _evidence(error)[0]:
        return False
    return type(error.orig).__module__.partition(".")[0] == "psycopg"
