"""Clocks that are wrong, or jump."""

from pathlib import Path

from tests.reliability.lab import APP, Lab
from tests.reliability.load import Client, client_of, told
from tests.reliability.people import make_user
from tests.reliability.registry import SQLITE, Figure, scenario
from tests.reliability.workers import FAKETIME, Worker, app_environment, start_all
from tests.server_process import UnavailableError

# By how many seconds the verifier's clock is ahead of the issuer's, and what a fresh access token is worth there.
# Ahead by half a minute, the token is simply older; behind by as much, it comes from the future.
_SKEWS = {"+5s": 200, "-5s": 200, "+30s": 200, "-30s": 401, "+3600s": 401, "-3600s": 401}


def _needs_faketime() -> None:
    if not FAKETIME.exists():
        raise UnavailableError("install libfaketime")


@scenario(
    "RL-18",
    "A worker whose clock is 5 s, 30 s or 1 h from the issuer's",
    "no token refused within the leeway of 10 s; 401 for one from the future or past its time",
    stores=(SQLITE,),
)
async def skewed(lab: Lab, store: str) -> Figure:
    """Sign in at a worker whose clock is right, and show the token to one whose clock is not."""
    _needs_faketime()
    figure = Figure()
    async with lab.own_fleet(store, count=1, options={"store_timeout": 60}) as fleet:
        workers = {
            skew: Worker(
                APP,
                app_environment(fleet.database.url, {"store_timeout": 60}, clock=skew),
                lab.folder / f"skewed{skew}.log",
            )
            for skew in _SKEWS
        }
        try:
            await start_all([*workers.values()])
            for skew, worker in workers.items():
                for _ in range(lab.trials(short=3, long=20)):
                    _name, tokens = await make_user(lab, fleet)
                    seen = await Client([worker], fleet.client.http).me(tokens["access_token"])
                    figure.trial(seen.status == _SKEWS[skew], f"{skew}: {told([seen])}")
        finally:
            for worker in workers.values():
                await worker.kill()
    return figure.says("accepted within the leeway, 401 beyond it")


def _set(clock: Path, by: str) -> None:
    clock.write_text(by)


@scenario(
    "RL-18",
    "A clock that jumps back an hour while the worker runs",
    "no expired session comes back to life, and no lock-out ends",
    stores=(SQLITE,),
)
async def jumped(lab: Lab, store: str) -> Figure:
    """Let a session end and an account be locked out, then set the clock back."""
    _needs_faketime()
    figure, clock = Figure(), lab.folder / "clock"
    database = await lab.database(store)
    options = {
        "store_timeout": 60,
        "session_seconds": 600,
        "limits": {"sign_in": "5/minute", "sign_in_per_client": None, "register": None, "register_per_client": None},
    }
    _set(clock, "+0")
    worker = Worker(APP, app_environment(database.url, options, clock=str(clock)), lab.folder / "jumped.log")
    try:
        await worker.start()
        async with client_of([worker]) as client:
            for _ in range(lab.trials(short=1, long=10)):
                _set(clock, "+0")
                name, victim = lab.unique(), lab.unique()
                assert (await client.register(name)).status == (await client.register(victim)).status == 201
                tokens = (await client.sign_in(name)).json()
                _set(clock, "+700s")
                expired = await client.refresh(tokens["refresh_token"])
                tries = [await client.sign_in(victim, "wrong") for _ in range(7)]
                _set(clock, "-2900s")
                revived = [await client.refresh(tokens["refresh_token"]), await client.me(tokens["access_token"])]
                locked = await client.sign_in(victim)
                figure.trial(
                    expired.status == 401
                    and {each.status for each in revived} == {401}
                    and tries[-1].status == 429
                    and locked.status == 429,
                    f"expired {told([expired])}; after the jump {told(revived)}; locked out: {told([*tries, locked])}",
                )
    finally:
        await worker.kill()
    return figure.says("what had ended stayed so")
