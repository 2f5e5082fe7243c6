"""Hashing in process: what bcrypt costs here, how it scales over threads, the pool's queue, and the loop beside it."""

import asyncio
import os
import time
from collections.abc import Callable

from benchmarks.bcrypt_limit import hashes_per_second
from benchmarks.context import Context
from benchmarks.people import PASSWORD
from benchmarks.processes import pin
from benchmarks.results import Measured, progress
from benchmarks.samples import percentile, spread
from fastauth import PasswordSettings
from fastauth.core.hashers import BcryptHasher
from fastauth.core.passwords import Passwords

_TICK = 0.001
_AT_ONCE = (1, 10, 50, 100, 500)
_STORM = 50


async def run(context: Context) -> None:
    """Measure costs and threads, then the queue, then the longest stall."""
    pin(0, ())
    context.results.series["bcrypt"] = {"costs": await asyncio.to_thread(_costs, context)}
    context.results.series["bcrypt"]["queue"] = await _queue(context)
    stalls: list[float] = []
    with progress("stall", context.pace.storm_rounds) as bar:
        for _ in range(context.pace.storm_rounds):
            stalls.append(await _longest_stall(12 if not context.pace.quick else 10))
            bar.update(1)
    context.results.add(Measured("stall", spread(stalls), note="cost 10" if context.pace.quick else "cost 12"))


def _costs(context: Context) -> dict[str, dict[str, float]]:
    highest, least = (10, 0.1) if context.pace.quick else (14, 0.5)
    costs: dict[str, dict[str, float]] = {}
    with progress("bcrypt's costs", highest - 3) as bar:
        for cost in range(4, highest + 1):
            hasher = BcryptHasher(cost)
            stored = hasher.hash(PASSWORD)
            row = {"hash_ms": _milliseconds(lambda: hasher.hash(PASSWORD), least)}  # noqa: B023  # called at once
            row["verify_ms"] = _milliseconds(lambda: hasher.verify(PASSWORD, stored), least)  # noqa: B023
            for threads in range(1, (os.cpu_count() or 1) + 1):
                number = max(threads, int(least * threads * 1000 / row["hash_ms"]))
                row[f"per_second_on_{threads}"] = round(hashes_per_second(cost, threads, number), 1)
            costs[str(cost)] = row
            bar.update(1)
    return costs


def _milliseconds(work: Callable[[], object], least: float) -> float:
    done = 0
    began = time.perf_counter()
    while done == 0 or time.perf_counter() - began < least:
        work()
        done += 1
    return round((time.perf_counter() - began) / done * 1000, 3)


async def _queue(context: Context) -> dict[str, dict[str, float]]:
    cost = 4 if context.pace.quick else 8
    passwords = Passwords(PasswordSettings(bcrypt_cost=cost), production=False)
    stored = await passwords.hash(PASSWORD)
    waits: dict[str, dict[str, float]] = {}

    async def one() -> float | None:
        began = time.perf_counter()
        try:
            await passwords.verify(PASSWORD, stored)
        except Exception:  # noqa: BLE001  # a queue that is full refuses, and that is counted
            return None
        return (time.perf_counter() - began) * 1000

    for number in _AT_ONCE:
        took = await asyncio.gather(*(one() for _ in range(number)))
        answered = [each for each in took if each is not None]
        waits[str(number)] = {
            "median_ms": round(percentile(answered, 50), 2), "longest_ms": round(max(answered), 2),
            "refused": number - len(answered), "cost": cost,
        }  # fmt: skip
    passwords.close()
    return waits


async def _longest_stall(cost: int) -> float:
    passwords = Passwords(PasswordSettings(bcrypt_cost=cost), production=False)
    stored = await passwords.hash(PASSWORD)
    storm = asyncio.gather(*(passwords.verify(PASSWORD, stored) for _ in range(_STORM)), return_exceptions=True)
    longest = 0.0
    while not storm.done():
        before = time.perf_counter()
        await asyncio.sleep(_TICK)
        longest = max(longest, time.perf_counter() - before - _TICK)
    await storm
    passwords.close()
    return longest * 1000
