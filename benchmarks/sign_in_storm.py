"""How long the event loop stands still while many sign in at once: the longest stall, beside bcrypt's own limit.

Run it with ``nox -s bench``. Figures are of one run on one machine; the ratio is what can be compared.
"""

import argparse
import asyncio
import os
import platform
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import bcrypt
import fastapi
import sqlalchemy
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import create_async_engine

from fastauth import FastAuth, PasswordSettings
from fastauth.backends.sql import SQLStore, User
from fastauth.signin.password import PasswordCredentials, PasswordSignIn

_TICK = 0.001
_PASSWORD = "correct horse battery staple"


async def longest_stall(done: asyncio.Event) -> float:
    """Return the longest time in seconds by which a timer of one millisecond came too late."""
    longest = 0.0
    while not done.is_set():
        before = time.perf_counter()
        await asyncio.sleep(_TICK)
        longest = max(longest, time.perf_counter() - before - _TICK)
    return longest


def bcrypt_limit(cost: int, threads: int, hashes: int) -> float:
    """Return the hashes per second that bcrypt alone reaches on this many threads."""
    salt = bcrypt.gensalt(cost)

    def one_hash(_: int) -> bytes:
        return bcrypt.hashpw(_PASSWORD.encode(), salt)

    with ThreadPoolExecutor(threads) as pool:
        before = time.perf_counter()
        list(pool.map(one_hash, range(hashes)))
        return hashes / (time.perf_counter() - before)


async def storm(auth: FastAuth[User], sign_ins: int) -> tuple[float, float, float]:
    """Return sign-ins per second, the longest stall beside them, and the longest without them, in seconds."""
    method = PasswordSignIn(auth.store, auth.passwords)
    credentials = PasswordCredentials(username="ada", password=SecretStr(_PASSWORD))

    async def sign_in() -> None:
        await auth.sessions.start(await method.authenticate(credentials))

    quiet = asyncio.Event()
    asyncio.get_running_loop().call_later(1, quiet.set)
    idle = await longest_stall(quiet)

    done = asyncio.Event()
    watcher = asyncio.create_task(longest_stall(done))
    before = time.perf_counter()
    await asyncio.gather(*(sign_in() for _ in range(sign_ins)))
    elapsed = time.perf_counter() - before
    done.set()
    return sign_ins / elapsed, await watcher, idle


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sign-ins", type=int, default=50, help="how many at once")
    parser.add_argument("--cost", type=int, default=12, help="bcrypt's cost")
    parser.add_argument("--rounds", type=int, default=3, help="how often; the median is what counts")
    options = parser.parse_args()
    cores = os.cpu_count() or 1

    print(
        f"Python {platform.python_version()}, FastAPI {fastapi.__version__}, SQLAlchemy {sqlalchemy.__version__}, "
        f"{cores} cores"
    )
    ratios: list[float] = []
    stalls: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        auth = FastAuth(
            SQLStore(create_async_engine(f"sqlite+aiosqlite:///{Path(folder) / 'bench.db'}")),
            secret_key=os.urandom(48),
            passwords=PasswordSettings(bcrypt_cost=options.cost, queue_timeout=timedelta(minutes=10)),
            limits=None,
        )
        await auth.initialize_db()
        await auth.accounts.register("ada", "ada@example.com", _PASSWORD)
        for number in range(1, options.rounds + 1):
            limit = bcrypt_limit(options.cost, cores, max(cores * 4, 8))
            rate, stall, idle = await storm(auth, options.sign_ins)
            ratios.append(rate / limit)
            stalls.append(stall)
            print(
                f"round {number}: {options.sign_ins} sign-ins at once at cost {options.cost}: {rate:.1f}/s, "
                f"{rate / limit:.2f} of bcrypt's limit; longest stall of the loop {stall * 1000:.1f} ms "
                f"(idle: {idle * 1000:.1f} ms)",
                flush=True,
            )
        await auth.store.close()
    print(
        f"median: {statistics.median(ratios):.2f} of bcrypt's limit, "
        f"longest stall {statistics.median(stalls) * 1000:.1f} ms (goal: below 50 ms)"
    )


if __name__ == "__main__":
    asyncio.run(main())
