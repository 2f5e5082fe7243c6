"""How long an app takes to import what it needs of us, beside ``import fastapi`` alone; new interpreters, by turns.

The machine's noise is in every number: what matters are the ratios. What guards them are the modules that are loaded,
which tests/test_imports.py counts.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

FASTAPI = "import fastapi"
FASTAUTH = "from fastauth import FastAuth"
STATEMENTS = (FASTAPI, "import fastauth", "from fastauth import TokenVerifier", FASTAUTH)
_CLOCK = "import time; {0}; begun = time.perf_counter(); {1}; print(time.perf_counter() - begun)"


def milliseconds(statement: str, bytecode: str, after: str = "pass") -> float:
    """Return how long a new interpreter takes to execute an import.

    Args:
        statement: The import.
        bytecode: The folder of compiled modules. An installed package has them; a checkout may have none, where
            ``PYTHONDONTWRITEBYTECODE`` is set, and to compile takes longer than all else.
        after: What is imported before the clock starts.
    """
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", _CLOCK.format(after, statement)]
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return float(run.stdout) * 1000


def main() -> None:
    """Print the medians and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as bytecode:
        turns = [
            [milliseconds(f"{FASTAPI}; {statement}", bytecode) for statement in STATEMENTS] for _ in range(rounds + 1)
        ][1:]  # the first wrote the bytecode
    print(f"{'after ' + FASTAPI:40} {'ms':>6}  ratio")
    for statement, taken in zip(STATEMENTS, zip(*turns, strict=True), strict=True):
        ratio = statistics.median(ours / turn[0] for ours, turn in zip(taken, turns, strict=True))
        print(f"{statement:40} {statistics.median(taken):6.0f}  {ratio:.2f}")


if __name__ == "__main__":
    main()
