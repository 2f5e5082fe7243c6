"""How long ``import fastauth`` takes, beside ``import fastapi`` alone; both in new interpreters, by turns.

The machine's noise is in every number: what matters is the ratio. What guards it are the modules that are loaded, which
tests/test_imports.py counts.
"""

import argparse
import statistics
import subprocess
import sys

CLOCK = "import time; begun = time.perf_counter(); import {0}; print(time.perf_counter() - begun)"


def seconds(module: str) -> float:
    """Return how long a new interpreter takes to import this module."""
    run = subprocess.run([sys.executable, "-c", CLOCK.format(module)], capture_output=True, text=True, check=True)
    return float(run.stdout)


def main() -> None:
    """Print the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    times: dict[str, list[float]] = {"fastapi": [], "fastauth": []}
    for _ in range(rounds + 1):
        for module, taken in times.items():
            taken.append(seconds(module))
    alone, ours = (statistics.median(taken[1:]) for taken in times.values())  # the first filled the disk's cache
    ratio = statistics.median(ours / alone for alone, ours in zip(*times.values(), strict=True))
    print(f"import fastapi   {alone * 1000:7.1f} ms")
    print(f"import fastauth  {ours * 1000:7.1f} ms, fastapi among it")
    print(f"ratio            {ratio:7.2f}, the median of {rounds} pairs")


if __name__ == "__main__":
    main()
