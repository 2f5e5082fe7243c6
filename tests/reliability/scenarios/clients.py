"""Clients that hang up, lose answers, or send what no client should."""

import asyncio
import json
import random
from typing import Any

from tests.conftest import PASSWORD
from tests.reliability.lab import Lab
from tests.reliability.load import Outcome, at_once, in_turn, told, until
from tests.reliability.people import make_admin, make_user, violations
from tests.reliability.registry import ONE_OF_EACH, POSTGRES, STORES, Figure, scenario
from tests.reliability.scenarios.crashes import IDLE_IN_TRANSACTION
from tests.reliability.workers import Worker


async def hang_up(worker: Worker, method: str, path: str, body: Any, token: str, after: float) -> None:
    """Send a request, and reset the connection after so many seconds, whatever has come by then."""
    _reader, writer = await asyncio.open_connection("127.0.0.1", worker.port)
    content = json.dumps(body).encode() if body is not None else b""
    head = f"{method} {path} HTTP/1.1\r\nHost: app\r\nAuthorization: Bearer {token}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    writer.write(head.encode() + content)
    await asyncio.sleep(after)
    writer.transport.abort()


@scenario(
    "RL-16",
    "Clients that hang up at random moments, under `BaseHTTPMiddleware`",
    "no connection checked out and no transaction open after 5 s; nothing half written",
    stores=STORES,
    short=ONE_OF_EACH,
)
async def disconnects(lab: Lab, store: str) -> Figure:
    """Abort registrations, refreshes and protected requests at random moments, twenty at once."""
    figure, numbers = Figure(), random.Random(16)
    async with lab.own_fleet(store, count=1, options={"middleware": True}) as fleet:
        worker = fleet.workers[0]
        _name, tokens = await make_user(lab, fleet)

        async def abort(number: int) -> None:
            name = lab.unique("gone")
            request = [
                ("POST", "/register", {"username": name, "email": f"{name}@example.com", "password": PASSWORD}),
                ("POST", "/token/refresh", {"refresh_token": tokens["refresh_token"]}),
                ("GET", "/users/me", None),
                ("GET", "/busy?seconds=0.1", None),
            ][number % 4]
            await hang_up(worker, *request, tokens["access_token"], numbers.uniform(0, 0.1))

        await in_turn(lab.trials(short=200, long=1000), abort, concurrency=20)

        async def is_done() -> bool:
            return not (await fleet.client.send("GET", "/pool")).json()["under_way"]

        async def is_quiet() -> bool:
            held = (await fleet.client.send("GET", "/pool")).json()["checked_out"]
            if store == POSTGRES:
                held += (await fleet.database.rows(IDLE_IN_TRANSACTION))[0][0]
            return not held

        done = await until(is_done, within=60)  # the server lets a handler run on when its client is gone
        figure.check(done is not None, "requests were still under way after a minute")
        quiet = await until(is_quiet, within=5)
        figure.trials = lab.trials(short=200, long=1000)
        figure.check(quiet is not None, "connections or transactions were still open after 5 s")
        said = worker.said()
        figure.check("non-checked-in" not in said and "never retrieved" not in said, said[-300:])
        figure.check(not (broken := await violations(fleet.database)), broken)
        me = await fleet.client.me(tokens["access_token"])
        figure.check(me.status == 200, told([me]))
    return figure.says(f"none open after {quiet or 5:.1f} s, nothing half written")


@scenario(
    "RL-17",
    "The answer to a refresh is lost, and the old token sent again",
    "within the grace period the session goes on; after it, the session is over",
    stores=STORES,
    short=ONE_OF_EACH,
    waits=True,
)
async def lost_answers(lab: Lab, store: str) -> Figure:
    """Lose the answers of many refreshes; half of the owners come back at once, half after the grace period."""
    figure, grace = Figure(), 5
    number = lab.trials(short=6, long=40)
    options = {"refresh_grace": grace, "store_timeout": 60}
    async with lab.own_fleet(store, count=2, options=options) as fleet:
        owners = [(await make_user(lab, fleet))[1]["refresh_token"] for _ in range(number)]
        lost: list[Outcome] = []
        soon: list[Outcome] = []
        for position, owner in enumerate(owners):
            lost.append(await fleet.client.refresh(owner))
            if position < number // 2:
                soon.append(await fleet.client.refresh(owner))
        again = [await fleet.client.refresh(each.json()["refresh_token"]) for each in soon if each.status == 200]
        await asyncio.sleep(grace + 1)
        late = [await fleet.client.refresh(each) for each in owners[number // 2 :]]
        rightful = [await fleet.client.refresh(each.json()["refresh_token"]) for each in lost[number // 2 :]]
        figure.trials = number
        figure.check({each.status for each in lost} == {200}, f"the lost ones: {told(lost)}")
        figure.check({each.status for each in [*soon, *again]} == {200}, f"in time: {told([*soon, *again])}")
        figure.check({each.status for each in [*late, *rightful]} == {401}, f"too late: {told([*late, *rightful])}")
    return figure.says("in time the session went on, and too late it was over, each time")


_POISON: tuple[Any, ...] = (
    "a\x00b",
    "\ud800",
    "x" * 3_000_000,
    2**31,
    2**63,
    10**400,
    -1,
    1.5,
    {"$ne": None},
    [{"$gt": ""}],
    True,
    None,
    "",
)
_POISONED_PATHS = (
    "%00",
    "2147483648",
    "9223372036854775808",
    "1" + "0" * 400,
    "-1",
    "%ED%A0%80",
    "$ne",
    "..%2f",
    "a" * 5000,
)


@scenario(
    "RL-25",
    "Poison values through every field and path parameter",
    "4xx, never 5xx",
    stores=STORES,
    short=ONE_OF_EACH,
)
async def poison(lab: Lab, store: str) -> Figure:
    """Send each value in each field of each route that takes one, and each odd id in each path."""
    fleet, figure = await lab.fleet(store), Figure()
    _id, token = await make_admin(lab, fleet)
    good: dict[tuple[str, str], dict[str, Any]] = {
        ("POST", "/register"): {"username": "poison", "email": "poison@example.com", "password": PASSWORD},
        ("POST", "/token/refresh"): {"refresh_token": "x"},
        ("POST", "/roles"): {"name": "poison", "description": "x"},
        ("PATCH", "/users/me"): {"username": "poison"},
    }
    requests: list[tuple[str, str, dict[str, Any]]] = []
    for (method, path), body in good.items():
        for field in body:
            for value in _POISON:
                content = json.dumps({**body, field: value}).encode()  # with escapes, as a client would send it
                requests.append((method, path, {"content": content, "headers": {"Content-Type": "application/json"}}))
    for value in ("a\x00b", "x" * 3_000_000, "$ne", ""):
        requests.append(("POST", "/token", {"data": {"username": value, "password": PASSWORD}}))
        requests.append(("POST", "/token", {"data": {"username": "poison", "password": value}}))
    for odd in _POISONED_PATHS:
        requests += [("GET", f"/roles/{odd}", {}), ("DELETE", f"/roles/{odd}", {}), ("GET", f"/users/{odd}", {})]
        requests += [("POST", f"/users/{odd}/roles/1", {}), ("DELETE", f"/users/1/roles/{odd}", {})]
        requests += [("GET", f"/users/{odd}/roles", {}), ("DELETE", f"/users/{odd}", {})]

    async def send(number: int) -> Outcome:
        method, path, options = requests[number]
        return await fleet.client.send(method, path, token=token, **options)

    outcomes = await in_turn(len(requests), send, concurrency=8)
    # What is allowed after all (no description, say) is no poison; the rest is refused.
    bad = [
        (requests[number][:2], each.status or each.error)
        for number, each in enumerate(outcomes)
        if not 200 <= each.status < 500
    ]
    figure.trials = len(outcomes)
    figure.check(not bad, bad[:5])
    refused = sum(400 <= each.status < 500 for each in outcomes)
    figure.check(refused > len(outcomes) * 0.9, f"only {refused} of {len(outcomes)} were refused")
    return figure.says(f"{refused} x 4xx, no 5xx")


@scenario(
    "RL-22",
    "100 changes of one user at once: address, name, roles, disabled",
    "conflicts are tried again; no 5xx but the intended 503",
    stores=STORES,
    short=ONE_OF_EACH,
)
async def conflicts(lab: Lab, store: str) -> Figure:
    """Change the same user in every way at once, so that transactions and compare-and-swaps get in each other's way."""
    fleet, figure = await lab.fleet(store), Figure()
    _id, token = await make_admin(lab, fleet)
    busy = 0
    for _ in range(lab.trials(short=1, long=20)):
        user = (await fleet.client.register(lab.unique())).json()
        role = (await fleet.client.send("POST", "/roles", json={"name": lab.unique("role")}, token=token)).json()
        path, name = f"/users/{user['id']}", lab.unique("other")
        ways: list[tuple[str, str, Any]] = [
            ("PATCH", path, {"email": f"{name}@example.com"}),
            ("PATCH", path, {"disabled": True}),
            ("PATCH", path, {"disabled": False}),
            ("POST", f"{path}/roles/{role['id']}", None),
            ("DELETE", f"{path}/roles/{role['id']}", None),
        ]

        async def change(number: int) -> Outcome:
            method, where, body = ways[number % len(ways)]
            options = {} if body is None else {"json": body}
            return await fleet.client.send(method, where, token=token, **options)

        outcomes = await at_once(100, change)
        busy += sum(each.status == 503 for each in outcomes)
        bad = [each for each in outcomes if each.is_a_fault or not 200 <= each.status < 504]
        figure.trial(not bad, told(outcomes))
    figure.check(not (broken := await violations(fleet.database)), broken)
    return figure.says(f"no 5xx but {busy} x the intended 503")
