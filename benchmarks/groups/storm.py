"""A storm of sign-ins at bcrypt's usual cost: how many get through, and what ``/ping`` feels of it meanwhile."""

import asyncio
import os
import urllib.request
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from benchmarks.bcrypt_limit import hashes_per_second
from benchmarks.client import Load
from benchmarks.context import Context
from benchmarks.databases import Database, sqlite
from benchmarks.peers.environments import PEERS, serving_peer
from benchmarks.people import PASSWORD, USERS, name_of
from benchmarks.pings import Ping, watch
from benchmarks.processes import Server, pin, serving
from benchmarks.results import Measured, progress
from benchmarks.samples import percentile, ratios, spread
from benchmarks.traffic import SignIns

_APP = "benchmarks.apps.sql:app"
_BURNER = "benchmarks.floors.burner:app"
_COST = 12
_IDLE_SECONDS = 1.0
_BUCKET_MS = 50


async def run(context: Context) -> None:
    """Measure throughput, then ``/ping`` beside storms of two sizes, then what happens to it over time."""
    pin(0, ())  # hashing takes all cores, and so does what it is compared with
    async with sqlite() as database:
        if context.wants("sign-in/bcrypt"):
            await _throughput(context, database)
        for size in (16, 200):
            if context.wants(f"ping/{size}"):
                await _beside(context, database, size)
        if context.figure is None:
            await _over_time(context, database)


async def _throughput(context: Context, database: Database) -> None:
    cores = os.cpu_count() or 1
    number = cores * (4 if context.pace.quick else 12)
    rates: list[float] = []
    limits: list[float] = []
    async with serving(_APP, database.environment, cores=()) as server:
        load = Load([server.port], _sign_ins(), connections=cores * 4)
        await load.run(60, requests=cores)
        with progress("sign-in/bcrypt", context.pace.storm_rounds) as bar:
            for _ in range(context.pace.storm_rounds):
                limits.append(await asyncio.to_thread(hashes_per_second, _COST, cores, number))
                rates.append((await load.run(600, requests=number)).rate)
                bar.update(1)
        load.close()
    context.results.add(
        Measured("sign-in/bcrypt", ratios(rates, limits), note=f"bcrypt alone: {spread(limits).median:.1f} a second")
    )


async def _beside(context: Context, database: Database, size: int) -> None:
    over_idle: list[float] = []
    over_burners: list[float] = []
    with progress(f"ping/{size}", context.pace.storm_rounds) as bar:
        for _ in range(context.pace.storm_rounds):
            async with serving(_APP, database.environment, cores=()) as server:
                await watch(server, _IDLE_SECONDS / 2)  # what is cold after the start is no rest
                idle = _p99(await watch(server, _IDLE_SECONDS))
                async with _storm(server, _sign_ins(), size):
                    beside = _p99(await watch(server, context.pace.storm_seconds / 2))
            async with serving(_BURNER, {}, cores=()) as burner, _burning(burner):
                burnt = _p99(await watch(burner, context.pace.storm_seconds / 2))
            over_idle.append(beside - idle)
            over_burners.append(beside / burnt)
            bar.update(1)
    context.results.add(Measured(f"ping/{size}", spread(over_idle), second=spread(over_burners)))


async def _over_time(context: Context, database: Database) -> None:
    series: dict[str, list[tuple[float, float]]] = {}
    async with serving(_APP, database.environment, cores=()) as server:
        series["FastAuth"] = await _timeline(context, server, _sign_ins())
    for name, python in context.peers.items():
        peer = PEERS[name]
        logins = [peer.login.format(number) for number in range(1, USERS + 1)]
        async with serving_peer(name, python, cores=()) as server:
            series[peer.title] = await _timeline(context, server, SignIns(peer.sign_in, logins, PASSWORD))
    context.results.series["ping"] = {
        name: {"every_ms": _BUCKET_MS, "worst_ms": _worst(pings)} for name, pings in series.items()
    }
    context.results.series["ping_p99"] = {
        name: round(percentile([took * 1000 for at, took in pings if at >= _IDLE_SECONDS], 99), 1)
        for name, pings in series.items()
    }


async def _timeline(context: Context, server: Server, traffic: SignIns) -> list[Ping]:
    # The storm breaks out after a second of rest, and ends when the watching does.
    await watch(server, _IDLE_SECONDS / 2)
    watching = asyncio.create_task(watch(server, _IDLE_SECONDS + context.pace.storm_seconds))
    await asyncio.sleep(_IDLE_SECONDS)
    async with _storm(server, traffic, 16, seconds=context.pace.storm_seconds, settled_after=0):
        return await watching


@asynccontextmanager
async def _storm(
    server: Server, traffic: SignIns, size: int, *, seconds: float = 3600, settled_after: float = 1
) -> AsyncGenerator[None, None]:
    # Refusals are a part of a storm: a queue that is full says so.
    load = Load([server.port], traffic, size, tolerant=True)
    storm = asyncio.create_task(load.run(seconds))
    await asyncio.sleep(settled_after)
    try:
        yield
    finally:
        storm.cancel()
        await asyncio.wait([storm])
        load.close()


@asynccontextmanager
async def _burning(burner: Server) -> AsyncGenerator[None, None]:
    await asyncio.to_thread(_post, burner, "/burn")
    await asyncio.sleep(0.3)
    yield
    await asyncio.to_thread(_post, burner, "/rest")


def _post(server: Server, path: str) -> None:
    asked = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", b"", method="POST")
    with urllib.request.urlopen(asked, timeout=30):
        pass


def _sign_ins() -> SignIns:
    return SignIns("/token", [name_of(number) for number in range(1, USERS + 1)], PASSWORD)


def _worst(pings: list[Ping]) -> list[float]:
    buckets: list[float] = []
    for due, took in pings:
        while len(buckets) <= due * 1000 / _BUCKET_MS:
            buckets.append(0)
        buckets[-1] = max(buckets[-1], round(took * 1000, 2))
    return buckets


def _p99(pings: list[Ping]) -> float:
    return percentile([took * 1000 for _, took in pings], 99)
