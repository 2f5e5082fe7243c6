"""More passwords than can be hashed in time: who comes too late is told so at once, and everything else goes on."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from fastauth import Account, FastAuth, LimitSettings, OverloadedException, PasswordSettings
from fastauth.backends.memory import MemoryStore
from fastauth.testing import Outbox
from tests.conftest import PASSWORD, bearer, client_of, register, sign_in
from tests.core.other_hashers import WatchedHasher
from tests.web.helpers import refused

ADA = {"username": "ada", "password": PASSWORD}
MakeAuth = Callable[..., FastAuth[Any]]


@pytest.fixture
def gate() -> Generator[threading.Event, None, None]:
    """Where each computation of a hash waits until it is opened."""
    gate = threading.Event()
    gate.set()
    yield gate
    gate.set()


@pytest.fixture
def auth(make_auth: MakeAuth, gate: threading.Event) -> FastAuth[Any]:
    """Hashing with one thread, for which nobody may wait, and limits of three sign-ins."""
    return make_auth(
        MemoryStore(),
        # The cost is what a computation is taken for at first: hours, so that nobody may wait for another's.
        passwords=PasswordSettings(hasher=WatchedHasher(lambda _: gate.wait()), threads=1, bcrypt_cost=31),
        limits=LimitSettings(sign_in="3/minute"),
        notifier=Outbox(),
    )


@pytest.fixture
async def client(auth: FastAuth[Any], gate: threading.Event) -> AsyncGenerator[AsyncClient, None]:
    """A client of an app where ``ada`` is registered."""
    await auth.initialize_db()
    app = FastAPI()
    auth.setup(app)
    async with client_of(app) as client:
        await register(client)
        yield client
        gate.set()
        auth.passwords.close()


@pytest.fixture
async def busy(auth: FastAuth[Any], client: AsyncClient, gate: threading.Event) -> AsyncGenerator[None, None]:
    """The one thread is taken, and will not be free in time."""
    gate.clear()
    hashing = asyncio.ensure_future(auth.passwords.hash(PASSWORD))
    await asyncio.sleep(0)
    yield
    gate.set()
    await hashing


@pytest.mark.usefixtures("busy")
async def test_every_sign_in_is_refused_alike(client: AsyncClient) -> None:
    """The answer is the same 503 for a right password, a wrong one, and for nobody's: it tells of no account."""
    logins = [ADA, {**ADA, "password": "wrong"}, {**ADA, "username": "nobody"}]

    answers = [await client.post("/token", data=login) for login in logins]

    for answer in answers:
        refused(answer, 503, "OVERLOADED")
        assert int(answer.headers["retry-after"]) >= 1
    assert len({answer.text for answer in answers}) == 1


async def test_who_was_sent_away_has_not_failed(auth: FastAuth[Any], client: AsyncClient, gate: Any) -> None:
    """Attempts that were refused for the load are not counted: the limit of three is as it was before them."""
    gate.clear()
    hashing = asyncio.ensure_future(auth.passwords.hash(PASSWORD))
    await asyncio.sleep(0)
    for _ in range(5):
        refused(await client.post("/token", data=ADA), 503, "OVERLOADED")
    gate.set()
    await hashing

    assert (await client.post("/token", data=ADA)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/password/change", {"new_password": "another horse battery"}),
        ("POST", "/email/change", {"new_email": "new@example.com"}),
        ("DELETE", "/users/me", {}),
    ],
)
async def test_who_could_not_prove_the_password_has_not_failed(
    auth: FastAuth[Any], client: AsyncClient, gate: Any, method: str, path: str, body: dict[str, str]
) -> None:
    """Where the current password is asked for, nothing is counted of what is refused for the load, either."""
    headers = bearer(await sign_in(client))
    gate.clear()
    hashing = asyncio.ensure_future(auth.passwords.hash(PASSWORD))
    await asyncio.sleep(0)
    answers = [
        await client.request(method, path, json={"current_password": password, **body}, headers=headers)
        for password in (PASSWORD, "wrong") * 3
    ]
    gate.set()
    await hashing

    for answer in answers:
        refused(answer, 503, "OVERLOADED")
        assert "ratelimit" not in answer.headers
    assert (await client.post("/token", data=ADA)).headers["ratelimit"].startswith('"account";r=2;')


@pytest.mark.usefixtures("busy")
async def test_nobody_is_registered_who_would_wait_too_long(client: AsyncClient) -> None:
    """A registration is refused in the same way, whether or not the name is taken."""
    answers = [
        await client.post("/register", json={"username": name, "email": f"{name}@example.com", "password": PASSWORD})
        for name in ("ada", "eve")
    ]

    for answer in answers:
        refused(answer, 503, "OVERLOADED")


async def test_who_is_signed_in_goes_on(auth: FastAuth[Any], client: AsyncClient, gate: Any) -> None:
    """What needs no password works as ever."""
    headers = bearer(await sign_in(client))
    gate.clear()
    hashing = asyncio.ensure_future(auth.passwords.hash(PASSWORD))
    await asyncio.sleep(0)

    answer = await client.get("/users/me", headers=headers)
    gate.set()
    await hashing

    assert answer.status_code == 200


async def test_a_quiet_registration_is_refused_before_its_answer_and_never_after(
    make_auth: MakeAuth, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was told that an account is made gets it, however often its password has to be queued for."""
    outbox = Outbox()
    auth = make_auth(MemoryStore(), enumeration_safe=True, notifier=outbox)
    await auth.initialize_db()
    hash_now, refusals = auth.passwords.hash, [OverloadedException(retry_after=0)] * 3

    async def hash_later(password: str) -> str:
        if refusals:
            raise refusals.pop()
        return await hash_now(password)

    monkeypatch.setattr(auth.passwords, "hash", hash_later)
    await auth.accounts.register_quietly("ada", "ada@example.com", PASSWORD)
    await auth.close()

    found: Account[Any] | None = await auth.accounts.find("ada")
    assert found is not None

    def too_many() -> None:
        raise OverloadedException

    monkeypatch.setattr(auth.passwords, "check_load", too_many)
    with pytest.raises(OverloadedException):
        await auth.accounts.register_quietly("eve", "eve@example.com", PASSWORD)
