"""Interleaved pairs: a slice of an app next to a slice of its floor, again and again, and the ratios of the pairs."""

import asyncio
from dataclasses import dataclass

from benchmarks.client import Load, Slice
from benchmarks.processes import Server
from benchmarks.results import Pace, progress
from benchmarks.samples import Spread, ratios, spread


@dataclass(frozen=True)
class Contestant:
    """One side of a pair.

    Attributes:
        load: What asks it.
        servers: What answers.
    """

    load: Load
    servers: tuple[Server, ...]

    async def slice(self, seconds: float) -> tuple[Slice, float | None]:
        """Return what happened, and the processor time that the servers took for one answer."""
        before = self._cpu()
        done = await self.load.run(seconds)
        after = self._cpu()
        return done, None if before is None or after is None else (after - before) / done.answers

    def _cpu(self) -> float | None:
        spent = [server.cpu_seconds() for server in self.servers]
        return None if None in spent else sum(each for each in spent if each is not None)


@dataclass(frozen=True)
class Pairs:
    """What the pairs showed.

    Attributes:
        ratio: The app's rate over the floor's.
        cpu: The floor's processor time per answer over the app's; like the ratio, but blind to who else is running.
        rate: The app's answers per second.
        floor_rate: The floor's.
    """

    ratio: Spread
    cpu: Spread | None
    rate: Spread
    floor_rate: Spread


async def measure(title: str, app: Contestant, floor: Contestant, pace: Pace) -> Pairs:
    """Run the two in turn, the first one now this and now that, and compare neighbours only."""
    for each in (floor, app):
        await each.slice(pace.warm_seconds)  # caches are filled, statements compiled
    rates: dict[int, list[float]] = {id(app): [], id(floor): []}
    costs: dict[int, list[float]] = {id(app): [], id(floor): []}
    with progress(title, pace.rounds) as bar:
        for number in range(pace.rounds):
            for each in (app, floor) if number % 2 else (floor, app):
                done, cost = await each.slice(pace.slice_seconds)
                rates[id(each)].append(done.rate)
                if cost is not None:
                    costs[id(each)].append(cost)
                await asyncio.sleep(0)
            bar.update(1)
    for each in (app, floor):
        each.load.close()
    ours, theirs = rates[id(app)], rates[id(floor)]
    cpu = ratios(costs[id(floor)], costs[id(app)]) if len(costs[id(app)]) == pace.rounds else None
    return Pairs(ratios(ours, theirs), cpu, spread(ours), spread(theirs))
