"""Database URLs: which backend one belongs to, its async driver, and how it is shown without its password."""

import importlib.util
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from fastauth.cli.errors import Misuse
from fastauth.cli.masking import PARAMETER, mask
from fastauth.cli.output import conceal

_SCHEME = re.compile(r"(?P<dialect>[a-zA-Z]+)(?:\+(?P<driver>[a-zA-Z0-9_]+))?(?P<srv>\+srv)?://")
# Greedier than in a text of any kind: this is a URL from end to end, whatever its password holds.
_USER_INFO = re.compile(r"(?<=://)(?P<user>[^:@/]*):(?P<secret>.*)(?=@)", re.DOTALL)
_ASYNC_DRIVERS = {
    "sqlite": ("aiosqlite",),
    "postgresql": ("asyncpg", "psycopg"),
    "mysql": ("asyncmy", "aiomysql"),
    "mariadb": ("asyncmy", "aiomysql"),
}
_SYNC_DRIVERS = frozenset(
    {"pysqlite", "psycopg2", "psycopg2cffi", "pg8000", "mysqldb", "pymysql", "mysqlconnector", "mariadbconnector"}
)
_EXAMPLES = "sqlite:///./app.db, postgresql://user@host/name, mysql://user@host/name, mongodb://host/name"


@dataclass(frozen=True)
class DatabaseUrl:
    """A URL that a store can be opened with.

    Attributes:
        text: The URL itself, which may hold a password.
        backend: ``sql`` or ``mongo``.
        masked: The URL as it may be shown.
        changed: What was changed for the async driver, in words; None when nothing was.
    """

    text: str = field(repr=False)
    backend: str
    masked: str
    changed: str | None = None

    @property
    def sqlite_file(self) -> Path | None:
        """The file of a SQLite database; None for a server, and for what is kept in memory."""
        match = re.fullmatch(r"sqlite[^:]*:///([^?]*)(\?.*)?", self.text)
        name = unquote(match[1]) if match is not None else ""
        return Path(name) if name and name != ":memory:" and not name.startswith("file:") else None

    @property
    def in_memory(self) -> bool:
        """Whether nothing of the database outlives the process."""
        return re.fullmatch(r"sqlite[^:]*://(/(:memory:)?)?(\?.*)?", self.text) is not None


def parse_url(text: str, *, name: str = "The database URL") -> DatabaseUrl:
    """Return the URL, with its async driver, and remember its password as a secret.

    Args:
        text: As it was given or found.
        name: What it is, for the sentence that says it cannot be used.

    Raises:
        Misuse: It is not a URL of a database that there is a store for.
    """
    _conceal_secrets(text)
    match = _SCHEME.match(text)
    if match is None:
        raise Misuse(f"{name} is not a database URL: one looks like {_EXAMPLES}.")
    dialect, driver = match["dialect"].lower(), match["driver"]
    if dialect == "mongodb":
        return DatabaseUrl(text, "mongo", _masked(text))
    dialect = "postgresql" if dialect == "postgres" else dialect
    if driver is None and dialect not in _ASYNC_DRIVERS:
        raise Misuse(f"{name} begins with {match[0]}, which there is no store for: one looks like {_EXAMPLES}.")
    rest = text[match.end() :]
    if dialect == "sqlite" and rest[:1] not in {"", "/", "?"}:
        raise Misuse(f"{name} has too few slashes: a file of SQLite is sqlite:///{rest}, or sqlite:////{rest} from /.")
    if driver is not None and driver not in _SYNC_DRIVERS:
        return DatabaseUrl(text, "sql", _masked(text))
    driver = _installed(_ASYNC_DRIVERS.get(dialect, ("",)))
    changed = f"{match[0]} became {dialect}+{driver}://, its async driver"
    if driver == "asyncpg" and re.search(r"[?&]sslmode=", rest):
        rest = re.sub(r"(?<=[?&])sslmode=", "ssl=", rest)
        changed += ", and sslmode became ssl"
    url = f"{dialect}+{driver}://{rest}"
    return DatabaseUrl(url, "sql", _masked(url), changed)


def _masked(url: str) -> str:
    return mask(_USER_INFO.sub(lambda match: f"{match['user']}:***", url))


def _conceal_secrets(url: str) -> None:
    for pattern in (_USER_INFO, PARAMETER):
        for match in pattern.finditer(url):
            conceal(match["secret"])
            conceal(unquote(match["secret"]))


def _installed(drivers: tuple[str, ...]) -> str:
    return next((name for name in drivers if importlib.util.find_spec(name) is not None), drivers[0])
