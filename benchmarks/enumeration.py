"""Does an answer, or its time, say who has an account? Interleaved samples of known and unknown names, in one process.

Run it with ``nox -s bench -- --only enumeration``; 1,000 samples of each take some minutes.
"""

import asyncio
import logging
import math
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response

from fastauth import FastAuth, Notification, PasswordSettings
from fastauth.backends.memory import MemoryStore

PASSWORD = "correct horse battery"
COST = 10  # a quarter of the default: differences in what is around the hash stand out


class NoMail:
    """A notifier that sends nothing, at once."""

    async def notify(self, notification: Notification, /) -> None:
        """Send nothing."""


def ks_test(first: list[float], second: list[float]) -> tuple[float, float]:
    """Return the two-sample Kolmogorov-Smirnov statistic, and the probability of one as large by chance."""
    a, b = sorted(first), sorted(second)
    i = j = 0
    distance = 0.0
    while i < len(a) and j < len(b):
        value = min(a[i], b[j])
        while i < len(a) and a[i] <= value:
            i += 1
        while j < len(b) and b[j] <= value:
            j += 1
        distance = max(distance, abs(i / len(a) - j / len(b)))
    root = math.sqrt(len(a) * len(b) / (len(a) + len(b)))
    x = (root + 0.12 + 0.11 / root) * distance
    if x < 0.2:  # where the series does not converge, the probability is 1
        return distance, 1.0
    terms = ((-1) ** (k - 1) * math.exp(-2 * k * k * x * x) for k in range(1, 101))
    return distance, max(0.0, min(1.0, 2 * sum(terms)))


def requests_of(client: AsyncClient) -> dict[str, Callable[[bool, int], Any]]:
    """Return what is asked: a function of whether the name is known, and of the number of the sample."""

    def forgot(known: bool, number: int) -> Any:
        name = f"user{number % 100:04}" if known else f"none{number % 100:04}"
        return client.post("/password/forgot", json={"email": f"{name}@example.com"})

    def token(known: bool, number: int) -> Any:
        name = f"user{number % 100:04}" if known else f"none{number % 100:04}"
        return client.post("/token", data={"username": name, "password": "a wrong password"})

    def register(known: bool, number: int) -> Any:
        address = f"user{number % 100:04}@example.com" if known else f"free{number:04}@example.com"
        body = {"username": f"new{number:04}", "email": address, "password": PASSWORD}
        return client.post("/register", json=body)

    return {"POST /password/forgot": forgot, "POST /token": token, "POST /register": register}


async def measure(samples: int) -> None:
    """Print, for each route, whether the answers are equal and how far apart the times are."""
    auth = FastAuth(
        MemoryStore(),
        secret_key="benchmarks-only-3Jq8vXo2LkTzR5uWcY7bNfMd9hGpAe1s",  # never a key of anything
        notifier=NoMail(),
        enumeration_safe=True,
        passwords=PasswordSettings(bcrypt_cost=COST),
        limits=None,  # over a limit all answers are alike anyway
    )
    await auth.initialize_db()
    for number in range(100):
        await auth.accounts.create(f"user{number:04}", f"user{number:04}@example.com", PASSWORD)
    app = FastAPI()
    auth.setup(app)
    client = AsyncClient(transport=ASGITransport(app), base_url="https://bench")
    async with client:
        for name, ask in requests_of(client).items():
            times: dict[bool, list[float]] = {True: [], False: []}
            answers: dict[bool, set[tuple[int, bytes]]] = {True: set(), False: set()}
            for number in range(samples + 20):
                for known in (True, False) if number % 2 else (False, True):
                    begin = time.perf_counter()
                    answer: Response = await ask(known, number)
                    took = time.perf_counter() - begin
                    # What goes on behind the answer is not measured with the next one.
                    await auth._background.drain()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
                    if number >= 20:  # the first ones warm up
                        times[known].append(took * 1000)
                        answers[known].add((answer.status_code, answer.content))
            known_ms, unknown_ms = statistics.median(times[True]), statistics.median(times[False])
            distance, p = ks_test(times[True], times[False])
            print(
                f"{name:22} equal answers: {answers[True] == answers[False]}  median known {known_ms:.3f} ms, unknown "
                f"{unknown_ms:.3f} ms, difference {known_ms - unknown_ms:+.3f} ms  KS D={distance:.3f} p={p:.3f}"
            )
    await auth.close()


if __name__ == "__main__":
    logging.getLogger("fastauth").addHandler(logging.NullHandler())  # refusals are logged, and not of interest here
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
