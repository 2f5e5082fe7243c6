"""A long run at half capacity: nothing may grow."""

import asyncio
import random
import time
from pathlib import Path
from typing import Any, NamedTuple

from tests.reliability.lab import Fleet, Lab
from tests.reliability.load import Outcome, percentile
from tests.reliability.people import make_user
from tests.reliability.registry import MONGO_SET, POSTGRES, SQLITE, Figure, scenario

_PEOPLE = 20
_AT_ONCE = 8
_SESSION_SECONDS = 20


class Sample(NamedTuple):
    """What a worker holds at one moment: resident memory in bytes, and open files, connections among them."""

    memory: int
    files: int


def sample_of(pid: int) -> Sample:
    """Return what a process holds now."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) * 1024
    files = list(Path(f"/proc/{pid}/fd").iterdir())
    return Sample(resident, len(files))


class Crowd:
    """People who sign in, refresh and ask, without end."""

    def __init__(self, lab: Lab, fleet: Fleet) -> None:
        self._lab = lab
        self._fleet = fleet
        self._numbers = random.Random(23)
        self.names: list[str] = []
        self.tokens: list[Any] = []
        self.outcomes: list[Outcome] = []
        self.requests = 0

    async def gather(self) -> None:
        """Register everybody."""
        for _ in range(_PEOPLE):
            name, tokens = await make_user(self._lab, self._fleet)
            self.names.append(name)
            self.tokens.append(tokens)

    async def step(self, who: int) -> None:
        """Do what people do: mostly ask, now and then refresh, sometimes sign in anew, or mistype."""
        client, chance = self._fleet.client, self._numbers.random()
        if chance < 0.1:
            outcome = await client.sign_in(self.names[who])
            if outcome.status == 200:
                self.tokens[who] = outcome.json()
        elif chance < 0.3:
            outcome = await client.refresh(self.tokens[who]["refresh_token"])
            if outcome.status == 200:
                self.tokens[who] = outcome.json()
            elif outcome.status == 401:  # it was not refreshed for too long
                self.tokens[who] = (await client.sign_in(self.names[who])).json()
        elif chance < 0.35:
            outcome = await client.sign_in(self.names[who], "mistyped")
        else:
            outcome = await client.me(self.tokens[who]["access_token"])
        self.requests += 1
        self.outcomes.append(outcome._replace(response=None) if outcome.status < 500 else outcome)

    async def go_on(self, seconds: float, *, per_second: float | None = None) -> list[Outcome]:
        """Go on for a while, as fast as they can or at a pace, and return what became of it."""
        end, self.outcomes = time.monotonic() + seconds, []
        pause = _AT_ONCE / per_second if per_second else 0

        async def one(number: int) -> None:
            due = time.monotonic()
            while time.monotonic() < end:
                await self.step(self._numbers.randrange(number, _PEOPLE, _AT_ONCE))
                due += pause
                await asyncio.sleep(max(0.0, due - time.monotonic()))

        await asyncio.gather(*(one(number) for number in range(_AT_ONCE)))
        return self.outcomes


@scenario(
    "RL-23",
    "A soak at half capacity: sign-ins, refreshes, requests, mistakes",
    "resident memory grows less than 5 % after warm-up; open files and connections constant; no 5xx; "
    "expired sessions are purged",
    stores=(SQLITE, POSTGRES, MONGO_SET),
    short=(POSTGRES,),
)
async def soak(lab: Lab, store: str) -> Figure:
    """Measure the capacity, warm up, then go on at half of it and watch what the workers hold."""
    minutes = lab.minutes or (60 if lab.long else 1)
    # The first third, or ten minutes, is for caches and pools to fill.
    warm_up = min(minutes * 60 / 3, 600)
    figure, grows = Figure(), 0.0
    options = {"session_seconds": _SESSION_SECONDS, "purge_every": 10, "store_timeout": 60}
    async with lab.own_fleet(store, count=2, options=options) as fleet:
        crowd = Crowd(lab, fleet)
        await crowd.gather()
        full = await crowd.go_on(max(5, warm_up / 4))
        pace = len(full) / max(5, warm_up / 4) / 2
        warm = await crowd.go_on(warm_up * 3 / 4, per_second=pace)
        before = [sample_of(worker.pid) for worker in fleet.workers]
        first, last, faults = percentile([each.seconds for each in warm], 99), 0.0, 0
        end = time.monotonic() + minutes * 60 - warm_up
        samples = [before]
        while time.monotonic() < end:
            outcomes = await crowd.go_on(min(60, max(5, end - time.monotonic())), per_second=pace)
            faults += sum(each.status >= 500 or each.status == 0 for each in outcomes)
            last = percentile([each.seconds for each in outcomes], 99)
            samples.append([sample_of(worker.pid) for worker in fleet.workers])
        figure.check(not faults, f"{faults} x 5xx or no answer")
        for number, start in enumerate(before):
            held = [each[number] for each in samples]
            growth = held[-1].memory / start.memory - 1
            grows = max(grows, growth)
            figure.check(growth < 0.05, f"memory grew by {growth:.1%}")
            # Connections of our own clients come and go with what is under way just then.
            figure.check(held[-1].files <= start.files + _AT_ONCE, f"open files: {start.files}, then {held[-1].files}")
        figure.trials = crowd.requests
        sessions = await _stored_sessions(fleet)
        bound = int(pace * _SESSION_SECONDS * 3) + _PEOPLE * 4
        figure.check(sessions <= bound, f"{sessions} sessions are stored, more than {bound}")
    return figure.says(
        f"{minutes:g} minutes, {crowd.requests} requests at {pace:.0f}/s, no 5xx; memory {grows:+.1%}; "
        f"files {before[0].files} to {samples[-1][0].files}; {sessions} sessions stored; "
        f"p99 {first * 1000:.0f} ms, then {last * 1000:.0f} ms"
    )


async def _stored_sessions(fleet: Fleet) -> int:
    if fleet.database.is_sql:
        return int((await fleet.database.rows("SELECT count(*) FROM fastauth_sessions"))[0][0])
    return len(await fleet.database.documents("fastauth_sessions"))
