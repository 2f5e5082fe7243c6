"""More at once than there is room for: connections, and processor cores for passwords."""

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import bcrypt

from fastauth.core.hashing_threads import _lower_priority
from tests.conftest import PASSWORD
from tests.reliability.lab import Fleet, Lab
from tests.reliability.load import Outcome, at_once, percentile, send_plainly, told
from tests.reliability.people import make_admin, make_user
from tests.reliability.registry import MARIADB, POSTGRES, SQLITE, Figure, scenario
from tests.reliability.workers import Worker

_COST = 12
_IN_A_STORM_MS = 100  # more than when nothing else is asked


@scenario(
    "RL-14",
    "500 protected requests at once, with a pool of 5 connections",
    "no deadlock, no error, p99 at most 5 s over that of 500 requests without a database; "
    "each kind of request is content with a pool of one connection",
    stores=(SQLITE, POSTGRES, MARIADB),
    timed=True,
)
async def small_pool(lab: Lab, store: str) -> Figure:
    """Ask for far more than the pool has; and go once through the routes where a second connection would hang."""
    figure, slowest, floor = Figure(), 0.0, 0.0
    async with lab.own_fleet(store, count=1, engine={"pool_size": 5, "max_overflow": 0}, connections=500) as fleet:
        _name, tokens = await make_user(lab, fleet)
        for _ in range(lab.trials(short=1, long=10)):
            bare = await at_once(500, lambda _: fleet.client.send("GET", "/health/live"))
            floor = max(floor, percentile((each.seconds for each in bare), 99))
            outcomes = await at_once(500, lambda _: fleet.client.me(tokens["access_token"]))
            slowest = max(slowest, percentile((each.seconds for each in outcomes), 99))
            held = (await fleet.client.send("GET", "/pool")).json()["checked_out"]
            figure.trial(told(outcomes) == "500 x 200" and held == 0, f"{told(outcomes)}, {held} still checked out")
    figure.check(slowest <= 5 + floor, f"p99 {slowest:.1f} s, without a database {floor:.1f} s")
    async with lab.own_fleet(store, count=1, engine={"pool_size": 1, "max_overflow": 0}) as fleet:
        outcomes = await _everything(lab, fleet)
        figure.check(all(each.status < 500 for each in outcomes), f"with one connection: {told(outcomes)}")
    return figure.says(
        f"500 x 200, p99 {slowest:.1f} s, without a database {floor:.1f} s; {len(outcomes)} kinds of request with one"
    )


async def _everything(lab: Lab, fleet: Fleet) -> list[Outcome]:
    user_id, admin = await make_admin(lab, fleet)
    _name, tokens = await make_user(lab, fleet)
    role = await fleet.client.send("POST", "/roles", json={"name": lab.unique("role")}, token=admin)
    grant = f"/users/{user_id}/roles/{role.json()['id']}"
    return [
        role,
        await fleet.client.send("POST", grant, token=admin),
        await fleet.client.send("DELETE", grant, token=admin),
        await fleet.client.send("GET", "/users", token=admin),
        await fleet.client.refresh(tokens["refresh_token"]),
        await fleet.client.send("GET", "/busy?seconds=0.1", token=admin),
        await fleet.client.send("POST", "/logout", token=admin),
    ]


def _bcrypt_alone(cores: int, hashes: int) -> float:
    """Return how many hashes per second the machine can do, at the priority that the library hashes at."""
    salt = bcrypt.gensalt(_COST)
    began = time.monotonic()
    with ThreadPoolExecutor(cores, initializer=_lower_priority) as pool:
        list(pool.map(lambda _: bcrypt.hashpw(b"a password", salt), range(hashes)))
    return hashes / (time.monotonic() - began)


async def _probe(worker: Worker, token: str, until: asyncio.Event) -> list[Outcome]:
    """Ask who is signed in, again and again."""
    outcomes: list[Outcome] = []
    while not until.is_set():
        outcomes.append(await send_plainly(worker, "GET", "/users/me", headers=f"Authorization: Bearer {token}\r\n"))
        await asyncio.sleep(0.05)
    return outcomes


async def _storm(worker: Worker, name: str, number: int) -> list[Outcome]:
    """Sign in so many times at once, every other time as nobody."""

    async def sign_in(each: int) -> Outcome:
        form = urlencode({"username": name if each % 2 else f"nobody{each}", "password": PASSWORD})
        return await send_plainly(worker, "POST", "/token", body=form.encode())

    return await at_once(number, sign_in)


@scenario(
    "RL-15",
    "500 sign-ins at once, half of them of nobody, at cost 12",
    "at least 90 % of what bcrypt allows in the same run; the others 503 with Retry-After, within 1 s over what 500 "
    "requests without a password take; /users/me p99 at most 100 ms over idle",
    stores=(POSTGRES,),
    timed=True,
)
async def sign_in_storm(lab: Lab, store: str) -> Figure:
    """Let far more sign in than the cores can hash for in time."""
    figure, cores = Figure(), os.cpu_count() or 1
    shares: list[float] = []
    async with lab.own_fleet(store, count=1, options={"bcrypt_cost": _COST}) as fleet:
        worker = fleet.workers[0]
        name, tokens = await make_user(lab, fleet)
        await _storm(worker, name, 8 * cores)  # so that it knows how long a hash takes here
        for _ in range(lab.trials(short=1, long=5)):
            before = await asyncio.to_thread(_bcrypt_alone, cores, 8 * cores)
            quiet, calm = asyncio.Event(), asyncio.Event()
            asyncio.get_running_loop().call_later(3, quiet.set)
            idle = percentile((each.seconds for each in await _probe(worker, tokens["access_token"], quiet)), 99)
            bare = await at_once(500, lambda _: send_plainly(worker, "GET", "/health/live"))
            floor = percentile((each.seconds for each in bare), 99)
            probing = asyncio.ensure_future(_probe(worker, tokens["access_token"], calm))
            outcomes = await _storm(worker, name, 500)
            calm.set()
            beside = await probing
            busy = percentile((each.seconds for each in beside), 99)
            after = await asyncio.to_thread(_bcrypt_alone, cores, 8 * cores)
            ends = sorted(each.ended for each in outcomes if each.status in {200, 401})
            rate = (len(ends) - 1) / (ends[-1] - ends[0])
            refused = percentile((each.seconds for each in outcomes if each.is_an_intended_503), 99)
            shares.append(rate / ((before + after) / 2))
            figure.trial(shares[-1] >= 0.9, f"{rate:.1f}/s of {before:.1f} and {after:.1f}/s: {shares[-1]:.0%}")
            figure.check(all(each.status in {200, 401} or each.is_an_intended_503 for each in outcomes), told(outcomes))
            figure.check({each.status for each in beside} == {200}, f"beside it {told(beside)}")
            figure.check(refused <= 1 + floor, f"a refusal took {refused:.2f} s, without a password {floor:.2f} s")
            figure.check((busy - idle) * 1000 <= _IN_A_STORM_MS, f"p99 {busy * 1000:.0f} ms, idle {idle * 1000:.0f}")
    return figure.says(
        f"{min(shares):.0%} of bcrypt's limit; {told(outcomes)}, refusals within {refused:.2f} s, without a password "
        f"{floor:.2f} s; /users/me p99 {busy * 1000:.0f} ms, idle {idle * 1000:.0f} ms"
    )
