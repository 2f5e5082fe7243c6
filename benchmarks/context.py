"""What every group is given: how long to measure, where results go, and which peers there are."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.client import Load, Traffic
from benchmarks.pairs import Contestant, Pairs, measure
from benchmarks.processes import Server
from benchmarks.results import Measured, Pace, Results

_AS_LONG = 5  # times as long as other slices


@dataclass(frozen=True)
class Context:
    """A run.

    Attributes:
        pace: How long to measure.
        results: Where to.
        peers: The Python of each peer that is installed.
        figure: The one figure that is wanted, None for all.
    """

    pace: Pace
    results: Results
    peers: Mapping[str, Path] = field(default_factory=dict[str, Path])
    figure: str | None = None

    def wants(self, key: str) -> bool:
        """Say whether this figure is to be measured."""
        return self.figure in (None, key)

    async def compare(
        self, key: str, app: Contestant, floor: Contestant, *, note: str = "", writes: bool = False
    ) -> Pairs:
        """Measure the ratio of rates for a figure, and keep it.

        Args:
            key: The figure's.
            app: One side.
            floor: The other side.
            note: What a reader has to know.
            writes: Whether both write, so that a slice has to be longer: on SQLite one waits for the other, and in a
                short slice that of the slower side would be for the most part its last answers.
        """
        pace = replace(self.pace, slice_seconds=self.pace.slice_seconds * _AS_LONG) if writes else self.pace
        pairs = await measure(key, app, floor, pace)
        self.results.add(Measured(key, pairs.ratio, cpu=pairs.cpu, note=note))
        self.results.series.setdefault("rates", {})[key] = {
            "ours": round(pairs.rate.median, 1), "floor": round(pairs.floor_rate.median, 1),
        }  # fmt: skip
        return pairs


def asking(server: Server, traffic: Traffic, connections: int = 8) -> Contestant:
    """Return one side of a pair: this traffic for this server."""
    return Contestant(Load([server.port], traffic, connections), (server,))
