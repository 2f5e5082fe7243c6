"""Scenarios that tests of the library's show already; they run here for their figure, on real servers too.

The short form leaves them to `nox -s tests` and `nox -s slow`, which run the same.
"""

from tests.reliability.lab import Lab
from tests.reliability.load import told
from tests.reliability.outside import tests
from tests.reliability.registry import MARIADB, MONGO, MONGO_SET, POSTGRES, SQLITE, STORES, Figure, scenario

_TEST_NAMES = {SQLITE: "sqlite", POSTGRES: "postgres-asyncpg", MARIADB: "mariadb", MONGO: MONGO, MONGO_SET: MONGO_SET}


@scenario(
    "RL-10",
    "Each store call of each flow fails in turn, before it is done or when its answer is lost",
    "all or nothing; the token that was shown is good for another try; nothing is mailed",
    stores=STORES,
    short=(),
)
async def failing_calls(_: Lab, store: str) -> Figure:
    """Run the tests of the failing store."""
    figure = Figure()
    passed = await tests(figure, "tests/services/test_failing_store.py", "-k", _TEST_NAMES[store])
    return figure.says(f"{passed} flows, each of whose calls failed")


@scenario(
    "RL-19",
    "Three rotations of the key under load, HS256 to ES256 to HS512 to EdDSA, worker by worker",
    "no request fails; a token of a dropped key is 401",
    stores=(SQLITE,),
    short=(),
)
async def key_rotation(_: Lab, _store: str) -> Figure:
    """Run the test of the rotation, with four workers."""
    figure = Figure()
    await tests(figure, "-m", "slow", "tests/stores/test_key_rotation.py")
    return figure.says("no request failed; 401 for the dropped key's token")


@scenario(
    "RL-20",
    "400 sign-ins at one account at once, over four workers that share a counter",
    "10 are looked at, 390 x 429 with `Retry-After`",
    stores=("redis", MONGO, MONGO_SET),
    short=(),
)
async def shared_limits(_: Lab, store: str) -> Figure:
    """Run the test of the limits."""
    figure = Figure()
    await tests(figure, "tests/stores/test_limits_by_workers.py", "-k", f"[{store}]")
    return figure.says("10 looked at, 390 x 429")


@scenario(
    "RL-20",
    "The storage of the limits is away",
    "sign-in is 503, and never goes unlimited",
    stores=("redis",),
)
async def limits_away(lab: Lab, store: str) -> Figure:
    """Stop Redis, ask for sign-ins, and start it again."""
    figure, server = Figure(), await lab.server(store)
    storage = f"redis://127.0.0.1:{server.port}/1"
    async with lab.own_fleet(SQLITE, count=2, options={"limits": {"storage": storage}}) as fleet:
        name = lab.unique()
        assert (await fleet.client.register(name)).status == 201
        for _ in range(lab.trials(short=1, long=20)):
            before = await fleet.client.sign_in(name)
            await server.stop()
            away = [await fleet.client.sign_in(name, password) for password in ("wrong", "correct horse battery") * 3]
            await server.start()
            after = await fleet.client.sign_in(name)
            figure.trial(
                all(each.is_an_intended_503 for each in away) and (before.status, after.status) == (200, 200),
                f"{told([before])}, away: {told(away)}, then {told([after])}",
            )
    return figure.says("503 while it is away, 200 when it is back")


@scenario(
    "RL-24",
    "Every look-up of sign-in, refresh and `/users/me` on large tables",
    "by an index, each of them",
    stores=(SQLITE, POSTGRES, MARIADB),
    short=(),
)
async def query_plans(_: Lab, store: str) -> Figure:
    """Run the tests that read the query plans."""
    figure = Figure()
    await tests(figure, "tests/stores/test_query_plans.py", "-k", store)
    return figure.says("every plan by an index")
