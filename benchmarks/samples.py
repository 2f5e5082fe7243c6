"""Statistics of what was measured: medians of pairs with their spread, and percentiles."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """A median, and where the middle half of the samples lies.

    Attributes:
        median: The figure.
        low: The first quartile.
        high: The third quartile.
        count: How many samples there were.
    """

    median: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        return f"{self.median:.3g} ({self.low:.3g} to {self.high:.3g})"


def spread(samples: Sequence[float]) -> Spread:
    """Return median and quartiles; of one sample, three times itself."""
    if not samples:
        raise ValueError("Nothing was measured.")
    ordered = sorted(samples)
    return Spread(statistics.median(ordered), percentile(ordered, 25), percentile(ordered, 75), len(ordered))


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> Spread:
    """Return the spread of the ratios of pairs: what disturbs both of a pair alike does not count."""
    return spread([above / below for above, below in zip(numerators, denominators, strict=True)])


def percentile(samples: Sequence[float], percent: float) -> float:
    """Return the sample below which this many of a hundred lie, interpolated."""
    ordered = sorted(samples)
    place = (len(ordered) - 1) * percent / 100
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
