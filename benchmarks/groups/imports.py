"""How much later an app starts because it imports us."""

import subprocess
import sys

from benchmarks.context import Context
from benchmarks.processes import ROOT
from benchmarks.results import Measured, progress
from benchmarks.samples import spread

_TIMED = "import time, fastapi; t = time.perf_counter(); import fastauth; print(time.perf_counter() - t)"


async def run(context: Context) -> None:
    """Time the import in new interpreters, after FastAPI's own, which an app has anyway."""
    took: list[float] = []
    with progress("import", context.pace.imports) as bar:
        for number in range(context.pace.imports + 1):
            shown = subprocess.check_output([sys.executable, "-c", _TIMED], text=True, cwd=ROOT)  # noqa: ASYNC221
            if number:  # the first one writes the bytecode
                took.append(float(shown) * 1000)
                bar.update(1)
    context.results.add(Measured("import", spread(took)))
