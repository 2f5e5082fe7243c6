"""Requests of a bounded number, many at once, each of whose outcomes is kept."""

import asyncio
import itertools
import math
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeVar

from httpx2 import AsyncClient, HTTPError, Limits, Response

from tests.conftest import PASSWORD
from tests.reliability.workers import Worker

_T = TypeVar("_T")


class Outcome(NamedTuple):
    """What became of one request.

    Attributes:
        status: The answer's; 0 where there was none.
        seconds: How long it took.
        began: When it was sent, on the monotonic clock.
        response: The answer.
        error: The name of the client's error where there was no answer.
    """

    status: int
    seconds: float
    began: float
    response: Response | None = None
    error: str = ""

    @property
    def ended(self) -> float:
        """When the answer was there, on the monotonic clock."""
        return self.began + self.seconds

    @property
    def is_an_intended_503(self) -> bool:
        """Whether it is our 503, in our shape and with ``Retry-After``."""
        if self.status != 503 or self.response is None or "retry-after" not in self.response.headers:
            return False
        return bool(self.response.json()["error"]["code"] in {"FASTAUTH_STORE_UNAVAILABLE", "FASTAUTH_OVERLOADED"})

    @property
    def is_a_fault(self) -> bool:
        """Whether it is a 5xx, and not our intended 503."""
        return self.status >= 500 and not self.is_an_intended_503

    def json(self) -> Any:
        """Return the body."""
        assert self.response is not None
        return self.response.json()


class Client:
    """Sends requests to several workers in turn, as a balancer does.

    Args:
        workers: To whom; those that are down, or were left out of ``up``, get none.
        client: What sends.

    Attributes:
        http: What sends.
    """

    def __init__(self, workers: Sequence[Worker], client: AsyncClient) -> None:
        self.workers = workers
        self.http = client
        self._turn = itertools.count()

    async def send(
        self, method: str, path: str, *, worker: Worker | None = None, token: str | None = None, **options: Any
    ) -> Outcome:
        """Send one request and return what became of it; never raises for what the other side does.

        Args:
            method: Of the request.
            path: Of the request.
            worker: To whom; None: to the next one that is up.
            token: An access token.
            options: What the client takes: ``json``, ``data``, ``headers``, ``timeout``.
        """
        if worker is None:
            up = [each for each in self.workers if each.process is not None] or self.workers
            worker = up[next(self._turn) % len(up)]
        if token is not None:
            options["headers"] = {**options.get("headers", {}), "Authorization": f"Bearer {token}"}
        began = time.monotonic()
        try:
            response = await self.http.request(method, f"{worker.address}{path}", **options)
        except (HTTPError, OSError) as error:
            return Outcome(0, time.monotonic() - began, began, error=type(error).__name__)
        return Outcome(response.status_code, time.monotonic() - began, began, response)

    async def register(self, username: str, *, email: str | None = None, **options: Any) -> Outcome:
        """Register somebody with the tests' password."""
        body = {"username": username, "email": email or f"{username}@example.com", "password": PASSWORD}
        return await self.send("POST", "/register", json=body, **options)

    async def sign_in(self, login: str, password: str = PASSWORD, **options: Any) -> Outcome:
        """Sign in by the form."""
        return await self.send("POST", "/token", data={"username": login, "password": password}, **options)

    async def refresh(self, token: str, **options: Any) -> Outcome:
        """Refresh a session by its token."""
        return await self.send("POST", "/token/refresh", json={"refresh_token": token}, **options)

    async def me(self, token: str, **options: Any) -> Outcome:
        """Ask who is signed in."""
        return await self.send("GET", "/users/me", token=token, **options)


async def send_plainly(worker: Worker, method: str, path: str, *, body: bytes = b"", headers: str = "") -> Outcome:
    """Send one request over a connection of its own, at a tenth of what a real client takes of the processor.

    Args:
        worker: To whom.
        method: Of the request.
        path: Of the request.
        body: A form.
        headers: More of them, each with its line's end.
    """
    began = time.monotonic()
    head = f"{method} {path} HTTP/1.1\r\nHost: app\r\nConnection: close\r\n{headers}"
    if body:
        head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", worker.port)
        try:
            writer.write(f"{head}\r\n".encode() + body)
            answer = await reader.read()
        finally:
            writer.close()
    except OSError as error:
        return Outcome(0, time.monotonic() - began, began, error=type(error).__name__)
    seconds = time.monotonic() - began
    first, _, content = answer.partition(b"\r\n\r\n")
    status, *lines = first.decode("latin-1").split("\r\n")
    if not status:
        return Outcome(0, seconds, began, error="no answer")
    fields = dict(line.split(": ", 1) for line in lines)
    response = Response(int(status.split()[1]), headers=fields, content=content)
    return Outcome(response.status_code, seconds, began, response)


@asynccontextmanager
async def client_of(workers: Sequence[Worker], *, connections: int = 200) -> AsyncGenerator[Client, None]:
    """Give a client of workers, which opens so many connections at most, and keeps none of them."""
    # A connection that was kept may be closed by the other side just when it is used: no fault of anybody's.
    limits = Limits(max_connections=connections, max_keepalive_connections=0)
    async with AsyncClient(limits=limits, timeout=60, trust_env=False) as client:
        yield Client(workers, client)


async def at_once(number: int, make: Callable[[int], Awaitable[_T]]) -> list[_T]:
    """Do something so many times, all at once."""
    return list(await asyncio.gather(*(make(each) for each in range(number))))


async def in_turn(number: int, make: Callable[[int], Awaitable[_T]], *, concurrency: int) -> list[_T]:
    """Do something so many times, and at most so many of them at once; the results are in order."""
    results: dict[int, _T] = {}
    numbers = iter(range(number))

    async def work() -> None:
        for each in numbers:
            results[each] = await make(each)

    await asyncio.gather(*(work() for _ in range(concurrency)))
    return [results[each] for each in range(number)]


async def until(holds: Callable[[], Awaitable[bool]], *, within: float, pause: float = 0.05) -> float | None:
    """Return after how many seconds something held, or None if it did not within so many."""
    began = time.monotonic()
    while True:
        if await holds():
            return time.monotonic() - began
        if time.monotonic() - began > within:
            return None
        await asyncio.sleep(pause)


def statuses(outcomes: Iterable[Outcome]) -> Counter[int]:
    """Count the statuses."""
    return Counter(each.status for each in outcomes)


def told(outcomes: Iterable[Outcome]) -> str:
    """Return the statuses as a phrase: ``1 x 201, 199 x 409``."""
    return ", ".join(f"{count} x {status or 'no answer'}" for status, count in sorted(statuses(outcomes).items()))


def percentile(values: Iterable[float], percent: float) -> float:
    """Return the value that so many percent of the values do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else 0.0
