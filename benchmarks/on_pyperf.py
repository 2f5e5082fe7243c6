"""The token hot path on pyperf, with its calibration and its processes: ``python -m benchmarks.on_pyperf --fast``."""

import importlib
from typing import Any

from benchmarks.token_cases import ALGORITHMS, cases_of


def main() -> None:
    """Time every case of every algorithm; arguments go to pyperf."""
    pyperf: Any = importlib.import_module("pyperf")
    runner = pyperf.Runner()
    for algorithm in ALGORITHMS:
        for name, case in cases_of(algorithm).items():
            runner.bench_func(f"{algorithm}: {name}", case)


if __name__ == "__main__":
    main()
