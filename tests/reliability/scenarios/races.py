"""Races over four worker processes: the same thing by many at once."""

import random
import unicodedata
from collections.abc import Callable
from functools import partial

from tests.conftest import PASSWORD
from tests.reliability.lab import Lab
from tests.reliability.load import Outcome, at_once, told
from tests.reliability.people import count_users, generation_of, insider, make_admin, make_user, violations
from tests.reliability.registry import ONE_OF_EACH, STORES, Figure, scenario


@scenario(
    "RL-1",
    "100 refreshes of one token at once, over four workers",
    "one rotation; the others get its generation, or 401; no 5xx; the owner stays signed in",
    stores=STORES,
    short=ONE_OF_EACH,
)
async def refresh_race(lab: Lab, store: str) -> Figure:
    """Refresh one token a hundred times at once; whoever was answered holds the one live generation."""
    fleet, figure = await lab.fleet(store), Figure()
    for _ in range(lab.trials(short=3, long=50)):
        _name, tokens = await make_user(lab, fleet)
        outcomes = await at_once(100, lambda _, old=tokens["refresh_token"]: fleet.client.refresh(old))
        good = [each.json() for each in outcomes if each.status == 200]
        generations = {generation_of(each["refresh_token"]) for each in good}
        alive = [(await fleet.client.me(each["access_token"])).status for each in good[:3]]
        again = [(await fleet.client.refresh(each["refresh_token"])).status for each in good[:2]]
        figure.trial(
            generations == {generation_of(tokens["refresh_token"]) + 1}
            and {each.status for each in outcomes} <= {200, 401}
            and {*alive, *again} == {200},
            f"{told(outcomes)}, generations {generations}, then {alive} and {again}",
        )
    return figure.says("one rotation each time, no 5xx, no session lost")


def _same_address(name: str, number: int) -> tuple[str, str]:
    return f"{name}{number}", f"{name}@example.com"


def _same_name(name: str, number: int) -> tuple[str, str]:
    return name, f"{name}{number}@example.com"


def _same_in_other_letters(name: str, number: int) -> tuple[str, str]:
    """One name in upper and lower case, composed and not, narrow and wide."""
    cased = "".join(char.upper() if number >> place & 1 else char for place, char in enumerate(f"{name}é"))
    forms = (cased, unicodedata.normalize("NFD", cased), "".join(map(_wide, cased)))
    return forms[number % 3], f"{name}{number}@example.com"


def _wide(char: str) -> str:
    return chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char


@scenario(
    "RL-2",
    "200 registrations of one address, of one name, and of one name in other letters, at once",
    "1 x 201, 199 x 409; one user, who can sign in",
    stores=STORES,
    short=ONE_OF_EACH,
)
async def register_race(lab: Lab, store: str) -> Figure:
    """Register the same two hundred times at once, in each of the three ways."""
    fleet, figure = await lab.fleet(store), Figure()
    makes: list[Callable[[str, int], tuple[str, str]]] = [_same_address, _same_name, _same_in_other_letters]
    for make in makes * lab.trials(short=1, long=20):
        name = lab.unique("race")

        async def register(number: int, name: str = name, make: Callable[..., tuple[str, str]] = make) -> Outcome:
            username, email = make(name, number)
            return await fleet.client.register(username, email=email)

        outcomes = await at_once(200, register)
        made = [each.json() for each in outcomes if each.status == 201]
        entered = [(await fleet.client.sign_in(each["username"])).status for each in made]
        held = [await count_users(fleet.database, username=each["username"]) for each in made]
        figure.trial(
            told(outcomes) == "1 x 201, 199 x 409" and (entered, held) == ([200], [1]),
            f"{make.__name__}: {told(outcomes)}, then {entered}, stored {held}",
        )
    figure.check(not (broken := await violations(fleet.database)), broken)
    return figure.says("1 x 201, 199 x 409 each time; one user, who signs in")


@scenario(
    "RL-3",
    "100 grants and 100 revocations of one role, at once",
    "only 204 and 404; the last one decides; no link twice",
    stores=STORES,
    short=ONE_OF_EACH,
)
async def role_race(lab: Lab, store: str) -> Figure:
    """Grant and revoke at once; then revoke, and grant, each of which has to hold."""
    fleet, figure = await lab.fleet(store), Figure()
    _id, token = await make_admin(lab, fleet, "superadmin")
    role = (await fleet.client.send("POST", "/roles", json={"name": lab.unique("role")}, token=token)).json()
    for _ in range(lab.trials(short=2, long=20)):
        user = (await fleet.client.register(lab.unique())).json()
        path = f"/users/{user['id']}/roles"

        async def change(number: int, path: str = path) -> Outcome:
            return await fleet.client.send(("POST", "DELETE")[number % 2], f"{path}/{role['id']}", token=token)

        outcomes = await at_once(200, change)
        figure.trial({each.status for each in outcomes} <= {204, 404}, told(outcomes))
        for number in (1, 0):
            last = await change(number)
            listed = await fleet.client.send("GET", path, token=token)
            held = [each["name"] for each in listed.json()].count(role["name"]) if listed.status == 200 else None
            figure.check(held == (number == 0), f"after {told(outcomes)} and then {told([last])}: held {held} times")
    figure.check(not (broken := await violations(fleet.database)), broken)
    return figure.says("no 5xx, and the last one decided each time")


@scenario(
    "RL-4",
    "2 to 20 superadmins demote, disable and delete each other at once",
    "at least one enabled superadmin stays, each time",
    stores=STORES,
    short=ONE_OF_EACH,
)
async def last_superadmin(lab: Lab, store: str) -> Figure:
    """Let everybody remove another one at once, over the same workers, and count who is left."""
    figure, numbers = Figure(), random.Random(4)
    async with lab.own_fleet(store, options={"store_timeout": 60}) as fleet, insider(fleet.database) as auth:
        stayed: str | None = None
        for _ in range(lab.trials(short=4, long=100)):
            names = [lab.unique("super") for _ in range(numbers.randint(2, 20))]
            accounts = [
                await auth.accounts.create(each, f"{each}@example.com", PASSWORD, roles=("superadmin", "user"))
                for each in names
            ]
            if stayed is not None:  # of the trial before; now there are others
                await auth.accounts.delete(stayed)
            tokens = [(await auth.sessions.start(each)).access_token for each in accounts]
            role = next(each for each in await auth.roles.list() if each.name == "superadmin")
            ways = [numbers.choice(("demote", "disable", "delete")) for _ in accounts]

            async def remove(number: int, ids: list[str], tokens: list[str], ways: list[str], role_id: str) -> Outcome:
                user, token = f"/users/{ids[(number + 1) % len(ids)]}", tokens[number]
                if ways[number] == "disable":
                    return await fleet.client.send("PATCH", user, json={"disabled": True}, token=token)
                path = f"{user}/roles/{role_id}" if ways[number] == "demote" else user
                return await fleet.client.send("DELETE", path, token=token)

            ids = [each.id for each in accounts]
            each_removes = partial(remove, ids=ids, tokens=tokens, ways=ways, role_id=role.id)
            outcomes = await at_once(len(accounts), each_removes)
            found = [await auth.accounts.find(each) for each in names]
            left = [each for each in found if each is not None and "superadmin" in each.roles and not each.disabled]
            figure.trial(
                len(left) >= 1 and not any(each.is_a_fault for each in outcomes),
                f"{len(left)} of {len(names)} left, {told(outcomes)}",
            )
            for each in left[1:]:
                await auth.accounts.delete(each.id)
            stayed = left[0].id if left else None
    return figure.says("at least one stayed each time")
