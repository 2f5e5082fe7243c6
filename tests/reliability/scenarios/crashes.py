"""``kill -9``, of a database and of a worker, and the orderly end of one, during writes."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from tests.reliability.databases import StoreDatabase
from tests.reliability.lab import Lab
from tests.reliability.load import Outcome, in_turn, told
from tests.reliability.people import make_user, usernames, violations
from tests.reliability.registry import ONE_OF_EACH, POSTGRES, SERVERS, STORES, Figure, scenario

CONCURRENCY = 20
IDLE_IN_TRANSACTION = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%%'"
)
"""How many connections of PostgreSQL are in a transaction in which nothing is done."""
_COMPLAINTS = ("Traceback", "ResourceWarning", "non-checked-in", "never awaited")
_numbers = random.Random(8)


class Registrations:
    """A bounded number of registrations, during which something happens.

    Args:
        names: Of whom to register.
        happening: What happens, once, when a random number of them has been answered.

    Attributes:
        outcomes: What became of each.
    """

    def __init__(self, names: list[str], happening: Callable[[], Awaitable[object]]) -> None:
        self.names = names
        self._happening = happening
        self._answered = 0
        self._when = _numbers.randint(len(names) // 10, len(names) // 2)
        self._begins = asyncio.Event()
        self.outcomes: list[Outcome] = []

    async def run(self, register: Callable[[str], Awaitable[Outcome]]) -> None:
        """Register everybody, and let it happen meanwhile."""

        async def one(number: int) -> Outcome:
            outcome = await register(self.names[number])
            self._answered += 1
            if self._answered >= self._when:
                self._begins.set()
            return outcome

        async def happen() -> None:
            await self._begins.wait()
            await self._happening()

        happening = asyncio.ensure_future(happen())
        self.outcomes = await in_turn(len(self.names), one, concurrency=CONCURRENCY)
        self._begins.set()
        await happening

    async def judge(
        self, figure: Figure, database: StoreDatabase, register: Callable[[str], Awaitable[Outcome]]
    ) -> tuple[int, int]:
        """Compare what was acknowledged with what is stored, and try the others again.

        Returns:
            How many were acknowledged, and how many were stored without an acknowledgement.
        """
        acknowledged = {name for name, each in zip(self.names, self.outcomes, strict=True) if each.status == 201}
        stored = await usernames(database)
        broken = await violations(database)
        unknown = [name for name in self.names if name not in acknowledged]
        silent = stored.intersection(unknown)
        again = await in_turn(len(unknown), lambda number: register(unknown[number]), concurrency=5)
        wrong = [
            each for name, each in zip(unknown, again, strict=True) if each.status != (409 if name in silent else 201)
        ]
        lost = acknowledged - stored
        figure.trial(
            not lost
            and not broken
            and not wrong
            and len(silent) <= CONCURRENCY
            and not any(each.is_a_fault for each in self.outcomes),
            f"{told(self.outcomes)}; {len(lost)} lost, half made: {broken}, {len(silent)} not acknowledged and there, "
            f"again: {told(wrong) or 'as it should be'}",
        )
        return len(acknowledged), len(silent)


@scenario(
    "RL-8",
    "`kill -9` of the database during registrations, 20 at once",
    "no acknowledged user lost, none half made; what was not acknowledged is 201 or 409 when it is sent again; "
    "no 5xx but the intended 503",
    stores=SERVERS,
)
async def killed_database(lab: Lab, store: str) -> Figure:
    """Kill it at a random moment, start it again under load, and compare."""
    fleet, figure = await lab.plain_fleet(store), Figure()
    number = 1000 if lab.long else 200
    counts = (0, 0)
    for _ in range(lab.trials(short=1, long=20)):

        async def kill_and_start() -> None:
            await fleet.engine.kill()
            await fleet.engine.start()

        load = Registrations([lab.unique() for _ in range(number)], kill_and_start)
        await load.run(fleet.client.register)
        await _serving_again(fleet.client.register, lab)
        seen = await load.judge(figure, fleet.database, fleet.client.register)
        counts = (counts[0] + seen[0], counts[1] + seen[1])
    return figure.says(f"0 lost of {counts[0]} acknowledged, 0 half made, {counts[1]} stored without an answer")


async def _serving_again(register: Callable[[str], Awaitable[Outcome]], lab: Lab) -> None:
    """Wait until each of the two workers has made a connection anew; how soon is asked by another scenario."""
    good = 0
    for _ in range(200):
        good = good + 1 if (await register(lab.unique("again"))).status == 201 else 0
        if good == 4:
            return
        await asyncio.sleep(0.05)


@scenario(
    "RL-9",
    "`kill -9` of a worker during registrations and refreshes, 20 at once",
    "no acknowledged user lost, none half made; everybody can refresh with the last token they got",
    stores=STORES,
    short=ONE_OF_EACH,
)
async def killed_worker(lab: Lab, store: str) -> Figure:
    """Kill one of the workers at a random moment, and start it again."""
    figure, counts = Figure(), (0, 0)
    async with lab.own_fleet(store, count=2, options={"refresh_grace": 120, "store_timeout": 60}) as fleet:
        owners = [(await make_user(lab, fleet))[1]["refresh_token"] for _ in range(10)]
        number = 500 if lab.long else 80
        for _ in range(lab.trials(short=1, long=20)):
            victim = _numbers.choice(fleet.workers)

            async def kill_and_start() -> None:
                await victim.kill()
                await victim.start()

            async def refresh(number: int) -> None:
                outcome = await fleet.client.refresh(owners[number])
                if outcome.status == 200:
                    owners[number] = outcome.json()["refresh_token"]

            async def register_and_refresh(username: str) -> Outcome:
                outcome = await fleet.client.register(username)
                if username.endswith("0"):  # one owner at a time, as a real one refreshes
                    async with turns[int(username[-2]) % len(owners)]:
                        await refresh(int(username[-2]) % len(owners))
                return outcome

            turns = [asyncio.Lock() for _ in owners]
            load = Registrations([lab.unique("worker00") for _ in range(number)], kill_and_start)
            await load.run(register_and_refresh)
            seen = await load.judge(figure, fleet.database, fleet.client.register)
            counts = (counts[0] + seen[0], counts[1] + seen[1])
            kept = [await fleet.client.refresh(each) for each in owners]
            figure.check({each.status for each in kept} == {200}, f"refreshed afterwards: {told(kept)}")
            owners = [each.json()["refresh_token"] for each in kept if each.status == 200]
    return figure.says(f"0 lost of {counts[0]} acknowledged, 0 half made, every owner refreshed")


@scenario(
    "RL-26",
    "SIGTERM to a worker during registrations, 20 at once",
    "what was in flight is answered, no acknowledged user lost, and it ends with nothing left open",
    stores=STORES,
    short=ONE_OF_EACH,
)
async def terminated_worker(lab: Lab, store: str) -> Figure:
    """Ask a worker to end, and see that what it had begun to answer it answers."""
    figure, counts = Figure(), (0, 0)
    for _ in range(lab.trials(short=1, long=20)):
        async with lab.own_fleet(store, count=2, options={"store_timeout": 60}) as fleet:
            victim, asked_at = fleet.workers[0], [0.0]

            async def terminate() -> None:
                asked_at[0] = time.monotonic()
                await victim.terminate()

            load = Registrations([lab.unique() for _ in range(300 if lab.long else 100)], terminate)
            await load.run(fleet.client.register)
            # A request that reached it in the moment of its end may find the door closed; none is cut off half way.
            cut = [each for each in load.outcomes if each.status == 0 and each.error != "ConnectError"]
            cut = [each for each in cut if each.began < asked_at[0] - 0.1]
            figure.check(not cut, f"cut off: {[each.error for each in cut]}")
            said = victim.said()
            loud = [
                word for word in ("Traceback", "ResourceWarning", "non-checked-in", "never awaited") if word in said
            ]
            figure.check(not loud, f"the log has {loud}: {said[-300:]}")
            if store == POSTGRES:
                open_now = (
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
                )
                figure.check((await fleet.database.rows(open_now))[0][0] <= 1, "a transaction was left open")
            seen = await load.judge(figure, fleet.database, fleet.client.register)
            counts = (counts[0] + seen[0], counts[1] + seen[1])
    return figure.says(f"0 lost of {counts[0]} acknowledged, none cut off, nothing left open")
