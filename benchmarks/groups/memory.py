"""What a server holds after many requests with a full cache of verified tokens, beside the bare app after as many.

The bare app has the same look-up, of the same people: what SQLite keeps of a file in memory is the app's, not ours.
"""

from benchmarks.client import Load
from benchmarks.context import Context
from benchmarks.databases import Contents, sqlite
from benchmarks.people import access_token, session_id
from benchmarks.processes import Server, serving
from benchmarks.results import Measured, progress
from benchmarks.samples import spread
from benchmarks.traffic import Gets
from fastauth import TokenSettings

_STEPS = 10
_APPS = (
    ("benchmarks.apps.sql_alone:app", "/user"),
    ("benchmarks.apps.sql:app", "/user"),
    ("benchmarks.floors.sql:app", "/same"),
)


async def run(context: Context) -> None:
    """Send the same number of requests to both, with more tokens than are remembered."""
    people = TokenSettings().remembered_tokens + 500
    async with sqlite(Contents(users=people, sessions=people)) as database:
        tokens = [access_token(number, session_id(number)) for number in range(1, people + 1)]
        held: list[float] = []
        environment = {**database.environment, "BENCH_PEOPLE": str(people)}
        for app, path in _APPS:
            async with serving(app, environment):
                pass  # the first start compiles, and does not give back all of the memory that takes
            async with serving(app, environment) as server:
                held.append(await _after(context, server, Gets(path, tokens), f"memory {app}"))
    alone, with_cryptography, bare = held
    note = (
        f"after {context.pace.requests:,} requests: {alone:.0f} MB beside {bare:.0f} MB; "
        f"with the extra `crypto`, {with_cryptography:.0f} MB"
    )
    context.results.add(Measured("memory", spread([alone - bare]), note=note))


async def _after(context: Context, server: Server, traffic: Gets, title: str) -> float:
    load = Load([server.port], traffic)
    with progress(title, _STEPS) as bar:
        for _ in range(_STEPS):
            await load.run(3600, requests=context.pace.requests // _STEPS)
            bar.update(1)
    load.close()
    return server.memory_mb()
