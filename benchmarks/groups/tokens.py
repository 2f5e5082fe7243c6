"""Signing and verifying in process: pairs of ours and PyJWT, and the time of every case for each algorithm."""

import time

from benchmarks.context import Context
from benchmarks.results import Measured, progress
from benchmarks.samples import Spread, percentile, ratios, spread
from benchmarks.token_cases import ALGORITHMS, Case, cases_of

_BLOCK = 0.004  # seconds: longer than a timer's grain, shorter than most disturbances


async def run(context: Context) -> None:
    """Time the cases of HS256 for the figures, and those of all algorithms for the table."""
    table: dict[str, dict[str, float]] = {}
    rounds = context.pace.token_rounds
    with progress("tokens", rounds * len(ALGORITHMS)) as bar:
        for algorithm in ALGORITHMS:
            cases = cases_of(algorithm)
            numbers = {name: _how_often(case) for name, case in cases.items()}
            took: dict[str, list[float]] = {name: [] for name in cases}
            for _ in range(rounds):
                for name, case in cases.items():
                    took[name].append(_microseconds(case, numbers[name]))
                bar.update(1)
            # The fast tenth: what is left when nobody disturbs.
            table[algorithm] = {name: round(percentile(times, 10), 2) for name, times in took.items()}
            if algorithm == "HS256":
                first, again = took["verify, first time"], took["verify, seen before"]
                context.results.add(Measured("verify/first", ratios(first, took["verify, PyJWT"])))
                context.results.add(Measured("verify/again", _fast_tenth(again)))
    context.results.series["tokens"] = table


def _fast_tenth(times: list[float]) -> Spread:
    ordered = sorted(times)
    return spread(ordered[: max(len(ordered) // 5, 1)])


def _how_often(case: Case) -> int:
    number = 1
    while _microseconds(case, number) * number < _BLOCK * 1e6:
        number *= 2
    return number


def _microseconds(case: Case, number: int) -> float:
    began = time.perf_counter()
    for _ in range(number):
        case()
    return (time.perf_counter() - began) / number * 1e6
