"""The database stopped, hung, unreachable and back again."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI
from sqlalchemy import make_url

from tests.conftest import PASSWORD, client_of
from tests.reliability.lab import Fleet, Lab
from tests.reliability.load import Outcome, in_turn, percentile, told
from tests.reliability.people import insider, make_admin, make_user, violations
from tests.reliability.registry import MARIADB, MONGO_SET, POSTGRES, SERVERS, Figure, scenario

_DOWN_SECONDS, _HUNG_SECONDS, _BACK_SECONDS = 2.0, 5.0, 5.0
_SLACK = 1.0  # seconds, for a machine that is busy with something else
_AT_ONCE = 5  # requests, so that what is measured is how long one of them waits, and not for the processor


class People:
    """Somebody who is signed in, and an admin, to ask every kind of route."""

    def __init__(self, tokens: Any, admin_token: str) -> None:
        self.tokens = tokens
        self.admin_token = admin_token

    def requests(self, lab: Lab) -> list[tuple[str, str, dict[str, Any]]]:
        """Return a request to each kind of route that asks the database."""
        token, admin = self.tokens["access_token"], self.admin_token
        name = lab.unique("down")
        return [
            ("POST", "/token", {"data": {"username": "nobody", "password": PASSWORD}}),
            ("POST", "/token/refresh", {"json": {"refresh_token": self.tokens["refresh_token"]}}),
            ("POST", "/register", {"json": {"username": name, "email": f"{name}@example.com", "password": PASSWORD}}),
            ("GET", "/users/me", {"token": token}),
            ("GET", "/roles", {"token": token}),
            ("POST", "/roles", {"json": {"name": name}, "token": admin}),
            ("GET", "/users", {"token": admin}),
            ("POST", "/users/1/roles/1", {"token": admin}),
            ("DELETE", "/users/1/roles/1", {"token": admin}),
            ("POST", "/logout", {"token": admin}),
        ]


async def people_of(lab: Lab, fleet: Fleet) -> People:
    """Make somebody, and an admin."""
    _name, tokens = await make_user(lab, fleet)
    _id, admin = await make_admin(lab, fleet)
    return People(tokens, admin)


async def ask_everything(lab: Lab, fleet: Fleet, people: People, times: int) -> list[Outcome]:
    """Ask each kind of route so many times."""
    requests = people.requests(lab) * times

    async def ask(number: int) -> Outcome:
        method, path, options = requests[number]
        return await fleet.client.send(method, path, **options)

    return await in_turn(len(requests), ask, concurrency=_AT_ONCE)


async def judge_outage(
    lab: Lab, fleet: Fleet, figure: Figure, people: People, times: int, within: float
) -> tuple[float, float]:
    """Ask everything while the database is out of reach; return the median and the 95th percentile of the times."""
    outcomes = await ask_everything(lab, fleet, people, times)
    times_taken = [each.seconds for each in outcomes]
    median, high = percentile(times_taken, 50), percentile(times_taken, 95)
    live = [await fleet.client.send("GET", "/health/live", worker=each) for each in fleet.workers]
    ready = [await fleet.client.send("GET", "/health/ready", worker=each) for each in fleet.workers]
    figure.trials += len(outcomes)
    wrong = [each for each in outcomes if not each.is_an_intended_503]
    figure.check(not wrong, f"not our 503: {told(wrong)}")
    figure.check(median <= within + _SLACK, f"the median was {median:.1f} s")
    figure.check({each.status for each in live} == {200}, f"liveness: {told(live)}")
    figure.check({each.status for each in ready} == {503}, f"readiness: {told(ready)}")
    return median, high


async def recovered(fleet: Fleet, people: People, figure: Figure) -> float:
    """Return how long each worker took until it answered again, the slowest of them; none may fail after that."""
    began, slowest = time.monotonic(), 0.0
    for worker in fleet.workers:
        while (await fleet.client.me(people.tokens["access_token"], worker=worker)).status != 200:
            if time.monotonic() - began > 60:
                figure.check(False, "no recovery within a minute")
                return 60
            await asyncio.sleep(0.05)
        slowest = max(slowest, time.monotonic() - began)
    after = [await fleet.client.me(people.tokens["access_token"]) for _ in range(20)]
    figure.check({each.status for each in after} == {200}, f"after the first success: {told(after)}")
    return slowest


async def _through(
    lab: Lab,
    store: str,
    lose: Callable[[Fleet], Awaitable[None]],
    find: Callable[[Fleet], Awaitable[None]],
    within: float,
) -> Figure:
    """Lose the database, ask everything, find it again, and see that it answers."""
    fleet, figure = await lab.plain_fleet(store), Figure()
    people = await people_of(lab, fleet)
    await ask_everything(lab, fleet, people_without_end(people), 1)  # so that connections are open
    await lose(fleet)
    try:
        median, high = await judge_outage(lab, fleet, figure, people, lab.trials(short=1, long=20), within)
    finally:
        await find(fleet)
    back = await recovered(fleet, people, figure)
    figure.check(back <= _BACK_SECONDS + _SLACK, f"it took {back:.1f} s to recover")
    figure.check(not (broken := await violations(fleet.database)), broken)
    return figure.says(f"503 each time, median {median:.1f} s, p95 {high:.1f} s; back after {back:.1f} s")


def people_without_end(people: People) -> People:
    """Return the same people, who do not sign out, nor use up the refresh token."""
    return _Staying(people.tokens, people.admin_token)


class _Staying(People):
    def requests(self, lab: Lab) -> list[tuple[str, str, dict[str, Any]]]:
        return [each for each in super().requests(lab) if each[1] not in {"/logout", "/token/refresh"}]


_ASKED_DOWN = "503 with `Retry-After` within 2 s; readiness 503, liveness 200; back within 5 s"
_ASKED_HUNG = "503 with `Retry-After` within 5 s; readiness 503, liveness 200; back within 5 s"


@scenario("RL-11", "The database is stopped, and every route asked", _ASKED_DOWN, stores=SERVERS, waits=True)
async def stopped(lab: Lab, store: str) -> Figure:
    """Stop the server: connections are refused."""
    return await _through(
        lab, store, lambda fleet: fleet.engine.stop(), lambda fleet: fleet.engine.start(), _DOWN_SECONDS
    )


@scenario(
    "RL-11",
    "The database hangs (SIGSTOP), and every route asked",
    _ASKED_HUNG,
    stores=SERVERS,
    short=(MARIADB, MONGO_SET),
    waits=True,
)
async def hung(lab: Lab, store: str) -> Figure:
    """Let the server take connections and answer nothing."""

    async def lose(fleet: Fleet) -> None:
        fleet.engine.hang()

    async def find(fleet: Fleet) -> None:
        fleet.engine.resume()

    return await _through(lab, store, lose, find, _HUNG_SECONDS)


@scenario(
    "RL-11",
    "The network swallows every packet, and every route asked",
    _ASKED_HUNG,
    stores=SERVERS,
    short=(POSTGRES, MONGO_SET),
    waits=True,
)
async def swallowed(lab: Lab, store: str) -> Figure:
    """Let what is sent to the server vanish."""

    async def lose(fleet: Fleet) -> None:
        assert fleet.proxy is not None
        fleet.proxy.swallows = True

    async def find(fleet: Fleet) -> None:
        assert fleet.proxy is not None
        fleet.proxy.heal()

    return await _through(lab, store, lose, find, _HUNG_SECONDS)


@scenario(
    "RL-11",
    "The name of the database's host is not found",
    "503 with `Retry-After` within 5 s; no password in it",
    stores=SERVERS,
    short=(POSTGRES, MONGO_SET),
    waits=True,
)
async def not_found(lab: Lab, store: str) -> Figure:
    """Ask an app whose database's host has no address; in this process, as no worker starts with it."""
    figure, secret = Figure(), "dsn-secret-4711"
    database = await lab.database(store)
    if database.is_sql:
        away = make_url(database.url).set(host="nowhere.invalid", password=secret)
        database.url = away.render_as_string(hide_password=False)
    else:
        database.url = f"mongodb://ada:{secret}@nowhere.invalid:27017/app"
    async with insider(database, store_timeout=5) as auth:
        app = FastAPI()
        auth.setup(app, health=True)
        async with client_of(app) as client:
            for _ in range(lab.trials(short=2, long=20)):
                began = time.monotonic()
                answer = await client.post("/token", data={"username": "ada", "password": PASSWORD})
                took = time.monotonic() - began
                figure.trial(
                    answer.status_code == 503
                    and answer.json()["error"]["code"] == "FASTAUTH_STORE_UNAVAILABLE"
                    and "retry-after" in answer.headers
                    and secret not in answer.text
                    and took <= _HUNG_SECONDS + _SLACK,
                    f"{answer.status_code} after {took:.1f} s",
                )
    return figure.says("503 each time")


@scenario(
    "RL-12",
    "The database is restarted, under load and while nobody asks",
    "first success within 5 s of its return, no 5xx after that, no restart of a worker",
    stores=SERVERS,
)
async def restarted(lab: Lab, store: str) -> Figure:
    """Restart the server; then again, with connections in the pool that nobody has used since."""
    fleet, figure = await lab.plain_fleet(store), Figure()
    people = await people_of(lab, fleet)
    token, slowest = people.tokens["access_token"], 0.0
    for _ in range(lab.trials(short=1, long=20)):
        pids = [worker.pid for worker in fleet.workers]
        done = asyncio.Event()
        asked: list[Outcome] = []

        async def ask() -> None:
            while not done.is_set():
                asked.append(await fleet.client.me(token))
                await asyncio.sleep(0.02)

        asking = [asyncio.ensure_future(ask()) for _ in range(_AT_ONCE)]
        await fleet.engine.restart()
        back = await recovered(fleet, people, figure)
        done.set()
        await asyncio.gather(*asking)
        figure.trial(back <= _BACK_SECONDS + _SLACK, f"it took {back:.1f} s")
        figure.check(not (bad := [each for each in asked if each.is_a_fault]), told(bad))
        # Nobody asks while it is away: what is in the pools is stale, and is to be seen before it is used.
        await fleet.engine.restart()
        stale = [await fleet.client.me(token) for _ in range(10)]
        figure.trial({each.status for each in stale} == {200}, f"after a restart that nobody saw: {told(stale)}")
        figure.check(pids == [worker.pid for worker in fleet.workers], "a worker was restarted")
        slowest = max(slowest, back)
    return figure.says(f"back after {slowest:.1f} s at most; after a restart that nobody saw, no 5xx at all")
