"""The settings: what is refused when they are made, and that every one of them changes something."""

import asyncio
import dataclasses
import hashlib
import itertools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import limits
import pytest

from fastauth import (
    ConfigurationError,
    FastAuth,
    OverloadedException,
    RefreshTokenException,
    TokenException,
    TokenPair,
    WeakPasswordException,
)
from fastauth.backends.memory import MemoryStore
from fastauth.core.settings import (
    CookieSettings,
    LimitSettings,
    LinkSettings,
    PasswordSettings,
    TokenSettings,
    parse_rate,
)
from fastauth.testing import CHEAP_PASSWORDS, ManualClock
from tests.conftest import PASSWORD, SECRET_KEY
from tests.core.forge import claims_of
from tests.core.other_hashers import ScryptHasher, WatchedHasher


@pytest.mark.parametrize(
    ("group", "values"),
    [
        (TokenSettings, {"issuer": ""}),
        (TokenSettings, {"audience": ""}),
        (TokenSettings, {"audience": ["api", ""]}),
        (TokenSettings, {"leeway": timedelta(seconds=-1)}),
        (TokenSettings, {"leeway": timedelta(minutes=5, seconds=1)}),
        (TokenSettings, {"refresh_grace": timedelta(seconds=-1)}),
        (TokenSettings, {"refresh_grace": timedelta(minutes=5, seconds=1)}),
        (TokenSettings, {"session_expires_in": timedelta(0)}),
        (PasswordSettings, {"queue_timeout": timedelta(0)}),
        (TokenSettings, {"session_expires_in": timedelta(days=-1)}),
        (TokenSettings, {"remembered_tokens": -1}),
        (TokenSettings, {"remembered_tokens": 65_537}),
        (TokenSettings, {"ticket_expires_in": timedelta(milliseconds=999)}),
        (TokenSettings, {"ticket_expires_in": timedelta(minutes=5, seconds=1)}),
        (PasswordSettings, {"min_length": 7}),
        (PasswordSettings, {"min_length": 0}),
        (PasswordSettings, {"min_length": 1025}),
        (PasswordSettings, {"bcrypt_cost": 3}),
        (PasswordSettings, {"bcrypt_cost": 32}),
        (PasswordSettings, {"threads": 0}),
        (PasswordSettings, {"blocklist": "password"}),
        (LinkSettings, {"verify_email": "verify?token={token}"}),
        (LinkSettings, {"verify_email": "https://evil.example/{token}"}),
        (LinkSettings, {"reset_password": "/reset"}),
        (LinkSettings, {"change_email": "/change/{token}/{token}"}),
        (LinkSettings, {"change_email": "/change/{token}/{user}"}),
        (LinkSettings, {"change_email": "/change/{token}}"}),
        (LinkSettings, {"verify_email_expires_in": timedelta(seconds=59)}),
        (LinkSettings, {"reset_password_expires_in": timedelta(days=30, seconds=1)}),
        (LinkSettings, {"change_email_expires_in": timedelta(0)}),
        (LinkSettings, {"timeout": timedelta(0)}),
        (CookieSettings, {"name": ""}),
        (CookieSettings, {"name": "a b"}),
        (CookieSettings, {"name": "a;b"}),
        (CookieSettings, {"name": "a=b"}),
        (CookieSettings, {"name": "a\n"}),
        (CookieSettings, {"name": "x" * 65}),
        (CookieSettings, {"samesite": "none"}),
        (CookieSettings, {"samesite": "Lax"}),
    ],
)
def test_a_value_that_is_not_safe_is_refused_when_it_is_set(group: Callable[..., Any], values: dict[str, Any]) -> None:
    """A setting out of its bounds is a ``ConfigurationError`` that names it, before anything starts."""
    [name] = values

    with pytest.raises(ConfigurationError, match=rf"{group.__name__}\({name}=\.\.\.\)"):
        group(**values)


@pytest.mark.parametrize(
    ("group", "values"),
    [
        (TokenSettings, {}),
        (TokenSettings, {"leeway": timedelta(0), "refresh_grace": timedelta(0)}),
        (TokenSettings, {"leeway": timedelta(minutes=5), "refresh_grace": timedelta(minutes=5)}),
        (TokenSettings, {"session_expires_in": timedelta(seconds=1)}),
        (TokenSettings, {"ticket_expires_in": timedelta(seconds=1)}),
        (PasswordSettings, {}),
        (PasswordSettings, {"min_length": 8, "bcrypt_cost": 4, "threads": 1}),
        (PasswordSettings, {"min_length": 1024, "bcrypt_cost": 31, "threads": 64}),
        (CookieSettings, {}),
        (CookieSettings, {"name": "my.app_1-x", "samesite": "strict"}),
    ],
)
def test_the_bounds_themselves_are_allowed(group: Callable[..., Any], values: dict[str, Any]) -> None:
    """The least and the most that a setting may be can be set, and is kept."""
    made = group(**values)

    assert {name: getattr(made, name) for name in values} == values


@pytest.mark.parametrize("group", [TokenSettings, PasswordSettings, CookieSettings])
def test_settings_are_frozen_and_named(group: Callable[..., Any]) -> None:
    """Settings cannot be changed afterwards, nor given by position, nor misspelled."""
    made = group()
    name = dataclasses.fields(made)[0].name

    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(made, name, "other")
    with pytest.raises(TypeError):
        group("by position")
    with pytest.raises(TypeError):
        group(mispelled=1)


@pytest.mark.parametrize(
    ("audience", "audiences"), [(None, ()), ("api", ("api",)), (["a", "b"], ("a", "b")), (("a",), ("a",)), ([], ())]
)
def test_one_audience_or_several_are_read_as_several(audience: Any, audiences: tuple[str, ...]) -> None:
    """A text is one audience and not a list of letters."""
    assert TokenSettings(audience=audience).audiences == audiences


def test_the_defaults_are_the_documented_ones() -> None:
    """Ten seconds of leeway and of grace, thirty days of session, bcrypt at twelve."""
    tokens, passwords = TokenSettings(), PasswordSettings()

    assert (tokens.leeway, tokens.refresh_grace) == (timedelta(seconds=10), timedelta(seconds=10))
    assert tokens.session_expires_in == timedelta(days=30)
    assert (passwords.min_length, passwords.bcrypt_cost) == (None, 12)


# Every option, and a thing that differs by it: the test below runs each of them with both values.


class House:
    """A ``FastAuth`` in memory with one user, on a clock that the option's check may move."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock()
        options = {"secret_key": SECRET_KEY, "passwords": CHEAP_PASSWORDS, "clock": self.clock, **options}
        self.auth = FastAuth(MemoryStore(), **options)

    async def sign_in(self) -> TokenPair:
        return await self.auth.sessions.start(await self.auth.accounts.register("ada", "ada@example.com", PASSWORD))


async def issuer_of(house: House) -> object:
    return claims_of((await house.sign_in()).access_token).get("iss")


async def audience_of(house: House) -> object:
    return claims_of((await house.sign_in()).access_token).get("aud")


async def is_read_a_second_late(house: House) -> object:
    pair = await house.sign_in()
    house.clock.move(timedelta(seconds=pair.expires_in + 1))
    try:
        return house.auth.sessions.read(pair.access_token).user_id
    except TokenException as error:
        return error.reason


async def is_replayed(house: House) -> object:
    pair = await house.sign_in()
    await house.auth.sessions.refresh(pair.refresh_token)
    try:
        return (await house.auth.sessions.refresh(pair.refresh_token)).session_id == pair.session_id
    except RefreshTokenException as error:
        return error.reason


async def seconds_of_session(house: House) -> object:
    return (await house.sign_in()).refresh_expires_in


async def tokens_remembered(house: House) -> object:
    house.auth.sessions.read((await house.sign_in()).access_token)
    return len(house.auth.sessions._signer._seen)


async def seconds_of_ticket(house: House) -> object:
    account = await house.auth.sessions.authenticate((await house.sign_in()).access_token)
    return (await house.auth._admissions._tickets.issue(account)).expires_in


async def takes_ten_characters(house: House) -> object:
    try:
        return (await house.auth.accounts.register("ada", "ada@example.com", "ten of any")).username
    except WeakPasswordException as error:
        return error.reason


async def a_breach_of_ten(prefix: str) -> str:
    digest = hashlib.sha1(b"ten of any").hexdigest().upper()
    return f"{digest[5:]}:7" if digest.startswith(prefix) else ""


async def prefix_of_hash(house: House) -> object:
    account = await house.auth.accounts.register("ada", "ada@example.com", PASSWORD)
    return account.hashed_password.rsplit("$", 2)[0]


async def verifies_scrypt(house: House) -> object:
    return house.auth.passwords.recognizes("$toy-scrypt$salt$digest")


async def threads_at_work(house: House) -> object:
    await house.sign_in()
    pool = house.auth.passwords._threads._pool
    return None if pool is None else pool._max_workers


async def is_anyone_sent_away(house: House) -> object:
    asked = (house.auth.passwords.hash(PASSWORD) for _ in range(100))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    return any(isinstance(each, OverloadedException) for each in answers)


OPTIONS: dict[str, tuple[Callable[[House], Awaitable[object]], Any, Any]] = {
    "issuer": (issuer_of, None, "https://issuer.example"),
    "audience": (audience_of, None, "https://api.example"),
    "leeway": (is_read_a_second_late, timedelta(0), timedelta(seconds=10)),
    "refresh_grace": (is_replayed, timedelta(0), timedelta(seconds=10)),
    "session_expires_in": (seconds_of_session, timedelta(days=2), timedelta(days=3)),
    "remembered_tokens": (tokens_remembered, 0, 1),
    "ticket_expires_in": (seconds_of_ticket, timedelta(seconds=5), timedelta(seconds=9)),
    "min_length": (takes_ten_characters, 10, 11),
    "bcrypt_cost": (prefix_of_hash, 4, 5),
    "hasher": (prefix_of_hash, ScryptHasher(), WatchedHasher()),
    "verifies": (verifies_scrypt, (), [ScryptHasher()]),
    "threads": (threads_at_work, 1, 2),
    "queue_timeout": (is_anyone_sent_away, timedelta(microseconds=1), timedelta(minutes=5)),
    "blocklist": (takes_ten_characters, (), ("Ten of any",)),
    "service_name": (takes_ten_characters, None, "Ten Of Any"),
    "breach_check": (takes_ten_characters, None, a_breach_of_ten),
}
GROUPS: dict[str, type[Any]] = {
    **dict.fromkeys((field.name for field in dataclasses.fields(TokenSettings)), TokenSettings),
    **dict.fromkeys((field.name for field in dataclasses.fields(PasswordSettings)), PasswordSettings),
}


@pytest.mark.parametrize("name", GROUPS)
async def test_every_option_is_read_and_changes_something(name: str) -> None:
    """There is no option of tokens or passwords that nothing reads."""
    look, first, second = OPTIONS[name]
    group = "tokens" if GROUPS[name] is TokenSettings else "passwords"
    common = {"bcrypt_cost": 4} if group == "passwords" else {}

    seen = [await look(House(**{group: GROUPS[name](**{**common, name: value})})) for value in (first, second)]

    assert seen[0] != seen[1]


@pytest.mark.parametrize(
    ("notation", "rate"),
    [
        ("10/minute", (10, 60)),
        ("1 per second", (1, 1)),
        ("5/2 hours", (5, 7200)),
        ("100 per 1 day", (100, 86400)),
    ],
)
def test_a_limit_is_read_in_the_fields_notation(notation: str, rate: tuple[int, int]) -> None:
    """Limits are written as the field writes them."""
    assert parse_rate(notation) == rate


def test_a_limit_is_what_the_library_limits_reads_in_it() -> None:
    """The notation is that of the library, which is not loaded to read it; no text is read in another way."""
    spaced = ("{}", " {}\n", "{}\xa0", ":{}", "{};", "{0};{0}")
    parts = (
        ("0", "1", "007", "-1", "1.5", "\u0661", ""),
        ("/", " PER ", "per", " / ", "//"),
        ("", "2 ", "0", "12", "x"),
        ("second", "Minutes", "HOURS", "day", "month", "years", "week", "\u017fecond", "dayss", ""),
    )
    notations = [space.format("".join(each)) for each in itertools.product(*parts) for space in spaced]

    assert [read(parse_rate, each) for each in notations] == [read(read_by_library, each) for each in notations]
    assert len({read(parse_rate, each) for each in notations}) > 20


def read(parse: Callable[[str], tuple[int, int]], notation: str) -> tuple[int, int] | None:
    try:
        return tuple(parse(notation))
    except (ValueError, ConfigurationError):
        return None


def read_by_library(notation: str) -> tuple[int, int]:
    rates = limits.parse_many(notation)
    if len(rates) != 1 or rates[0].amount < 1:
        raise ValueError
    return rates[0].amount, rates[0].get_expiry()


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        *(("sign_in", each, "is no limit") for each in ("", "ten", "10", "0/minute", "-1/minute", "1/minute;9/hour")),
        ("sign_in", 10, "has to be a text or None"),
        ("verify_email_per_client", "nonsense", "is no limit"),
        ("first_delay", timedelta(0), "first_delay"),
        ("first_delay", timedelta(hours=2), "first_delay"),
        ("longest_delay", timedelta(days=2), "longest_delay"),
        ("max_failures", 0, "between 1 and 50"),
        ("max_failures", 51, "between 1 and 50"),
        ("storage", "redis", "begins with"),
        ("storage", "memcached://hush@host", "begins with"),
    ],
)
def test_limits_that_cannot_work_are_refused(option: str, value: Any, says: str) -> None:
    """Limits are checked when they are made, and a storage's address is not repeated."""
    with pytest.raises(ConfigurationError, match=says) as refusal:
        LimitSettings(**{option: value})

    assert "hush" not in str(refusal.value)


def test_the_password_of_a_storage_is_not_printed() -> None:
    """The address of a storage, which may hold a password, is not in the settings' text."""
    assert "hush" not in repr(LimitSettings(storage="redis://:hush@host/0"))
