"""What a scenario runs beside the workers: a command, and tests that are there already."""

import asyncio
import os
import re
import sys
from collections.abc import Mapping

from tests.reliability.registry import Figure
from tests.reliability.workers import ROOT


async def python(*arguments: str, environment: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run this Python with arguments, and return its exit status and its output."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    return process.returncode or 0, output.decode("utf-8", "replace")


async def tests(figure: Figure, *arguments: str) -> int:
    """Run tests that show a scenario, note what failed, and return how many passed."""
    status, output = await python("-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)
    passed = sum(map(int, re.findall(r"(\d+) passed", output)))
    figure.trials += passed
    figure.check(status == 0 and passed > 0, " | ".join(output.splitlines()[-4:])[-300:])
    return passed
