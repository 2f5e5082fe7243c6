"""The whole request over real sockets on SQLite, beside bare routes that read the same file's twin."""

from contextlib import AsyncExitStack

from benchmarks.context import Context, asking
from benchmarks.databases import Contents, Database, sqlite
from benchmarks.people import PASSWORD, USERS, access_tokens, name_of, refresh_tokens, session_id
from benchmarks.processes import serving
from benchmarks.traffic import Gets, Refreshes, Registrations, SignIns

_APP = "benchmarks.apps.sql:app"
_FLOOR = "benchmarks.floors.sql:app"
_CHEAP = {"BENCH_COST": "4"}
_READS = (
    ("account/core", "/account", "/core"),
    ("account/orm", "/account", "/orm"),
    ("user/core", "/user", "/core"),
    ("claims/bare", "/claims", "/bare"),
)


async def run(context: Context) -> None:
    """Measure reads, then writes, each side on a file of its own."""
    async with AsyncExitStack() as stack:
        ours = await stack.enter_async_context(sqlite())
        theirs = await stack.enter_async_context(sqlite())
        await _reads(context, ours, theirs)
        await _refresh(context, ours, theirs)
    async with AsyncExitStack() as stack:
        ours = await stack.enter_async_context(sqlite(Contents(cost=4)))
        theirs = await stack.enter_async_context(sqlite(Contents(cost=4, plain=True)))
        await _sign_in_and_register(context, ours, theirs)


async def _reads(context: Context, ours: Database, theirs: Database) -> None:
    tokens = access_tokens(ours.user_ids)
    async with serving(_APP, ours.environment) as app, serving(_FLOOR, theirs.environment) as floor:
        for key, path, bare in _READS:
            if context.wants(key):
                await context.compare(key, asking(app, Gets(path, tokens)), asking(floor, Gets(bare, tokens)))
        if context.wants("guards/user"):
            guards, user = Gets("/guards", tokens), Gets("/user", tokens)
            await context.compare("guards/user", asking(app, guards), asking(app, user))


async def _refresh(context: Context, ours: Database, theirs: Database) -> None:
    if not context.wants("refresh/floor"):
        return
    async with serving(_APP, ours.environment) as app, serving(_FLOOR, theirs.environment) as floor:
        rotating = Refreshes("/token/refresh", refresh_tokens(ours.user_ids))
        bare = Refreshes("/token/refresh", [session_id(number) for number in range(1, USERS + 1)])
        await context.compare("refresh/floor", asking(app, rotating), asking(floor, bare), writes=True)


async def _sign_in_and_register(context: Context, ours: Database, theirs: Database) -> None:
    people = [name_of(number) for number in range(1, USERS + 1)]
    async with (
        serving(_APP, {**ours.environment, **_CHEAP}) as app,
        serving(_FLOOR, {**theirs.environment, **_CHEAP}) as floor,
    ):
        if context.wants("sign-in/floor"):
            sides = [asking(each, SignIns("/token", people, PASSWORD)) for each in (app, floor)]
            await context.compare("sign-in/floor", *sides, writes=True)
        if context.wants("register/floor"):
            sides = [asking(each, Registrations("/register", PASSWORD)) for each in (app, floor)]
            await context.compare("register/floor", *sides, writes=True)
