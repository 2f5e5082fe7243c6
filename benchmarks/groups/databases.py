"""The protected GET on PostgreSQL and on MongoDB, which are started for it."""

from benchmarks.context import Context, asking
from benchmarks.databases import mongo, postgres
from benchmarks.people import access_token, access_tokens, session_id
from benchmarks.processes import serving
from benchmarks.traffic import Gets


async def run(context: Context) -> None:
    """Measure on the one, then on the other."""
    if context.wants("account/postgres") or context.wants("account/postgres-key"):
        async with (
            postgres() as database,
            serving("benchmarks.apps.sql:app", database.environment) as app,
            serving("benchmarks.floors.sql:app", database.environment) as floor,
        ):
            tokens = access_tokens(database.user_ids)
            for key, path in (("account/postgres", "/same"), ("account/postgres-key", "/core")):
                if context.wants(key):
                    await context.compare(key, asking(app, Gets("/account", tokens)), asking(floor, Gets(path, tokens)))
    if context.wants("account/mongo") or context.wants("account/mongo-key"):
        async with (
            mongo() as database,
            serving("benchmarks.apps.mongo:app", database.environment) as app,
            serving("benchmarks.floors.mongo:app", database.environment) as floor,
        ):
            tokens = [access_token(user, session_id(number)) for number, user in enumerate(database.user_ids, 1)]
            for key, path in (("account/mongo", "/same"), ("account/mongo-key", "/key")):
                if context.wants(key):
                    await context.compare(key, asking(app, Gets("/account", tokens)), asking(floor, Gets(path, tokens)))
