"""Protection of the sign-in (R-LG): how often one may guess, and who is not locked out by the guesses of others."""

from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response

from fastauth import FastAuth, LimitSettings
from fastauth.backends.memory import MemoryStore
from fastauth.testing import ManualClock
from tests.conftest import PASSWORD, bearer, client_of, register, sign_in
from tests.outbox import Outbox, settle
from tests.web.helpers import refused

OWNER, STRANGER = "192.0.2.1", "203.0.113.66"
PROXY = {"trusted_proxies": 1}


@pytest.fixture
def limited(make_auth: Callable[..., FastAuth[Any]]) -> Callable[..., FastAuth[Any]]:
    """Build an app with the default limits behind one proxy, unless told otherwise."""

    def make(**options: Any) -> FastAuth[Any]:
        return make_auth(MemoryStore(), **{"limits": LimitSettings(), **PROXY, **options})

    return make


@pytest.fixture
async def auth(limited: Callable[..., FastAuth[Any]]) -> FastAuth[Any]:
    """A ``FastAuth`` with the default limits, behind one proxy."""
    auth = limited()
    await auth.initialize_db()
    return auth


@pytest.fixture
async def client(auth: FastAuth[Any]) -> AsyncGenerator[AsyncClient, None]:
    """A client of an app where ``ada`` is registered."""
    app = FastAPI()
    auth.setup(app)
    async with client_of(app) as client:
        await register(client)
        yield client


def client_from(address: str | None, app: FastAPI, **options: Any) -> AsyncClient:
    """Return a client at this address, with no proxy between."""
    transport = ASGITransport(app, client=(address, 50000) if address is not None else ("unknown", 0))
    return AsyncClient(transport=transport, base_url="https://testserver", **options)


async def attempt(client: AsyncClient, username: str, password: str, address: str, **headers: str) -> Response:
    headers = {"X-Forwarded-For": address, **headers}
    return await client.post("/token", data={"username": username, "password": password}, headers=headers)


async def guess(client: AsyncClient, times: int, *, username: str = "ada", address: str = STRANGER) -> list[int]:
    return [(await attempt(client, username, "wrong", address)).status_code for _ in range(times)]


async def guess_patiently(client: AsyncClient, clock: ManualClock, username: str, *, address: str = STRANGER) -> int:
    """Guess for a year, whenever it is allowed, and return how many guesses were looked at."""
    looked_at = 0
    for _ in range(400):
        answer = await attempt(client, username, "wrong", address)
        looked_at += answer.status_code == 401
        clock.move(timedelta(days=1))
    return looked_at


async def test_r_lg_1_wrong_passwords_delay_and_the_delays_grow_to_an_hour(
    client: AsyncClient, clock: ManualClock
) -> None:
    """Ten wrong passwords are looked at; from then on each has to wait twice as long as before, up to an hour."""
    assert await guess(client, 12) == [401] * 10 + [429] * 2
    waits: list[int] = []
    for _ in range(10):
        answer = await attempt(client, "ada", "wrong", STRANGER)
        refused(answer, 429, "RATE_LIMITED")
        waits.append(int(answer.headers["retry-after"]))
        clock.move(timedelta(seconds=waits[-1] - 1))
        assert await guess(client, 1) == [429]
        clock.move(timedelta(seconds=1))
        assert await guess(client, 1) == [401]

    assert waits == [60, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


async def test_r_lg_1_a_stranger_does_not_lock_the_owner_out(client: AsyncClient) -> None:
    """While a stranger is refused even with the right password, the owner signs in from elsewhere."""
    await guess(client, 10)

    refused(await attempt(client, "ada", PASSWORD, STRANGER), 429, "RATE_LIMITED")
    assert (await attempt(client, "ada", PASSWORD, OWNER)).status_code == 200


async def test_r_lg_1_at_most_a_hundred_failures_in_a_row_over_any_time(
    auth: FastAuth[Any], client: AsyncClient, clock: ManualClock
) -> None:
    """A year of guesses has a hundred of them looked at; then only a new password opens the account."""
    by_name = await guess_patiently(client, clock, "ada")
    by_address = await guess_patiently(client, clock, "Ada@Example.COM", address="203.0.113.67")
    locked = [await attempt(client, name, PASSWORD, OWNER) for name in ("ada", "ada@example.com")]
    account = await auth.accounts.find("ada")
    assert account is not None
    await auth.accounts.set_password(account.id, f"{PASSWORD} anew")

    assert by_name + by_address == 100
    for answer in locked:
        refused(answer, 429, "RATE_LIMITED")
        assert answer.headers["retry-after"] == "3600"
    assert (await attempt(client, "ada", f"{PASSWORD} anew", OWNER)).status_code == 200
    assert (await attempt(client, "ada@example.com", f"{PASSWORD} anew", OWNER)).status_code == 200


async def test_r_lg_1_an_admin_opens_the_account(auth: FastAuth[Any], client: AsyncClient, clock: ManualClock) -> None:
    """An account that had all its failures is opened by an admin, with the password that it has."""
    await guess_patiently(client, clock, "ada")
    locked = await attempt(client, "ada", PASSWORD, OWNER)
    account = await auth.accounts.find("ada")
    assert account is not None

    await auth.accounts.unlock(account.id)

    refused(locked, 429, "RATE_LIMITED")
    assert (await attempt(client, "ada", PASSWORD, OWNER)).status_code == 200


async def test_r_lg_1_a_success_begins_the_count_anew(client: AsyncClient, clock: ManualClock) -> None:
    """A success clears what the account has failed, and ten more wrong passwords are looked at."""
    for _ in range(3):
        assert await guess(client, 9, address=OWNER) == [401] * 9
        assert (await attempt(client, "ada", PASSWORD, OWNER)).status_code == 200

    assert await guess(client, 11, address=OWNER) == [401] * 10 + [429]


async def test_r_lg_1_no_account_is_told_from_one(client: AsyncClient) -> None:
    """Over the limit, the answer for an account and for none is the same, byte for byte, headers included."""
    await guess(client, 10, address=OWNER)
    await guess(client, 10, username="nobody")

    known = await attempt(client, "ada", "wrong", OWNER)
    unknown = await attempt(client, "nobody", "wrong", STRANGER)

    refused(known, 429, "RATE_LIMITED")
    assert (known.content, sorted(known.headers.multi_items())) == (
        unknown.content,
        sorted(unknown.headers.multi_items()),
    )


async def test_r_lg_1_every_spelling_is_one_account(client: AsyncClient) -> None:
    """The account is counted by its canonical name: other spellings of it give no more guesses."""
    spellings = ["ada", "ADA", "Ada", "aDa", "adA"]

    statuses = [(await guess(client, 1, username=spellings[each % 5]))[0] for each in range(12)]

    assert statuses == [401] * 10 + [429] * 2


async def test_r_lg_1_the_limit_comes_before_the_hash(auth: FastAuth[Any], client: AsyncClient) -> None:
    """What is over the limit costs no hash."""
    await guess(client, 10)
    auth.passwords.close()  # any hash would raise from now on

    assert await guess(client, 1) == [429]


CURRENT_PASSWORD_ASKED: dict[str, dict[str, str]] = {
    "POST /password/change": {"new_password": "another horse battery"},
    "POST /email/change": {"new_email": "new@example.com"},
    "DELETE /users/me": {},
}


@pytest.mark.parametrize("route", CURRENT_PASSWORD_ASKED)
async def test_r_lg_1_who_holds_a_session_guesses_no_more_often(
    limited: Callable[..., FastAuth[Any]], clock: ManualClock, route: str
) -> None:
    """Where the current password is asked for, guesses are counted as at sign-in, and together with those."""
    auth = limited(notifier=Outbox(), limits=LimitSettings(verify_email=None))
    await auth.initialize_db()
    app = FastAPI()
    auth.setup(app)
    method, path = route.split()

    async with client_of(app, headers={"X-Forwarded-For": STRANGER}) as client:
        await register(client)
        stolen = bearer(await sign_in(client))

        async def prove(password: str) -> Response:
            body = {"current_password": password, **CURRENT_PASSWORD_ASKED[route]}
            return await client.request(method, path, json=body, headers=stolen)

        answers = [await prove("wrong") for _ in range(5)]
        at_sign_in = await guess(client, 5)
        over = [await prove("wrong"), await prove(PASSWORD), await attempt(client, "ada", PASSWORD, STRANGER)]
        elsewhere = await attempt(client, "ada", PASSWORD, OWNER)
        clock.move(timedelta(minutes=1))
        right = await prove(PASSWORD)
    await settle(auth)

    assert [answer.status_code for answer in answers] == at_sign_in == [401] * 5
    for answer in over:
        refused(answer, 429, "RATE_LIMITED")
    assert elsewhere.status_code == 200
    assert right.status_code in {202, 204}


async def test_r_lg_1_the_right_current_password_begins_the_count_anew(
    auth: FastAuth[Any], client: AsyncClient
) -> None:
    """Who proves to know the password has no failures any more, whichever route asked for it."""
    tokens = bearer(await sign_in(client))
    body = {"current_password": PASSWORD, "new_password": f"{PASSWORD} anew"}
    await guess(client, 9, address=OWNER)

    changed = await client.post("/password/change", json=body, headers={**tokens, "X-Forwarded-For": OWNER})

    assert changed.status_code == 204
    assert await guess(client, 11, address=OWNER) == [401] * 10 + [429]


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "True-Client-IP", "X-Client-IP"])
async def test_r_lg_2_no_header_raises_the_allowance(header: str, limited: Callable[..., FastAuth[Any]]) -> None:
    """A thousand made-up addresses in a header give a client no more guesses than one."""
    auth = limited(trusted_proxies=())
    await auth.initialize_db()
    app = FastAPI()
    auth.setup(app)

    async with client_from("203.0.113.66", app) as client:
        statuses = []
        for each in range(1000):
            value = f"198.51.{each // 250}.{each % 250 + 1}"
            headers = {header: f"for={value}" if header == "Forwarded" else value}
            form = {"username": f"user{each}", "password": "wrong"}
            statuses.append((await client.post("/token", data=form, headers=headers)).status_code)

    assert statuses == [401] * 60 + [429] * 940


async def test_r_lg_2_what_is_left_of_the_trusted_proxy_raises_nothing(client: AsyncClient) -> None:
    """Behind a trusted proxy, only the address that it wrote counts; what the client wrote before it does not."""
    statuses = [
        (
            await attempt(
                client, f"user{each}", "wrong", f"198.51.100.{each}, {STRANGER}", **{"X-Real-IP": f"192.0.2.{each}"}
            )
        ).status_code
        for each in range(70)
    ]

    assert statuses == [401] * 60 + [429] * 10


async def test_r_lg_2_an_ipv6_client_has_one_allowance_for_its_network(client: AsyncClient) -> None:
    """All addresses of one /64 are one client, and those of the next are another."""
    statuses = [
        (await guess(client, 1, username=f"user{each}", address=f"2001:db8::{each:x}"))[0] for each in range(70)
    ]

    assert statuses == [401] * 60 + [429] * 10
    assert await guess(client, 1, username="other", address="2001:db8:0:1::1") == [401]


@pytest.mark.parametrize("address", [None, "10.0.0.1"])
async def test_r_lg_2_unknown_clients_do_not_share_one_bucket(
    address: str | None, limited: Callable[..., FastAuth[Any]]
) -> None:
    """Where the clients' addresses are unknown, accounts are counted, and nobody pays for the guesses of others."""
    auth = limited(trusted_proxies=())
    await auth.initialize_db()
    app = FastAPI()
    auth.setup(app)

    async with client_from(address, app, headers={"X-Forwarded-For": STRANGER}) as client:
        of_many = [(await client.post("/token", data={"username": f"u{each}", "password": "x"})) for each in range(200)]
        of_one = [(await client.post("/token", data={"username": "ada", "password": "x"})) for _ in range(12)]

    assert {answer.status_code for answer in of_many} == {401}
    assert [answer.status_code for answer in of_one] == [401] * 10 + [429] * 2


async def test_r_lg_3_an_own_success_gives_no_more_guesses_at_others(client: AsyncClient) -> None:
    """Signing in to an account of one's own between guesses does not give the client more of them."""
    looked_at = successes = 0
    for each in range(100):
        looked_at += (await attempt(client, f"user{each}", "wrong", STRANGER)).status_code == 401
        successes += (await attempt(client, "ada", PASSWORD, STRANGER)).status_code == 200

    assert looked_at + successes == 60


async def test_r_lg_3_a_success_elsewhere_gives_a_stranger_no_more_guesses(client: AsyncClient) -> None:
    """When the owner signs in, the stranger who has guessed at the account waits on."""
    await guess(client, 10)
    assert (await attempt(client, "ada", PASSWORD, OWNER)).status_code == 200

    assert await guess(client, 1) == [429]
