"""One worker and two on PostgreSQL: two processes, each with half of the connections, as a balancer deals them out."""

from benchmarks.client import Load
from benchmarks.context import Context
from benchmarks.databases import Database, postgres
from benchmarks.pairs import Contestant, Pairs, measure
from benchmarks.people import access_tokens
from benchmarks.processes import serving
from benchmarks.results import Measured
from benchmarks.samples import spread
from benchmarks.traffic import Gets

_NOTE = "the workers, the database and the client share {} cores"
_CONNECTIONS = 16


async def run(context: Context) -> None:
    """Measure how we scale, and how the bare route does, which meets the same limits of the machine."""
    async with postgres() as database:
        ours = await _scaling(context, database, "benchmarks.apps.sql:app", "/account")
        bare = await _scaling(context, database, "benchmarks.floors.sql:app", "/same")
    note = _NOTE.format(context.results.machine["cores"])
    context.results.add(Measured("workers", ours.ratio, note=f"{note}; the bare route: {bare.ratio.median:.2f} x"))
    relative = [each / bare.ratio.median for each in (ours.ratio.median, ours.ratio.low, ours.ratio.high)]
    context.results.add(Measured("workers/floor", spread(relative)))
    rates = {"one": bare.floor_rate.median, "two": bare.rate.median}
    context.results.series["workers"] = {
        "FastAuth": {"one": ours.floor_rate.median, "two": ours.rate.median}, "bare route": rates,
    }  # fmt: skip


async def _scaling(context: Context, database: Database, app: str, path: str) -> Pairs:
    tokens = access_tokens(database.user_ids)
    async with (
        serving(app, database.environment, cores=()) as first,
        serving(app, database.environment, cores=()) as second,
    ):
        ports = [first.port, second.port]
        both = Contestant(Load(ports, Gets(path, tokens), _CONNECTIONS), (first, second))
        one = Contestant(Load([first.port], Gets(path, tokens), _CONNECTIONS), (first,))
        return await measure(f"workers {path}", both, one, context.pace)
