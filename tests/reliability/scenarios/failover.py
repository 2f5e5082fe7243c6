"""Another server becomes the primary."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.reliability.databases import StoreDatabase
from tests.reliability.lab import Fleet, Lab
from tests.reliability.load import Outcome, told
from tests.reliability.people import usernames, violations
from tests.reliability.registry import MONGO_SET, POSTGRES, Figure, scenario
from tests.reliability.servers import Server, wait_for_primary
from tests.reliability.standby import pair_of_servers
from tests.server_process import initiate_replica_set

_WINDOW_SECONDS = 10.0
_ASKED = "errors for 10 s at most, none but the intended 503; no acknowledged user lost"


async def _while_people_register(
    lab: Lab, fleet: Fleet, figure: Figure, happens: Callable[[], Awaitable[object]]
) -> float:
    """Let something happen while four people at a time register; return for how long any of them was told to wait."""
    done, outcomes = asyncio.Event(), dict[str, Outcome]()

    async def register_on() -> None:
        while not done.is_set():
            name = lab.unique()
            outcomes[name] = await fleet.client.register(name)
            await asyncio.sleep(0.05)

    working = [asyncio.ensure_future(register_on()) for _ in range(4)]
    await asyncio.sleep(1)
    began = time.monotonic()
    await happens()
    await asyncio.sleep(2)
    for _ in range(100):
        if (await fleet.client.register(lab.unique())).status == 201:
            break
        await asyncio.sleep(0.1)
    done.set()
    await asyncio.gather(*working)
    failed = [each for each in outcomes.values() if each.status != 201]
    window = max([each.ended - began for each in failed], default=0.0)
    lost = {name for name, each in outcomes.items() if each.status == 201} - await usernames(fleet.database)
    figure.trial(
        window <= _WINDOW_SECONDS
        and not lost
        and all(each.is_an_intended_503 for each in failed)
        and not await violations(fleet.database),
        f"{told(outcomes.values())} for {window:.1f} s, {len(lost)} lost",
    )
    return window


@scenario("RL-13", "The primary of a set of three steps down during registrations", _ASKED, stores=(MONGO_SET,))
async def stepped_down(lab: Lab, store: str) -> Figure:
    """Let the primary step down while people register, and see how long they are told to come back."""
    figure, longest = Figure(), 0.0
    async with AsyncExitStack() as stack:
        members = [Server(store) for _ in range(3)]
        for member in members:
            stack.push_async_callback(member.close)
            await member.start(alone=True)
        ports = [member.port for member in members]
        await asyncio.to_thread(initiate_replica_set, ports)
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        database = StoreDatabase(store, f"mongodb://{hosts}/{lab.unique('failover')}?replicaSet=rs0")

        async def step_down() -> None:
            await asyncio.to_thread(_step_down, await asyncio.to_thread(wait_for_primary, ports))
            await asyncio.to_thread(wait_for_primary, ports)

        async with lab.own_fleet(store, count=2, database=database) as fleet:
            for _ in range(lab.trials(short=1, long=20)):
                longest = max(longest, await _while_people_register(lab, fleet, figure, step_down))
    return figure.says(f"errors for {longest:.1f} s at most, none lost")


@scenario(
    "RL-13",
    "The primary is killed, and its synchronous standby promoted behind PgBouncer, during registrations",
    _ASKED,
    stores=(POSTGRES,),
)
async def promoted(lab: Lab, store: str) -> Figure:
    """Kill the primary while people register, and let PgBouncer lead them to its standby."""
    figure, longest = Figure(), 0.0
    for _ in range(lab.trials(short=1, long=20)):
        async with pair_of_servers() as pair, lab.own_fleet(store, count=2, database=await pair.database()) as fleet:
            longest = max(longest, await _while_people_register(lab, fleet, figure, pair.fail_over))
    return figure.says(f"errors for {longest:.1f} s at most, none lost")


def _step_down(port: int) -> None:
    with MongoClient("127.0.0.1", port, directConnection=True) as client:
        try:
            client.admin.command("replSetStepDown", 30, secondaryCatchUpPeriodSecs=10)
        except PyMongoError:  # the connection may go with the office
            return
