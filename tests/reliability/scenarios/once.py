"""What may happen once, or no more at all, however many ask at the same time."""

import asyncio
from collections.abc import Callable

from fastauth.core.hashers import BcryptHasher
from fastauth.testing import Outbox
from tests.conftest import PASSWORD
from tests.reliability.lab import Lab
from tests.reliability.load import Outcome, at_once, statuses, told
from tests.reliability.people import insider, make_admin, make_user
from tests.reliability.registry import ONE_OF_EACH, STORES, Figure, scenario

_NEW_PASSWORD = "another horse battery"


@scenario(
    "RL-5",
    "50 uses of one mailed token at once: a new password, and a verified address",
    "one success, the others 401; no 5xx but the intended 503 of a conflict that was tried again three times",
    stores=STORES,
    short=ONE_OF_EACH,
)
async def single_use(lab: Lab, store: str) -> Figure:
    """Spend one link fifty times at once, over four workers."""
    figure, outbox, busy = Figure(), Outbox(), 0
    options = {"mails": True, "store_timeout": 60}
    async with lab.own_fleet(store, options=options) as fleet, insider(fleet.database, notifier=outbox) as auth:
        for _ in range(lab.trials(short=1, long=20)):
            name = lab.unique()
            account = await auth.accounts.create(name, f"{name}@example.com", PASSWORD)
            for kind in ("verify_email", "reset_password"):
                if kind == "verify_email":
                    await auth.accounts.request_verification(account)
                    path, more = "/email/verify", dict[str, str]()
                else:
                    await auth.accounts.forgot_password(account.email)
                    path, more = "/password/reset", {"new_password": _NEW_PASSWORD}
                await auth._background.drain()
                token = outbox.latest(to=account.email, kind=kind).token
                body = {"token": token, **more}
                outcomes = await at_once(50, lambda _, to=path, body=body: fleet.client.send("POST", to, json=body))
                refused = [each for each in outcomes if each.status == 401 or each.is_an_intended_503]
                busy += sum(each.status == 503 for each in refused)
                only_one = (len(refused), statuses(outcomes)[204]) == (49, 1)
                figure.trial(only_one, f"{kind}: {told(outcomes)}")
            entered = (await fleet.client.sign_in(name, _NEW_PASSWORD)).status
            figure.check(entered == 200, f"then a sign-in was {entered}")
    return figure.says(f"1 x 204 each time, {busy} x the intended 503, the others 401")


@scenario(
    "RL-6",
    "a user is disabled while 100 of their refreshes, requests and sign-ins fly",
    "after the disabling was answered, none succeeds, and no token that was given out meanwhile is good",
    stores=STORES,
    short=ONE_OF_EACH,
)
async def disabled_meanwhile(lab: Lab, store: str) -> Figure:
    """Disable somebody in the middle of it; what was asked for after the answer is refused."""
    fleet, figure = await lab.fleet(store), Figure()
    _id, admin = await make_admin(lab, fleet)
    for _ in range(lab.trials(short=1, long=20)):
        name, tokens = await make_user(lab, fleet)
        user_id = (await fleet.client.me(tokens["access_token"])).json()["id"]
        asks: list[Callable[[], asyncio.Future[Outcome]]] = [
            lambda old=tokens: asyncio.ensure_future(fleet.client.refresh(old["refresh_token"])),
            lambda old=tokens: asyncio.ensure_future(fleet.client.me(old["access_token"])),
            lambda name=name: asyncio.ensure_future(fleet.client.sign_in(name)),
        ]
        flying = [asks[number % 3]() for number in range(100)]
        disabled = await fleet.client.send("PATCH", f"/users/{user_id}", json={"disabled": True}, token=admin)
        late = await asyncio.gather(*(asks[number % 3]() for number in range(30)))
        outcomes = await asyncio.gather(*flying)
        given = [each.json() for each in outcomes if each.status == 200 and "access_token" in each.json()]
        after = [await fleet.client.me(each["access_token"]) for each in given]
        figure.trial(
            disabled.status == 200 and {each.status for each in (*late, *after)} <= {401, 403},
            f"disabling {disabled.status}, afterwards {told(late)}, tokens {told(after)}",
        )
        figure.check(not any(each.is_a_fault for each in outcomes), told(outcomes))
    return figure.says("no success after the answer, and no token outlived it")


@scenario(
    "RL-7",
    "50 sign-ins at once by somebody whose hash is of another cost",
    "50 x 200; one new hash, which is good",
    stores=STORES,
    short=ONE_OF_EACH,
)
async def hash_upgrade(lab: Lab, store: str) -> Figure:
    """Let all of them make the hash anew at once."""
    fleet, figure = await lab.fleet(store), Figure()
    async with insider(fleet.database) as auth:
        for _ in range(lab.trials(short=1, long=20)):
            name, old = lab.unique(), BcryptHasher(5).hash(PASSWORD)
            account = await auth.accounts.create(name, f"{name}@example.com", None, hashed_password=old)
            outcomes = await at_once(50, lambda _, name=name: fleet.client.sign_in(name))
            stored = (await auth.accounts.get(account.id)).hashed_password
            is_good = (await auth.passwords.verify(PASSWORD, stored)) == (True, None)
            again = (await fleet.client.sign_in(name)).status
            figure.trial(
                told(outcomes) == "50 x 200" and stored != old and is_good and again == 200,
                f"{told(outcomes)}, new hash {stored != old}, good {is_good}, then {again}",
            )
    return figure.says("50 x 200, and the new hash is good")
