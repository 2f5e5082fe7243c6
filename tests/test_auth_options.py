"""Every option of ``FastAuth`` and of its groups of settings changes something that can be seen from outside."""

import asyncio
import base64
import dataclasses
import inspect
import json
import re
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from pydantic import BaseModel

from fastauth import Account, CookieSettings, CredentialsException, FastAuth, Key, PasswordSettings, TokenSettings
from fastauth.backends.memory import MemoryStore
from fastauth.core.models import Login, NewUser
from fastauth.testing import CHEAP_PASSWORDS, ManualClock
from tests.conftest import PASSWORD, SECRET_KEY, client_of, sign_in

LONG_KEY = SECRET_KEY * 2
OTHER_KEY = LONG_KEY[::-1]
LONG_AGO = datetime(2001, 9, 9, 1, 46, 40, tzinfo=timezone.utc)


class Setup(NamedTuple):
    """What an observation looks at: an app where ``ada`` is registered."""

    auth: FastAuth[Any]
    client: AsyncClient
    clock: ManualClock


Observe = Callable[[Setup], Awaitable[Any]]


class Case(NamedTuple):
    """What is seen without the option and with it, all else being equal."""

    value: Any
    observe: Observe
    without: Any
    with_it: Any
    beside: Mapping[str, Any] = MappingProxyType({})


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


async def cookies(setup: Setup) -> Any:
    answer = await setup.client.post("/token", data={"username": "ada", "password": PASSWORD})
    return sorted(line.split("=")[0] for line in answer.headers.get_list("set-cookie"))


async def access_samesite(setup: Setup) -> Any:
    answer = await setup.client.post("/token", data={"username": "ada", "password": PASSWORD})
    return next("SameSite=strict" in line for line in answer.headers.get_list("set-cookie") if "_access" in line)


async def token_paths(setup: Setup) -> Any:
    paths = ("/token", "/token/refresh", "/token/pin", "/login", "/login/refresh")
    return [path for path in paths if (await setup.client.post(path, json={})).status_code != 404]


async def register(setup: Setup, password: str = PASSWORD) -> Response:
    body = {"username": "eve", "email": "eve@example.com", "password": password}
    return await setup.client.post("/register", json=body)


async def registration(setup: Setup) -> Any:
    return (await register(setup)).status_code


async def eight_characters(setup: Setup) -> Any:
    return (await register(setup, "12345678")).status_code


async def users_of_own_store(setup: Setup) -> Any:
    OwnStore.users.clear()
    await register(setup)
    return OwnStore.users


async def slow_sign_in(setup: Setup) -> Any:
    return (await setup.client.post("/token", data={"username": "ada", "password": PASSWORD})).status_code


async def scheme(setup: Setup) -> Any:
    return (await stored_hash(setup))[: len("marked:")]


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


async def just_expired(setup: Setup) -> Any:
    tokens = await sign_in(setup.client)
    setup.clock.move(timedelta(minutes=30, seconds=5))
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    return (await setup.client.get("/users/me", headers=headers)).status_code


async def second_refresh(setup: Setup) -> Any:
    tokens = await sign_in(setup.client)
    body = {"refresh_token": tokens["refresh_token"]}
    return [(await setup.client.post("/token/refresh", json=body)).status_code for _ in range(2)]


COOKIES = ["__Host-fastauth_access", "__Host-fastauth_refresh"]
IN_COOKIES = {"use_cookie": True}
PAID = PasswordSettings(bcrypt_cost=10)
HASHED = {"hasher": MARKED}

OPTIONS: dict[str, Case] = {
    "store": Case(OwnStore, users_of_own_store, without=[], with_it=["eve"]),
    "secret_key": Case(OTHER_KEY, key_name, without=Key(LONG_KEY).kid, with_it=Key(OTHER_KEY).kid),
    "algorithm": Case("HS512", algorithm, without="HS256", with_it="HS512"),
    "access_token_expires_in": Case(5, access_lifetime, without=1800, with_it=300),
    "refresh_token_expires_in": Case(1, refresh_lifetime, without=604800, with_it=86400),
    "use_cookie": Case(True, cookies, without=[], with_it=COOKIES),
    "secure_cookies": Case(
        False, cookies, without=COOKIES, with_it=["fastauth_access", "fastauth_refresh"], beside=IN_COOKIES
    ),
    "token_url": Case(
        "/login", token_paths, without=["/token", "/token/refresh"], with_it=["/login", "/login/refresh"]
    ),
    "registration": Case(False, registration, without=201, with_it=404),
    "production": Case(True, eight_characters, without=201, with_it=422, beside={"passwords": PAID}),
    "tokens": Case(TokenSettings(issuer="us"), issuer, without=None, with_it="us"),
    "passwords": Case(PasswordSettings(min_length=9, bcrypt_cost=4), eight_characters, without=201, with_it=422),
    "cookies": Case(
        CookieSettings(name="x"),
        cookies,
        without=COOKIES,
        with_it=["__Host-x_access", "__Host-x_refresh"],
        beside=IN_COOKIES,
    ),
    "sign_in_methods": Case(
        [PinSignIn()],
        token_paths,
        without=["/token", "/token/refresh"],
        with_it=["/token", "/token/refresh", "/token/pin"],
    ),
    "store_timeout": Case(1, slow_sign_in, without=200, with_it=503, beside={"store": OwnStore}),
    "clock": Case(lambda: LONG_AGO, issued_at, without=False, with_it=True),
}
GROUPS: dict[tuple[type[Any], str], dict[str, Case]] = {
    (CookieSettings, "cookies"): {
        "name": Case("x", cookies, without=COOKIES, with_it=["__Host-x_access", "__Host-x_refresh"]),
        "samesite": Case("strict", access_samesite, without=False, with_it=True),
    },
    (TokenSettings, "tokens"): {
        "issuer": Case("us", issuer, without=None, with_it="us"),
        "audience": Case(["a", "b"], audience, without=None, with_it=["a", "b"]),
        "leeway": Case(timedelta(0), just_expired, without=200, with_it=401),
        "refresh_grace": Case(timedelta(0), second_refresh, without=[200, 200], with_it=[200, 401]),
        "session_expires_in": Case(timedelta(hours=1), refresh_lifetime, without=604800, with_it=3600),
    },
    (PasswordSettings, "passwords"): {
        "min_length": Case(9, eight_characters, without=201, with_it=422),
        "bcrypt_cost": Case(5, cost, without=["4"], with_it=["5"]),
        "hasher": Case(MARKED, scheme, without="$bcrypt", with_it="marked:"),
        "threads": Case(1, hashes_at_once, without=True, with_it=False, beside={**HASHED, "threads": 6}),
    },
}


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
        return await observe(Setup(auth, client, clock))


def test_every_option_has_its_case() -> None:
    """No option can be added without a case that shows what it does."""
    assert OPTIONS.keys() == inspect.signature(FastAuth).parameters.keys()
    for (group, _), cases in GROUPS.items():
        assert cases.keys() == {field.name for field in dataclasses.fields(group)}


def test_every_group_of_settings_is_looked_at() -> None:
    """Each option that is a group of settings has its own fields looked at, one by one."""
    parameters = inspect.signature(FastAuth).parameters

    named = {name for name, parameter in parameters.items() if "Settings" in str(parameter.annotation)}
    assert named == {option for _, option in GROUPS}


@pytest.mark.parametrize("name", OPTIONS)
async def test_an_option_changes_what_is_seen(name: str) -> None:
    """The option changes behaviour as its case says, all other options being equal."""
    case = OPTIONS[name]

    assert await seen(case.observe, **case.beside) == case.without
    assert await seen(case.observe, **{**case.beside, name: case.value}) == case.with_it


@pytest.mark.parametrize(
    ("option", "name"), [(option, name) for (_, option), cases in GROUPS.items() for name in cases]
)
async def test_a_setting_changes_what_is_seen(option: str, name: str) -> None:
    """The setting changes behaviour as its case says, all other settings being equal."""
    group, case = next((group, cases[name]) for (group, each), cases in GROUPS.items() if each == option)
    cheap = {"bcrypt_cost": 4} if group is PasswordSettings else {}
    base: dict[str, Any] = {"use_cookie": True} if group is CookieSettings else {}

    assert await seen(case.observe, **base, **{option: group(**{**cheap, **case.beside})}) == case.without
    changed = group(**{**cheap, **case.beside, name: case.value})
    assert await seen(case.observe, **base, **{option: changed}) == case.with_it
