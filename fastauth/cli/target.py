"""What a command works on: an app's own ``FastAuth``, or one over a store that is named or found."""

import asyncio
import secrets
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI

from fastauth.auth import FastAuth
from fastauth.backends.memory import MemoryStore
from fastauth.cli import app_loading, event_loop
from fastauth.cli.errors import Failure, Misuse
from fastauth.cli.finding import Found, Report, find
from fastauth.cli.keys import key_of
from fastauth.cli.options import Options
from fastauth.cli.output import conceal, note, state, warn
from fastauth.cli.stores.shelf import Inspector, inspector_of, open_store
from fastauth.cli.stores.urls import DatabaseUrl, parse_url
from fastauth.core.exceptions import StoreUnavailableException

_T = TypeVar("_T")

_PATIENCE = 15  # seconds for the first answer of a database
_REST = 1  # second, at most

MIGRATE = ("alembic revision --autogenerate -m fastauth", "alembic upgrade head")
"""What makes the tables where Alembic does."""


@dataclass(frozen=True)
class Target:
    """What a command works on.

    Attributes:
        auth: The services.
        name: The app or the database, as it may be shown.
        inspector: A look into the store; None for a store of a kind that has none.
        app: The app, where one was named.
        app_path: Its file.
        key: The secret key and where it is from; None where the app keeps it to itself, or there is none.
        report: What was found by reading source; None when nothing was looked for.
    """

    auth: FastAuth[Any]
    name: str
    inspector: Inspector | None
    app: FastAPI | None = None
    app_path: Path | None = None
    key: Found | None = None
    report: Report | None = None

    async def missing(self) -> list[str]:
        """Return the names of the tables or collections that are missing; make no file that is not there.

        Raises:
            StoreUnavailableException: The database cannot be reached.
        """
        if self.missing_file() is not None:
            return ["schema"]
        try:
            return list(await asyncio.wait_for(self.auth.store.missing_schema(), _PATIENCE))
        except (asyncio.TimeoutError, OSError) as error:
            raise StoreUnavailableException from error

    def missing_file(self) -> Path | None:
        """Return the file of a database in a file that has not been made yet, else None."""
        path = self.inspector.url.sqlite_file if self.inspector is not None else None
        return path if path is not None and not path.exists() else None

    async def migrations(self) -> str | None:
        """Return where it is seen that migrations make the tables; None where nothing says so."""
        return await self.inspector.migrations() if self.inspector is not None else None

    def lacks(self, missing: Sequence[str]) -> str:
        """Return in words what the database lacks."""
        path = self.missing_file()
        return f"There is no database file {path}" if path else f"{self.name} has no {', '.join(missing)}"

    async def require_schema(self) -> None:
        """Refuse to go on when the database has not been made ready.

        Raises:
            Failure: Something is missing; the message says what makes it.
        """
        missing = await self.missing()
        if missing:
            seen = await self.migrations()
            if seen is not None:
                raise Failure(
                    f"{self.lacks(missing)}, and Alembic makes the tables here: {seen}. With an env.py that imports "
                    "the app, run these, and then fastauth init for the roles and a superadmin:",
                    commands=MIGRATE,
                )
            named = (
                f" {self.name}" if self.app_path is not None else " with the same URL" if self.report is None else ""
            )
            raise Failure(f"{self.lacks(missing)}: run fastauth init{named} to make it.")


def work_on(options: Options, work: Callable[[Target], Awaitable[_T]], *, ready: bool = True) -> _T:
    """Open what the operator named, do the work in an event loop, and give the connections back.

    Args:
        options: What the operator named.
        work: What to do.
        ready: Whether the schema has to be there.
    """

    async def main() -> _T:
        async with opened(options) as target:
            if ready:
                await target.require_schema()
            return await work(target)

    return event_loop.run(main)


@asynccontextmanager
async def opened(options: Options) -> AsyncGenerator[Target, None]:
    """Give the target, and close it afterwards as an app that stops: mails and hooks on their way are waited for."""
    state().muted = not options.tells
    try:
        target = _choose(options)
    finally:
        state().muted = False
    try:
        yield target
    finally:
        try:
            await target.auth.close()
        finally:
            await _drivers_at_rest()


async def _drivers_at_rest() -> None:
    """Wait for the threads of a driver whose connection failed: they report to the loop, which is about to close."""
    until = time.monotonic() + _REST
    while time.monotonic() < until and any(  # noqa: ASYNC110  # a thread's end is no event of the loop
        "_connection_worker_thread" in thread.name for thread in threading.enumerate()
    ):
        await asyncio.sleep(0.01)


def _choose(options: Options) -> Target:
    report: Report | None = None
    if options.app is not None and options.db_url is None and not options.reads_only:
        loaded = app_loading.load(options.app)
        if loaded.auth is not None:
            return _of_app(loaded, loaded.auth, options)
        note(f"{loaded.name} was imported and holds no FastAuth; its source is read instead.")
    if options.db_url is not None:
        _refuse_both(options)
        url, source = options.db_url, "--db-url"
    else:
        report = find(Path.cwd(), _named_file(options.app))
        found = _first_url(report, options)
        url, source = found.value, found.place
    return _of_url(parse_url(url, name=f"What {source} says"), source, options, report)


def _of_app(loaded: app_loading.LoadedApp, auth: FastAuth[Any], options: Options) -> Target:
    for name in ("backend", "database", "secret_key"):
        if getattr(options, name) is not None:
            raise Misuse(f"{loaded.name} brings its own store and key: leave out --{name.replace('_', '-')}.")
    inspector = _inspector(auth)
    where = inspector.url.masked if inspector is not None else type(auth.store).__name__
    if options.tells:
        note(f"App         {loaded.name}, imported; its own store, user model and settings")
        note(f"Database    {where}")
    else:
        note(f"{loaded.name}, on {where}")
    if isinstance(auth.store, MemoryStore):
        warn(f"{loaded.name} keeps everything in memory: what is done here is gone when this command ends.")
    return Target(auth, loaded.name, inspector, loaded.app, loaded.path)


def _of_url(url: DatabaseUrl, source: str, options: Options, report: Report | None) -> Target:
    if options.backend is not None and options.backend != url.backend:
        raise Misuse(
            f"--backend {options.backend} does not fit {url.masked}, which is for {url.backend}: leave it out."
        )
    database = options.database
    if url.backend == "mongo" and database is None and report is not None and report.databases:
        database = report.databases[0].value
    if url.in_memory:
        raise Misuse(f"{url.masked} is kept in memory and gone at once: name a file, as sqlite:///./app.db.")
    if options.tells:
        note(f"Database    {url.masked}" + (f", {database}" if database else ""))
        note(f"            from {source}" + (f"; {url.changed}" if url.changed else ""))
        if options.database is None and database is not None and report is not None:
            note(f"            its name from {report.databases[0].place}")
    else:
        note(f"{url.masked}" + (f", {database}" if database else "") + f", from {source}")
    key = _key(options, report)
    if report is not None:
        _tell(report, url, options)
    store = open_store(url, database)
    # No command signs anything, so a key of the moment will do; init has the project's own judged.
    given = key_of(key.value) if key is not None and options.tells else secrets.token_urlsafe(48)
    auth = FastAuth(store, secret_key=given)
    return Target(auth, url.masked, _inspector(auth), key=key, report=report)


def _inspector(auth: FastAuth[Any]) -> Inspector | None:
    inspector = inspector_of(auth.store)
    if inspector is not None:
        inspector.quiet()
    return inspector


def _key(options: Options, report: Report | None) -> Found | None:
    key: Found | None
    if options.secret_key is not None:
        key = Found(options.secret_key, "--secret-key", 0, "argv")
        place = "--secret-key; it is in your shell's history now: set FASTAUTH_SECRET_KEY instead"
    else:
        key = next(iter((report or find(Path.cwd())).secrets), None)
        place = key.place if key is not None else "none found; production needs one: fastauth secret --env >> .env"
    if key is not None:
        conceal(key.value)
    if options.tells:
        note(f"Secret key  from {place}" if key is not None else f"Secret key  {place}")
    return key


def _first_url(report: Report, options: Options) -> Found:
    for remark in report.notes:
        note(f"Note: {remark}")
    wanted = [found for found in report.urls if options.backend in {None, _backend_of(found.value)}]
    if not wanted:
        kind = f" for --backend {options.backend}" if options.backend else ""
        raise Misuse(
            f"No database URL{kind} was found in the environment, .env or the source in {Path.cwd()}: "
            "name the app (fastauth init main:auth), give --db-url, or set FASTAUTH_DATABASE_URL."
        )
    if report.user_models and options.backend is None:
        model = report.user_models[0]
        name = report.auths[0].value if report.auths else "main:auth"
        raise Misuse(
            f"{model.source}:{model.line} keeps its users in a class of its own ({model.value}), which only the app "
            f"knows: name the app, as {name}."
        )
    return wanted[0]


def _tell(report: Report, chosen: DatabaseUrl, options: Options) -> None:
    """Say what disagrees with what was chosen."""
    for found in report.urls[1:]:
        other = parse_url(found.value, name=f"What {found.place} says") if _backend_of(found.value) else None
        if other is not None and other.text != chosen.text:
            warn(f"{found.place} says {other.masked}, and was not chosen.")
    for found in report.secrets[1:]:
        if found.value != report.secrets[0].value:
            conceal(found.value)
            warn(f"{found.place} has another secret key than {report.secrets[0].place}, and was not chosen.")
    if report.auths and options.tells:
        first = report.auths[0]
        note(
            f"Note        {first.source}:{first.line} makes a FastAuth: naming it, as {first.value}, uses its settings."
        )


def _backend_of(url: str) -> str | None:
    try:
        return parse_url(url).backend
    except Misuse:
        return None


def _refuse_both(options: Options) -> None:
    if options.app is not None:
        raise Misuse("An app brings its own database: give the app or --db-url, not both.")


def _named_file(app: str | None) -> Path | None:
    if app is None:
        return None
    name = app.partition(":")[0]
    path = Path(name if name.endswith(".py") else name.replace(".", "/") + ".py")
    if not path.is_file():
        raise Misuse(f"There is no file {path}: give the path of the app from {Path.cwd()}.")
    return path
