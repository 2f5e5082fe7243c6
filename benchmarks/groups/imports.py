"""How much later an app starts because it imports us."""

import tempfile

from benchmarks.context import Context
from benchmarks.import_time import FASTAPI, FASTAUTH, milliseconds
from benchmarks.results import Measured, progress
from benchmarks.samples import spread


async def run(context: Context) -> None:
    """Time the import in new interpreters, after FastAPI's own, which an app has anyway."""
    took: list[float] = []
    with progress("import", context.pace.imports) as bar, tempfile.TemporaryDirectory() as bytecode:
        milliseconds(FASTAUTH, bytecode, after=FASTAPI)  # the first one writes the bytecode
        for _ in range(context.pace.imports):
            took.append(milliseconds(FASTAUTH, bytecode, after=FASTAPI))
            bar.update(1)
    context.results.add(Measured("import", spread(took)))
