"""The database: reachable, with the schema and indexes of the models, on the same time, and with someone in charge."""

import time
from collections.abc import AsyncIterator
from datetime import timedelta

from fastauth.cli.doctor.diagnosis import Diagnosis, in_two, ok, problem, warning
from fastauth.cli.errors import as_failure
from fastauth.cli.target import MIGRATE, Target
from fastauth.core.models import STANDARD_ROLES, SUPERADMIN

_APART = timedelta(seconds=2)
_TOO_FAR = timedelta(seconds=10)  # the leeway that tokens are given by default
_INIT = "run fastauth init"
_MIGRATE = f"Alembic makes the tables here: run {MIGRATE[1]}, and before it, where no revision has them, {MIGRATE[0]}"


async def check_database(on: Target) -> AsyncIterator[Diagnosis]:
    """Ask the database, and stop asking where it gives no answer."""
    started = time.perf_counter()
    try:
        missing = await on.missing()
    except Exception as error:  # noqa: BLE001  # whatever a driver says, it goes into the line
        yield problem("Database", *in_two(as_failure(error).message))
        return
    took = (time.perf_counter() - started) * 1000
    name = on.inspector.url.masked if on.inspector is not None else type(on.auth.store).__name__
    makes_tables = _INIT if not missing or await on.migrations() is None else _MIGRATE
    if on.missing_file() is not None:
        yield problem("Database", f"there is no file {on.missing_file()}", makes_tables)
        return
    yield ok("Database", f"{name} answered in {took:.0f} ms")
    if missing:
        yield problem("Schema", f"not there: {', '.join(missing)}", makes_tables)
        return
    for questions in (_look_inside(on), _check_people(on)):
        try:
            async for line in questions:
                yield line
        except Exception as error:  # noqa: BLE001, PERF203  # what one question runs into does not silence the others
            yield problem("Database", *in_two(as_failure(error).message))


async def _look_inside(on: Target) -> AsyncIterator[Diagnosis]:
    if on.inspector is None:
        yield ok("Schema", "nothing is missing")
        return
    differences = await on.inspector.differences()
    for line in differences.columns:
        yield problem("Schema", line, "change the table with a migration, such as alembic revision --autogenerate")
    if not differences.columns:
        yield ok("Schema", "there, and as the models say")
    for line in differences.indexes:
        yield problem("Indexes", line, "add it with a migration: without it, lookups are slow or doubles get in")
    if not differences.indexes:
        yield ok("Indexes", "all there")
    ahead = await on.inspector.clock_ahead()
    if ahead is not None:
        yield judge_clock(ahead)
    for why, cure in await on.inspector.remarks():
        yield warning("Server", why, cure)


def judge_clock(ahead: timedelta) -> Diagnosis:
    """Say what it means that the database's clock is so far ahead of ours."""
    apart = abs(ahead)
    direction = "ahead of" if ahead > timedelta(0) else "behind"
    why = f"the database is {apart.total_seconds():.1f} s {direction} this machine"
    cure = "let both keep time by NTP: sessions end by the app's clock, and tokens allow 10 s"
    if apart > _TOO_FAR:
        return problem("Clock", why, cure)
    return warning("Clock", why, cure) if apart > _APART else ok("Clock", "this machine and the database agree")


async def _check_people(on: Target) -> AsyncIterator[Diagnosis]:
    known = {role.name for role in await on.auth.roles.list()}
    absent = [name for name in STANDARD_ROLES if name not in known]
    if absent:
        yield problem("Roles", f"{', '.join(absent)} not stored: guards that name them let nobody in", _INIT)
    else:
        yield ok("Roles", "the standard roles are there")
    if await on.auth.accounts.list(role=SUPERADMIN, disabled=False, limit=1):
        yield ok("Superadmin", "there is an enabled one")
    else:
        yield warning("Superadmin", "nobody is one, so nobody can make others admins", _INIT)
