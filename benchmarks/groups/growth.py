"""What grows with the numbers of users, sessions and roles, on SQLite: times of the largest beside the smallest."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace

from benchmarks.context import Context, asking
from benchmarks.databases import Contents, sqlite
from benchmarks.pairs import Contestant, measure
from benchmarks.people import PASSWORD, USERS, access_token, name_of, refresh_token, session_id
from benchmarks.processes import Server, serving
from benchmarks.results import Measured
from benchmarks.samples import Spread
from benchmarks.traffic import Gets, Refreshes, SignIns

_APP = "benchmarks.apps.sql:app"
_CHEAP = {"BENCH_COST": "4"}
_ROLES = (1, 10, 100)


async def run(context: Context) -> None:
    """Measure users, sessions and roles, one after the other."""
    await _users(context)
    await _sessions(context)
    await _roles(context)


async def _users(context: Context) -> None:
    wanted = [key for key in ("users/sign-in", "users/get", "users/refresh", "users/role-check") if context.wants(key)]
    if wanted:
        await _against_the_smallest(context, wanted, lambda size: Contents(users=size, sessions=size, cost=4))


async def _sessions(context: Context) -> None:
    wanted = [key for key in ("sessions/get", "sessions/refresh") if context.wants(key)]
    if wanted:
        await _against_the_smallest(context, wanted, lambda size: Contents(sessions=size, cost=4))


async def _against_the_smallest(context: Context, keys: list[str], contents_of: Callable[[int], Contents]) -> None:
    smallest, *larger = context.pace.sizes
    for size in larger:
        async with AsyncExitStack() as stack:
            servers: list[Server] = []
            for each in (smallest, size):  # both anew: a refresh token is good once
                file = await stack.enter_async_context(sqlite(contents_of(each)))
                servers.append(await stack.enter_async_context(serving(_APP, {**file.environment, **_CHEAP})))
            for key in keys:
                sides = (_side(key, servers[0], smallest), _side(key, servers[1], size))
                await _grown(context, key, size, *sides, is_last=size == larger[-1])


async def _roles(context: Context) -> None:
    keys = [key for key in ("roles/get", "roles/role-check") if context.wants(key)]
    if not keys:
        return
    for number in _ROLES[-1:] if context.pace.quick else _ROLES[1:]:
        async with sqlite(Contents(roles=number)) as file, serving(_APP, file.environment) as server:
            for key in keys:
                path = "/role" if key.endswith("check") else "/user"
                # The first user holds them all; the second holds one, in the same database.
                one, many = (asking(server, Gets(path, [access_token(n, session_id(n))])) for n in (2, 1))
                await _grown(context, key, number, one, many, is_last=number == _ROLES[-1])


async def _grown(context: Context, key: str, size: int, small: Contestant, large: Contestant, *, is_last: bool) -> None:
    pace = replace(context.pace, rounds=max(context.pace.rounds // 2, 6)) if not is_last else context.pace
    pairs = await measure(f"{key} at {size:,}", small, large, pace)
    # The small one's rate over the large one's is the large one's time over the small one's.
    curve = context.results.series.setdefault("growth", {}).setdefault(key, {})
    curve[str(size)] = [round(each, 4) for each in _numbers(pairs.ratio)]
    if is_last:
        context.results.add(Measured(key, pairs.ratio, cpu=pairs.cpu, note=f"at {size:,}"))


def _numbers(ratio: Spread) -> tuple[float, float, float]:
    return ratio.median, ratio.low, ratio.high


def _side(key: str, server: Server, size: int) -> Contestant:
    # People from the whole range, so that what is read is spread over the whole file.
    step = max(size // USERS, 1) if key.startswith("users/") else 1
    people = range(1, USERS * step + 1, step)
    if key.endswith("sign-in"):
        return asking(server, SignIns("/token", [name_of(number) for number in people], PASSWORD), 1)
    if key.endswith("refresh"):
        return asking(
            server, Refreshes("/token/refresh", [refresh_token(number, session_id(number)) for number in people]), 1
        )
    tokens = [access_token(number, session_id(number)) for number in people]
    return asking(server, Gets("/role" if key.endswith("role-check") else "/user", tokens))
