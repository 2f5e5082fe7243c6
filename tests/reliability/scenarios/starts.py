"""The first start of many processes at once, on an empty database."""

import asyncio

from tests.conftest import PASSWORD
from tests.reliability.lab import APP, Lab
from tests.reliability.outside import python
from tests.reliability.people import insider, violations
from tests.reliability.registry import MONGO_SET, SQLITE, STORES, Figure, scenario
from tests.reliability.workers import Worker, app_environment

_WORKERS, _COMMANDS = 8, 2


@scenario(
    "RL-21",
    "Eight workers and two `fastauth init` on an empty database, at once",
    "all of them start; one superadmin, each role once, the schema complete",
    stores=STORES,
    short=(SQLITE, MONGO_SET),
)
async def first_start(lab: Lab, store: str) -> Figure:
    """Start everything at once, and look at what they have made together."""
    figure = Figure()
    for trial in range(lab.trials(short=1, long=20)):
        database = await lab.database(store)
        environment = app_environment(database.url, {"store_timeout": 60})
        logs = [lab.folder / f"start-{store}-{trial}-{number}.log" for number in range(_WORKERS)]
        workers = [Worker(APP, environment, log) for log in logs]
        command = ("-m", "fastauth", "init", "tests.reliability.app:auth")
        admin = {**environment, "FASTAUTH_ADMIN_PASSWORD": PASSWORD, "FASTAUTH_ADMIN_USERNAME": "root"}
        try:
            *started, first, second = await asyncio.gather(
                *(worker.start() for worker in workers),
                *(python(*command, environment=admin) for _ in range(_COMMANDS)),
                return_exceptions=True,
            )
            failures = [str(each)[-300:] for each in started if each is not None]
            failures += [str(each)[-300:] for each in (first, second) if isinstance(each, BaseException) or each[0]]
            async with insider(database) as auth:
                missing = await auth.store.missing_schema()
                names = [each.name for each in await auth.roles.list()]
                root = await auth.accounts.find("root")
            figure.trial(
                not failures
                and not missing
                and len(names) == len(set(names)) == 6
                and root is not None
                and "superadmin" in root.roles
                and not await violations(database),
                f"{failures}; missing {missing}; roles {sorted(names)}; superadmin {root is not None}",
            )
        finally:
            for worker in workers:
                await worker.kill()
    return figure.says("all started; one superadmin, each role once, the schema complete")
