"""What can be seen of a FastAuth from outside, one observation each: what the tests of the options compare."""

import asyncio
import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar, NamedTuple

from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from pydantic import BaseModel

from fastauth import Account, CredentialsException, FastAuth, Notification, OverloadedException
from fastauth.backends.memory import MemoryStore
from fastauth.core.models import Login, NewUser
from fastauth.services.limits import LimitedRoute
from fastauth.testing import CHEAP_PASSWORDS, ManualClock
from tests.conftest import PASSWORD, SECRET_KEY, bearer, client_of, sign_in
from tests.outbox import Outbox, settle
from tests.telemetry.recorder import Recorder

LONG_KEY = SECRET_KEY * 2


outbox = Outbox()


class SlowMail:
    """A notifier that takes its time."""

    arrived = False

    async def notify(self, notification: Notification, /) -> None:
        await asyncio.sleep(0.2)
        self.arrived = True


SLOW_MAIL = SlowMail()


WATCHER = Recorder()


LONG_AGO = datetime(2001, 9, 9, 1, 46, 40, tzinfo=timezone.utc)


class Setup(NamedTuple):
    """What an observation looks at: an app where ``ada`` is registered."""

    auth: FastAuth[Any]
    client: AsyncClient
    clock: ManualClock


Observe = Callable[[Setup], Awaitable[Any]]


class OwnStore(MemoryStore):
    """A store that counts its users over all its instances, and takes its time to find one."""

    users: ClassVar[list[str]] = []

    async def add_user(self, new: NewUser, *, roles: Collection[str]) -> Account[Any]:
        self.users.append(new.username)
        return await super().add_user(new, roles=roles)

    async def find_user(self, login: Login) -> Account[Any] | None:
        await asyncio.sleep(1.3)
        return await super().find_user(login)


class Marked:
    """A hasher that marks its hashes, and counts how many are made at once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running = self.most = 0

    def recognizes(self, stored: str) -> bool:
        return stored.startswith("marked:")

    def hash(self, password: str) -> str:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        time.sleep(0.05)
        with self.lock:
            self.running -= 1
        return f"marked:{password[::-1]}"

    def verify(self, password: str, stored: str) -> bool:
        return stored == f"marked:{password[::-1]}"

    def needs_rehash(self, stored: str) -> bool:
        return False

    def decoy(self) -> str:
        return "marked:"


MARKED = Marked()


class PinCredentials(BaseModel):
    pin: str


class PinSignIn:
    name = "pin"
    credentials = PinCredentials

    async def authenticate(self, credentials: PinCredentials, /) -> Account[Any]:
        raise CredentialsException


def decoded(segment: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return value


async def header(setup: Setup, name: str) -> Any:
    return decoded((await sign_in(setup.client))["access_token"].split(".")[0])[name]


async def access_claim(setup: Setup, name: str) -> Any:
    return decoded((await sign_in(setup.client))["access_token"].split(".")[1]).get(name)


async def key_name(setup: Setup) -> Any:
    """Return the key's name, which is made from the key."""
    return await header(setup, "kid")


async def with_ada(auth: FastAuth[Any]) -> Account[Any]:
    await auth.initialize_db()
    return await auth.accounts.register("ada", "ada@example.com", PASSWORD)


async def algorithm(setup: Setup) -> Any:
    return await header(setup, "alg")


async def issuer(setup: Setup) -> Any:
    return await access_claim(setup, "iss")


async def audience(setup: Setup) -> Any:
    return await access_claim(setup, "aud")


async def issued_at(setup: Setup) -> Any:
    return await access_claim(setup, "iat") == int(LONG_AGO.timestamp())


async def access_lifetime(setup: Setup) -> Any:
    return (await sign_in(setup.client))["expires_in"]


async def refresh_lifetime(setup: Setup) -> Any:
    claims = decoded((await sign_in(setup.client))["refresh_token"].split(".")[1])
    return claims["exp"] - claims["iat"]


async def ticket_lifetime(setup: Setup) -> Any:
    tokens = await sign_in(setup.client)
    return (await setup.client.post("/ws/ticket", headers=bearer(tokens))).json()["expires_in"]


async def cookies(setup: Setup) -> Any:
    answer = await setup.client.post("/token", data={"username": "ada", "password": PASSWORD})
    return sorted(line.split("=")[0] for line in answer.headers.get_list("set-cookie"))


async def access_samesite(setup: Setup) -> Any:
    answer = await setup.client.post("/token", data={"username": "ada", "password": PASSWORD})
    return next("SameSite=strict" in line for line in answer.headers.get_list("set-cookie") if "_access" in line)


async def sign_out_from(setup: Setup, **headers: str) -> Any:
    await sign_in(setup.client)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return (await setup.client.post("/logout", headers=sent)).status_code


async def by_origin(setup: Setup) -> Any:
    return await sign_out_from(setup, Origin="https://app.example.com")


async def by_same_site(setup: Setup) -> Any:
    return await sign_out_from(setup, Sec_Fetch_Site="same-site")


async def by_no_page(setup: Setup) -> Any:
    return await sign_out_from(setup, Sec_Fetch_Site="none")


async def mailed_routes(setup: Setup) -> Any:
    return (await setup.client.post("/password/forgot", json={"email": "ada@example.com"})).status_code


async def link(setup: Setup, kind: str) -> Any:
    """Ask for every mail that carries a link, and return what the link of one begins with."""
    outbox.sent.clear()
    headers = bearer(await sign_in(setup.client))
    await setup.client.post("/email/verify/request", headers=headers)
    await setup.client.post("/password/forgot", json={"email": "ada@example.com"})
    change = {"new_email": "new@example.com", "current_password": PASSWORD}
    await setup.client.post("/email/change", headers=headers, json=change)
    await settle(setup.auth)
    return None if outbox.last(kind).link is None else str(outbox.last(kind).link).partition("token=")[0]


async def link_lifetime(setup: Setup, kind: str) -> Any:
    await link(setup, kind)
    return outbox.last(kind).expires_in


async def slow_mail(setup: Setup) -> Any:
    SLOW_MAIL.arrived = False
    await setup.client.post("/password/forgot", json={"email": "ada@example.com"})
    await settle(setup.auth)
    return SLOW_MAIL.arrived


async def kept_trail(setup: Setup) -> Any:
    return sorted({record.event for record in await setup.auth.audit.list()})


async def old_trail(setup: Setup) -> Any:
    """Return what a sweep leaves of the trail two days later."""
    setup.clock.move(timedelta(days=2))
    await setup.auth._purge.sweep(timedelta(hours=1))
    return await kept_trail(setup)


async def sweeping(setup: Setup) -> Any:
    """Say whether the lifespan sweeps."""
    async with setup.auth.lifespan(FastAPI()):
        return "fastauth purge" in {task.get_name() for task in asyncio.all_tasks()}


async def watched(setup: Setup) -> Any:
    """Return what a telemetry was told of a sign-in, by the names of events."""
    WATCHER.told.clear()
    await sign_in(setup.client)
    return [name for _, name in WATCHER.about("event")]


async def refused_login(setup: Setup) -> Any:
    await setup.client.post("/token", data={"username": "ada@example.com", "password": "wrong password"})
    return (await setup.auth.audit.list(event="session.refused"))[0].details["login"]


async def session_address(setup: Setup, **headers: str) -> Any:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    await setup.client.post("/token", data={"username": "ada", "password": PASSWORD}, headers=sent)
    account = await setup.auth.accounts.find("ada")
    assert account is not None
    return (await setup.auth.sessions.list(account.id))[0].ip


async def forwarded_address(setup: Setup) -> Any:
    return await session_address(setup, X_Forwarded_For="203.0.113.7")


async def real_address(setup: Setup) -> Any:
    return await session_address(setup, X_Real_IP="203.0.113.7")


async def failures_at_once(setup: Setup) -> Any:
    """Return how many of 12 wrong passwords at once were looked at."""
    form = {"username": "ada", "password": "wrong"}
    answers = await asyncio.gather(*(setup.client.post("/token", data=form) for _ in range(12)))
    return [answer.status_code for answer in answers].count(401)


async def failures_with_patience(setup: Setup) -> Any:
    """Return the longest delay that so many wrong passwords, as early as is allowed, have brought about."""
    waits = [0]
    for _ in range(16):
        answer = await setup.client.post("/token", data={"username": "ada", "password": "wrong"})
        if answer.status_code == 429:
            waits.append(int(answer.headers["retry-after"]))
            setup.clock.move(timedelta(seconds=waits[-1]))
    return waits[1:4]


async def failures_in_all(setup: Setup) -> Any:
    """Return how many wrong passwords for one name were looked at, over months."""
    looked_at = 0
    for _ in range(60):
        answer = await setup.client.post("/token", data={"username": "ada", "password": "wrong"})
        looked_at += answer.status_code == 401
        setup.clock.move(timedelta(days=2))
    return looked_at


async def failures_of_many(setup: Setup) -> Any:
    """Return how many wrong passwords of 70 accounts were looked at."""
    forms = [{"username": f"user{number}", "password": "wrong"} for number in range(70)]
    return [(await setup.client.post("/token", data=form)).status_code for form in forms].count(401)


async def refreshes(setup: Setup, *, sessions: int, times: int) -> Any:
    statuses: list[int] = []
    for _ in range(sessions):
        tokens = await setup.auth.sessions.start(await ada(setup))
        body = {"refresh_token": tokens.refresh_token}
        statuses += [(await setup.client.post("/token/refresh", json=body)).status_code for _ in range(times)]
    return statuses.count(200)


async def ada(setup: Setup) -> Account[Any]:
    account = await setup.auth.accounts.find("ada")
    assert account is not None
    return account


async def refreshes_of_one(setup: Setup) -> Any:
    return await refreshes(setup, sessions=1, times=32)


async def refreshes_of_many(setup: Setup) -> Any:
    return await refreshes(setup, sessions=16, times=20)


async def registrations_of_one(setup: Setup) -> Any:
    body = {"username": "eve", "email": "eve@example.com", "password": "short"}
    return [(await setup.client.post("/register", json=body)).status_code for _ in range(12)].count(422)


async def registrations_of_many(setup: Setup) -> Any:
    bodies = [{"username": "eve", "email": f"eve{each}@example.com", "password": "short"} for each in range(32)]
    return [(await setup.client.post("/register", json=body)).status_code for body in bodies].count(422)


def mails(route: LimitedRoute, *, accounts: int, times: int) -> Observe:
    """Return what counts how many requests for a mail are let through."""

    async def count(setup: Setup) -> Any:
        limiter = setup.auth._limiter
        assert limiter is not None
        logins = [f"user{number}" for number in range(accounts) for _ in range(times)]
        attempts = [await limiter.attempt(route, account=login, client="192.0.2.1") for login in logins]
        return [attempt.retry_after for attempt in attempts].count(0)

    return count


async def token_paths(setup: Setup) -> Any:
    paths = ("/token", "/token/refresh", "/token/pin", "/login", "/login/refresh")
    return [path for path in paths if (await setup.client.post(path, json={})).status_code != 404]


async def register(setup: Setup, password: str = PASSWORD) -> Response:
    body = {"username": "eve", "email": "eve@example.com", "password": password}
    return await setup.client.post("/register", json=body)


async def registration(setup: Setup) -> Any:
    return (await register(setup)).status_code


async def eight_characters(setup: Setup) -> Any:
    return (await register(setup, "eight by")).status_code


async def breach_of_eight(prefix: str) -> str:
    """Answer as a service for breached passwords does, which knows the password of :func:`eight_characters`."""
    digest = hashlib.sha1(b"eight by").hexdigest().upper()
    return f"{digest[5:]}:7" if digest.startswith(prefix) else ""


async def users_of_own_store(setup: Setup) -> Any:
    OwnStore.users.clear()
    await register(setup)
    return OwnStore.users


async def slow_sign_in(setup: Setup) -> Any:
    return (await setup.client.post("/token", data={"username": "ada", "password": PASSWORD})).status_code


async def scheme(setup: Setup) -> Any:
    return (await stored_hash(setup))[: len("marked:")]


async def is_marked_recognised(setup: Setup) -> Any:
    return setup.auth.passwords.recognizes("marked:drowssap")


async def cost(setup: Setup) -> Any:
    return re.findall(r",r=(\d+)\$", await stored_hash(setup))


async def stored_hash(setup: Setup) -> str:
    account = await setup.auth.accounts.find("ada")
    assert account is not None
    return account.hashed_password


async def hashes_at_once(setup: Setup) -> Any:
    MARKED.most = 0
    await asyncio.gather(*(setup.auth.passwords.hash("password") for _ in range(6)))
    return MARKED.most > 1


async def hashes_refused(setup: Setup) -> Any:
    asked = (setup.auth.passwords.hash("password") for _ in range(6))
    return any(isinstance(each, OverloadedException) for each in await asyncio.gather(*asked, return_exceptions=True))


async def just_expired(setup: Setup) -> Any:
    tokens = await sign_in(setup.client)
    setup.clock.move(timedelta(minutes=30, seconds=5))
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    return (await setup.client.get("/users/me", headers=headers)).status_code


async def verifications(setup: Setup) -> Any:
    """Return how often a signature is verified while one access token is sent three times."""
    tokens = await sign_in(setup.client)
    key, verified = setup.auth.keys.current, 0
    verify = key.verify

    def counting(message: bytes, signature: bytes) -> bool:
        nonlocal verified
        verified += 1
        return verify(message, signature)

    key.verify = counting  # type: ignore[method-assign]
    for _ in range(3):
        await setup.client.get("/users/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    return verified


async def second_refresh(setup: Setup) -> Any:
    tokens = await sign_in(setup.client)
    body = {"refresh_token": tokens["refresh_token"]}
    return [(await setup.client.post("/token/refresh", json=body)).status_code for _ in range(2)]


async def seen(observe: Observe, **options: Any) -> Any:
    """Return what an observation sees with these options."""
    clock = ManualClock()
    standard: dict[str, Any] = {"secret_key": LONG_KEY, "passwords": CHEAP_PASSWORDS, "clock": clock}
    store = options.pop("store", MemoryStore)()
    auth: FastAuth[Any] = FastAuth(store, **{**standard, **options})
    await with_ada(auth)
    app = FastAPI()
    auth.setup(app)
    async with client_of(app) as client:
        result = await observe(Setup(auth, client, clock))
        await settle(auth)
        return result
